from uuid import uuid4

import pytest


@pytest.fixture
def photo_file(photo_bytes):
    """An upload of the small picture that belongs to a seed."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    def make(seed: int, name: str = ""):
        return SimpleUploadedFile(name or f"photo_{seed}.jpg", photo_bytes(seed), "image/jpeg")

    return make


@pytest.fixture
def make_images(project):
    """Photos that wait for a person; their bytes play no part here."""
    from labelling.models import Image, ImageState

    def make(count: int, state=ImageState.PROPOSED, **fields) -> list[Image]:
        return Image.objects.bulk_create(
            Image(
                project=project, sha256=uuid4().hex, name=f"{number}.jpg", byte_size=1, format="JPEG", width=100,
                height=80, phash=0, sharpness=0, brightness=0, state=state, **fields,
            )
            for number in range(count)
        )  # fmt: skip

    return make
