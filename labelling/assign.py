"""Decides about faces outside the Label screen: one face changed, or many named or set aside at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from labelling import ledger
from labelling.constraints import Change, named_alike, twice_in_a_photo
from labelling.errors import AlreadyUsed, Refused, Stale, Twice
from labelling.hear import hear
from labelling.models import Event, Face, FaceState, Identity, Image, ImageState, Project, Verb, Who
from labelling.overlap import must_not_be_blind
from labelling.signals import announce, names_changed
from labelling.submit import FaceWord, about, resolve_identity, snapshot, snapshot_images

# What `decide_faces` can say, and what that means for a face.
DECISIONS: dict[str, tuple[FaceState, Who]] = {
    "unknown": (FaceState.CONFIRMED, Who.UNKNOWN),
    "ignored": (FaceState.CONFIRMED, Who.IGNORED),
    "rejected": (FaceState.REJECTED, Who.UNASSIGNED),
    "unassigned": (FaceState.CONFIRMED, Who.UNASSIGNED),
}


def edit_face(face: Face, word: FaceWord, *, by, version: int, event_id: UUID) -> Event:
    """Change one face. `version` is the face's; Stale when someone changed it since."""
    with transaction.atomic():
        image = Image.objects.select_for_update().get(pk=face.image_id)
        replay = Event.objects.filter(pk=event_id).first()
        current = Face.objects.select_for_update().get(pk=face.pk)
        if replay is None and current.version != version:
            raise Stale("Someone else changed this face in the meantime; look at it again.")
        return hear(image, [word], by=by, version=image.version, event_id=event_id)


@transaction.atomic
def assign_faces(
    project: Project,
    face_ids: Iterable[int],
    identity: Identity | int | str,
    *,
    by,
    event_id: UUID,
    strangers: Iterable[int] = (),
    seen: Mapping[int, int] | None = None,
    allow_twice: bool = False,
    source: str = "sort",
) -> Event:
    """Say that all these faces show `identity`, and that none of `strangers` does.

    Their boxes count as confirmed. A person is given, or their id, or a name, which makes a new one when needed.
    Stored whole or not at all. Raises Stale when a face is not as it was `seen` (version by face id), Twice when a
    photo would show somebody twice: `allow_twice` says that it does, as in a mirror. Repeating an `event_id`
    changes nothing.
    """
    replay = _replayed(project, event_id, Verb.ASSIGN, by)
    if replay:
        return replay
    wanted, apart = set(face_ids), set(strangers)
    if wanted & apart:
        raise Refused(f"Face {min(wanted & apart)} cannot both be this person and not be; nothing was changed.")
    images, faces = _lock(project, wanted | apart, seen or {})
    named, knocked_out = [face for face in faces if face.pk in wanted], [face for face in faces if face.pk in apart]
    person = identity if isinstance(identity, Identity) else resolve_identity(project, identity)
    _must_be_nameable(project, named, person)
    _must_not_be_named(knocked_out, person)
    twins = twice_in_a_photo(named, person)
    if twins and not allow_twice:
        _refuse_twice(images, twins, person)
    change = named_alike(named, person, strangers=knocked_out, twins=[(first.pk, second.pk) for first, second in twins])
    touched = {face.image_id for face in named}
    event = _decide(
        project, Verb.ASSIGN, [image for image in images if image.pk in touched], named,
        state=FaceState.CONFIRMED, who=Who.ASSIGNED, identity=person, by=by, event_id=event_id, source=source,
        change=change, also=images,
    )  # fmt: skip
    change.write(event)
    ledger.record_denied(event, knocked_out, person, source=source)
    return event


@transaction.atomic
def decide_faces(
    project: Project,
    face_ids: Iterable[int],
    decision: str,
    *,
    by,
    event_id: UUID,
    seen: Mapping[int, int] | None = None,
    source: str = "sort",
) -> Event:
    """Say the same of many faces without naming anybody; `decision` is one of DECISIONS.

    “unassigned” takes a name or a verdict away: they are faces, and wait again. Otherwise as `assign_faces`.
    """
    replay = _replayed(project, event_id, Verb.DECIDE, by)
    if replay:
        return replay
    if decision not in DECISIONS:
        raise Refused(f"Faces cannot be “{decision}”; say one of {', '.join(DECISIONS)}.")
    state, who = DECISIONS[decision]
    images, faces = _lock(project, set(face_ids), seen or {})
    return _decide(
        project, Verb.DECIDE, images, faces, state=state, who=who, identity=None, by=by, event_id=event_id,
        source=source,
    )  # fmt: skip


def _replayed(project: Project, event_id: UUID, verb: Verb, by) -> Event | None:
    known = Event.objects.sent_before(event_id)
    if known and (known.actor_id, known.verb, known.project_id) != (by.pk if by else None, verb, project.pk):
        raise AlreadyUsed("This event id was used for something else; make a new one.")
    return known


