"""Photos that several people label blindly: what each said, and the labels that come of it."""

import uuid
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from jobs.enqueue import enqueue_unless_waiting
from labelling.errors import Refused, Stale
from labelling.matching import match_boxes
from labelling.models import Event, Face, FaceState, Image, ImageState, Lease, Opinion, Project, Verb, Who
from labelling.overlap import unsettled, wanted
from labelling.said import Row, rows_of, same, seen, with_people_of_now
from labelling.submit import FaceWord, must_be_current, must_be_free, replayed, said_face, write_words


def give_opinion(image: Image, words: list[FaceWord], *, by, version: int, event_id: uuid.UUID, lease=None) -> Event:
    """Under the image's lock: keep what `by` says aside; labels and version stay. Said again, it replaces the first.

    Settles the photo when everybody wanted has been heard. Raises as `submit_image` does, and Refused when a
    face is left undecided: half an opinion cannot be compared.
    """
    must_be_free(image, by)
    must_be_current(image, version)
    faces = rows_said(image, image.faces.select_related("identity"), words)
    event = keep_opinion(image, faces, by=by, event_id=event_id)
    if lease is not None:
        Lease.objects.filter(image=image, user=by).delete()
    settle(image)
    return event


def rows_said(image: Image, faces: Iterable[Face], words: list[FaceWord]) -> list[Row]:
    """`faces` as the words have them; nothing is stored."""
    said: dict = {face.pk: face for face in faces}
    for word in words:
        face, _ = said_face(image, said, word)
        said[face.pk or face.uid] = face
    undecided = sum(face.state == FaceState.PROPOSED for face in said.values())
    if undecided:
        raise Refused(f"Decide about every face of this photo first; {undecided} are still open. Nothing was stored.")
    return rows_of(said.values())


def keep_opinion(image: Image, faces: list[Row], *, by, event_id: uuid.UUID, **gold) -> Event:
    """The event tells that something was said, never what: history is open to those who have not been heard."""
    earlier = Opinion.objects.filter(image=image, user=by, is_gold=bool(gold), settled_at=None).first()
    before = {"faces_said": earlier.faces, "event": str(earlier.event_id)} if earlier else {}
    event = Event.objects.create(
        id=event_id, project_id=image.project_id, actor=by, verb=Verb.OPINION, image=image, images=[image.pk],
        before=before,
    )  # fmt: skip
    said = {"faces": faces, "event": event, "created_at": timezone.now(), **gold}
    if earlier:
        Opinion.objects.filter(pk=earlier.pk).update(**said)
    else:
        Opinion.objects.create(project_id=image.project_id, image=image, user=by, **said)
    return event


def settle(image: Image) -> Event | None:
    """Under the image's lock: once all were heard, what they agree on becomes its labels; else a reviewer decides."""
    heard = list(unsettled(image).select_related("user"))
    if not heard or len(heard) < wanted(image):
        return None
    image.state = ImageState.DISPUTED
    image.version += 1
    image.save(update_fields=["state", "version"])
    Opinion.objects.filter(pk__in=[opinion.pk for opinion in heard]).update(settled_at=timezone.now())
    first, *others = with_people_of_now([opinion.faces for opinion in heard])
    if not all(same(first, other) for other in others):
        return None
    # Nobody's event: taking it back, which is for reviewers, leaves the photo waiting for one.
    words = _as_words(image, first)
    return write_words(image, words, by=heard[0].user, id=uuid.uuid4(), actor=None, verb=Verb.JUDGE)


def settle_later(project: Project, *, by) -> None:
    """The project's wishes may have changed: compare again what waits, if anything does."""
    if Opinion.objects.filter(project=project, is_gold=False, settled_at=None).exists():
        enqueue_unless_waiting("settle", title="Compare blind opinions again", project_id=project.pk, by=by)


