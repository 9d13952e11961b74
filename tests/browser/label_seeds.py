"""What the journeys through Label need beyond `seeds`; called through `inside(…)` likewise."""


def make_crowd(name: str, faces: int) -> dict:
    """A project with one large picture full of proposed boxes, a tenth of them with a suggestion."""
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from labelling.identities import create_identity
    from labelling.ingest import ingest_photo
    from labelling.models import Suggestion
    from labelling.projects import create_project
    from labelling.proposals import ProposedFace, record_proposals
    from tests.conftest import picture_bytes

    project = create_project(name, by=get_user_model().objects.get(username="admin"))
    person = create_identity(project, "Ada Ek")
    places = [(10 + 48 * (i % 40), 10 + 56 * (i // 40)) for i in range(faces)]
    points = [(9, 14), (25, 14), (17, 24), (11, 34), (23, 34)]
    boxes = [ProposedFace((x, y, 34, 44), 0.99, [[x + dx, y + dy] for dx, dy in points]) for x, y in places]
    with transaction.atomic():  # whole before anybody hears of it: no worker looks for faces of its own
        outcome = ingest_photo(project, "crowd.jpg", picture_bytes(1, (2000, 1500)))
        made = record_proposals(outcome.id, boxes, detector={"name": "seed"})
        Suggestion.objects.bulk_create(
            Suggestion(face=face, rank=1, identity=person, probability=0.97, model_name="seed") for face in made[::10]
        )
    return {"slug": project.slug, "image": outcome.id}


def make_people(name: str) -> dict:
    """Two drawn people: a photo of each is named and described; in a second one of the first no face was found."""
    import uuid

    from django.contrib.auth import get_user_model
    from django.db import transaction

    from jobs.wait import wait_until_idle
    from labelling.ingest import ingest_photo
    from labelling.models import Image
    from labelling.projects import create_project
    from labelling.proposals import record_proposals
    from labelling.submit import FaceWord, submit_image

    admin = get_user_model().objects.get(username="admin")
    project = create_project(name, by=admin)
    for person, known in enumerate(("Ada Ek", "Bo Lind"), start=1):
        photo, box = _portrait(person, 1)
        outcome = ingest_photo(project, f"{known}.jpg", photo)
        wait_until_idle(project.pk, "propose", lambda job: None)
        image = Image.objects.get(pk=outcome.id)
        word = FaceWord(id=image.faces.get().pk, identity=known, has_identity=True)
        submit_image(image, [word], by=admin, version=image.version, event_id=uuid.uuid4())
    photo, box = _portrait(1, 2)
    with transaction.atomic():  # whole before anybody hears of it: no worker looks for faces of its own
        bare = ingest_photo(project, "bare.jpg", photo)
        record_proposals(bare.id, [], detector={"name": "seed"})
    wait_until_idle(project.pk, "embed", lambda job: None)
    return {"slug": project.slug, "image": bare.id, "box": box}


def _portrait(person: int, photo: int) -> tuple[bytes, list[float]]:
    """A drawn photo of that person, and where the face is."""
    import io

    from PIL import Image as Picture

    from recognition.drawing import draw_portrait

    drawn, out = draw_portrait(person, photo, (240, 240)), io.BytesIO()
    Picture.fromarray(drawn.image).save(out, "JPEG", quality=92)
    return out.getvalue(), [float(side) for side in drawn.faces[0].box]


def landmarks(slug: str) -> list:
    from labelling.models import Face

    return list(Face.objects.filter(project__slug=slug).order_by("id").values_list("landmarks", flat=True))


def remarks(slug: str) -> list[dict]:
    from labelling.models import Remark

    return list(Remark.objects.filter(project__slug=slug).values("text", "face_id", "image_id", "kind"))


def skips(slug: str) -> list[dict]:
    from labelling.models import Skip

    return list(Skip.objects.filter(image__project__slug=slug).values("image_id", "reason"))


def return_photo(slug: str, image: int, text: str) -> None:
    """As a reviewer does: back to whoever labelled it."""
    import uuid

    from django.contrib.auth import get_user_model

    from labelling.models import Image
    from labelling.reviewing import return_photo as give_back

    photo = Image.objects.get(pk=image, project__slug=slug)
    admin = get_user_model().objects.get(username="admin")
    give_back(photo, version=photo.version, text=text, by=admin, event_id=uuid.uuid4())
