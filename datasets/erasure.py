"""What an erasure does to frozen versions and to what was handed out of them.

The rows of the person leave the tables of each version, which are written anew, and the rows of photos that were
painted over speak of the new files. `content_hash` stays what it was: it can no longer be worked out from the tables,
and instead the version keeps a record for each erasure, sealed over the one before and, in the end, over the content
hash. `facet verify` holds the tables against the last record and the records against each other.
"""

import hashlib
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils import timezone

from datasets.manifest import IMAGES, ROW_GROUP, ManifestBroken, content_hash, read_table
from datasets.models import (
    Comparison,
    Export,
    ExportState,
    Import,
    ImportState,
    LeakReport,
    PairList,
    Pull,
    TagMove,
    Version,
    VersionState,
)
from datasets.models import Tag as VersionTag
from datasets.statistics import statistics
from jobs.errors import JobFailed
from jobs.work import Work
from labelling import storage
from labelling.erase_words import Names, Texts, allow_erasing, register
from labelling.models import Erasure, Project

REGISTERED = (
    Texts(Version, "project_id", ("note", "message"), ("filters",)),
    Texts(VersionTag, "project_id", ("name",)),
    Texts(TagMove, "project_id", ("name", "reason", "despite")),
    Texts(LeakReport, "version__project_id", ("message",), ("found",)),
    Texts(Export, "version__project_id", ("message",), ("options", "counts")),
    Texts(PairList, "version__project_id", ("name", "message"), ("options", "counts")),
    Texts(Import, "project_id", ("name", "message"), ("report",)),
    Texts(Comparison, "new__project_id", ("message",), ("summary",)),
)


def listen() -> None:
    from labelling.erase import add_preview, add_step

    register(*REGISTERED)
    add_step("versions", erase_versions)
    add_preview(preview)


def preview(project: Project, class_ids: list[int]) -> dict:
    """Versions that hold the person, and what was handed out of these."""
    numbers = [version.number for version in _ready(project) if _holds(version, class_ids)]
    exports = Export.objects.filter(version__project=project, version__number__in=numbers).order_by("pk")
    pulls = Pull.objects.filter(version__project=project, version__number__in=numbers)
    return {
        "versions": sorted(numbers),
        "exports": [_told(export) for export in exports.select_related("created_by", "version")],
        "pulls": [
            {"version": pull.version.number, "by": pull.by and pull.by.get_username(), "at": pull.at.isoformat()}
            for pull in pulls.select_related("by", "version").order_by("pk")
        ],
    }


def _told(export: Export) -> dict:
    by = export.created_by and export.created_by.get_username()
    return {
        "export": export.pk, "version": export.version.number, "format": export.format, "by": by,
        "at": export.created_at.isoformat(), "sha256": export.sha256,
    }  # fmt: skip


def _ready(project: Project):
    return Version.objects.filter(project=project, state=VersionState.READY).order_by("number")


def _holds(version: Version, class_ids: list[int]) -> bool:
    return any(person.get("class_id") in class_ids for person in version.statistics.get("people", ()))


def erase_versions(erasure: Erasure, people: list[int], class_ids: list[int], names: Names, work: Work) -> dict:
    """The step of this layer. Versions that were done before an interruption are only tidied up behind."""
    became = dict(erasure.photos.values_list("sha256", "new_sha256"))
    told: dict[str, list] = {"reduced": [], "exports": [], "comparisons": 0, "pair_lists": 0}
    for version in list(_ready(erasure.project)):
        try:
            _reduce(version, erasure, class_ids, became, names, work)
        except ManifestBroken as error:
            raise JobFailed(f"{error} Restore it from a backup, then go on erasing.") from error
        record = next((one for one in version.erasures if one["erasure"] == erasure.pk), None)
        if record:
            _tidy(version, record)
            if record["faces"] or record["photos"] or record["replaced"]:
                told["reduced"].append(version.number)
                _erase_exports(version, work)
                told["exports"] += _exports_told(version)
                told["comparisons"] += _forget_comparisons(version, work)
                told["pair_lists"] += _delete_pair_lists(version, work)
    told["imports"] = _drop_waiting_imports(erasure.project, work)
    return told


def _reduce(version: Version, erasure: Erasure, class_ids, became: dict[str, str], names: Names, work: Work) -> None:
    """Write the tables without the person, where there is anything of them in it."""
    images, faces = read_table(version, "images"), read_table(version, "faces")
    less_images, less_faces, replaced = _without(images, faces, class_ids, became, names)
    if less_images.equals(images) and less_faces.equals(faces):
        return
    was = {name: getattr(version, f"{name}_sha256") for name in ("images", "faces")}
    _store(version, "images", less_images)
    _store(version, "faces", less_faces)
    record = {
        "erasure": erasure.pk,
        "at": timezone.now().isoformat(timespec="seconds"),
        "faces": faces.num_rows - less_faces.num_rows,
        "photos": images.num_rows - less_images.num_rows,
        "replaced": replaced,
        "was": was,
        "now": {name: getattr(version, f"{name}_sha256") for name in ("images", "faces")},
        "rest_hash": content_hash(less_images, less_faces),
        "before": version.erasures[-1]["seal"] if version.erasures else version.content_hash,
    }
    record["seal"] = seal(record)
    version.erasures = [*version.erasures, record]
    version.statistics = _counted(less_images, less_faces, version.statistics.get("left_out", {}))
    with work.chunk():
        allow_erasing()
        version.save(update_fields=["faces_sha256", "images_sha256", "statistics", "erasures"])


