"""Freezes the labels as they stand into a version."""

import pyarrow as pa
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from datasets import tags
from datasets.aside import Aside
from datasets.divide import SPLIT_BY_FACES, SPLIT_BY_IMAGES, with_splits
from datasets.filters import Filters, confirmed_faces, faces_that_pass
from datasets.label_tables import read_labels
from datasets.leaks import ask_for_report
from datasets.manifest import FACES, IMAGES, content_hash, give_memory_back, write_table
from datasets.models import Version, VersionState
from datasets.signals import version_ready
from datasets.splits import SplitPolicy
from datasets.statistics import statistics
from jobs.enqueue import enqueue
from jobs.errors import JobFailed
from jobs.models import Queue
from jobs.work import Work
from labelling.errors import Refused
from labelling.models import Project
from labelling.near_duplicates import group_near_duplicates

# What freezing decides; the note may be edited meanwhile.
WRITTEN = ["state", "message", "statistics", "content_hash", "images_sha256", "faces_sha256", "frozen_at"]


@transaction.atomic
def start_freeze(
    project: Project,
    *,
    by=None,
    note: str = "",
    tag: str = "",
    policy: SplitPolicy | None = None,
    filters: Filters | None = None,
):
    """A new version's row and the job that fills it. Refused when there is nothing to freeze."""
    filters = filters or Filters()
    if not confirmed_faces(project.pk).exists():
        raise Refused("Nothing to freeze yet: confirm some faces first.")
    if filters and not faces_that_pass(project.pk, filters).exists():
        raise Refused("No confirmed face passes these filters: ask for less.")
    tags.hold(project)  # numbers without gaps or doubles
    last = Version.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    version = Version.objects.create(
        project=project,
        number=last + 1,
        parent=Version.objects.filter(project=project, state=VersionState.READY).first(),
        note=note[:500],
        split_policy=(policy or SplitPolicy()).as_dict(),
        filters=filters.as_dict(),
        created_by=by,
    )
    if tag.strip():
        tags.put_on_new(version, tag, by=by)
    version.job = enqueue(
        "freeze",
        title=f"Freeze version {version.number}",
        project_id=project.pk,
        params={"version": version.pk},
        queue=Queue.BULK,
        key=f"freeze:{version.pk}",
        by=by,
        result_url=f"/p/{project.slug}/versions/{version.number}/",
    )
    version.save(update_fields=["job"])
    return version


def freeze(version: Version, work: Work) -> dict:
    """Write the version's tables and close it. A repeated run writes its own files, and one run closes it."""
    if version.state == VersionState.READY:
        return {"content_hash": version.content_hash}
    work.progress(done=0, total=3, message="Reading labels")
    policy = SplitPolicy.from_dict(version.split_policy)
    if policy.by_likeness:  # photos that came a moment ago may not be compared yet
        group_near_duplicates(version.project_id, work)
    filters = Filters.from_dict(version.filters)
    images, faces, alike, without = read_labels(version.project_id, filters)
    if faces.num_rows == 0:
        raise JobFailed(
            "Nothing to freeze: no confirmed face passes the filters any more."
            if filters
            else "Nothing to freeze: no face is confirmed any more."
        )
    work.progress(done=1, message="Splitting")
    of_images, of_faces = Aside(images, SPLIT_BY_IMAGES), Aside(faces, SPLIT_BY_FACES)
    images, faces = images.select(SPLIT_BY_IMAGES), faces.select(SPLIT_BY_FACES)
    give_memory_back()
    images, faces, photo = with_splits(images, faces, alike, version)
    images, faces = of_images.back(images), of_faces.back(faces)
    version.statistics = statistics(images, faces, photo, left_out=without)
    del photo
    give_memory_back()
    work.progress(done=2, message="Writing")
    images, faces = _in_order(images, IMAGES), _in_order(faces, FACES)
    version.content_hash = content_hash(images, faces)
    write_table(version, "images", images)
    write_table(version, "faces", faces)
    with work.chunk():
        version.state, version.frozen_at, version.message = VersionState.READY, timezone.now(), ""
        version.save(update_fields=WRITTEN)
        tags.now_ready(version)
        ask_for_report(version, by=version.created_by)
        version_ready.send(sender=None, version=version)
    counts = {"faces": faces.num_rows, "images": images.num_rows}
    said = f"{faces.num_rows:,} faces in {images.num_rows:,} photos."
    return {"content_hash": version.content_hash, **counts, "said": said}


def _in_order(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns that all versions have as they stand in each, then those of this one's policy."""
    return table.select([*schema.names, *(name for name in table.column_names if name not in schema.names)])
