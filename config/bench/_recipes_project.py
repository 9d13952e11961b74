"""A project of people of whom there are photos, labelled by their folders, and frozen."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from datasets.freeze import start_freeze
from datasets.models import Version
from datasets.splits import SplitPolicy
from jobs.work import perform
from labelling.claims import accept_claims
from labelling.identities import get_or_create_identity
from labelling.ingest import find_photos, ingest_folder
from labelling.projects import create_project

# Of six photos four are enrolled and two searched; with fewer nobody has three in the gallery and one to test.
LEAST_PHOTOS = 6


def frozen_people(
    folder: Path, people: int, most_photos: int, owner, say: Callable[[str], None]
) -> tuple[str, Version]:
    """Whether the photos are real or drawn, and the version."""
    with tempfile.TemporaryDirectory() as drawn:
        if folder.is_dir():
            kind, photos = "real", _chosen(folder, people, most_photos)
        else:
            from recognition.drawing import write_sample

            say(f"No photos in {folder}: drawing people instead …")
            write_sample(Path(drawn) / "people", identities=people, photos=10)
            kind, photos = "drawn", find_photos(Path(drawn) / "people")
        project = create_project(f"Recipes bench {time.time():.0f}", by=owner)
        for person in sorted({photo.person for photo in photos if photo.person}):
            get_or_create_identity(project, person)
        say(f"Taking in {len(photos):,} photos of {people:,} people …")
        for _ in ingest_folder(project, photos, by=owner):
            pass
    return kind, _labelled_and_frozen(project, owner, say)


def _chosen(folder: Path, people: int, most_photos: int) -> list:
    of_person = defaultdict(list)
    for photo in find_photos(folder):
        if photo.person:
            of_person[photo.person].append(photo)
    # With most photos first; of one as many as the other, by name.
    names = sorted(of_person, key=lambda name: (-min(len(of_person[name]), most_photos), name))[:people]
    return [photo for name in names if len(of_person[name]) >= LEAST_PHOTOS for photo in of_person[name][:most_photos]]


def _labelled_and_frozen(project, owner, say: Callable[[str], None]) -> Version:
    import datasets.tasks  # noqa: F401  (registers handlers)
    import recognition.tasks  # noqa: F401
    from jobs.models import Job, State

    def work_off(*kinds: str) -> None:
        waiting = Job.objects.filter(project_id=project.pk, kind__in=kinds, state=State.QUEUED, not_before=None)
        while job := waiting.order_by("pk").first():
            perform(job.pk)

    say("Looking for faces and describing them …")
    work_off("propose", "embed")
    say(f"{accept_claims(project, by=owner):,} faces are named after their folder.")
    version = start_freeze(project, by=owner, policy=SplitPolicy(train=0.5, val=0.2, test=0.3))
    work_off("freeze")
    return Version.objects.get(pk=version.pk)