def settle_waiting(project: Project) -> int:
    """Photos about which enough people were heard wait no longer; how many. Safe to repeat at any time."""
    waiting = Opinion.objects.filter(project=project, is_gold=False, settled_at=None, image__state=ImageState.PROPOSED)
    settled = 0
    for image_id in waiting.order_by("image_id").values_list("image_id", flat=True).distinct():
        with transaction.atomic():
            image = Image.objects.select_for_update(of=("self",)).select_related("project").get(pk=image_id)
            before = image.version
            if image.state == ImageState.PROPOSED and image.assigned_to_id is None:
                settle(image)
            settled += image.version != before
    return settled


@transaction.atomic
def judge(image: Image, picks: Sequence[tuple[int, str]], *, by, version: int, event_id: uuid.UUID) -> Event:
    """A reviewer's choice between opinions: of each face, the id of an opinion and the key of its row.

    What nobody's pick covers is no face.
    """
    image = Image.objects.select_for_update(of=("self",)).select_related("project").get(pk=image.pk)
    replay = replayed(event_id, by=by, image=image, verbs=(Verb.JUDGE,))
    if replay:
        return replay
    if image.state != ImageState.DISPUTED:
        raise Stale("This photo is settled by now. Nothing of yours was stored.")
    must_be_free(image, by)
    must_be_current(image, version)
    opinions = list(image.opinions.filter(is_gold=False, settled_at__isnull=False))
    rows = with_people_of_now([opinion.faces for opinion in opinions])
    known = {
        (opinion.pk, row["key"]): row for opinion, faces in zip(opinions, rows, strict=True) for row in seen(faces)
    }
    unknown = [pick for pick in picks if pick not in known]
    if unknown:
        raise Refused(f"Nobody said that about this photo: {unknown[0][1]} of opinion {unknown[0][0]}.")
    words = _as_words(image, [known[pick] for pick in picks], reject_others=True)
    return write_words(image, words, by=by, id=event_id, actor=by, verb=Verb.JUDGE)


def _as_words(image: Image, rows: list[Row], *, reject_others: bool = False) -> list[FaceWord]:
    """Rows as words about the faces there are now: a detector may have proposed anew since they were said."""
    live = {face.pk: face for face in image.faces.all()}
    places = {row["key"]: row["face"] for row in rows if row["face"] in live}
    free = [face for face in live.values() if face.pk not in places.values()]
    loose = [row for row in seen(rows) if row["key"] not in places]
    for i, j, _ in match_boxes([row["box"] for row in loose], [face.box for face in free]):
        places[loose[i]["key"]] = free[j].pk
    words = [_word(row, places.get(row["key"])) for row in rows if row["key"] in places or row in loose]
    if reject_others:
        words += [FaceWord(id=pk, state=FaceState.REJECTED) for pk in live if pk not in places.values()]
    return words


def _word(row: Row, face_id: int | None) -> FaceWord:
    drawn = uuid.uuid4() if row["key"].isdecimal() else uuid.UUID(row["key"])
    return FaceWord(
        id=face_id,
        uid=None if face_id else drawn,
        box=tuple(row["box"]),
        state=FaceState(row["state"]),
        who=Who(row["who"]),
        identity=row["identity"],
        has_identity=row["identity"] is not None,
    )


def take_back_opinion(event: Event, by) -> None:
    """Before the photo is settled, an opinion can be withdrawn; what was said before it holds again."""
    Image.objects.select_for_update().get(pk=event.image_id)
    opinion = Opinion.objects.select_for_update().filter(event=event).first()
    if opinion is None:
        raise Stale("You said something else about this photo since; take that back first.")
    if opinion.is_gold:
        raise Refused("That was a photo whose truth is known. Its answer stands; no label was changed by it.")
    if opinion.settled_at:
        raise Stale("Everybody was heard about this photo by now. Ask a reviewer to change it.")
    if event.before:
        opinion.faces, opinion.event_id = event.before["faces_said"], uuid.UUID(event.before["event"])
        opinion.save(update_fields=["faces", "event"])
    else:
        opinion.delete()
