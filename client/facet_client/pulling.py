"""Fetches a version: what is missing, side by side, each file checked before it counts as there."""

import base64
import binascii
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from facet_client import folder as local
from facet_client.folder import Kept, NotPulled, VersionFolder
from facet_client.server import Server, ServerRefused, ServerUnreachable

AT_ONCE = 8
ERASED = 410
Tell = Callable[[str, int, int, int], None]


class Damaged(Exception):
    """What came is not what the server says it sent."""


@dataclass
class Pulled:
    """What a pull did. `erased`: photos whose people asked to be forgotten since the version was frozen."""

    photos: int = 0
    fetched: int = 0
    byte_size: int = 0
    erased: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    removed: int = 0


def pull(
    url: str,
    wanted: str,
    folder: str | os.PathLike,
    *,
    token: str | None = None,
    photos: bool = True,
    prune: bool = False,
    at_once: int = AT_ONCE,
    tell: Tell = lambda what, done, total, size: None,
) -> VersionFolder:
    """Bring `wanted`, such as `lobby@golden`, into `folder`, and open it.

    token: by default the one in FACET_TOKEN. photos: False for the tables alone. prune: remove photos that are not of
    this version. tell: called with what is going on, done, total, and bytes so far.

    The version that is opened says in `pulled` what was done. Raises ServerRefused, ServerUnreachable, or NotPulled
    for a folder that holds something else. What was fetched before an error is kept.
    """
    server = Server(url, os.environ.get("FACET_TOKEN", "") if token is None else token, at_once=at_once)
    try:
        return _Pull(server, Path(folder), tell).run(*_project_and_version(wanted), photos, prune, at_once)
    finally:
        server.close()


def _project_and_version(wanted: str) -> tuple[str, str]:
    project, _, version = wanted.partition("@")
    if not project or "/" in project:
        raise ServerRefused(0, f"“{wanted}” is no version; write PROJECT@VERSION, such as lobby@3 or lobby@golden.")
    return project, version or "latest"


