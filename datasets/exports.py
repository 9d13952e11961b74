"""Hands a version out. Counts in must be counts out, or the export fails and says so."""

import contextlib
from collections.abc import Mapping

from django.db import transaction

from datasets.croissant import describe
from datasets.export_files import Filed, file_text, left_after, store, store_pieces
from datasets.export_options import LABELS, Options, read_options
from datasets.formats import (
    coco,
    cvat,
    hf_parquet,
    huggingface,
    imagefolder,
    lfw,
    parquet,
    table,
    voc,
    webdataset,
    yolo,
)
from datasets.formats.parts import Parts, each_photo, parts_of
from datasets.manifest import ManifestBroken, read_file
from datasets.models import Export, ExportState, Version, VersionState
from datasets.pictures import with_pictures
from datasets.selection import counts_of, people_of, selected, splits_of
from datasets.weights import weights
from jobs.enqueue import enqueue
from jobs.errors import JobFailed
from jobs.work import Work
from labelling.errors import Refused

FORMATS = {
    "coco": coco,
    "yolo": yolo,
    "voc": voc,
    "cvat": cvat,
    "csv": table,
    "parquet": parquet,
    "huggingface": huggingface,
    "hf-parquet": hf_parquet,
    "webdataset": webdataset,
    "imagefolder": imagefolder,
    "lfw": lfw,
}
MB = 1024**2
# Those that can go without pictures, as one file of labels.
OF_LABELS = {name: writer for name, writer in FORMATS.items() if LABELS in writer.CONTENTS}


@transaction.atomic
def start_export(version: Version, format_name: str, *, by=None, options: Mapping | None = None) -> Export:
    """An export's row and the job that makes it. Refused for what no format can, and unfinished versions."""
    if format_name not in FORMATS:
        raise Refused(
            f"“{format_name}” is no format Facet writes; use one of: {', '.join(FORMATS)}.",
            fields={"format": [format_name]},
        )
    _, stored = read_options(format_name, FORMATS[format_name], options)
    if version.state != VersionState.READY:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; export it once it is ready.")
    export = Export.objects.create(version=version, format=format_name, options=stored, created_by=by)
    export.job = enqueue(
        "export",
        title=f"Export version {version.number} as {format_name}",
        project_id=version.project_id,
        params={"export": export.pk},
        key=f"export:{export.pk}",
        by=by,
        result_url=f"/p/{version.project.slug}/versions/{version.number}/",
    )
    export.save(update_fields=["job"])
    return export


def make_export(export: Export, work: Work) -> dict:
    """Write the export to the object store; done twice, it gives the same bytes under the same keys."""
    if export.state == ExportState.DONE:
        return {"sha256": export.sha256}
    version, writer = export.version, FORMATS[export.format]
    options, _ = read_options(export.format, writer, export.options)
    work.progress(message="Reading the version")
    try:
        frozen = {name: read_file(version, name) for name in ("images", "faces")}
    except ManifestBroken as error:
        raise JobFailed(f"{error} Restore it from a backup; nothing was handed out.") from error
    files = selected(frozen, options, named_only=getattr(writer, "NAMED_ONLY", False))
    del frozen
    expected = counts_of(files)
    if not expected["images"]:
        raise JobFailed(_nothing(writer, options))
    info = export_info(version, export, options)
    data = (_labels if options.contents == LABELS else _with_pictures)(export, work, files, info, options, expected)
    about = _about(export, files, info, options, data, expected)
    main = data[0] if len(data) == 1 else about[-1]
    size = main["byte_size"] if len(data) == 1 else sum(file["byte_size"] for file in (*data, *about))
    with work.chunk(0):
        Export.objects.filter(pk=export.pk).update(
            state=ExportState.DONE, key=main["key"], sha256=main["sha256"], byte_size=size, counts=expected,
            files=[*data, *about],
        )  # fmt: skip
    told = f"{len(data)} files, {size:,} bytes" if len(data) > 1 else f"{size:,} bytes"
    return {"sha256": main["sha256"], **expected, "said": f"{told}, ready to be fetched."}


