"""Workers killed, object store and database away while an archive is taken in: each photo is there and searched once.

FACET_FAULT_PHOTOS makes the archive larger; the pauses grow with it.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from urllib.parse import urlsplit

import psutil
import pytest

from config.embedded.ports import HOST
from tests.browser import intake_seeds
from tests.browser.house import House
from tests.inside import REPOSITORY
from tests.together import wait_until

PHOTOS = int(os.environ.get("FACET_FAULT_PHOTOS", "30"))
STORE_AWAY_S = 20 if PHOTOS >= 1_000 else 3
PATIENCE_S = 120 + PHOTOS


class Door:
    """A way to the object store that can be shut: connections are broken off, and new ones refused."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.unlock()

    def unlock(self) -> None:
        self._listener = socket.create_server((HOST, self.port), reuse_port=False)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._welcome, args=(self._listener,), daemon=True).start()

    def lock(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._open):
            end.close()

    def _welcome(self, listener: socket.socket) -> None:
        while True:
            try:
                inside, _ = listener.accept()
                outside = socket.create_connection((self._target.hostname, self._target.port))
            except OSError:
                return
            for one, other in ((inside, outside), (outside, inside)):
                self._open.add(one)
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            pass  # the door was shut
        for end in (one, other):
            self._open.discard(end)
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class Workshop(House):
    """Database and workers, with a door to the object store; no web server."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.door = Door(os.environ["S3_ENDPOINT_URL"])
        self.environment |= {
            "S3_ENDPOINT_URL": f"http://{HOST}:{self.door.port}",
            "FACET_JOB_LEASE_S": "3",
            "FACET_WARM": "0",
        }
        self.environment["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path="/8").geturl()
        self.environment["S3_BUCKET"] = f"faults-{uuid.uuid4()}"  # fsck must find nothing that others left
        self.inside._environment |= self.environment
        self._workers: subprocess.Popen | None = None

    def set_up(self) -> None:
        self.prepare()
        self.start_workers()

    def start_workers(self) -> None:
        words = [sys.executable, "-m", "config.embedded.workers", str(os.getpid())]
        with open(self.folder / "workers.log", "ab") as log:
            self._workers = subprocess.Popen(
                words, cwd=REPOSITORY, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill_workers(self) -> None:
        """All at once and without a word, whatever they were doing."""
        everybody = [psutil.Process(self._workers.pid), *psutil.Process(self._workers.pid).children(recursive=True)]
        for process in everybody:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        self._workers.wait(30)
        psutil.wait_procs(everybody, 30)

    def take_down(self) -> None:
        self.inside.end()
        self.kill_workers()
        self.stop_database()
        self.door.lock()


@pytest.fixture
def workshop(tmp_path):
    made = Workshop(tmp_path)
    made.set_up()
    yield made
    made.take_down()


def test_whatever_falls_each_photo_is_taken_in_and_searched_once(workshop):
    made = workshop.inside(intake_seeds.stage_archive, "Faults", PHOTOS)

    def reached(what: str, share: float):
        count = round(PHOTOS * share)
        wait_until(
            lambda: workshop.inside(intake_seeds.progress, made["project"])[what] >= count,
            f"{count} photos are {what}; see {workshop.folder}",
            PATIENCE_S,
            every_s=0.2,
        )

    reached("taken", 0.2)
    workshop.kill_workers()
    workshop.start_workers()

    reached("taken", 0.5)
    workshop.door.lock()
    time.sleep(STORE_AWAY_S)
    workshop.door.unlock()

    reached("taken", 0.7)
    workshop.kill_database()
    workshop.start_database()

    reached("searched", 0.4)
    workshop.kill_workers()
    workshop.start_workers()

    reached("searched", 1)
    wait_until(
        lambda: not workshop.inside(intake_seeds.progress, made["project"])["active"],
        "all jobs end",
        PATIENCE_S,
        every_s=0.2,
    )
    found = workshop.inside(intake_seeds.outcome, made["project"])
    assert found["files"] == {"created": PHOTOS}
    assert (found["images"], found["hashes"]) == (PHOTOS, PHOTOS)
    assert found["states"] == {"proposed": PHOTOS}
    assert found["faces_a_photo"] == {"1": PHOTOS}  # a photo searched twice would have two
    assert found["undescribed"] == 0
    assert workshop.inside(intake_seeds.findings, made["slug"]) == []
