"""Comparisons of two versions: worked out once by a worker, kept, and read from then on."""

import hashlib
import tempfile

from django.db import transaction

from datasets.change_file import Found, read_changes, write_changes
from datasets.changes import KINDS
from datasets.diff import diff
from datasets.manifest import ManifestBroken
from datasets.models import Comparison, ComparisonState, Version, VersionState
from jobs.enqueue import enqueue
from jobs.errors import JobFailed
from jobs.models import Queue
from jobs.work import Work
from labelling import storage
from labelling.errors import Refused

# Faces of both versions together: so many are compared while somebody waits for the page.
QUICK = 200_000


def require_comparable(old: Version, new: Version) -> None:
    """Raises Refused unless both are different, ready versions of one project."""
    if old.project_id != new.project_id:
        raise Refused("Versions of two projects cannot be compared: a face has another number in each.")
    if old.pk == new.pk:
        raise Refused(f"Version {old.number} is compared with itself; choose another one.")
    for version in (old, new):
        if version.state != VersionState.READY:
            raise Refused(f"Version {version.number} is {version.get_state_display()}; compare it once it is ready.")


@transaction.atomic
def comparison_of(old: Version, new: Version, *, by=None) -> Comparison:
    """What changed from `old` to `new`, or the promise of it: asked for the first time, it is worked out by a job.

    Versions of equal content need none. Raises Refused when they cannot be compared.
    """
    require_comparable(old, new)
    comparison, is_new = Comparison.objects.get_or_create(old=old, new=new, defaults={"created_by": by})
    comparison.old, comparison.new = old, new
    if is_new and old.content_hash == new.content_hash:
        comparison.state, comparison.summary = ComparisonState.DONE, diff(old, new).summary
        comparison.save(update_fields=["state", "summary"])
    elif is_new:
        _ask_for(comparison, by)
    return comparison


@transaction.atomic
def compare_again(comparison: Comparison, *, by=None) -> Comparison:
    """Forget one that failed or whose list is gone, and begin anew; one that is being worked out goes on."""
    held = Comparison.objects.select_for_update().filter(pk=comparison.pk).exclude(state=ComparisonState.WAITING)
    if held.exists():
        held.delete()
    return comparison_of(comparison.old, comparison.new, by=by)


def _ask_for(comparison: Comparison, by) -> None:
    old, new = comparison.old, comparison.new
    faces = old.statistics["faces"] + new.statistics["faces"]
    comparison.job = enqueue(
        "compare",
        title=f"Compare version {new.number} with {old.number}",
        project_id=new.project_id,
        params={"comparison": comparison.pk},
        queue=Queue.INTERACTIVE if faces <= QUICK else Queue.BULK,
        key=f"compare:{comparison.pk}",
        by=by,
        result_url=f"/p/{new.project.slug}/versions/{new.number}/diff/{old.number}/",
    )
    comparison.save(update_fields=["job"])


def make_comparison(comparison: Comparison, work: Work) -> dict:
    """Work it out and store the list. Done twice, it gives the same bytes under the same key."""
    if comparison.state == ComparisonState.DONE:
        return {"counts": comparison.summary["counts"]}
    work.progress(done=0, total=2, message="Comparing both versions")
    try:
        found = diff(comparison.old, comparison.new)
    except ManifestBroken as error:
        raise JobFailed(f"{error} Restore it from a backup, then compare again.") from error
    work.progress(done=1, message="Writing the list")
    with tempfile.NamedTemporaryFile(prefix="facet-diff-") as file:
        write_changes(found, file)
        file.flush()
        file.seek(0)
        sha256, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
        key = f"projects/{comparison.new.project_id}/comparisons/{comparison.pk}-{sha256[:16]}.parquet"
        storage.upload_file(key, file.name)
    with work.chunk():
        Comparison.objects.filter(pk=comparison.pk).update(
            state=ComparisonState.DONE, message="", summary=found.summary, key=key, sha256=sha256, byte_size=size
        )
    return {"counts": found.summary["counts"], "said": _said(found.summary["counts"])}


def _said(counts: dict[str, int]) -> str:
    changes = sum(counts.values())
    return f"{changes:,} change{'' if changes == 1 else 's'}." if changes else "No difference."


def changes_of(comparison: Comparison, *, kind: str = "", person: str = "", start: int = 0, most: int = 100) -> Found:
    """Part of the list of a comparison that is done. Raises Refused, or ObjectMissing where the list is lost."""
    if kind and kind not in KINDS:
        raise Refused(f"There is no kind “{kind}”; use one of: {', '.join(KINDS)}.", fields={"kind": [kind]})
    people = people_called(comparison, person) if person else None
    counts = comparison.summary["counts"]
    if not comparison.key:
        return Found(counts, [])
    return read_changes(
        comparison.key, comparison.byte_size, counts, kind=kind, people=people, start=start, most=most
    )  # fmt: skip


def people_called(comparison: Comparison, name: str) -> set[int]:
    """Class ids of those who have that name in either version, letter case aside, or else that class id."""
    people = [person for side in (comparison.old, comparison.new) for person in side.statistics["people"]]
    found = {person["class_id"] for person in people if person["name"].casefold() == name.casefold()}
    found = found or {person["class_id"] for person in people if str(person["class_id"]) == name}
    if not found:
        raise Refused(f"Nobody is called “{name}” in either version.", fields={"identity": [name]})
    return found
