"""Finds people as somebody types: by name or alias, letter case aside, the likeliest first."""

from django.db.models import Case, CharField, F, Func, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

from labelling.models import Identity, Project
from labelling.models.faces import Folded


def people_called(project: Project, text: str) -> QuerySet:
    """Who has `text` in their name or an alias. `place` orders them: that very name, names that begin with it,
    names with a word that does, aliases that begin with it, then the rest; equal ones by name.
    """
    sought = Folded(Value(text))
    # Each alias after a line break, so that its beginning can be told.
    aliases = Func(Value("\n"), Func("aliases", Value("\n"), function="array_to_string"), function="CONCAT")
    people = (
        Identity.objects.in_project(project)
        .annotate(folded_name=Folded("name"))
        .alias(folded_aliases=Folded(aliases, output_field=TextField()))
    )
    begins = Q(folded_name__startswith=sought)
    word = Q(folded_name__contains=Concat(Value(" "), sought, output_field=TextField()))
    alias = Q(folded_aliases__contains=Concat(Value("\n"), sought, output_field=TextField()))
    rank = Case(
        When(folded_name=sought, then=Value("0")),
        When(begins, then=Value("1")),
        When(word, then=Value("2")),
        When(alias, then=Value("3")),
        default=Value("4"),
        output_field=CharField(),
    )
    found = people.filter(Q(folded_name__contains=sought) | Q(folded_aliases__contains=sought))
    return found.annotate(place=Concat(rank, F("folded_name"), output_field=TextField()))


def first_called(project: Project, text: str, most: int) -> QuerySet:
    """The first `most` of `people_called`, or more. Names that begin so come from an index, and are mostly enough."""
    found = people_called(project, text)
    begin = (
        Identity.objects.in_project(project)
        .annotate(folded_name=Folded("name"))
        .filter(folded_name__startswith=Folded(Value(text)))
    )
    first = list(begin.order_by("folded_name", "pk").values_list("pk", flat=True)[:most])
    return found.filter(pk__in=first) if len(first) == most else found
