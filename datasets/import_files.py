"""Files of labels that come over the web: kept in the object store, looked through by a job, taken in by another.

What a check found is shown before anything changes. Applying does the very same again, on the labels as they are by
then; where that would come out otherwise than was shown, nothing is imported and the new figures are shown instead.
"""

import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from datasets.formats.zipped import last, names_in, opened
from datasets.given import BadLabels
from datasets.imports import READERS, Report, import_labels
from datasets.models import Import, ImportState
from jobs.enqueue import enqueue
from jobs.errors import JobFailed, LostLease
from jobs.work import Work
from labelling import storage
from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.ingest import plain_name
from labelling.models import Project

KEPT_FOR = timedelta(days=7)
CHANGED = "Labels here have changed since this file was checked. Look at the new figures, then import."


def keep_file(
    project: Project,
    file: IO[bytes],
    name: str,
    format_name: str = "",
    *,
    uid: UUID,
    by=None,
    take_theirs: bool = False,
    partly: bool = False,
    dry_run: bool = True,
) -> Import:
    """Store the file and ask for it to be checked, or taken in at once. The same `uid` again does nothing.

    Without a format it is found by what is inside. Raises Refused for what Facet does not read.
    """
    known = Import.objects.filter(uid=uid).select_related("job").first()
    if known:
        if known.project_id != project.pk:
            raise AlreadyUsed("This id belongs to another import. Make a new one.")
        return known
    if format_name and format_name not in READERS:
        raise Refused(
            f"“{format_name}” is no format Facet reads; use one of: {', '.join(READERS)}.",
            fields={"format": [format_name]},
        )
    forget_expired(project)
    file.seek(0, 2)
    size = file.tell()
    row = Import(
        project=project,
        uid=uid,
        format=format_name or format_of(file),
        name=plain_name(name)[-255:],
        byte_size=size,
        take_theirs=take_theirs,
        partly=partly,
        state=ImportState.CHECKING if dry_run else ImportState.IMPORTING,
        created_by=by,
    )
    file.seek(0)
    storage.upload_from(row.key, file)
    with transaction.atomic():
        row.save()
        _ask(row, by)
    return row


def format_of(file: IO[bytes]) -> str:
    """The format of a file by what is inside. Raises Refused where nothing fits."""
    file.seek(0)
    if zipfile.is_zipfile(file):
        file.seek(0)
        found = _format_of_archive(file)
    else:
        file.seek(0)
        begin = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        found = {b"{": "coco", b"[": "labelstudio", b"<": "cvat"}.get(begin, "")
    if found not in READERS:
        raise Refused(
            "This file is in none of the formats that Facet reads. If it is, say which.",
            fields={"format": ["Not recognised."]},
        )
    return found


def _format_of_archive(file: IO[bytes]) -> str:
    try:
        with opened(file) as archive:
            names = names_in(archive)
    except BadLabels as error:
        raise Refused(f"This archive cannot be read: {error}", fields={"file": ["Damaged."]}) from None
    there = {last(name) for name in names}
    endings = {name.rsplit(".", 1)[-1].lower() for name in there}
    ways = [
        ("parquet", "faces.parquet" in there),
        ("csv", "faces.csv" in there),
        ("cvat", "annotations.xml" in there),
        ("yolo", bool({"classes.json", "data.yaml", "data.yml", "obj.names", "classes.txt"} & there)),
        ("voc", "xml" in endings),
        ("coco", "json" in endings),
    ]
    return next((name for name, fits in ways if fits), "")


@transaction.atomic
def check_again(row: Import, *, by=None, take_theirs: bool, partly: bool) -> Import:
    """Look through the file once more, with other answers to what people may choose. Raises Refused."""
    row = _held(row)
    row.take_theirs, row.partly, row.state, row.message = take_theirs, partly, ImportState.CHECKING, ""
    row.save(update_fields=["take_theirs", "partly", "state", "message"])
    return _ask(row, by)


@transaction.atomic
def apply_import(row: Import, *, by=None) -> Import:
    """Take in what was checked. Asked again while that goes on, or once it is done, nothing happens. Raises Refused."""
    if Import.objects.filter(pk=row.pk, state__in=(ImportState.IMPORTING, ImportState.DONE)).exists():
        return Import.objects.select_related("job", "project").get(pk=row.pk)
    row = _held(row)
    if row.report.get("problems") and not row.partly:
        raise Refused("Some photos of the file cannot be labelled. Check it again and leave such photos out.")
    row.state, row.message = ImportState.IMPORTING, ""
    row.save(update_fields=["state", "message"])
    return _ask(row, by)


