"""Who changed what, and when: of a project, a photo or a person, without an end, in words."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Case, F, Func, IntegerField, JSONField, Q, QuerySet, Value, When
from django.db.models.fields.json import KT, KeyTransform
from django.db.models.functions import Coalesce

from labelling.access import role_of
from labelling.event_words import people_in, words_of
from labelling.models import Event, Identity, Image, Project, Verb
from labelling.undo import WAYS_BACK, least_role_to_undo

# An event may hold thousands of faces; of those above this size (as stored) only the numbers are read.
READ_UP_TO = 50_000
ORDER = ("-created_at", "-id")


@dataclass(frozen=True)
class Entry:
    event: UUID
    verb: str
    words: str
    actor: str | None
    at: datetime
    undone: bool
    may_undo: bool
    image: Image | None
    more_images: int
    people: list[Identity]


def history(project: Project, user, *, person: int | None = None, image: int | None = None) -> QuerySet:
    """Events to page through by ORDER and to hand to `entries`. What others said blindly shows once it is settled."""
    events = Event.objects.filter(project=project).exclude(_still_blind(user))
    if person is not None:
        events = events.filter(identities__contains=[person])
    if image is not None:
        events = events.filter(images__contains=[image])
    return _read_sparingly(events)


def _still_blind(user) -> Q:
    opinion = Q(verb=Verb.OPINION) & (Q(opinion=None) | Q(opinion__settled_at=None) | Q(opinion__is_gold=True))
    return (opinion | Q(verb=Verb.UNDO, undoes__verb=Verb.OPINION)) & (Q(actor=None) | ~Q(actor=user.pk))


def _read_sparingly(events: QuerySet) -> QuerySet:
    size = Func("before", function="pg_column_size", output_field=IntegerField()) + Func(
        "after", function="pg_column_size", output_field=IntegerField()
    )
    nothing = Value({}, output_field=JSONField())

    def small(name: str) -> Case:
        return Case(When(size__lte=READ_UP_TO, then=F(name)), default=nothing, output_field=JSONField())

    def length(side: str, key: str) -> Func:
        return Func(KeyTransform(key, side), function="jsonb_array_length", output_field=IntegerField())

    return (
        events.select_related("actor", "image", "undoes", "undone_by")
        .defer(*(f"{event}{side}" for event in ("", "undoes__", "undone_by__") for side in ("before", "after")))
        .alias(size=size)
        .annotate(
            before_small=small("before"),
            after_small=small("after"),
            face_count=length("after", "faces"),
            moved_count=Coalesce(length("before", "moved"), length("after", "moved"), Value(0)),
            old_name=KT("before__name"),
            new_name=KT("after__name"),
        )
    )


def entries(events: list[Event], project: Project, user) -> list[Entry]:
    """The events in words, each with whether this user may take it back. In three queries whatever their number."""
    role = role_of(user, project)
    ids = {pk for event in events for pk in (*people_in(event), *event.identities[:3])}
    people = Identity.objects.in_bulk(ids)
    only = {event.images[0] for event in events if event.image is None and event.images}
    photos = Image.objects.in_bulk(only)
    names = {pk: person.name for pk, person in people.items()}
    return [
        Entry(
            event=event.pk,
            verb=event.verb,
            words=words_of(event, names),
            actor=event.actor.get_username() if event.actor else None,
            at=event.created_at,
            undone=is_undone(event),
            may_undo=_may_undo(event, role, user),
            image=event.image or (photos.get(event.images[0]) if event.images else None),
            more_images=max(0, len(event.images) - 1),
            people=[people[pk] for pk in event.identities[:3] if pk in people],
        )
        for event in events
    ]


def _may_undo(event: Event, role: int, user) -> bool:
    if is_undone(event) or event.erased:
        return False
    return event.verb in WAYS_BACK and role >= least_role_to_undo(event, user)


def is_undone(event: Event) -> bool:
    return getattr(event, "undone_by", None) is not None
