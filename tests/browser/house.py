"""Facet in parts that can be taken down and set up again, while a page stays open: database and web server.

As in production, where each is a service of its own. `facet up` ends as a whole when one of its parts falls.
No workers: nothing changes but by what the tests do. Broker and object store are those of the test run.
"""

import http.client
import os
import signal
import subprocess
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from pytest import MonkeyPatch

from config.embedded import postgres
from config.embedded.leash import become, die_with_parent
from config.embedded.ports import HOST, pick_port
from config.embedded.workers import web_command
from tests import migrated
from tests.browser import seeds
from tests.inside import REPOSITORY, Inside
from tests.together import wait_until

PREFERRED_PORT = 8180


class House:
    """A database and a web server of one's own. The web server keeps its address from start to start."""

    name = "admin"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with MonkeyPatch.context() as patch:
            patch.setenv("FACET_VAR", str(folder))
            self._database = postgres.prepare({"database_password": "of-tests-only"})
        self.environment = os.environ | self._database.exports | {
            "FACET_VAR": str(folder),
            "REDIS_URL": urlsplit(os.environ["REDIS_URL"])._replace(path="/9").geturl(),  # apart from the test run's
            "PYTHONPATH": str(REPOSITORY),
        }  # fmt: skip
        self.inside = Inside(self.environment)
        self._port = pick_port(PREFERRED_PORT)
        self.url = f"http://{HOST}:{self._port}"
        self._postgres: subprocess.Popen | None = None
        self._web: subprocess.Popen | None = None

    def set_up(self) -> None:
        self.prepare()
        self.inside(seeds.make_admin)
        self.start_web()

    def prepare(self) -> None:
        """Database with all tables, and the bucket: as `manage.py prepare`, which takes longer."""
        self.start_database()
        migrated.fill(self.environment["DATABASE_URL"])
        self.inside(seeds.make_bucket)

    def take_down(self) -> None:
        self.inside.end()
        self.kill_web()
        self.stop_database()

    def mend(self) -> None:
        """Start again what a test took down."""
        if self._postgres is None:
            self.start_database()
        if self._web is None:
            self.start_web()

    def start_database(self) -> None:
        wait_until(self._database_answers, f"PostgreSQL answers; see {self.folder}", 60)

    def _database_answers(self) -> bool:
        if self._postgres is None or self._postgres.poll() is not None:
            # Once more: it refuses to start until the last process of a killed one has noticed.
            command = self._database.command
            self._postgres = self._run(command.words, "postgres", account=command.account)
        return self._database.answers()

    def stop_database(self) -> None:
        """Its fast shutdown: whoever is connected is thrown out."""
        self._postgres.send_signal(signal.SIGINT)
        self._postgres.wait(60)
        self._postgres = None

    def kill_database(self) -> None:
        """As by a power cut: it has no time to write anything more."""
        os.killpg(self._postgres.pid, signal.SIGKILL)
        self._postgres.wait(60)
        self._postgres = None

    def start_web(self) -> None:
        self._web = self._run(web_command(self._port).words, "web")
        wait_until(self._answers, f"the web server answers; see {self.folder}", 60)

    def kill_web(self) -> None:
        """The web server and its processes at once, whatever they were doing."""
        os.killpg(self._web.pid, signal.SIGKILL)
        self._web.wait(60)
        self._web = None

    def web_processes(self) -> list[int]:
        """The processes that answer requests, without the one that starts them."""
        return [child.pid for child in psutil.Process(self._web.pid).children()]

    def _run(self, words: list[str], log_name: str, account=None) -> subprocess.Popen:
        with open(self.folder / f"{log_name}.log", "ab") as log:
            return subprocess.Popen(
                words, cwd=REPOSITORY, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=partial(_enter, account),
            )  # fmt: skip

    def _answers(self) -> bool:
        assert self._web.poll() is None, (self.folder / "web.log").read_text()[-2000:]
        connection = http.client.HTTPConnection(HOST, self._port, timeout=10)
        try:
            connection.request("GET", "/login/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def _enter(account) -> None:
    if account:
        become(account)
    die_with_parent(signal.SIGKILL)
