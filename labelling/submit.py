"""Stores what a person says about a whole photo: all of its faces, or none."""

import json
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from jobs.prepared import MOST_ID, Prepared, read
from labelling import ledger
from labelling.boxes import BadBox, clip_box, is_same_box
from labelling.errors import AlreadyUsed, Leased, Refused, Stale
from labelling.face_rows import faces_in, rewrite
from labelling.identities import get_or_create_identity, merged_or_self
from labelling.models import Event, Face, FaceState, Identity, Image, ImageState, Origin, Project, Verb, Who
from labelling.queue import held_by_another
from labelling.signals import announce, faces_boxed, names_changed

# What a browser sent as a submit may have been kept as a blind opinion.
SUBMITS = (Verb.SUBMIT, Verb.OPINION)
LOCK = Prepared("""
-- lock_photo
SELECT {image} FROM labelling_image AS image WHERE image.id = %(image)s FOR UPDATE
""", image=Image)  # fmt: skip
SETTLE = Prepared("""
-- settle_photo
UPDATE labelling_image SET state = %(state)s, version = %(version)s WHERE id = %(image)s
""")
EVENT = Prepared("""
-- event
SELECT {event} FROM labelling_event AS event WHERE event.id = %(event)s::uuid
""", event=Event)  # fmt: skip
STORE = Prepared("""
-- store_event
INSERT INTO labelling_event (id, project_id, actor_id, verb, image_id, before, after, images, identities, created_at)
VALUES (%(id)s, %(project)s, %(actor)s, %(verb)s, %(image)s, %(before)s, %(after)s, %(images)s, %(identities)s, %(at)s)
""")
PEOPLE = Prepared("""
-- people
SELECT {person} FROM labelling_identity AS person
WHERE person.project_id = %(project)s AND person.merged_into_id IS NULL AND person.erased_at IS NULL
    AND person.id = ANY (%(people)s::bigint[])
""", person=Identity)  # fmt: skip
LET_GO = Prepared("""
-- let_go
DELETE FROM labelling_lease WHERE image_id = %(image)s AND user_id = %(user)s
""")
KEPT = ("x", "y", "w", "h", "landmarks", "state", "who", "identity_id")


@dataclass(frozen=True)
class FaceWord:
    """What is said about one face. Fields that are None are left as they are; the last three are of new faces only."""

    id: int | None = None
    uid: UUID | None = None
    box: tuple[float, float, float, float] | None = None
    state: FaceState | None = None
    who: Who | None = None
    identity: int | str | Identity | None = None
    has_identity: bool = field(default=False)
    origin: Origin = Origin.HUMAN
    score: float | None = None
    landmarks: list[float] | None = None


def submit_image(image: Image, words: list[FaceWord], *, by, version: int, event_id: UUID, lease: UUID | None = None):
    """Apply every word, count the image's version up and record one event, in one transaction.

    Repeating an `event_id` returns the event it made and changes nothing. Raises Stale when the image
    changed since `version`, Leased when someone else holds it, Refused when a word makes no sense.
    """
    project = image.project
    with transaction.atomic():
        image, _ = read(Image, LOCK.first(image=image.pk))
        image.project = project
        replay = replayed(event_id, by=by, image=image, verbs=SUBMITS)
        if replay:
            return replay
        must_be_free(image, by)
        must_be_current(image, version)
        event = write_words(image, words, by=by, id=event_id, actor=by, verb=Verb.SUBMIT)
        if lease is not None:
            LET_GO.do(image=image.pk, user=by.pk)
        return event


def write_words(image: Image, words: list[FaceWord], *, by, **event) -> Event:
    """As `store_words`, of somebody who saw what was suggested: kept as an answer to it."""
    event = store_words(image, words, by=by, **event)
    ledger.record(event, {row["id"]: row for row in event.before["faces"]}, event.faces, source="label")
    return event


