"""The whole loop on a folder of photos: ingest, propose, embed, confirm, freeze, train, evaluate."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db.models import F, Sum

from datasets.freeze import start_freeze
from datasets.models import Version
from jobs.errors import JobFailed
from jobs.models import Job, State
from labelling.claims import accept_claims
from labelling.errors import Refused
from labelling.identities import get_or_create_identity
from labelling.ingest import find_photos, ingest_folder
from labelling.models import Face, FaceState, Identity, Project
from labelling.projects import create_project
from recognition.models import Run
from recognition.runs import start_training

STAGES = ("propose", "embed", "freeze", "train", "evaluate")
GUIDELINES = """\
**Whom to name.** Everybody whose face is large enough to recognise.

- A box reaches from forehead to chin and from ear to ear.
- Somebody we do not know: *unknown*. Too small, blurred or turned away: *ignore*.
- A poster, a toy or a pattern: *not a face*.
"""


@dataclass
class Demo:
    """One run of the loop. `finish` has a job done, `finish_kinds` waits for all jobs of those kinds,
    `tell` shows progress."""

    finish: Callable[[Job], object]
    finish_kinds: Callable[..., None]
    tell: Callable[[str, int, int], None]

    def run(self, folder: Path, *, name: str, limit: int | None = None) -> dict:
        """Returns the summary that `facet demo --json` prints; figures that could not be had are None."""
        user, _ = get_user_model().objects.get_or_create(username="demo")
        project = create_project(name, by=user, guidelines=GUIDELINES)
        start = time.monotonic()
        summary = {"project": project.slug, **self._ingest(project, folder, limit, user)}
        ingest_s = round(time.monotonic() - start, 2)
        self.finish_kinds(project, "propose", "embed", "suggest")
        accept_claims(project, by=user)
        summary |= _counts(project)
        try:
            version = self._freeze(project, user)
            summary |= {"version": version.number, "content_hash": version.content_hash}
            summary |= self._train_and_evaluate(version, user)
        except Refused as error:
            summary["note"] = error.message
        self.finish_kinds(project, "suggest")
        empty = dict.fromkeys(("version", "content_hash", "map", "recognition_rate", "verification", "baseline"))
        return {**empty, **summary, "seconds": {"ingest": ingest_s, **_job_seconds(project)}}

    def _ingest(self, project: Project, folder: Path, limit: int | None, user) -> dict:
        found = find_photos(folder, limit=limit)
        # People first, by name: class ids do not depend on which photo comes first.
        for person in sorted({photo.person for photo in found if photo.person}):
            get_or_create_identity(project, person)
        statuses = []
        for outcome in ingest_folder(project, found, by=user):
            statuses.append(outcome.status)
            self.tell("Taking photos in", len(statuses), len(found))
        return {"images": statuses.count("created"), "rejected": statuses.count("rejected")}

    def _freeze(self, project: Project, user) -> Version:
        version = start_freeze(project, by=user, note="Frozen by the demo.")
        self.finish(version.job)
        version.refresh_from_db()
        return version

    def _train_and_evaluate(self, version: Version, user) -> dict:
        training = start_training(version, by=user)
        try:
            self.finish(training.job)
        except JobFailed as error:
            if training.job.state != State.FAILED:  # a fault of ours, or cancelled: no news about the photos
                raise
            raise Refused(str(error)) from error
        evaluation = Run.objects.select_related("job").filter(parent=training).first()
        if evaluation is None:
            raise Refused("Nobody has test faces, so the model was not evaluated. Add more photos of each person.")
        self.finish(evaluation.job)
        evaluation.refresh_from_db()
        return _headline(evaluation.metrics)


def _job_seconds(project: Project) -> dict[str, float | None]:
    """How long the jobs of each stage worked, not how long we waited; None for a stage that was not reached."""
    worked = Job.objects.in_project(project.pk).filter(finished_at__isnull=False).values("kind").order_by("kind")
    by_kind = {row["kind"]: row["time"] for row in worked.annotate(time=Sum(F("finished_at") - F("started_at")))}
    return {kind: round(by_kind[kind].total_seconds(), 2) if kind in by_kind else None for kind in STAGES}


def _counts(project: Project) -> dict:
    faces = Face.objects.in_project(project)
    return {
        "faces_proposed": faces.count(),
        "faces_confirmed": faces.filter(state=FaceState.CONFIRMED).count(),
        "identities": Identity.objects.in_project(project).count(),
    }


def _headline(metrics: dict) -> dict:
    baseline = metrics["baseline"]
    return {
        "map": metrics["map"]["macro"],
        "recognition_rate": metrics["recognition_rate"]["value"],
        "verification": {name: metrics["verification"][name] for name in ("auc", "eer")},
        "baseline": {
            "recognition_rate": baseline["recognition_rate"]["value"],
            "map": baseline["map"]["macro"],
        },
    }
