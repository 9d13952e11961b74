"""Writes a folder of drawn photos: `Person_Name/Person_Name_0001.jpg`, group scenes, and the truth about both."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .names import NAME_COUNT, person_name
from .scene import FEWEST_IN_SCENE, MOST_IN_SCENE, DrawnPhoto, draw_portrait, draw_scene

TRUTH_FILE = "truth.json"
MARKER_FILE = ".drawn-by-facet.json"  # lists what we wrote, so that only that is ever replaced
GUESTS_STREAM = 3
SEEDS_APART = 100_000  # person i of one seed is never person j of another
MOST_PHOTOS = 9_999  # file names carry four digits


class FolderInUse(Exception):
    """The destination holds something that this module did not write."""


@dataclass(frozen=True)
class SampleSummary:
    """What `write_sample` wrote: photos are portraits plus scenes, faces are the boxes in the truth file."""

    folder: Path
    identities: int
    portraits: int
    scenes: int
    faces: int
    seed: int


@dataclass(frozen=True)
class _Job:
    path: str
    draw: Callable[[], DrawnPhoto]


def write_sample(
    dest: Path,
    identities: int,
    photos: int,
    scenes: int | None = None,
    seed: int = 1,
    imbalance: float = 0.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> SampleSummary:
    """Draw `identities` people, `photos` portraits of each and some group scenes into the folder `dest`.

    `scenes` defaults to a quarter of the identities, at least two (none for a single person). With `imbalance`
    a > 0, person number n has photos / n**a portraits, at least one: a long tail. The same arguments write the
    same bytes, and a person's portraits do not depend on how many other people there are. `truth.json` maps each
    file to its faces: `{"box": [x, y, w, h], "name": …}`. `on_progress(done, total)` is called after each photo.

    Raises FolderInUse when `dest` holds anything but an earlier output of this function, ValueError when an
    argument is out of range.
    """
    dest = Path(dest)
    scenes = _default_scenes(identities) if scenes is None else scenes
    _check_numbers(identities, photos, scenes, seed, imbalance)
    people = [seed * SEEDS_APART + number for number in range(identities)]
    counts = [max(1, round(photos / (rank + 1) ** imbalance)) for rank in range(identities)]
    jobs = [*_portraits(people, counts), *_scenes(people, scenes, seed)]
    _clear_own_output(dest)
    _mark(dest, [job.path for job in jobs], seed)
    truth = _draw_all(dest, jobs, on_progress)
    _write_truth(dest / TRUTH_FILE, truth)
    faces = sum(len(entries) for entries in truth.values())
    return SampleSummary(dest, identities, sum(counts), scenes, faces, seed)


def _default_scenes(identities: int) -> int:
    return max(2, identities // 4) if identities >= FEWEST_IN_SCENE else 0


def _check_numbers(identities: int, photos: int, scenes: int, seed: int, imbalance: float) -> None:
    if not 1 <= identities <= NAME_COUNT:
        raise ValueError(f"identities must be 1 to {NAME_COUNT}, the number of different names; got {identities}.")
    if not 1 <= photos <= MOST_PHOTOS:
        raise ValueError(f"photos must be 1 to {MOST_PHOTOS}; got {photos}.")
    if not 0 <= scenes <= MOST_PHOTOS:
        raise ValueError(f"scenes must be 0 to {MOST_PHOTOS}; got {scenes}.")
    if scenes and identities < FEWEST_IN_SCENE:
        raise ValueError(f"A group scene needs {FEWEST_IN_SCENE} identities; ask for 0 scenes or more identities.")
    if seed < 0 or imbalance < 0:
        raise ValueError("seed and imbalance must not be negative.")


def _portraits(people: list[int], counts: list[int]) -> list[_Job]:
    jobs = []
    for person, count in zip(people, counts, strict=True):
        folder = person_name(person).replace(" ", "_")
        for number in range(1, count + 1):
            jobs.append(_Job(f"{folder}/{folder}_{number:04}.jpg", _later(draw_portrait, person, number)))
    return jobs


def _scenes(people: list[int], scenes: int, seed: int) -> list[_Job]:
    jobs = []
    for number in range(1, scenes + 1):
        rng = np.random.default_rng([GUESTS_STREAM, seed, number])
        most = min(MOST_IN_SCENE, len(people))
        guests = rng.choice(len(people), size=int(rng.integers(FEWEST_IN_SCENE, most + 1)), replace=False)
        draw = _later(draw_scene, [people[guest] for guest in guests], seed * SEEDS_APART + number)
        jobs.append(_Job(f"scene_{number:04}.jpg", draw))
    return jobs


def _later(draw: Callable[..., DrawnPhoto], *arguments) -> Callable[[], DrawnPhoto]:
    return lambda: draw(*arguments)


def _clear_own_output(dest: Path) -> None:
    """Empty `dest` of all but the marker, or refuse with the name of the first file that is not ours."""
    if dest.exists() and not dest.is_dir():
        raise FolderInUse(f"{dest} is a file. Give a folder for the drawn photos.")
    dest.mkdir(parents=True, exist_ok=True)
    found = sorted(path for path in dest.rglob("*") if path.is_symlink() or not path.is_dir())
    ours = _listed_in_marker(dest)
    for path in found:
        if path.relative_to(dest).as_posix() not in ours:
            raise FolderInUse(
                f"{dest} already holds {path.relative_to(dest)}, which was not drawn here, so nothing was written. "
                "Give an empty or new folder."
            )
    photos = [path for path in found if path != dest / MARKER_FILE]  # kept: a stop right here can be mended, too
    for path in photos:
        path.unlink()
    for folder in {path.parent for path in photos} - {dest}:
        folder.rmdir()


def _listed_in_marker(dest: Path) -> set[str]:
    """Relative paths that an earlier run, finished or broken off, said it would write."""
    marker = dest / MARKER_FILE
    if not marker.is_file():
        return set()
    try:
        listed = json.loads(marker.read_text(encoding="utf-8"))["files"]
        return {str(path) for path in listed} | {MARKER_FILE, TRUTH_FILE}
    except (ValueError, KeyError, TypeError) as error:
        raise FolderInUse(
            f"{marker} cannot be read, so it is unclear which files in {dest} were drawn here. "
            "Give an empty or new folder."
        ) from error


def _mark(dest: Path, paths: list[str], seed: int) -> None:
    # Before the first photo, so that a run that was broken off can still be replaced.
    marker = {"drawn_by": "facet sample", "seed": seed, "files": paths}
    (dest / MARKER_FILE).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")


def _draw_all(dest: Path, jobs: list[_Job], on_progress: Callable[[int, int], None] | None) -> dict[str, list[dict]]:
    truth = {}
    # Threads: most of the time is spent in OpenCV and the JPEG encoder, which both release the interpreter lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = pool.map(lambda job: _draw_one(dest, job), jobs)
        for job, faces in zip(jobs, drawn, strict=True):
            truth[job.path] = faces
            if on_progress:
                on_progress(len(truth), len(jobs))
    return truth


def _draw_one(dest: Path, job: _Job) -> list[dict]:
    photo = job.draw()
    path = dest / job.path
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(photo.image).save(path, "JPEG", quality=photo.quality)
    return [{"box": [round(value, 2) for value in face.box], "name": face.name} for face in photo.faces]


def _write_truth(path: Path, truth: dict[str, list[dict]]) -> None:
    # One photo a line: JSON that can be read, searched and compared by eye.
    lines = (f"{json.dumps(photo)}: {json.dumps(faces)}" for photo, faces in truth.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