def store_words(image: Image, words: list[FaceWord], *, by, **event) -> Event:
    """The words become the labels, under the image's lock. `by` is who said them; `event` its id, actor and verb."""
    faces = {face.pk: face for face in faces_in(image.pk, lock=True)}
    before = {"faces": snapshot(faces.values()), "images": snapshot_images([image])}
    news: set[Signal] = set()
    changed = {}
    for word in with_people(image.project, words):
        face = _apply(image, faces, word, by, news)
        faces[face.pk] = changed[face.pk] = face
    rewrite(changed.values())
    for signal in news:
        announce(signal, image.project_id)
    _settle(image, faces.values())
    after = {"faces": snapshot(faces.values()), "images": snapshot_images([image])}
    event = _store(
        Event(project_id=image.project_id, image=image, before=before, after=after, **about(before, after), **event)
    )
    event.faces = list(faces.values())
    return event


def about(before: dict, after: dict) -> dict[str, list[int]]:
    """The photos and people a change of faces was about, for `Event.images` and `Event.identities`."""
    was = {row["id"]: row for row in before["faces"]}
    changed = [row for row in after["faces"] if row != was.get(row["id"])]
    people = {row["identity_id"] for row in changed} | {
        was[row["id"]]["identity_id"] for row in changed if row["id"] in was
    }
    return {
        "images": sorted(row["id"] for row in after["images"]),
        "identities": sorted(people - {None}),
    }


def replayed(event_id: UUID, *, by, image: Image, verbs: tuple[Verb, ...]) -> Event | None:
    row = EVENT.first(event=event_id)
    known = read(Event, row)[0] if row else None
    if known and ((known.actor_id, known.image_id) != (by and by.pk, image.pk) or known.verb not in verbs):
        raise AlreadyUsed("This event id was used for something else; make a new one.")
    return known


def must_be_current(image: Image, version: int) -> None:
    if image.version != version:
        raise Stale(
            "Someone else changed this photo in the meantime. Nothing of yours was stored; compare both and choose.",
            fields={"version": [str(image.version)]},
        )


def must_be_free(image: Image, by) -> None:
    name = held_by_another(image, by)
    if name:
        raise Leased(f"{name} is working on this photo right now.", by=name)


def snapshot(faces) -> list[dict]:
    """The faces as they stand, for history and undo."""
    return [
        {"id": face.pk, "version": face.version, **{name: getattr(face, name) for name in KEPT}}
        for face in sorted(faces, key=lambda face: face.pk)
    ]


def snapshot_images(images) -> list[dict]:
    return [{"id": image.pk, "state": image.state, "version": image.version} for image in images]


def _apply(image: Image, faces: dict[int, Face], word: FaceWord, by, news: set[Signal]) -> Face:
    """The face as the word has it; a new one is stored, what is there already is left to be written with the others."""
    face, changes = said_face(image, faces, word)
    news |= changes
    face.updated_at, face.updated_by = timezone.now(), by
    if face.pk is None:
        face.save()
    else:
        face.version += 1
    return face


def with_people(project: Project, words: list[FaceWord]) -> list[FaceWord]:
    """The words with people in place of their ids, in one question; an id of nobody here is left to be refused."""
    asked = {word.identity for word in words if isinstance(word.identity, int) and 0 < word.identity <= MOST_ID}
    rows = PEOPLE.rows(project=project.pk, people=list(asked)) if asked else []
    known = {person.pk: person for person, _ in (read(Identity, row) for row in rows)}
    return [
        replace(word, identity=known.get(word.identity, word.identity)) if word.identity else word for word in words
    ]


def said_face(image: Image, faces: dict, word: FaceWord) -> tuple[Face, set[Signal]]:
    """The face as the word has it, not stored, and what is new about it."""
    face = _find_or_start(image, faces, word)
    changes = {faces_boxed} if face.pk is None or _move(face, image, word) else set()
    if _say(face, image.project, word):
        changes.add(names_changed)
    return face, changes