def _nothing(writer, options: Options) -> str:
    which = "" if len(options.splits) == 3 else f" in {' and '.join(options.splits)}"
    what = "Nobody is named" if getattr(writer, "NAMED_ONLY", False) else "No photo of this version is"
    return f"{what}{which}{'' if which else ' in this version'}; there is nothing to hand out."


def _labels(export: Export, work: Work, files: dict, info: dict, options: Options, expected: dict) -> list[Filed]:
    """All labels in one file."""
    writer, counts = FORMATS[export.format], {}
    name, key = f"{export.format}.{writer.SUFFIX}", f"{export.folder}.{writer.SUFFIX}"
    people = () if options.people == writer.PEOPLE[0] else (options.people,)
    pieces = writer.write(files, info, counts, *people)
    filed = store_pieces(name, key, pieces, before=lambda: _refuse_lost(counts, expected))
    return [filed | {"photos": counts["images"], "faces": counts["faces"]}]


def _with_pictures(export: Export, work: Work, files: dict, info: dict, options: Options, expected: dict):
    """File after file, each written down once it is stored: another worker goes on behind them."""
    parts = parts_of(export.format, FORMATS[export.format], files, info, options)
    done = left_after(export.files)
    total = sum(file["photos"] for file in done)
    work.progress(done=total, total=expected["images"], message="Reading and writing photos")
    for group, tables in parts.groups():
        mine = [file for file in done if file["group"] == group]
        passed = sum(file["photos"] for file in mine)
        photos = each_photo(tables)
        for _ in range(passed):
            parts.pass_by(*next(photos))
        upcoming = with_pictures(export.version.project_id, photos, options)
        number = len(mine)
        while (first := next(upcoming, None)) is not None:
            filed = _part(export, work, parts, group, number, len(done), first, upcoming, options)
            done.append(filed)
            with work.chunk(0):
                Export.objects.filter(pk=export.pk).update(files=done)
            number += 1
    written = {"images": sum(file["photos"] for file in done), "faces": sum(file["faces"] for file in done)}
    _refuse_lost(written, expected)
    return [{**file, "name": parts.last_name(file, done)} for file in done]


def _part(
    export: Export, work: Work, parts: Parts, group: str, number: int, place: int, first, upcoming, options: Options
) -> Filed:
    key, limit = f"{export.folder}/{place:05d}.{parts.suffix}", options.part_mb * MB
    before = sum(file["photos"] for file in export.files)
    photos = faces = 0
    name = parts.name(group, number)
    with store(name, key) as stored, contextlib.closing(parts.begin(stored.file, group, number)) as part:
        sample = first
        while sample is not None:
            part.add(*sample)
            photos, faces = photos + 1, faces + len(sample[1])
            if photos % 20 == 0:
                work.progress(done=before + photos)
            sample = next(upcoming, None) if stored.file.tell() < limit else None
    filed = stored.filed | {"group": group, "photos": photos, "faces": faces}
    export.files = [*export.files, filed]
    return filed


def _refuse_lost(counts: dict, expected: dict) -> None:
    if counts != expected:
        raise JobFailed(f"Counts differ: the version has {expected}, the export {counts}. Nothing was handed out.")


def _about(export: Export, files: dict, info: dict, options: Options, data: list[Filed], counts: dict) -> list[Filed]:
    """What lies beside the data: what each class weighs, a description, and last the list of everything."""
    people = people_of(files)
    about = [file_text("weights.json", export.folder, weights(people))]
    described = describe(
        export.version, info, export.format, FORMATS[export.format], options, files, [*data, *about], counts, people
    )
    about.append(file_text("croissant.json", export.folder, described))
    listed = [
        {name: file[name] for name in ("name", "sha256", "byte_size", "photos", "faces") if name in file}
        for file in (*data, *about)
    ]
    manifest = {**info, "format": export.format, "counts": counts, "in_splits": splits_of(files), "files": listed}
    return [*about, file_text("manifest.json", export.folder, manifest)]


def export_info(version: Version, export: Export, options: Options) -> dict:
    """What the file says about itself: only what is the same for ever, so equal versions give equal bytes."""
    name = "" if options.anonymous else f"{version.project.name}, "
    info = {
        "description": f"{name}version {version.number}",
        "version": str(version.number),
        "content_hash": version.content_hash,
        "splits": version.split_policy,
    }
    return info | ({"options": export.options} if export.options else {})