def _held(row: Import) -> Import:
    row = Import.objects.select_for_update(of=("self",)).select_related("project").get(pk=row.pk)
    if row.state != ImportState.CHECKED:
        hint = "Send the file again." if row.state in (ImportState.FAILED, ImportState.EXPIRED) else "Wait for its end."
        raise Stale(f"This import is {row.get_state_display()}. {hint}")
    return row


def _ask(row: Import, by) -> Import:
    is_check = row.state == ImportState.CHECKING
    row.job = enqueue(
        "import",
        title=f"{'Check' if is_check else 'Import'} labels of {row.name}"[:200],
        project_id=row.project_id,
        params={"import": row.pk},
        key=f"import:{row.pk}:{uuid4().hex}",  # an import is asked for again in its own way
        by=by,
        result_url=f"/p/{row.project.slug}/imports/{row.pk}/",
    )
    row.save(update_fields=["job"])
    return row


def do_import(row: Import, work: Work) -> dict:
    """What the import's state asks for. A repeated run finds what the first one left, and goes on from there."""
    if row.job_id != work.job.pk or row.state not in (ImportState.CHECKING, ImportState.IMPORTING):
        return {"state": row.state}
    work.progress(message="Fetching the file")
    with tempfile.TemporaryDirectory(prefix="facet-import-") as folder:
        path = Path(folder) / "labels"
        try:
            with path.open("wb") as file:
                storage.download_to(row.key, file)
            if row.state == ImportState.IMPORTING and not _is_as_shown(row, path, work):
                return {"state": ImportState.CHECKED, "said": CHANGED}
            return _check(row, path, work) if row.state == ImportState.CHECKING else _apply(row, path, work)
        except storage.ObjectMissing:
            raise JobFailed("The file is gone from the object store. Send it again.") from None
        except BadLabels as error:
            raise JobFailed(str(error).replace(path.name + " ", f"{row.name} ", 1)) from None
        except Refused as error:
            raise JobFailed(error.message) from None


def _look(row: Import, path: Path, work: Work, doing: str, **how) -> Report:
    return import_labels(
        row.project,
        READERS[row.format].read(path),
        by=row.created_by,
        take_theirs=row.take_theirs,
        partly=row.partly,
        tell=lambda photos: work.tell(done=photos, message=doing),
        **how,
    )


def _check(row: Import, path: Path, work: Work) -> dict:
    report = _look(row, path, work, "Looking through the file", dry_run=True).as_dict()
    with work.chunk():
        _settle(row, ImportState.CHECKED, report)
    return {"state": ImportState.CHECKED, "said": "Checked. Nothing is imported yet."}


def _is_as_shown(row: Import, path: Path, work: Work) -> bool:
    """Whether taking it in does what the check said it would; else that is shown now. Yes, where none was asked for."""
    if not row.report:
        return True
    report = _look(row, path, work, "Looking whether anything changed", dry_run=True).as_dict()
    if _figures(report) == _figures(row.report):
        return True
    with work.chunk():
        _settle(row, ImportState.CHECKED, report, CHANGED)
    return False


def _apply(row: Import, path: Path, work: Work) -> dict:
    def settle(report: Report) -> None:
        if row.report and _figures(report.as_dict()) != _figures(row.report):
            raise Refused(CHANGED)  # in the very moment between
        with work.chunk():
            _settle(row, ImportState.DONE, report.as_dict())

    report = _look(row, path, work, "Importing", at_end=settle)
    storage.delete(row.key)
    return {"state": ImportState.DONE, "said": f"{report.photos:,} photos, {report.faces:,} faces."}


def _figures(report: dict) -> dict:
    return {name: value for name, value in report.items() if name != "examples"}


def _settle(row: Import, state: ImportState, report: dict, message: str = "") -> None:
    finished = timezone.now() if state == ImportState.DONE else None
    held = Import.objects.filter(pk=row.pk, state=row.state)
    if not held.update(state=state, report=report, message=message, finished_at=finished):
        raise LostLease


def stop(rows, message: str) -> None:
    """What these imports' job could not finish. Of one that was checked before, the check is kept."""
    for row in rows.filter(state__in=(ImportState.CHECKING, ImportState.IMPORTING)):
        waits = row.state == ImportState.IMPORTING and bool(row.report)
        state = ImportState.CHECKED if waits else ImportState.FAILED
        if Import.objects.filter(pk=row.pk, state=row.state).update(state=state, message=message[:500]) and not waits:
            storage.delete(row.key)


def forget_expired(project: Project) -> None:
    """Files that nobody came back to are not kept for ever; what was found in them is."""
    old = Import.objects.filter(project=project, state=ImportState.CHECKED, created_at__lt=timezone.now() - KEPT_FOR)
    for row in old:
        if old.filter(pk=row.pk).update(state=ImportState.EXPIRED):
            storage.delete(row.key)
