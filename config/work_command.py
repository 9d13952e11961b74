"""What commands share that start background work: workers for as long as they run, progress, one JSON at the end."""

import contextlib
import json
import sys
import time

from django.core.management.base import BaseCommand, CommandError

from config.embedded import EmbeddedError
from config.embedded.workers import running_workers
from datasets.models import Version
from datasets.tags import NoSuchVersion, version_named
from jobs.errors import JobFailed
from jobs.models import Job
from jobs.wait import wait_for, wait_until_idle
from labelling.errors import Refused
from labelling.models import Project

# What a command ends with when it was asked about something that is not there, as for arguments that make no sense.
NOT_THERE = 2


class WorkCommand(BaseCommand):
    """Subclasses write `work(options) -> dict`; what it returns is printed, as JSON with --json."""

    def handle(self, *args, **options):
        self._told = ("", "", 0.0)
        with contextlib.ExitStack() as stack:
            self._stack = stack
            self._workers = None
            try:
                answer = self.work(options)
            except (Refused, JobFailed, EmbeddedError) as error:
                raise CommandError(str(error)) from None
            except KeyboardInterrupt:
                raise CommandError("Stopped. What was finished before is kept; run it again to go on.") from None
        self.stdout.write(json.dumps(answer) if options["json"] else self.as_text(answer))

    def as_text(self, answer: dict) -> str:
        return "\n".join(f"{name}: {json.dumps(value) if isinstance(value, dict | list) else value}"
                         for name, value in answer.items())  # fmt: skip

    def project(self, slug: str) -> Project:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)[:10]) or "none yet"
            raise CommandError(f"There is no project “{slug}”. There are: {known}.", returncode=NOT_THERE)
        return project

    def version(self, slug: str, name: str | int) -> Version:
        """By its number or a tag that stands on it."""
        try:
            return version_named(self.project(slug), name)
        except NoSuchVersion as error:
            raise CommandError(error.message, returncode=NOT_THERE) from None

    def finish(self, job: Job) -> Job:
        """Have the job done by workers; started here when this command is the first to need them."""
        self.with_workers()
        return wait_for(job, self._tell_job)

    def finish_kinds(self, project: Project, *kinds: str) -> None:
        self.with_workers()
        for kind in kinds:
            wait_until_idle(project.pk, kind, self._tell_job)

    def with_workers(self) -> None:
        if self._workers is None:
            self._workers = self._stack.enter_context(running_workers())

    def _tell_job(self, job: Job) -> None:
        self._workers.check()
        self.tell(job.title, job.done, job.total)

    def tell(self, what: str, done: int, total: int) -> None:
        """Progress on stderr: a line when the work changes or ends, in between one every two seconds at most."""
        line = f"{what}: {done} of {total}" if total else f"{what} …"
        title, last_line, when = self._told
        now = time.monotonic()
        if line == last_line or (what == title and done != total and now - when < 2):
            return
        self._told = (what, line, now)
        self.say(line)

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)
