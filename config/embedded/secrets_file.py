"""Random passwords and keys, made once and kept in `secrets.json` (readable by its owner only)."""

import fcntl
import json
import os
import secrets
import string
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.folders import made, var_folder

_ALPHANUMERIC = string.ascii_letters + string.digits


def _letters(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


# S3 clients and servers expect keys of the lengths AWS gives out.
_MAKERS = {
    "database_password": lambda: _letters(32),
    "valkey_password": lambda: _letters(32),
    "s3_access_key_id": lambda: _letters(20),
    "s3_secret_access_key": lambda: _letters(40),
    "django_secret_key": lambda: _letters(64),
    "admin_password": lambda: _letters(16),
}


def local_secrets() -> dict[str, str]:
    """Return every secret of this data folder by name, making those that do not exist yet.

    Raises EmbeddedError when the file is there but is not what we wrote: making new secrets then
    would lock the team out of its own database.
    """
    with open(made("run") / "secrets.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = var_folder() / "secrets.json"
        known = _read(path)
        missing = {name: make() for name, make in _MAKERS.items() if name not in known}
        if missing:
            known |= missing
            write_private(path, known)
    return known


def write_private(path: Path, content: object) -> None:
    """Write `content` as JSON to `path`, whole or not at all, readable by its owner only."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EmbeddedError(
            f"{path} cannot be read ({error}). It holds the passwords of the embedded services: "
            "restore it from a backup, or remove the whole data folder to start afresh."
        ) from error
    if not isinstance(known, dict):
        raise EmbeddedError(f"{path} does not hold the passwords Facet wrote; restore it from a backup.")
    return known