def _lock(project: Project, wanted: set[int], seen: Mapping[int, int]) -> tuple[list[Image], list[Face]]:
    """Images before faces, in id order, as everywhere: two writers never wait for each other in a circle."""
    image_ids = list(Face.objects.filter(project=project, pk__in=wanted).values_list("image_id", flat=True))
    images = list(Image.objects.select_for_update().filter(pk__in=image_ids).order_by("pk"))
    must_not_be_blind(project, images)
    faces = list(Face.objects.select_for_update().filter(project=project, pk__in=wanted).order_by("pk"))
    missing = sorted(wanted - {face.pk for face in faces})
    stale = [face for face in faces if seen.get(face.pk, face.version) != face.version]
    if stale or any(pk in seen for pk in missing):
        raise Stale(
            f"Someone else decided about {len(stale) + len(missing)} of these faces in the meantime; look again.",
            current=_as_they_are(stale),
            gone=missing,
        )
    if missing:
        raise Refused(f"{len(missing)} of the faces are not in this project, e.g. {missing[0]}; nothing was changed.")
    return images, faces


def _as_they_are(faces: list[Face]) -> list[dict]:
    people = Identity.objects.in_bulk({face.identity_id for face in faces} - {None})
    return [
        {
            "id": face.pk,
            "version": face.version,
            "state": face.state,
            "who": face.who,
            "identity": {"id": face.identity_id, "name": people[face.identity_id].name} if face.identity_id else None,
        }
        for face in faces
    ]


def _decide(
    project: Project,
    verb: Verb,
    images: list[Image],
    faces: list[Face],
    *,
    state: FaceState,
    who: Who,
    identity: Identity | None,
    by,
    event_id: UUID,
    source: str,
    change: Change | None = None,
    also: Iterable[Image] = (),
) -> Event:
    """Write the same word for all `faces`; their `images` are locked. `also`: further photos the event is about."""
    before = {"faces": snapshot(faces), "images": snapshot_images(images)}
    now = timezone.now()
    for face in faces:
        face.state, face.who, face.identity = state, who, identity
        face.version += 1
        face.updated_at, face.updated_by = now, by
    Face.objects.bulk_update(
        faces, ["state", "who", "identity", "version", "updated_at", "updated_by"], batch_size=2000
    )
    _settle_images(images)
    announce(names_changed, project.pk)
    after = {"faces": snapshot(faces), "images": snapshot_images(images)}
    subject = about(before, after)
    subject["images"] = sorted({*subject["images"], *(image.pk for image in also)})
    if identity:
        after["identity"] = identity.pk
        subject["identities"] = sorted({*subject["identities"], identity.pk})
    if change:
        before["constraints"], after["constraints"] = change.before(), change.after()
    event = Event.objects.create(
        id=event_id, project=project, actor=by, verb=verb, before=before, after=after, **subject
    )
    ledger.record(event, {row["id"]: row for row in before["faces"]}, faces, source=source)
    return event


def _must_be_nameable(project: Project, faces: list[Face], identity: Identity) -> None:
    if identity.project_id != project.pk:
        raise Refused(f"There is no person {identity.pk} in this project.", fields={"identity": ["Not found."]})
    no_faces = [face.pk for face in faces if face.state == FaceState.REJECTED]
    if no_faces:
        raise Refused(
            f"Somebody said that {len(no_faces)} of these show no face, e.g. {no_faces[0]}; nothing was changed.",
            fields={"faces": [str(pk) for pk in no_faces]},
        )


def _must_not_be_named(strangers: list[Face], identity: Identity) -> None:
    theirs = [face.pk for face in strangers if face.identity_id == identity.pk]
    if theirs:
        raise Refused(
            f"Somebody named {theirs[0]} “{identity}”; take that name away before you say it is somebody else.",
            fields={"strangers": [str(pk) for pk in theirs]},
        )


def _refuse_twice(images: list[Image], twins: list[tuple[Face, Face]], identity: Identity) -> None:
    names = {image.pk: image.name for image in images}
    photos: dict[int, set[int]] = defaultdict(set)
    for first, second in twins:
        photos[first.image_id] |= {first.pk, second.pk}
    image_id, faces = min(photos.items())
    more = f", and {len(photos) - 1} more photos would as well" if len(photos) > 1 else ""
    raise Twice(
        f"“{names[image_id]}” would show {identity} {len(faces)} times{more}. Take all but one out, "
        "or say that it is a mirror or a collage.",
        twice=[{"image": pk, "name": names[pk], "faces": sorted(ids)} for pk, ids in sorted(photos.items())],
    )


def _settle_images(images: list[Image]) -> None:
    open_boxes: dict[int, int] = defaultdict(int)
    for image_id in Face.objects.filter(image__in=images, state=FaceState.PROPOSED).values_list("image_id", flat=True):
        open_boxes[image_id] += 1
    for image in images:
        image.version += 1
        if image.state != ImageState.DISPUTED:  # that is for a reviewer to end
            image.state = ImageState.PROPOSED if open_boxes[image.pk] else ImageState.LABELLED
    Image.objects.bulk_update(images, ["version", "state"], batch_size=2000)
