"""Hands a version out. Counts in must be counts out, or the export fails and says so."""

import hashlib
import tempfile

from django.db import transaction

from datasets.formats import coco, cvat, parquet, table, voc, yolo
from datasets.manifest import ManifestBroken, read_file
from datasets.models import Export, ExportState, Version, VersionState
from jobs.enqueue import enqueue
from jobs.errors import JobFailed
from jobs.work import Work
from labelling import storage
from labelling.errors import Refused

FORMATS = {"coco": coco, "yolo": yolo, "voc": voc, "cvat": cvat, "csv": table, "parquet": parquet}


@transaction.atomic
def start_export(version: Version, format_name: str, *, by=None, options: dict | None = None) -> Export:
    """An export's row and the job that makes it. Refused for unknown formats and unfinished versions."""
    if format_name not in FORMATS:
        raise Refused(
            f"“{format_name}” is no format Facet writes; use one of: {', '.join(FORMATS)}.",
            fields={"format": [format_name]},
        )
    if options:
        raise Refused(f"{format_name} takes no options yet: {', '.join(options)}.", fields={"options": list(options)})
    if version.state != VersionState.READY:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; export it once it is ready.")
    export = Export.objects.create(version=version, format=format_name, created_by=by)
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
    """Write the export to the object store; done twice, it gives the same bytes under the same key."""
    if export.state == ExportState.DONE:
        return {"sha256": export.sha256}
    version, writer = export.version, FORMATS[export.format]
    work.progress(message="Reading the version")
    try:
        files = {name: read_file(version, name) for name in ("images", "faces")}
    except ManifestBroken as error:
        raise JobFailed(f"{error} Restore it from a backup; nothing was handed out.") from error
    key = f"projects/{version.project_id}/exports/{export.pk}.{writer.SUFFIX}"
    counts: dict = {}
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(prefix="facet-export-") as file:
        for piece in writer.write(files, export_info(version), counts):
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        expected = {"images": version.statistics["images"], "faces": version.statistics["faces"]}
        if counts != expected:
            raise JobFailed(f"Counts differ: the version has {expected}, the export {counts}. Nothing was handed out.")
        work.progress(message="Storing")
        storage.upload_file(key, file.name)
    with work.chunk():
        Export.objects.filter(pk=export.pk).update(
            state=ExportState.DONE, key=key, sha256=digest.hexdigest(), byte_size=size, counts=counts
        )
    return {"sha256": digest.hexdigest(), **counts, "said": f"{size:,} bytes, ready to be fetched."}


def export_info(version: Version) -> dict:
    """What the file says about itself: only what is the same for ever, so equal versions give equal bytes."""
    return {
        "description": f"{version.project.name}, version {version.number}",
        "version": str(version.number),
        "content_hash": version.content_hash,
        "splits": version.split_policy,
    }
