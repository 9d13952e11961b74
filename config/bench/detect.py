"""facet bench detect: photos a second and faces found, beside facenet-pytorch's MTCNN asked photo by photo.

Both search the same decoded photos in one run, in turns of some photos each, so that whatever else the machine does
meets both. FACET_BENCH_SCALE below 1 takes only that share of the photos.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from config.bench._detect_sides import Found, Side, naive, ours
from config.embedded.folders import REPOSITORY
from labelling.photos import upright_rgb
from recognition.metrics.detection import detection_ap, detection_counts
from recognition.metrics.matching import DetectedPhoto

# Smaller ones count neither way: nobody asked for them, and finding one is no error.
SMALLEST_FACE_PX = 20
TURN = 16
DRAWN_SCENES, DRAWN_SIZE = 40, (960, 640)

Boxes = Sequence[Sequence[float]]
Truth = tuple[Boxes, Boxes]  # faces, and regions that count neither way


def run(say: Callable[[str], None]) -> dict:
    scale = float(os.environ.get("FACET_BENCH_SCALE", "1"))
    kind, photos, truths = _scenes(scale, say)
    with ours() as own, naive() as theirs:
        for start in range(0, len(photos), TURN):
            turn = photos[start : start + TURN]
            # Who comes second finds the machine warmer: each does, in turn.
            for side in (own, theirs) if start % (2 * TURN) == 0 else (theirs, own):
                side.search(turn)
            say(f"{start + len(turn)} of {len(photos)} photos, {own.images_per_s:.1f} to {theirs.images_per_s:.1f} /s")
    return {"photos_are": kind, **_figures(truths, own, theirs)}


def _figures(truths: list[Truth], own: Side, theirs: Side) -> dict:
    found, naively_found = quality(truths, own.found), quality(truths, theirs.found)
    return {
        "photos": len(truths),
        "faces": found["faces"],
        "images_per_s": round(own.images_per_s, 2),
        "naive_images_per_s": round(theirs.images_per_s, 2),
        "ratio": round(own.images_per_s / theirs.images_per_s, 2),
        "recall50": found["recall50"],
        "naive_recall50": naively_found["recall50"],
        "ap50": found["ap50"],
        "naive_ap50": naively_found["ap50"],
        "run_as": {"processes": own.processes, "torch_threads_each": own.threads},
        "naive_run_as": {"processes": theirs.processes, "torch_threads_each": theirs.threads},
        "cpu_ms_per_image": round(own.cpu_ms, 1),
        "naive_cpu_ms_per_image": round(theirs.cpu_ms, 1),
    }


def quality(truths: list[Truth], found: list[Found]) -> dict:
    """Recall over everything found, and AP, at IoU 0.5, over faces whose smaller side is at least SMALLEST_FACE_PX."""
    photos = [_matched(truth, one) for truth, one in zip(truths, found, strict=True)]
    counts, ap = detection_counts(photos, min_score=0), detection_ap(photos)
    return {"faces": ap.faces, "recall50": _rounded(counts.recall), "ap50": _rounded(ap.ap50)}


def _matched(truth: Truth, found: Found) -> DetectedPhoto:
    faces, regions = truth
    too_small = [min(face[2:]) < SMALLEST_FACE_PX for face in faces]
    return DetectedPhoto(
        truth=[*faces, *regions], found=found.boxes, scores=found.scores, ignore=[*too_small, *[True] * len(regions)]
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _scenes(scale: float, say: Callable[[str], None]) -> tuple[str, list[np.ndarray], list[Truth]]:
    """Group photos with true boxes: real ones where there are any, drawn ones elsewhere."""
    folder = Path(os.environ.get("FACET_DATA") or REPOSITORY.parent / "shared" / "data") / "scenes"
    if not (folder / "boxes.json").is_file():
        say(f"No real photos in {folder}: drawing scenes instead …")
        return "drawn", *_drawn(max(2, round(DRAWN_SCENES * scale)))
    boxes = json.loads((folder / "boxes.json").read_text())
    regions = json.loads((folder / "ignore.json").read_text())
    # Spread over the sorted names, because each source has its own beginning.
    names = sorted(boxes)[:: max(1, round(1 / scale))]
    say(f"Decoding {len(names)} photos …")
    photos = [upright_rgb((folder / name).read_bytes()) for name in names]
    return "real", photos, [(boxes[name], regions.get(name, [])) for name in names]


def _drawn(count: int) -> tuple[list[np.ndarray], list[Truth]]:
    from recognition.drawing import draw_scene

    scenes = [draw_scene(range(number, number + 2 + number % 7), number, DRAWN_SIZE) for number in range(count)]
    return [scene.image for scene in scenes], [([face.box for face in scene.faces], []) for scene in scenes]
