import pytest


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    """Passwords of test users are hashed quickly: the real hash takes most of a second on purpose."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def photo_file(photo_bytes):
    """An upload of the small picture that belongs to a seed."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    def make(seed: int, name: str = ""):
        return SimpleUploadedFile(name or f"photo_{seed}.jpg", photo_bytes(seed), "image/jpeg")

    return make
