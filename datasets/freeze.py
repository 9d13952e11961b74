"""Freezes the labels as they stand into a version."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from django.db.models import Func, Max, QuerySet, TextField, Value
from django.utils import timezone
from pyarrow import csv

from datasets import tags
from datasets.aside import Aside
from datasets.filters import Filters, confirmed_faces, faces_that_pass, left_out, photos_that_pass
from datasets.leaks import ask_for_report
from datasets.manifest import (
    FACES,
    FOLD,
    IMAGES,
    ROLE,
    ManifestBroken,
    column_batches,
    content_hash,
    give_memory_back,
    write_table,
)
from datasets.models import Version, VersionState
from datasets.pairs import face_numbers
from datasets.protocols import CannotDivide, divide_groups
from datasets.signals import version_ready
from datasets.splits import GALLERY_PROBE, KFOLD, NOBODY, SPLITS, SplitPolicy, split_groups
from datasets.statistics import statistics
from jobs.enqueue import enqueue
from jobs.errors import JobFailed
from jobs.models import Queue
from jobs.work import Work
from labelling.copied import copied
from labelling.errors import Refused
from labelling.models import Face, FaceState, Project
from labelling.near_duplicates import group_near_duplicates

# As FACES, with each hash and name once: a million faces are of fewer photos, and those of far fewer people.
SHARING = pa.schema(
    [
        field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name in {"image_sha256", "identity"} else field
        for field in FACES
    ]
)
BLOCK = 8 * 1024 * 1024
# What is needed to divide; all else is on disk meanwhile.
SPLIT_BY_IMAGES = ["image_sha256", "session"]
SPLIT_BY_FACES = ["image_sha256", "identity", "who"]
# Splits that are made to measure: what they test is not kept from later versions.
SETS_NOTHING = (KFOLD, GALLERY_PROBE)
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
    images, faces, alike, without = _read_labels(version.project_id, filters)
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
    images, faces, photo = _with_splits(images, faces, alike, version)
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


def _read_labels(project_id: int, filters: Filters) -> tuple[pa.Table, pa.Table, dict[str, int], dict]:
    """Both tables, the groups of nearly equal photos, and what was left out.

    All of one moment: no label changes between the queries.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        photos = photos_that_pass(project_id, filters)
        alike = dict(photos.filter(near_group__isnull=False).order_by().values_list("sha256", "near_group"))
        images = photos.order_by("sha256").values_list(
            "sha256", "name", "width", "height", "format", "session", "sharpness", "brightness", "camera", "pk"
        )
        faces = (
            faces_that_pass(project_id, filters)
            .annotate(points=Func("landmarks", Value(" "), function="array_to_string", output_field=TextField()))
            .order_by("image__sha256", "x", "y", "w", "h", "pk")
            .values_list(
                "image__sha256", "x", "y", "w", "h", "who", "identity__name", "identity__class_id",
                "origin", "score", "points", "pk",
            )
        )  # fmt: skip
        proposed = Face.objects.filter(project_id=project_id, state=FaceState.PROPOSED).count()
        without = {"proposed_faces": proposed, **left_out(project_id, filters)}
        return _table(images, IMAGES), _table(faces, SHARING), alike, without


