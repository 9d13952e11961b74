"""Does a version leak? What lies on two sides of its split although a test should know nothing of it.

A report is made by a job right after freezing, and kept with the version. Likeness by embedding is known only to the
layer above, which hands in how to look for it.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction
from django.utils import timezone

from datasets.manifest import ManifestBroken, read_columns
from datasets.models import LeakReport, LeakState, Version, VersionState
from datasets.splits import OPEN, SPLITS
from jobs.enqueue import enqueue
from jobs.errors import JobFailed
from jobs.work import Work
from labelling.errors import Refused
from labelling.models import Image

MOST_EXAMPLES = 12
# In the order in which a report tells them: what a leak is of, one and many.
KINDS = {
    "person": ("person", "people"),
    "session": ("capture session", "capture sessions"),
    "near_duplicate": ("group of near-duplicates", "groups of near-duplicates"),
    "twin": ("test face with a twin", "test faces with a twin"),
}
_OF_FACES = ["face_id", "image_sha256", "identity", "split", "x", "y", "w", "h"]

# Given a version, its faces (as `_OF_FACES`) and the work: {"found", "looked_at", "tested", "without_vector",
# "threshold", "embedder", "pairs": [(test face, other face, similarity)]}. The best pairs first.
_find_twins: Callable[[Version, pa.Table, Work], dict] | None = None


def set_twins(function: Callable[[Version, pa.Table, Work], dict]) -> None:
    global _find_twins
    _find_twins = function


@transaction.atomic
def ask_for_report(version: Version, *, by=None) -> LeakReport:
    """The report of a ready version, being made anew; one that is being made goes on."""
    if version.state != VersionState.READY:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; look for leaks once it is ready.")
    report, is_new = LeakReport.objects.select_for_update().get_or_create(version=version)
    if not is_new and report.state == LeakState.WAITING:
        return report
    report.state, report.message, report.round = LeakState.WAITING, "", report.round + 1
    report.job = enqueue(
        "leaks",
        title=f"Look for leaks in version {version.number}",
        project_id=version.project_id,
        params={"report": version.pk},
        key=f"leaks:{version.pk}:{report.round}",
        by=by,
        result_url=f"/p/{version.project.slug}/versions/{version.number}/#leaks",
    )
    report.save()
    return report


def make_report(report: LeakReport, work: Work) -> dict:
    """Look at everything, and keep what was found."""
    version = report.version
    work.progress(message="Reading the version")
    try:
        images = read_columns(version, "images", ["image_sha256", "session", "split"])
        faces = read_columns(version, "faces", _OF_FACES)
    except ManifestBroken as error:
        raise JobFailed(f"{error} Restore it from a backup.") from error
    found = find_leaks(images, faces, _near_groups(version, images), is_open=version.split_policy.get("kind") == OPEN)
    work.progress(message="Comparing faces")
    found["twin"] = _twins(version, faces, work)
    leaks = sum(part["found"] for part in found.values())
    with work.chunk():
        LeakReport.objects.filter(pk=report.pk).update(
            state=LeakState.DONE, message="", found=found, leaks=leaks, made_at=timezone.now()
        )
    return {"leaks": leaks, "said": in_words(found)}


def find_leaks(images: pa.Table, faces: pa.Table, near: np.ndarray, *, is_open: bool) -> dict[str, dict]:
    """What is on two sides: people (a leak in an open set alone), sessions, groups of nearly equal photos.

    near: of each photo a number that it shares with those nearly equal, 0 where it is alone, shape (photos,).
    """
    sides, face_sides = _sides(images["split"]), _sides(faces["split"])
    first_face = _first_faces(images, faces)
    sessions, session = _coded(images["session"])
    session = np.where(np.array([name == "" for name in sessions] or [True])[session], -1, session)
    names, person = _coded(faces["identity"])
    face_ids = faces["face_id"].to_numpy()
    everybody = crossing(person, face_sides, lambda row: int(face_ids[row]), names.__getitem__)
    return {
        "person": everybody if is_open else {"found": 0, "examples": [], "on_two_sides": everybody["found"]},
        "session": crossing(session, sides, first_face, sessions.__getitem__),
        "near_duplicate": crossing(np.where(near > 0, near, -1), sides, first_face, lambda code: ""),
    }


def crossing(codes: np.ndarray, sides: np.ndarray, face_of: Callable, name_of: Callable) -> dict:
    """How many of the codes (-1: none) are on more than one side, and an example of some: a face on each of two."""
    rows = np.flatnonzero(codes >= 0)
    _, place, code = np.unique(codes[rows], return_index=True, return_inverse=True)
    there = np.zeros((len(place), len(SPLITS)), bool)
    there[code, sides[rows]] = True
    crossed = np.flatnonzero(there.sum(axis=1) > 1)
    examples = []
    for number in crossed[:MOST_EXAMPLES].tolist():
        mine = rows[code == number]
        one, two = (int(mine[np.argmax(sides[mine] == side)]) for side in np.flatnonzero(there[number])[[-1, 0]])
        examples.append(
            {
                "name": name_of(int(codes[one])),
                "faces": [face_of(one), face_of(two)],
                "splits": [SPLITS[sides[one]], SPLITS[sides[two]]],
            }
        )
    return {"found": len(crossed), "examples": examples}


def _sides(column: pa.ChunkedArray) -> np.ndarray:
    """The place of each split in SPLITS."""
    texts, codes = _coded(column)
    return np.array([SPLITS.index(text) for text in texts] or [0])[codes]


def _coded(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Each text once, and the place of each row's text among them; -1 where there is none."""
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    codes = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return encoded.dictionary.to_pylist(), codes


