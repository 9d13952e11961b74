import pytest


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    """Passwords of test users are hashed quickly: the real hash takes most of a second on purpose."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
