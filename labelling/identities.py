"""People: made once by name, numbered for ever, renamed without ever being merged."""

import unicodedata
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Subquery

from labelling.errors import AlreadyUsed, Refused
from labelling.models import Event, Face, Identity, Project, Verb

MAX_NAME = 120
PORTRAIT_AMONG = 30


def clean_name(text: str) -> str:
    """One spelling for one name: composed letters, single spaces, nothing invisible."""
    spaced = " ".join(str(text).split())
    visible = "".join(letter for letter in spaced if letter.isprintable())
    # Again and last: letters around something invisible are neighbours only now.
    name = unicodedata.normalize("NFC", " ".join(visible.split()))
    if not name:
        raise Refused("A person needs a name.", fields={"name": ["Write a name."]})
    if len(name) > MAX_NAME:
        raise Refused(f"A name may have {MAX_NAME} letters; this one has {len(name)}.", fields={"name": ["Too long."]})
    return name


def find_identity(project: Project, name: str) -> Identity | None:
    return Identity.objects.in_project(project).called(clean_name(name)).first()


def merged_or_self(project: Project, identity_id: int) -> Identity | None:
    """The person of that id, or whom they were merged into; None when the project has no such person."""
    found = Identity.objects.filter(project=project, pk=identity_id).first()
    while found and found.merged_into_id:
        found = found.merged_into
    return None if found and found.erased_at else found


def get_or_create_identity(project: Project, name: str) -> Identity:
    """The person of that name, letter case aside; a new one gets the project's next class id."""
    name = clean_name(name)
    for _ in range(2):
        known = Identity.objects.in_project(project).called(name).first()
        if known:
            return known
        try:
            with transaction.atomic():
                return Identity.objects.create(project=project, name=name, class_id=_next_class_id(project))
        except IntegrityError:  # someone made the same person a moment ago: look again
            continue
    raise Refused(f"“{name}” could not be added; try again.")


def create_identity(project: Project, name: str) -> Identity:
    """A new person; refused when the name is taken."""
    known = find_identity(project, name)
    if known:
        raise Refused(f"“{known.name}” is already a person of this project.", fields={"name": ["Taken."]})
    return get_or_create_identity(project, name)


def _next_class_id(project: Project) -> int:
    Project.objects.filter(pk=project.pk).update(next_class_id=F("next_class_id") + 1)
    return Project.objects.values_list("next_class_id", flat=True).get(pk=project.pk) - 1


@transaction.atomic
def rename_identity(identity: Identity, name: str, *, by, event_id: UUID) -> Event:
    """Give a person another name. Never merges: a name in use is refused."""
    name = clean_name(name)
    replay = Event.objects.sent_before(event_id)
    if replay:
        if (replay.verb, replay.before.get("identity")) != (Verb.RENAME, identity.pk):
            raise AlreadyUsed("This event id was used for something else; make a new one.")
        return replay
    other = Identity.objects.in_project(identity.project_id).called(name).exclude(pk=identity.pk).first()
    if other:
        raise Refused(
            f"“{other.name}” is another person of this project. Renaming does not merge people; pick another name.",
            fields={"name": ["Taken."]},
        )
    # Read under lock: what the caller holds may be older than another rename.
    before = Identity.objects.select_for_update().get(pk=identity.pk).name
    try:
        with transaction.atomic():
            Identity.objects.filter(pk=identity.pk).update(name=name)
    except IntegrityError:  # someone took the name a moment ago
        raise Refused(f"“{name}” is another person of this project.", fields={"name": ["Taken."]}) from None
    return Event.objects.create(
        id=event_id,
        project=identity.project,
        actor=by,
        verb=Verb.RENAME,
        before={"identity": identity.pk, "name": before},
        after={"identity": identity.pk, "name": name},
        identities=[identity.pk],
    )


def attach_portraits(identities: list[Identity]) -> list[Identity]:
    """Give each person `portrait`: the largest of their first confirmed faces, or None. One query for all."""
    # Of the first, which an index finds: of all, somebody with ten thousand faces would hold up every list.
    first = Face.objects.filter(identity=OuterRef(OuterRef("pk"))).order_by("pk").values("pk")[:PORTRAIT_AMONG]
    largest = Face.objects.filter(pk__in=first).order_by(-F("w") * F("h"), "pk").values("pk")[:1]
    people = Identity.objects.filter(pk__in=[identity.pk for identity in identities])
    chosen = people.annotate(portrait_id=Subquery(largest)).values("portrait_id")
    portraits = {face.identity_id: face for face in Face.objects.filter(pk__in=chosen)}
    for identity in identities:
        identity.portrait = portraits.get(identity.pk)
    return identities