def _without(images: pa.Table, faces: pa.Table, class_ids, became: dict[str, str], names: Names):
    """Both tables without the people and their photos, with new hashes where photos were painted over."""
    gone = pa.array([sha256 for sha256, new in became.items() if not new], pa.string())
    new = {sha256: new for sha256, new in became.items() if new}
    of_person = pc.is_in(pc.fill_null(faces["class_id"], -1), pa.array(class_ids, faces["class_id"].type))
    of_gone = pc.is_in(faces["image_sha256"], gone)
    faces = faces.filter(pc.invert(pc.or_(of_person, of_gone)))
    images = images.filter(pc.invert(pc.is_in(images["image_sha256"], gone)))
    replaced = sum(sha256 in new for sha256 in images["image_sha256"].to_pylist())
    images, faces = (_renamed(table, "image_sha256", lambda one: new.get(one, one)) for table in (images, faces))
    for column in ("name", "session"):
        images = _renamed(images, column, names.without)
    if replaced:  # the order of the tables is that of the hashes
        images = images.sort_by("image_sha256")
        faces = faces.take(pc.sort_indices(faces, [("image_sha256", "ascending")]))
    return images, faces, replaced


def _store(version: Version, name: str, table: pa.Table) -> None:
    """As the version has it, which may be older than today's columns; sets the sha256 of the file (unsaved)."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", row_group_size=ROW_GROUP)
    data = out.getvalue()
    setattr(version, f"{name}_sha256", hashlib.sha256(data).hexdigest())
    storage.put(version.key(name), data, "application/vnd.apache.parquet")


def _counted(images: pa.Table, faces: pa.Table, left_out: dict) -> dict:
    """As when a version is frozen; what older versions do not know of their photos is empty."""
    for field in IMAGES:
        if field.name not in images.schema.names:
            images = images.append_column(field, pa.nulls(images.num_rows, field.type))
    photo = pc.index_in(faces["image_sha256"], images["image_sha256"]).to_numpy(zero_copy_only=False)
    return statistics(images, faces, photo.astype(np.int64), left_out=left_out)


def _renamed(table: pa.Table, column: str, change) -> pa.Table:
    values = table[column].to_pylist()
    changed = [change(value) if value is not None else None for value in values]
    if changed == values:
        return table
    place = table.schema.get_field_index(column)
    return table.set_column(place, table.schema.field(column), pa.array(changed, table.schema.field(column).type))


def seal(record: dict) -> str:
    """sha256 over all else that the record says, which includes the seal before it."""
    said = {name: value for name, value in record.items() if name != "seal"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _tidy(version: Version, record: dict) -> None:
    """The tables as they were before. A worker that was killed may have left them."""
    for name, sha256 in record["was"].items():
        if sha256 != getattr(version, f"{name}_sha256"):
            storage.delete(f"projects/{version.project_id}/versions/{version.number}/{name}-{sha256[:16]}.parquet")


def _exports_told(version: Version) -> list[dict]:
    """Read from the rows, so that an interruption loses none: all that were handed out have to be told of."""
    return [_told(export) for export in version.exports.select_related("created_by", "version").order_by("pk")]


def _erase_exports(version: Version, work: Work) -> None:
    for export in version.exports.exclude(state=ExportState.ERASED):
        for file in export.all_files:
            storage.delete(file["key"])
        with work.chunk():
            Export.objects.filter(pk=export.pk).update(
                state=ExportState.ERASED, key="", files=[], byte_size=0,
                message="It showed a person who was erased. Export the version again; old copies have to be deleted.",
            )  # fmt: skip


def _forget_comparisons(version: Version, work: Work) -> int:
    count = 0
    for comparison in Comparison.objects.filter(old=version) | Comparison.objects.filter(new=version):
        if comparison.key:
            storage.delete(comparison.key)
        with work.chunk(0):
            count += Comparison.objects.filter(pk=comparison.pk).delete()[0]
    return count


def _delete_pair_lists(version: Version, work: Work) -> int:
    """Their lines name people and count faces; lists of what is left can be made anew."""
    lists = list(version.pair_lists.all())
    for pairs in lists:
        if pairs.key:
            storage.delete(pairs.key)
        with work.chunk(0):
            PairList.objects.filter(pk=pairs.pk).delete()
    return len(lists)


def _drop_waiting_imports(project: Project, work: Work) -> int:
    """Files of labels that wait may name anybody; they can be sent again."""
    waiting = list(Import.objects.filter(project=project, state=ImportState.CHECKED))
    for row in waiting:
        storage.delete(row.key)
        with work.chunk(0):
            Import.objects.filter(pk=row.pk).update(state=ImportState.EXPIRED)
    # Reports show faces and names of what was imported once.
    Import.objects.filter(project=project).exclude(report={}).update(report={})
    return len(waiting)
