"""Names faces outside the Label screen: one face changed, or many given one name."""

from collections import defaultdict
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from labelling import ledger
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.models import Event, Face, FaceState, Identity, Image, ImageState, Project, Verb, Who
from labelling.signals import announce, names_changed
from labelling.submit import FaceWord, about, snapshot, snapshot_images, submit_image


def edit_face(face: Face, word: FaceWord, *, by, version: int, event_id: UUID) -> Event:
    """Change one face. `version` is the face's; Stale when someone changed it since."""
    with transaction.atomic():
        image = Image.objects.select_for_update().get(pk=face.image_id)
        replay = Event.objects.filter(pk=event_id).first()
        current = Face.objects.select_for_update().get(pk=face.pk)
        if replay is None and current.version != version:
            raise Stale("Someone else changed this face in the meantime; look at it again.")
        return submit_image(image, [word], by=by, version=image.version, event_id=event_id)


@transaction.atomic
def assign_faces(project: Project, face_ids: list[int], identity: Identity, *, by, event_id: UUID) -> Event:
    """Say that all these faces show `identity`. Repeating an `event_id` changes nothing.

    Their boxes count as confirmed. Refused as a whole when one of the faces is not in the project.
    """
    replay = Event.objects.filter(pk=event_id).first()
    if replay:
        if (replay.actor_id, replay.verb, replay.project_id) != (by.pk if by else None, Verb.ASSIGN, project.pk):
            raise AlreadyUsed("This event id was used for something else; make a new one.")
        return replay
    wanted = sorted(set(face_ids))
    image_ids = list(Face.objects.filter(project=project, pk__in=wanted).values_list("image_id", flat=True))
    # Images before faces, in id order, as everywhere: two writers never wait for each other in a circle.
    images = list(Image.objects.select_for_update().filter(pk__in=image_ids).order_by("pk"))
    faces = list(Face.objects.select_for_update().filter(project=project, pk__in=wanted).order_by("pk"))
    if len(faces) != len(wanted):
        missing = sorted(set(wanted) - {face.pk for face in faces})
        raise Refused(f"{len(missing)} of the faces are not in this project, e.g. {missing[0]}; nothing was changed.")
    _must_be_nameable(project, faces, identity)
    before = {"faces": snapshot(faces), "images": snapshot_images(images)}
    now = timezone.now()
    for face in faces:
        face.state, face.who, face.identity = FaceState.CONFIRMED, Who.ASSIGNED, identity
        face.version += 1
        face.updated_at, face.updated_by = now, by
    Face.objects.bulk_update(
        faces, ["state", "who", "identity", "version", "updated_at", "updated_by"], batch_size=2000
    )
    _settle_images(images)
    announce(names_changed, project.pk)
    after = {"faces": snapshot(faces), "images": snapshot_images(images), "identity": identity.pk}
    event = Event.objects.create(
        id=event_id,
        project=project,
        actor=by,
        verb=Verb.ASSIGN,
        before=before,
        after=after,
        **about(before, after),
    )
    ledger.record(event, {row["id"]: row for row in before["faces"]}, faces, source="sort")
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


def _settle_images(images: list[Image]) -> None:
    open_boxes: dict[int, int] = defaultdict(int)
    for image_id in Face.objects.filter(image__in=images, state=FaceState.PROPOSED).values_list("image_id", flat=True):
        open_boxes[image_id] += 1
    for image in images:
        image.version += 1
        image.state = ImageState.PROPOSED if open_boxes[image.pk] else ImageState.LABELLED
    Image.objects.bulk_update(images, ["version", "state"], batch_size=2000)