def _first_faces(images: pa.Table, faces: pa.Table) -> Callable[[int], int | None]:
    """Gives the id of the first face of the photo in a row; None where there is none."""
    encoded = faces["image_sha256"].combine_chunks().dictionary_encode()
    _, first = np.unique(encoded.indices.to_numpy(), return_index=True)
    photo = pc.index_in(images["image_sha256"], encoded.dictionary).to_numpy(zero_copy_only=False)
    face_ids = faces["face_id"].to_numpy()
    return lambda row: None if np.isnan(photo[row]) else int(face_ids[first[int(photo[row])]])


def _near_groups(version: Version, images: pa.Table) -> np.ndarray:
    grouped = Image.objects.filter(project=version.project_id, near_group__isnull=False).order_by()
    rows = list(grouped.values_list("sha256", "near_group"))
    place = pc.index_in(images["image_sha256"], pa.array([sha256 for sha256, _ in rows], pa.string()))
    groups = pa.array([group for _, group in rows], pa.int64()).take(place.combine_chunks())
    return groups.fill_null(0).to_numpy(zero_copy_only=False)


def _twins(version: Version, faces: pa.Table, work: Work) -> dict:
    if _find_twins is None:
        return {"found": 0, "examples": [], "looked_at": 0, "tested": 0, "without_vector": 0}
    twins = _find_twins(version, faces, work)
    pairs = twins.pop("pairs")[:MOST_EXAMPLES]
    shown = faces.filter(pc.is_in(faces["face_id"], pa.array([pk for pair in pairs for pk in pair[:2]], pa.int64())))
    split_of = dict(zip(shown["face_id"].to_pylist(), shown["split"].to_pylist(), strict=True))
    examples = [
        {
            "name": f"{similarity:.4f}",
            "faces": [one, two],
            "splits": [split_of[one], split_of[two]],
        }
        for one, two, similarity in pairs
    ]
    return {**twins, "examples": examples}


def in_words(found: dict) -> str:
    """What a report found, in one sentence."""
    said = [f"{part['found']:,} {KINDS[kind][part['found'] != 1]}" for kind, part in found.items() if part["found"]]
    return f"On two sides of the split: {', '.join(said)}." if said else "Nothing was found on two sides of the split."


def why_not_golden(version: Version) -> str:
    """What speaks against calling a version golden: a sentence, or nothing."""
    report = LeakReport.objects.filter(version=version).first()
    if report is None or report.state != LeakState.DONE:
        return f"The leak report of version {version.number} is not made yet."
    return in_words(report.found) if report.leaks else ""