def _find_or_start(image: Image, faces: dict[int, Face], word: FaceWord) -> Face:
    if word.id is not None:
        if word.id not in faces:
            raise Refused(f"Face {word.id} is not in this photo.", fields={"faces": [str(word.id)]})
        return faces[word.id]
    known = next((face for face in faces.values() if word.uid and face.uid == word.uid), None)
    if known:
        return known
    if word.box is None:
        raise Refused("A new face needs a box.", fields={"box": ["Missing."]})
    if word.uid and Face.objects.filter(uid=word.uid).exists():
        raise AlreadyUsed("This face id was used in another photo; make a new one.")
    face = Face(
        project_id=image.project_id,
        image=image,
        image_w=image.width,
        image_h=image.height,
        origin=word.origin,
        score=word.score,
        landmarks=word.landmarks,
        state=FaceState.CONFIRMED,
    )
    if word.uid:
        face.uid = word.uid
    face.x, face.y, face.w, face.h = _clipped(image, word)
    return face


def _move(face: Face, image: Image, word: FaceWord) -> bool:
    if word.box is None:
        return False
    box = _clipped(image, word)
    if is_same_box(box, face.box):
        return False
    face.x, face.y, face.w, face.h = box
    face.landmarks = None  # they belonged to the old box
    return True


def _clipped(image: Image, word: FaceWord):
    try:
        return clip_box(word.box, image.width, image.height)
    except BadBox as error:
        raise Refused(str(error), fields={"box": [str(error)]}) from None


def _say(face: Face, project: Project, word: FaceWord) -> bool:
    """State and identity together, so that the face never contradicts itself. True when who it is changed."""
    state = word.state or face.state
    who, identity = _who(face, project, word)
    if state != FaceState.CONFIRMED and who != Who.UNASSIGNED:
        if word.identity is None and word.who in {None, Who.UNASSIGNED}:
            who, identity = Who.UNASSIGNED, None  # the name it had goes with what it was
        elif state == FaceState.PROPOSED and word.state is None:
            state = FaceState.CONFIRMED  # naming a face says that it is one
        else:
            raise Refused(f"A face that is “{FaceState(state).label}” cannot be “{Who(who).label}”.")
    is_news = (who, identity and identity.pk) != (face.who, face.identity_id)
    face.state, face.who, face.identity = state, who, identity
    return is_news


def _who(face: Face, project: Project, word: FaceWord) -> tuple[Who, Identity | None]:
    named = word.identity if word.has_identity else None
    if named is not None:
        if word.who not in {None, Who.ASSIGNED, Who.UNASSIGNED}:
            raise Refused(f"A face that is {Who(word.who).label} cannot have a name.")
        return Who.ASSIGNED, resolve_identity(project, named)
    if word.who == Who.ASSIGNED and not word.has_identity and face.identity:
        return Who.ASSIGNED, face.identity
    if word.who == Who.ASSIGNED:
        raise Refused("Say who it is: “assigned” needs an identity.", fields={"identity": ["Missing."]})
    if word.who is not None:
        return word.who, None
    if word.has_identity:  # identity: null takes the name away
        return Who.UNASSIGNED, None
    return Who(face.who), face.identity


def resolve_identity(project: Project, named: int | str | Identity) -> Identity:
    """A person of this project by id, or by name, which makes a new one when needed.

    Who was merged into somebody is that one now: a browser may have said it before it could know.
    """
    if isinstance(named, Identity):
        return named
    if isinstance(named, str):
        return get_or_create_identity(project, named)
    found = merged_or_self(project, named)
    if found is None:
        raise Refused(f"There is no person {named} in this project.", fields={"identity": ["Not found."]})
    return found


def _settle(image: Image, faces) -> None:
    """A photo is labelled once a person has decided about every box in it."""
    open_boxes = any(face.state == FaceState.PROPOSED for face in faces)
    image.state = ImageState.PROPOSED if open_boxes else ImageState.LABELLED
    image.version += 1
    SETTLE.do(image=image.pk, state=image.state, version=image.version)


def _store(event: Event) -> Event:
    STORE.do(
        id=event.pk, project=event.project_id, actor=event.actor_id, verb=event.verb, image=event.image_id,
        before=json.dumps(event.before), after=json.dumps(event.after), images=event.images,
        identities=event.identities, at=event.created_at,
    )  # fmt: skip
    return event