class _Pull:
    def __init__(self, server: Server, folder: Path, tell: Tell):
        self._server, self._folder, self._tell = server, folder, tell
        self._done = Pulled()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def run(self, project: str, version: str, photos: bool, prune: bool, at_once: int) -> VersionFolder:
        self._must_fit(project)
        self._project = project
        given = self._server.post(f"projects/{project}/pulls/", {"version": version, "photos": photos})
        about = {
            "server": self._server.url, "project": project, "version": given["number"],
            "content_hash": given["content_hash"], "tables": {one["name"]: one["sha256"] for one in given["tables"]},
            "complete": False,
        }  # fmt: skip
        if set(about["tables"]) != set(local.TABLES):
            raise ServerRefused(0, "This server gives other tables than this client knows; update facet-client.")
        self._version = f"projects/{project}/versions/{given['number']}"
        self._folder.mkdir(parents=True, exist_ok=True)
        local.write_about(self._folder, about)
        for table in given["tables"]:
            self._table(table)
        if photos:
            self._photos(given["photos"], at_once, prune)
        local.write_about(self._folder, about | {"complete": True})
        pulled = VersionFolder(self._folder)
        pulled.pulled = self._done
        return pulled

    def _must_fit(self, project: str) -> None:
        """A folder is one project's: what lies there already counts, and what is not ours is left alone."""
        about = local.read_about(self._folder)
        if about is None:
            if self._folder.is_dir() and any(self._folder.iterdir()):
                raise NotPulled(f"{self._folder} holds something else; choose a new folder.")
        elif (about["server"], about["project"]) != (self._server.url, project):
            raise NotPulled(
                f"{self._folder} holds “{about['project']}” of {about['server']}; choose another folder for this."
            )

    def _table(self, table: dict) -> None:
        """Goes on where it was cut off: the part is named by the hash of the whole."""
        path = self._folder / table["name"]
        if path.exists() and local.sha256_of(path) == table["sha256"]:
            return
        part = self._folder / f"{table['name']}.{table['sha256'][:16]}.part"
        for attempt in range(len(local.TABLES) + 100):
            try:
                self._rest_of(table, part)
            except httpx.TransportError:
                self._server.pause(attempt)
                continue
            if local.sha256_of(part) == table["sha256"]:
                part.replace(path)
                return
            part.unlink()
            self._server.pause(attempt)

    def _rest_of(self, table: dict, part: Path) -> None:
        here = part.stat().st_size if part.exists() else 0
        if here >= table["byte_size"]:
            return
        with self._server.streamed(f"{self._version}/tables/{table['name']}", here) as answer, open(part, "ab") as file:
            if answer.status_code != httpx.codes.PARTIAL_CONTENT:
                file.truncate(0)
            for piece in answer.iter_bytes():
                file.write(piece)
                self._tell(f"Fetching {table['name']}", file.tell(), table["byte_size"], file.tell())

    def _photos(self, count: int, at_once: int, prune: bool) -> None:
        names = self._names()
        if len(names) != count:
            raise ServerRefused(0, f"The server lists {len(names):,} photos and says there are {count:,}.")
        kept, here = local.read_index(self._folder), local.sizes_here(self._folder)
        there = {name for name in kept if here.get(name) == kept[name].size}
        wanted = set(names)
        local.rewrite_index(self._folder, {name: kept[name] for name in there})
        self._done.photos = len(names)
        self._fetch([name for name in names if name not in there], at_once)
        if prune:
            self._prune(here.keys() - wanted)

    def _names(self) -> list[str]:
        names = self._server.get(f"{self._version}/photos/").text.split()
        for name in names:
            local.photo_path(name)
        return names

    def _fetch(self, names: list[str], at_once: int) -> None:
        self._index = local.IndexWriter(self._folder)
        waiting = iter(names)
        try:
            with ThreadPoolExecutor(at_once, "facet-pull") as pool:
                try:
                    futures = [pool.submit(self._work, waiting, len(names)) for _ in range(at_once)]
                    for future in futures:
                        future.result()
                finally:
                    self._stopped.set()  # one failed, or somebody pressed Ctrl-C: the others need not go on
        finally:
            self._index.close()

    def _work(self, waiting: Iterator[str], total: int) -> None:
        while not self._stopped.is_set():
            with self._lock:
                name = next(waiting, None)
            if name is None:
                return
            try:
                size = self._photo(name)
            except BaseException:
                self._stopped.set()
                raise
            with self._lock:
                self._done.fetched += size is not None
                self._done.byte_size += size or 0
                done = self._done.fetched + len(self._done.erased) + len(self._done.missing)
                self._tell("Fetching photos", done, total, self._done.byte_size)

    def _photo(self, name: str) -> int | None:
        """Its size; None where the server has it no more."""
        for attempt in range(100):
            try:
                answer = self._server.get(f"projects/{self._project}/photos/{name.partition('.')[0]}/")
                _check(name, answer)
                break
            except Damaged as error:
                try:
                    self._server.pause(attempt)
                except ServerUnreachable:
                    raise ServerUnreachable(str(error)) from None
            except ServerRefused as error:
                if error.status not in (404, ERASED):
                    raise
                with self._lock:
                    (self._done.erased if error.status == ERASED else self._done.missing).append(name)
                return None
        body = answer.content
        path = self._folder / local.photo_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{name}.{threading.get_ident()}.part")
        part.write_bytes(body)
        part.replace(path)
        self._index.add(name, Kept(hashlib.sha256(body).hexdigest(), len(body)))
        return len(body)

    def _prune(self, names: set[str]) -> None:
        for name in names:
            (self._folder / local.photo_path(name)).unlink()
        kept = local.read_index(self._folder)
        local.rewrite_index(self._folder, {name: one for name, one in kept.items() if name not in names})
        self._done.removed = len(names)


def _check(name: str, answer: httpx.Response) -> None:
    """Raises Damaged unless the bytes have the digest that came with them (RFC 9530)."""
    algorithm, _, value = answer.headers.get("Repr-Digest", "").partition("=")
    try:
        wanted = base64.b64decode(value.strip(":"), validate=True)
    except binascii.Error:
        wanted = b""
    if algorithm != "sha-256" or hashlib.sha256(answer.content).digest() != wanted:
        raise Damaged(f"The photo {name} does not come whole; run the same command again to go on.")
