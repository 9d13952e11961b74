"""A database with all tables, made by the migrations once and copied ever after: they take longer than most tests.

Kept beside the services' data as a dump, under a name that changes with every migration.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from config import embedded
from config.embedded import postgres

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = REPOSITORY / "var" / "test" / "migrated"


def template() -> str | None:
    """The name of such a database on the server of the test run; None where it has to be made by migrations."""
    if not _has_programs():
        return None
    url, name = os.environ["DATABASE_URL"], f"migrated_{_fingerprint()}"
    with _alone():
        if name not in _databases(url):
            for left in _databases(url):
                if left.startswith("migrated_"):
                    _order(url, f"DROP DATABASE {left}")
            draft = f"draft_of_{name}"
            _order(url, f"DROP DATABASE IF EXISTS {draft}", f"CREATE DATABASE {draft}")
            _fill(_at(url, draft))
            _order(url, f"ALTER DATABASE {draft} RENAME TO {name}")
    return name


def fill(url: str) -> None:
    """Give an empty database of the embedded server its tables."""
    with _alone():
        _fill(url)


def _fill(url: str) -> None:
    dump = FOLDER / f"{_fingerprint()}.dump"
    if dump.exists():
        _run([_program("pg_restore"), "--no-owner", "--exit-on-error", f"--dbname={url}", str(dump)], os.environ)
        return
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    _run(migrate, os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(REPOSITORY)})
    for left in FOLDER.glob("*.dump"):
        left.unlink()
    draft = dump.with_suffix(".part")
    _run([_program("pg_dump"), "--format=custom", "--no-owner", f"--file={draft}", url], os.environ)
    draft.rename(dump)


def _fingerprint() -> str:
    made_of = hashlib.sha256(version("django").encode())
    for file in sorted(REPOSITORY.glob("*/migrations/*.py")):
        made_of.update(file.relative_to(REPOSITORY).as_posix().encode() + file.read_bytes())
    return made_of.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    """One runner at a time: the first makes the dump, the others find it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _has_programs() -> bool:
    try:
        return postgres.binaries().exists()
    except embedded.EmbeddedError:
        return False


def _program(name: str) -> str:
    return str(postgres.binaries() / name)


def _at(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _databases(url: str) -> list[str]:
    return [name for (name,) in _order(url, "SELECT datname FROM pg_database")]


def _order(url: str, *statements: str) -> list[tuple]:
    connection = psycopg2.connect(url)
    connection.autocommit = True  # databases are not made in a transaction
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def _run(command: list[str], environment) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