def _table(rows: QuerySet, schema: pa.Schema) -> pa.Table:
    """The rows as Arrow reads them from the database's own text, block by block; the split comes later.

    What is said of many rows, hashes and names too, is kept once.
    """
    fields = pa.schema([field for field in schema if field.name != "split"])
    plain = pa.schema([(field.name, _as_written(field.type)) for field in fields])
    convert = csv.ConvertOptions(
        column_types=plain, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    read = csv.ReadOptions(column_names=fields.names, block_size=BLOCK, use_threads=False)
    with copied(rows) as file:
        if not file.read(1):
            return fields.empty_table()
        file.seek(0)
        with csv.open_csv(file, read, csv.ParseOptions(newlines_in_values=True), convert) as blocks:
            batches = [_as_meant(block, fields) for block in blocks]
    give_memory_back()
    return pa.Table.from_batches(batches).unify_dictionaries().cast(fields)


def _as_written(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return pa.dictionary(pa.int32(), kind.value_type)
    return pa.string() if pa.types.is_list(kind) else kind


def _as_meant(block: pa.RecordBatch, fields: pa.Schema) -> pa.RecordBatch:
    columns = {
        field.name: _numbers(column, field.type) if pa.types.is_list(field.type) else column
        for field, column in zip(fields, block.columns, strict=True)
    }
    give_memory_back()
    return pa.record_batch(columns)


def _numbers(texts: pa.StringArray, kind: pa.DataType) -> pa.ListArray:
    """Lists of numbers from texts with blanks between them; no list where there is no text."""
    lists = pc.split_pattern(texts, " ")
    return pa.ListArray.from_arrays(lists.offsets, lists.flatten().cast(kind.value_type), mask=lists.is_null())


def _splits_before(version: Version, photos: np.ndarray) -> np.ndarray:
    """Where the last version had each of these photos, as its place in SPLITS; -1 of those that no version had.

    What any version ever had in test is there, also when it was away since. Raises JobFailed when an earlier version
    cannot be read: splitting without it could teach what was kept for tests.
    """
    earlier = Version.objects.filter(project=version.project_id, state=VersionState.READY, number__lt=version.number)
    last = np.full(len(photos), -1, np.int8)
    was_tested = np.zeros(len(photos), bool)
    for one in earlier.order_by("number").defer("statistics"):
        if one.split_policy.get("kind") in SETS_NOTHING:
            continue
        try:
            for batch in column_batches(one, "images", ["image_sha256", "split"]):
                splits = pc.index_in(batch["split"].cast(pa.string()), pa.array(SPLITS)).to_numpy().astype(np.int8)
                here = _places(_hashes(batch["image_sha256"]), photos)
                last[here[here >= 0]] = splits[here >= 0]
        except ManifestBroken as error:
            raise JobFailed(f"{error} Restore it from a backup, or freeze with new splits.") from error
        was_tested |= last == SPLITS.index("test")
        give_memory_back()
    last[was_tested] = SPLITS.index("test")
    return last


def _with_splits(
    images: pa.Table, faces: pa.Table, alike: dict[str, int], version: Version
) -> tuple[pa.Table, pa.Table, np.ndarray]:
    """Both with the split, and the row of each face's photo."""
    policy = SplitPolicy.from_dict(version.split_policy)
    shas = _hashes(images["image_sha256"])
    before = _splits_before(version, shas) if policy.sticky else np.full(len(shas), -1, np.int8)
    group_of = split_groups(
        zip(images["image_sha256"].to_pylist(), _shared(images["session"]), strict=True), alike, policy
    )
    groups_of_photos = list(group_of.values())
    del group_of  # the largest of what is needed here, and needed no more
    names, group = np.unique(np.array(groups_of_photos, dtype=object), return_inverse=True)
    photo = _photo_of(faces["image_sha256"], shas)
    groups = _people_of_groups(names, group, group[photo], faces["identity"])
    try:
        division = divide_groups(
            groups,
            zip(groups_of_photos, _names(before), strict=True),
            policy,
            zip(groups_of_photos, _folds_before(version, shas, policy), strict=True),
        )
    except CannotDivide as error:
        raise JobFailed(str(error)) from error
    splits = np.array([SPLITS.index(division.split_of[name]) for name in names.tolist()], np.int8)[group]
    images, faces = _add_split(images, splits), _add_split(faces, splits[photo])
    if division.fold_of is not None:
        folds = np.array([division.fold_of[name] for name in names.tolist()], np.int8)[group]
        images = images.append_column(FOLD, pa.array(folds))
        faces = faces.append_column(FOLD, pa.array(folds[photo]))
    if policy.kind == GALLERY_PROBE:
        faces = faces.append_column(ROLE, roles(faces, policy.gallery))
    return images, faces, photo


def _folds_before(version: Version, photos: np.ndarray, policy: SplitPolicy) -> list[int | None]:
    """The fold of each photo in the last version with as many folds. Raises JobFailed when it cannot be read."""
    folds = np.zeros(len(photos), np.int8)
    if policy.kind == KFOLD and policy.sticky:
        asked = {"split_policy__kind": KFOLD, "split_policy__folds": policy.folds}
        earlier = Version.objects.filter(project=version.project_id, state=VersionState.READY, **asked)
        last = earlier.filter(number__lt=version.number).defer("statistics").first()
        try:
            for batch in column_batches(last, "images", ["image_sha256", FOLD.name]) if last else ():
                here = _places(_hashes(batch["image_sha256"]), photos)
                folds[here[here >= 0]] = batch[FOLD.name].to_numpy()[here >= 0]
        except ManifestBroken as error:
            raise JobFailed(f"{error} Restore it from a backup, or freeze with new splits.") from error
    return [fold or None for fold in folds.tolist()]


def roles(faces: pa.Table, gallery: int) -> pa.DictionaryArray:
    """What each face is for: the first `gallery` training faces of a person enrol them, and test faces are probes.

    The first in canonical order, which is that of the photos' hashes: no better than drawn by lot. Faces without a
    decision, and ignored ones, are for nothing.
    """
    is_test = pc.equal(faces["split"].cast(pa.string()), "test").to_numpy()
    is_named = faces["identity"].combine_chunks().is_valid().to_numpy(zero_copy_only=False)
    is_known = is_named | pc.equal(faces["who"].cast(pa.string()), "unknown").to_numpy()
    places = np.flatnonzero(is_named & ~is_test)
    enrols = np.zeros(faces.num_rows, bool)
    enrols[places[face_numbers(faces["identity"].take(pa.array(places))) <= gallery]] = True
    role = np.where(enrols, 0, 1).astype(np.int8)
    return pa.DictionaryArray.from_arrays(pa.array(role, mask=~(enrols | (is_test & is_known))), ["gallery", "probe"])


def _names(splits: np.ndarray) -> Iterator[str | None]:
    """Of places in SPLITS; None of -1."""
    return ((*SPLITS, None)[split] for split in splits.tolist())


def _shared(column: pa.ChunkedArray) -> Iterator[str]:
    """The texts of a column; equal ones are one object."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    return (texts[index] for index in encoded.indices.to_pylist())


def _hashes(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """The bytes of a column of hashes, all of one length, shape (rows,); in their order, which is canonical."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    texts = whole.cast(pa.string())
    length = len(texts[0].as_py()) if len(texts) else 1
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :]
    return np.frombuffer(texts.buffers()[2], f"S{length}", len(texts), offsets[0] if len(texts) else 0)


def _places(wanted: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """The row of each wanted hash in `hashes`, which are in order; -1 where it is not there."""
    if not len(hashes):
        return np.full(len(wanted), -1)
    place = np.searchsorted(hashes, wanted).clip(max=len(hashes) - 1)
    return np.where(hashes[place] == wanted, place, -1)


def _photo_of(shas_of_faces: pa.ChunkedArray, shas: np.ndarray) -> np.ndarray:
    """The row of each face's photo."""
    first, *_ = shas_of_faces.chunks
    place = _places(_hashes(pa.chunked_array([first.dictionary])), shas)  # all chunks have the same dictionary
    return place.astype(np.int32)[np.concatenate([chunk.indices.to_numpy() for chunk in shas_of_faces.chunks])]


def _people_of_groups(names: np.ndarray, group: np.ndarray, face_group: np.ndarray, identities) -> dict[str, list[str]]:
    """Whom each group shows, once for each face; nobody once for each photo, where none is named."""
    encoded = identities.combine_chunks()
    people = np.array(encoded.dictionary.to_pylist(), dtype=object)
    is_named = encoded.is_valid().to_numpy(zero_copy_only=False)
    person, face_group = encoded.indices.filter(encoded.is_valid()).to_numpy(), face_group[is_named]
    order = np.argsort(face_group, kind="stable")
    ends = np.cumsum(np.bincount(face_group, minlength=len(names)))
    shown = np.split(people[person[order]], ends[:-1]) if len(people) else [[]] * len(names)
    photos = np.bincount(group, minlength=len(names)).tolist()
    return {
        name: list(them) or [NOBODY] * count for name, them, count in zip(names.tolist(), shown, photos, strict=True)
    }


def _add_split(table: pa.Table, splits: np.ndarray) -> pa.Table:
    return table.append_column("split", pa.DictionaryArray.from_arrays(pa.array(splits), pa.array(SPLITS)))


def _in_order(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns that all versions have as they stand in each, then those of this one's policy."""
    return table.select([*schema.names, *(name for name in table.column_names if name not in schema.names)])
