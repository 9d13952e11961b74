"""`facet up`: everything on this machine, one URL, one login, until Ctrl-C."""

import http.client
import os
import signal
import time
from argparse import ArgumentParser

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from config import embedded
from config.embedded.crew import Crew
from config.embedded.folders import log_file, var_folder
from config.embedded.locks import EXCLUSIVE, FileLock
from config.embedded.ports import HOST, is_free, pick_port
from config.embedded.secrets_file import local_secrets
from config.embedded.workers import GRACE_S, web_command, worker_commands

PREFERRED_PORT = 8000
ADMIN = "admin"
_WEB_TIMEOUT_S = 60


class Command(BaseCommand):
    """Prepares database, bucket and account, then runs web server and workers in the foreground."""

    help = "Run Facet on this machine: services, web server and workers. Ctrl-C stops all of it."
    requires_system_checks = ()  # ./facet check runs them; here they would only delay

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--port`."""
        parser.add_argument(
            "--port", type=int, help=f"port of the web server (default: FACET_PORT, {PREFERRED_PORT} or a free one)"
        )

    def handle(self, **options: object) -> None:
        """Run until stopped. What falls ends everything, with one sentence and exit code 1."""
        alone = FileLock("up")
        if not alone.try_take(EXCLUSIVE):
            raise CommandError(f"Facet already runs on {var_folder()}. Stop that one first (Ctrl-C where it runs).")
        port = _choose_port(options["port"] or os.environ.get("FACET_PORT"))
        call_command("prepare", verbosity=0)
        login = _login()
        connections.close_all()  # before forking: from here on the web server and the workers have their own
        crew = Crew("up", [web_command(port), *worker_commands()], grace_s=GRACE_S)
        fallen: list[str] = []
        crew.run(attend=lambda: self._attend(crew, port, login, fallen))
        reason = crew.sentence() or "".join(fallen)
        if reason:
            raise CommandError(f"{reason} Facet has stopped.")
        self.stdout.write("Facet has stopped.")

    def _attend(self, crew: Crew, port: int, login: str, fallen: list[str]) -> None:
        """Say where Facet is once it answers; end the crew when the services under it fall."""
        deadline = time.monotonic() + _WEB_TIMEOUT_S
        announced = False
        while not crew.is_ending:
            reason = embedded.failure()
            if not announced and _answers(port):
                announced = True
                self.stdout.write(f"Facet is ready: http://{HOST}:{port}/\n{login}")
                self.stdout.write(f"Ctrl-C stops it. Logs are in {log_file('web').parent}")
                self.stdout.flush()
            elif not announced and time.monotonic() > deadline:
                reason = f"The web server does not answer. The reason should be in {log_file('web')}."
            if reason:
                fallen.append(reason)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            time.sleep(0.5 if announced else 0.1)


def _choose_port(asked: int | str | None) -> int:
    if not asked:
        return pick_port(PREFERRED_PORT)
    if not str(asked).isdigit() or not 0 < int(asked) < 65536:
        raise CommandError(f"{asked} is not a port; write a number from 1 to 65535.")
    if not is_free(int(asked)):
        raise CommandError(f"Port {asked} is taken by another program. Choose another with --port.")
    return int(asked)


def _login() -> str:
    """Return the line that tells how to log in, making the first account when there is none."""
    users = get_user_model().objects
    password = local_secrets()["admin_password"]
    if not users.filter(is_superuser=True).exists():
        users.create_superuser(ADMIN, password=password)
        return f"Log in as {ADMIN} with the password {password}"
    admin = users.filter(username=ADMIN, is_active=True).first()
    if admin and admin.check_password(password):
        return f"Log in as {ADMIN} with the password {password}"
    return "Log in with your account; the first password has been changed."


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/login/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
