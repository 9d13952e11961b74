"""Takes a person's names out of whatever people or programs wrote down: texts, file names, structures.

Who stores texts that may hold a name says so once (`register`). Only whole words go, whatever their letter case and
whatever stands between them; names of others that contain the words stay.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from jobs.work import Work
from labelling.models import Identity, Project

IN_PLACE = "(erased)"
# Values of these keys are words of the program, whatever somebody may be called.
OURS = {"state", "who", "verb", "kind", "origin", "split", "format", "key", "sha256", "event", "id"}
ROWS_AT_ONCE = 200


@dataclass(frozen=True)
class Texts:
    """Columns of a table that may hold names. of_project: the way to the project's id."""

    model: type[models.Model]
    of_project: str
    texts: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()


_known: list[Texts] = []


def register(*texts: Texts) -> None:
    _known.extend(one for one in texts if one not in _known)


class Names:
    """The names of people who go, and how to find them in a text."""

    def __init__(self, project: Project, people: Iterable[Identity]) -> None:
        people = list(people)
        gone = {name for person in people for name in (person.name, *person.aliases)}
        others = Identity.objects.filter(project=project).exclude(pk__in=[person.pk for person in people])
        stay = {name for row in others.values_list("name", "aliases") for name in (row[0], *row[1])}
        self._gone = [_as_words(name) for name in sorted(gone, key=len, reverse=True)]
        whole = [re.compile(pattern, re.IGNORECASE) for pattern in self._gone]
        kept = sorted((name for name in stay if any(one.search(name) for one in whole)), key=len, reverse=True)
        # Names that stay come first, so that they are passed by as a whole.
        parts = [f"(?P<stays>{'|'.join(_as_words(name) for name in kept)})"] if kept else []
        self._pattern = re.compile("|".join([*parts, *self._gone]), re.IGNORECASE)
        longest = {max(re.findall(r"\w+", name.replace("_", " ")) or [name], key=len) for name in gone}
        self.rough = "|".join(sorted(map(_for_database, longest)))

    def without(self, value):
        """The same without the names, in all its depth."""
        if isinstance(value, str):
            return self._pattern.sub(self._instead, value)
        if isinstance(value, list):
            return [self.without(one) for one in value]
        if isinstance(value, dict):
            return {self._key(key): one if key in OURS else self.without(one) for key, one in value.items()}
        return value

    def _key(self, key: str) -> str:
        found = self._pattern.fullmatch(key)
        return IN_PLACE if found and not key.islower() else key

    @staticmethod
    def _instead(found: re.Match) -> str:
        return found[0] if found.groupdict().get("stays") else IN_PLACE


def _as_words(name: str) -> str:
    words = [re.escape(word) for word in re.split(r"[\s_]+", name) if word]
    return r"(?<![^\W_])" + r"(?:[\s_.+-]|%20)*".join(words) + r"(?![^\W_])"


def _for_database(word: str) -> str:
    return re.sub(r"([^\w])", r"\\\1", word)


def take_out(project: Project, names: Names, work: Work) -> int:
    """Of all that is registered; how many rows had a name in them. Each part of a table is one step."""
    return sum(_take_out(one, project, names, work) for one in _known)


def _take_out(texts: Texts, project: Project, names: Names, work: Work) -> int:
    wanted, casts = Q(), {}
    for column in texts.texts:
        wanted |= Q(**{f"{column}__iregex": names.rough})
    for column in texts.structures:
        casts[f"{column}_text"] = Cast(column, TextField())
        wanted |= Q(**{f"{column}_text__iregex": names.rough})
    rows = texts.model.objects.filter(**{texts.of_project: project.pk}).alias(**casts).filter(wanted)
    changed, last = 0, None
    columns = (*texts.texts, *texts.structures)
    while True:
        page = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        found = list(page.values("pk", *columns)[:ROWS_AT_ONCE])
        if not found:
            return changed
        with work.chunk(0):
            allow_erasing()
            changed += sum(_rewrite(texts.model, row, columns, names) for row in found)
        last = found[-1]["pk"]


def _rewrite(model: type[models.Model], row: dict, columns: tuple[str, ...], names: Names) -> bool:
    new = {column: names.without(row[column]) for column in columns}
    new = {column: value for column, value in new.items() if value != row[column]}
    if not new:
        return False
    for column, value in new.items():
        most = model._meta.get_field(column).max_length
        if isinstance(value, str) and most:
            new[column] = value[:most]
    try:
        with transaction.atomic():
            model.objects.filter(pk=row["pk"]).update(**new)
    except IntegrityError:  # two things are called the same now, and must not be
        apart = {column: f"{value} {row['pk']}" if isinstance(value, str) else value for column, value in new.items()}
        model.objects.filter(pk=row["pk"]).update(**apart)
    return True


def allow_erasing() -> None:
    """For this transaction alone: triggers let history and versions lose what is erased, and nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL facet.erasing = 'on'")
