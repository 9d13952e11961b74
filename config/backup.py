"""A backup of all that Facet knows, in a folder, and the way back from it.

    backup.json         when, of which release, what the dump's checksum is
    database.dump       PostgreSQL's own archive
    objects/projects/…  the bucket, under its keys

The database is dumped first: objects are only ever added under the hashes of their contents, so every row of the dump
has its object in what is copied afterwards. A second backup into the same folder copies only what is new, and removes
what is gone: whoever was erased is not to live on in it.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config.embedded import EmbeddedError
from config.embedded.postgres import binaries
from labelling import storage
from labelling.models import Project

ABOUT, DUMP, OBJECTS = "backup.json", "database.dump", "objects"
AT_ONCE = 8
WINDOW = 256
# A web server or worker that holds a table is told of, instead of being waited for until tomorrow.
PATIENCE = "-c lock_timeout=15s"
Tell = Callable[[str, int, int], None]


class BackupFailed(Exception):
    """The message says what happened and what to do."""


def back_up(folder: Path, tell: Tell) -> dict:
    """Write everything into `folder`, for its owner's eyes only. Raises BackupFailed."""
    if folder.exists() and any(folder.iterdir()) and not (folder / ABOUT).exists():
        raise BackupFailed(f"{folder} holds something else; choose a new folder.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / OBJECTS).mkdir(exist_ok=True)
    tell("Dumping the database", 0, 0)
    part = folder / f"{DUMP}.part"
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--no-comments", f"--file={part}")
    keys, copied = _copy_objects(folder / OBJECTS, tell)
    removed = _remove_others(folder / OBJECTS, keys)
    # Last: a folder that names its dump has all of its objects.
    part.replace(folder / DUMP)
    about = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "dump_sha256": _sha256(folder / DUMP),
        "migrations": sorted(".".join(done) for done in MigrationRecorder(connection).applied_migrations()),
        "objects": len(keys),
    }
    _write(folder / ABOUT, about)
    return {"objects": len(keys), "copied": copied, "removed": removed, "dump_bytes": (folder / DUMP).stat().st_size}


def restore(folder: Path, tell: Tell) -> dict:
    """Bring back what is in `folder`, into a database without projects. Raises BackupFailed before it changes anything,
    for what is no whole backup, is of a later release, or would overwrite something.
    """
    about = _read_about(folder)
    if Project._meta.db_table in connection.introspection.table_names() and Project.objects.exists():
        raise BackupFailed("There are projects in this database. Restore into an empty one; nothing was changed.")
    storage.ensure_bucket()
    tell("Putting objects back", 0, about["objects"])
    put = _put_objects(folder / OBJECTS, about["objects"], tell)
    tell("Restoring the database", 0, 0)
    connections.close_all()
    _run(
        "pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction",
        "--exit-on-error", f"--dbname={settings.DATABASES['default']['NAME']}", str(folder / DUMP),
    )  # fmt: skip
    call_command("migrate", verbosity=0, interactive=False)
    cache.clear()
    return {"objects": about["objects"], "put": put, "made_at": about["made_at"], "projects": Project.objects.count()}


def _copy_objects(folder: Path, tell: Tell) -> tuple[set[str], int]:
    """The keys of all, and how many had to be copied."""
    keys, copied = set(), 0
    for key, is_new in _side_by_side(lambda found: (found.key, _fetch(folder, found)), _objects()):
        keys.add(key)
        copied += is_new
        tell("Copying objects", len(keys), 0)
    return keys, copied


def _objects() -> Iterator[storage.Stored]:
    """Those of the projects there are."""
    for pk in Project.objects.order_by("pk").values_list("pk", flat=True):
        yield from storage.listed(storage.project_prefix(pk))


def _remove_others(folder: Path, keys: set[str]) -> int:
    """Copies of what is gone from the bucket, and what a crash left half written."""
    others = [path for path in _files(folder) if path.relative_to(folder).as_posix() not in keys]
    for path in others:
        path.unlink()
    return len(others)


def _files(folder: Path) -> Iterator[Path]:
    return (Path(where) / name for where, _, names in os.walk(folder) for name in names)


def _fetch(folder: Path, found: storage.Stored) -> bool:
    """False where the copy of before is still the same. An object that went since it was listed needs no copy."""
    path = folder / _safe(found.key)
    there = path.stat() if path.exists() else None
    if there and there.st_size == found.size and there.st_mtime >= found.modified.timestamp():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with open(part, "wb") as file:
            storage.download_to(found.key, file)
    except storage.ObjectMissing:
        part.unlink()
        return False
    part.replace(path)
    return True


def _put_objects(folder: Path, total: int, tell: Tell) -> int:
    put = 0
    for done, is_new in enumerate(_side_by_side(lambda path: _put(folder, path), _files(folder)), start=1):
        put += is_new
        tell("Putting objects back", done, total)
    return put


def _put(folder: Path, path: Path) -> bool:
    """False where an object of that key and size is there: keys are named by content."""
    key = path.relative_to(folder).as_posix()
    try:
        if storage.look_at(key).size == path.stat().st_size:
            return False
    except storage.ObjectMissing:
        pass
    storage.upload_file(key, str(path))
    return True


def _side_by_side[T, R](work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """As map, several at once, without holding more than a window of the items."""
    waiting = iter(items)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while window := list(islice(waiting, WINDOW)):
            yield from pool.map(work, window)


def _safe(key: str) -> PurePosixPath:
    """The key as a path below a folder. Raises BackupFailed for one that would lead out of it."""
    path = PurePosixPath(key)
    if path.is_absolute() or ".." in path.parts:
        raise BackupFailed(f"The bucket has an object “{key}”, which is no key of Facet's. Remove it.")
    return path


def _read_about(folder: Path) -> dict:
    try:
        about = json.loads((folder / ABOUT).read_text())
        dump_sha256, migrations, _ = about["dump_sha256"], about["migrations"], about["objects"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupFailed(f"{folder} holds no whole backup: {ABOUT} cannot be read ({error}).") from None
    if not (folder / DUMP).exists() or _sha256(folder / DUMP) != dump_sha256:
        raise BackupFailed(f"{folder / DUMP} is not the dump that {ABOUT} speaks of. Take another backup.")
    known = {".".join(key) for key in MigrationLoader(None).disk_migrations}
    later = sorted(set(migrations) - known)
    if later:
        raise BackupFailed(f"This backup is of a later release, which has “{later[-1]}”. Restore with that one.")
    return about


def _run(program: str, *words: str) -> None:
    """One of PostgreSQL's own programs, on the database of the settings."""
    database = settings.DATABASES["default"]
    environment = os.environ | {
        "PGHOST": database["HOST"] or "", "PGPORT": str(database["PORT"] or ""), "PGUSER": database["USER"] or "",
        "PGPASSWORD": database["PASSWORD"] or "", "PGDATABASE": database["NAME"], "PGOPTIONS": PATIENCE,
    }  # fmt: skip
    done = subprocess.run([_program(program), *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise BackupFailed(f"{program} failed: {last} Nothing in the database was changed.")


def _program(name: str) -> str:
    """That of the embedded PostgreSQL, or what the system has: it must not be older than the server."""
    try:
        return str(binaries() / name)
    except EmbeddedError:
        found = shutil.which(name)
    if found is None:
        raise BackupFailed(f"{name} is not installed. Install PostgreSQL's client programs of the server's version.")
    return found


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: dict) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, indent=2) + "\n")
    part.replace(path)
