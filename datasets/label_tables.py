"""The labels as they stand, as two Arrow tables of one moment."""

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from django.db.models import Func, QuerySet, TextField, Value
from pyarrow import csv

from datasets.filters import Filters, faces_that_pass, left_out, photos_that_pass
from datasets.manifest import FACES, IMAGES, give_memory_back
from labelling.copied import copied
from labelling.models import Face, FaceState

# As FACES, with each hash and name once: a million faces are of fewer photos, and those of far fewer people.
SHARING = pa.schema(
    [
        field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name in {"image_sha256", "identity"} else field
        for field in FACES
    ]
)
BLOCK = 8 * 1024 * 1024


def read_labels(project_id: int, filters: Filters) -> tuple[pa.Table, pa.Table, dict[str, int], dict]:
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
