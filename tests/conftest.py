"""Fixtures. The real PostgreSQL, Valkey and S3 behind them are started by tests/start_services.py."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image as Picture

from tests import emptied, migrated

# No test is about time: on a busy machine examples take as long as they take.
settings.register_profile("facet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("facet")


def pytest_collection_modifyitems(items):
    """Journeys and what starts whole Facets first, while there is other work to do beside the long ones."""
    first = ("tests/browser/", "tests/config/")
    items.sort(key=lambda item: next((place for place, name in enumerate(first) if name in item.nodeid), len(first)))


@pytest.fixture(scope="session", autouse=True)
def quick_settings():
    """What is slow by design, or once in a server's life, would be so in every test: hashing passwords, and
    listing all static files, which each test client does anew."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """The test database is a copy of a migrated one."""
    from django.conf import settings
    from django.db import connections

    for tested in (settings.DATABASES["default"], connections["default"].settings_dict):
        tested.setdefault("TEST", {})["TEMPLATE"] = migrated.template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """It need not outlive a power cut, so nothing waits for the disk."""
    from django.db import connection

    emptied.empty_quickly()
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        connection.close()


@pytest.fixture(scope="session", autouse=True)
def bucket():
    from labelling import storage

    storage.ensure_bucket()


@pytest.fixture
def make_user(db, django_user_model):
    def make(name: str):
        return django_user_model.objects.create_user(name, password=f"{name}-password-9")

    return make


@pytest.fixture
def owner(make_user):
    return make_user("olga")


@pytest.fixture
def stranger(make_user):
    return make_user("stefan")


@pytest.fixture
def project(owner):
    from labelling.projects import create_project

    return create_project("Lobby cameras", by=owner)


def _member(make_user, project, name, role):
    from labelling.projects import set_member

    user = make_user(name)
    set_member(project, user, role)
    return user


@pytest.fixture
def annotator(make_user, project):
    from labelling.models import Role

    return _member(make_user, project, "anna", Role.ANNOTATOR)


@pytest.fixture
def reviewer(make_user, project):
    from labelling.models import Role

    return _member(make_user, project, "rita", Role.REVIEWER)


@pytest.fixture
def engineer(make_user, project):
    from labelling.models import Role

    return _member(make_user, project, "emil", Role.ENGINEER)


@pytest.fixture
def client_for():
    """A Django test client logged in as the given user."""
    from django.test import Client

    def make(user):
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def api_for():
    from rest_framework.test import APIClient

    def make(user):
        client = APIClient()
        client.force_login(user)
        return client

    return make


class SourceBucket:
    """A bucket beside Facet's, empty at first."""

    name = "cameras"

    def __init__(self) -> None:
        from botocore.exceptions import ClientError

        from labelling import storage

        self._client = storage._client()
        with contextlib.suppress(ClientError):  # it is there already
            self._client.create_bucket(Bucket=self.name)
        for left in list(storage.listed_elsewhere(self.name, "")):
            self.delete(left.key)

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=key)


@pytest.fixture
def cameras(settings):
    """A bucket that photos may be taken from."""
    made = SourceBucket()
    settings.S3_SOURCES = [made.name]
    return made


@pytest.fixture
def look_in_place(project, owner, cameras, transactional_db):
    """Have a worker look through that bucket; originals stay there."""
    import uuid

    import labelling.tasks  # noqa: F401  (registers handlers)
    from jobs.work import perform
    from labelling.bucket_places import place_of
    from labelling.bucket_source import synchronise
    from labelling.models import Intake

    def look(folder: str = "", *, in_place: bool = True, **said) -> Intake:
        place = place_of(f"s3://{cameras.name}/{folder}")
        intake = synchronise(project, place, uid=uuid.uuid4(), by=owner, in_place=in_place, **said)
        perform(intake.job_id)
        return Intake.objects.select_related("job").get(pk=intake.pk)

    return look


@pytest.fixture
def stay(cameras, look_in_place):
    """A photo whose original stays in that bucket."""
    from labelling.models import Image

    def make(key: str, data: bytes) -> Image:
        cameras.put(key, data)
        look_in_place()
        return Image.objects.get(elsewhere__key=key)

    return make


def picture_bytes(seed: int = 0, size: tuple[int, int] = (160, 120), format: str = "JPEG", **options) -> bytes:
    """A small smooth picture that no other seed gives."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Picture.fromarray(rough).resize(size, Picture.Resampling.BICUBIC).save(out, format, **options)
    return out.getvalue()


@pytest.fixture
def photo_bytes():
    return picture_bytes


@pytest.fixture
def make_image(project):
    """A photo of the project with `faces` proposed boxes in it."""
    from labelling.ingest import ingest_photo
    from labelling.models import Image
    from labelling.proposals import ProposedFace, record_proposals

    def make(seed: int = 0, faces: int = 1, **options):
        outcome = ingest_photo(project, f"photo_{seed}.jpg", picture_bytes(seed), **options)
        boxes = [ProposedFace((10 + 30 * i, 20, 24, 30), 0.99, None) for i in range(faces)]
        record_proposals(outcome.id, boxes, detector={"name": "test"})
        return Image.objects.get(pk=outcome.id)

    return make
