"""Labels made straight as rows: freezing reads rows only, so no pixels are needed."""

import hashlib

import pytest

from datasets.freeze import start_freeze
from datasets.models import Version
from jobs.work import perform
from labelling.identities import get_or_create_identity
from labelling.models import Face, FaceState, Image, ImageState, Origin, Who


@pytest.fixture
def add_photo(transactional_db):
    """A photo of the project. `people`: a name for each face in it; None for a face without a name."""

    def add(project, key, people=(), *, session="", state=ImageState.LABELLED, name=None, who=None, face_state=None):
        image = Image.objects.create(
            project=project,
            sha256=hashlib.sha256(str(key).encode()).hexdigest(),
            name=name or f"{key}.jpg",
            byte_size=1000,
            format="JPEG",
            width=640,
            height=480,
            phash=0,
            sharpness=1.0,
            brightness=100.0,
            session=session,
            state=state,
        )
        for place, person in enumerate(people):
            identity = get_or_create_identity(project, person) if person else None
            Face.objects.create(
                project=project,
                image=image,
                x=10.25 + 60 * place,
                y=20.5,
                w=40,
                h=50.75,
                image_w=640,
                image_h=480,
                origin=Origin.HUMAN,
                state=face_state or FaceState.CONFIRMED,
                who=who or (Who.ASSIGNED if identity else Who.UNASSIGNED),
                identity=identity,
            )
        return image

    return add


@pytest.fixture
def freeze_now(transactional_db):
    """Freeze as the worker would, and return the version as the database then has it."""
    import datasets.tasks  # noqa: F401  (registers the handlers)

    def freeze(project, **options):
        version = start_freeze(project, **options)
        perform(version.job_id)
        return Version.objects.get(pk=version.pk)

    return freeze


@pytest.fixture
def small_set(project, add_photo):
    """Three people with 6, 4 and 2 photos, one of them with a second face, and a photo without faces."""
    for person, count in (("Ana", 6), ("Ben", 4), ("Cem", 2)):
        for number in range(count):
            add_photo(project, f"{person}-{number}", [person])
    add_photo(project, "both", ["Ana", "Ben"])
    add_photo(project, "nobody")
    return project
