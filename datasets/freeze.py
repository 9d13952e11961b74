"""Freezes the labels as they stand into a version."""

from collections import Counter

import pyarrow as pa
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from datasets.manifest import FACES, IMAGES, ManifestBroken, content_hash, read_columns, write_table
from datasets.models import Version, VersionState
from datasets.splits import NOBODY, SplitPolicy, assign_splits, held_splits, split_groups
from datasets.statistics import statistics
from jobs.enqueue import enqueue
from jobs.errors import JobFailed
from jobs.models import Queue
from jobs.work import Work
from labelling.errors import Refused
from labelling.models import Face, FaceState, Image, ImageState, Project
from labelling.near_duplicates import group_near_duplicates

BATCH = 20_000
# What freezing decides; note and tag may be edited meanwhile.
WRITTEN = ["state", "message", "statistics", "content_hash", "images_sha256", "faces_sha256", "frozen_at"]


@transaction.atomic
def start_freeze(project: Project, *, by=None, note: str = "", tag: str = "", policy: SplitPolicy | None = None):
    """A new version's row and the job that fills it. Refused when there is nothing to freeze."""
    if not Face.objects.in_project(project).filter(state=FaceState.CONFIRMED).exists():
        raise Refused("Nothing to freeze yet: confirm some faces first.")
    tag = tag.strip()
    if len(tag) > Version.TAG_LENGTH:
        raise Refused(f"A tag may have {Version.TAG_LENGTH} letters.", fields={"tag": ["Too long."]})
    if tag and Version.objects.filter(project=project, tag=tag).exists():
        raise Refused(f"The tag “{tag}” is in use in this project.", fields={"tag": ["Taken."]})
    Project.objects.select_for_update().get(pk=project.pk)  # numbers without gaps or doubles
    last = Version.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    try:
        version = Version.objects.create(
            project=project,
            number=last + 1,
            parent=Version.objects.filter(project=project, state=VersionState.READY).first(),
            note=note[:500],
            tag=tag,
            split_policy=(policy or SplitPolicy()).as_dict(),
            created_by=by,
        )
    except IntegrityError:
        raise Refused(f"The tag “{tag}” is in use in this project.", fields={"tag": ["Taken."]}) from None
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
    images, faces, alike, proposed = _read_labels(version.project_id)
    if faces.num_rows == 0:
        raise JobFailed("Nothing to freeze: no face is confirmed any more.")
    work.progress(done=1, message="Splitting")
    before = _splits_before(version) if policy.sticky else {}
    images, faces = _with_splits(images, faces, alike, policy, before)
    version.statistics = statistics(images, faces, proposed_left_out=proposed)
    work.progress(done=2, message="Writing")
    version.content_hash = content_hash(images, faces)
    write_table(version, "images", images)
    write_table(version, "faces", faces)
    with work.chunk():
        version.state, version.frozen_at, version.message = VersionState.READY, timezone.now(), ""
        version.save(update_fields=WRITTEN)
    counts = {"faces": faces.num_rows, "images": images.num_rows}
    said = f"{faces.num_rows:,} faces in {images.num_rows:,} photos."
    return {"content_hash": version.content_hash, **counts, "said": said}


def faces_to_freeze(project_id: int) -> QuerySet:
    """Only what a person confirmed, named or not. Proposals and what is no face stay out."""
    return Face.objects.filter(project_id=project_id, state=FaceState.CONFIRMED)


def images_to_freeze(project_id: int) -> QuerySet:
    """Photos that a person is done with, those without any face too, and all that hold a confirmed face."""
    confirmed = Face.objects.filter(image=OuterRef("pk"), state=FaceState.CONFIRMED)
    return Image.objects.filter(Q(state=ImageState.LABELLED) | Exists(confirmed), project_id=project_id)


def _read_labels(project_id: int) -> tuple[pa.Table, pa.Table, dict[str, int], int]:
    """Both tables, the groups of nearly equal photos, and the number of proposals left out.

    All of one moment: no label changes between the queries.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        photos = images_to_freeze(project_id)
        alike = dict(photos.filter(near_group__isnull=False).order_by().values_list("sha256", "near_group"))
        images = photos.order_by("sha256").values_list("sha256", "name", "width", "height", "format", "session", "pk")
        faces = (
            faces_to_freeze(project_id)
            .order_by("image__sha256", "x", "y", "w", "h", "pk")
            .values_list(
                "image__sha256", "x", "y", "w", "h", "who", "identity__name", "identity__class_id",
                "origin", "score", "landmarks", "pk",
            )
        )  # fmt: skip
        proposed = Face.objects.filter(project_id=project_id, state=FaceState.PROPOSED).count()
        return _table(images, IMAGES), _table(faces, FACES), alike, proposed


def _table(rows: QuerySet, schema: pa.Schema) -> pa.Table:
    """The rows in batches, so that they are never all Python objects at once; the split comes later."""
    fields = pa.schema([field for field in schema if field.name != "split"])
    batches, waiting = [], []
    for row in rows.iterator(chunk_size=BATCH):
        waiting.append(row)
        if len(waiting) == BATCH:
            batches.append(_batch(waiting, fields))
            waiting = []
    batches.append(_batch(waiting, fields))
    return pa.Table.from_batches(batches, schema=fields).unify_dictionaries()


def _batch(rows: list[tuple], fields: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(fields)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.record_batch(arrays, fields)


def _splits_before(version: Version) -> dict[str, str]:
    """Where the last version had each photo; what any version ever had in test is there, also when it was away since.

    Raises JobFailed when an earlier version cannot be read: splitting without it could teach what was kept for tests.
    """
    earlier = Version.objects.filter(project=version.project_id, state=VersionState.READY, number__lt=version.number)
    before: dict[str, str] = {}
    tested: set[str] = set()
    for one in earlier.order_by("number").defer("statistics"):
        try:
            table = read_columns(one, "images", ["image_sha256", "split"])
        except ManifestBroken as error:
            raise JobFailed(f"{error} Restore it from a backup, or freeze with new splits.") from error
        before = dict(zip(table["image_sha256"].to_pylist(), table["split"].to_pylist(), strict=True))
        tested.update(sha256 for sha256, split in before.items() if split == "test")
    return before | dict.fromkeys(tested, "test")


def _with_splits(
    images: pa.Table, faces: pa.Table, alike: dict[str, int], policy: SplitPolicy, before: dict[str, str]
) -> tuple[pa.Table, pa.Table]:
    shas, sessions = images["image_sha256"].to_pylist(), images["session"].to_pylist()
    group_of = split_groups(zip(shas, sessions, strict=True), alike, policy)
    photos_of = Counter(group_of.values())
    groups: dict[str, list[str]] = {group: [] for group in photos_of}
    for sha, name in zip(faces["image_sha256"].to_pylist(), faces["identity"].to_pylist(), strict=True):
        if name is not None:
            groups[group_of[sha]].append(name)
    for group, people in groups.items():
        if not people:
            people += [NOBODY] * photos_of[group]
    split_of = assign_splits(groups, policy, held_splits(group_of, before, policy))
    return (
        _add_split(images, IMAGES, [split_of[group_of[sha]] for sha in shas]),
        _add_split(faces, FACES, [split_of[group_of[sha]] for sha in faces["image_sha256"].to_pylist()]),
    )


def _add_split(table: pa.Table, schema: pa.Schema, splits: list[str]) -> pa.Table:
    column = pa.array(splits, pa.string()).cast(schema.field("split").type)
    return table.append_column("split", column).select(schema.names).cast(schema)
