"""How long a model takes for one face, measured on a version's own test faces. Runs in workers only.

From the photo's pixels to the nearest person: cutting the face out, embedding, the head, the search in the gallery.
Reading and decoding the photo is left out; it is the same for all models.
"""

from statistics import median
from time import perf_counter

import numpy as np

from datasets.models import Version
from labelling.models import Who
from labelling.originals import NOT_TO_BE_HAD
from labelling.photos import BadPhoto
from recognition.embed import loaded_embedder, photo_pixels
from recognition.embedders import Embedder, FaceGeometry
from recognition.labelled_faces import frozen_rows
from recognition.trained_head import TrainedHead

FACES = 9
COLUMNS = ["image_sha256", "split", "who", "x", "y", "w", "h", "landmarks"]


def latency(version: Version, embedder_name: str, head: TrainedHead | None, gallery: np.ndarray) -> dict:
    """{"median_ms", "faces"} one face at a time; {"reason"} where no photo can be read any more.

    gallery: shape (m, d), what probes are compared with.
    """
    embedder = loaded_embedder(embedder_name)
    rows = [
        row for row in frozen_rows(version, "faces", COLUMNS) if row["split"] == "test" and row["who"] == Who.ASSIGNED
    ]
    spread = rows[:: max(1, len(rows) // FACES)][:FACES]
    taken = [ms for row in spread if (ms := _one(version.project_id, row, embedder, head, gallery)) is not None]
    if not taken:
        return {"reason": "none of the test photos that were tried can be read"}
    return {"median_ms": round(median(taken), 3), "faces": len(taken)}


def _one(project_id: int, row: dict, embedder: Embedder, head: TrainedHead | None, gallery: np.ndarray) -> float | None:
    try:
        pixels = photo_pixels(project_id, row["image_sha256"])
    except (*NOT_TO_BE_HAD, BadPhoto):
        return None
    points = np.array(row["landmarks"], np.float32).reshape(5, 2) if row["landmarks"] else None
    face = FaceGeometry(box=(row["x"], row["y"], row["w"], row["h"]), landmarks=points)
    begun = perf_counter()
    vectors = embedder.embed(pixels, [face])
    if head is not None:
        vectors = head.project(vectors)
    (vectors @ gallery.T).argmax(axis=1)
    return 1000 * (perf_counter() - begun)
