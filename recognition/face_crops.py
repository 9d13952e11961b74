"""Grey squares of a frozen version's faces, straightened, for recipes that look at pixels. Workers only."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from datasets.models import Version
from jobs.errors import JobFailed
from labelling.originals import NOT_TO_BE_HAD
from labelling.photos import BadPhoto
from recognition.alignment import DegenerateLandmarks, align, crop_with_margin
from recognition.embed import photo_pixels
from recognition.labelled_faces import LabelledFaces, frozen_rows

SIDE_PX = 112
# Where eyes, nose and corners of the mouth go: as in dlib's chips, with less of what is around the face.
TEMPLATE = np.array([[28.9, 27.6], [83.1, 27.6], [56.0, 59.9], [32.3, 87.3], [79.7, 87.3]])


def with_crops(faces: LabelledFaces, version: Version, tell: Callable[[int, int], None]) -> LabelledFaces:
    """The same faces with `crops`. `tell(done, total)` hears of each photo, and may raise to stop."""
    columns = ["face_id", "image_sha256", "x", "y", "w", "h", "landmarks"]
    rows = {row["face_id"]: row for row in frozen_rows(version, "faces", columns)}
    by_photo: dict[str, list[int]] = defaultdict(list)
    for place, face_id in enumerate(faces.face_ids.tolist()):
        by_photo[rows[face_id]["image_sha256"]].append(place)
    crops = np.zeros((len(faces), SIDE_PX, SIDE_PX), np.uint8)
    for done, (sha256, places) in enumerate(by_photo.items(), start=1):
        try:
            grey = cv2.cvtColor(photo_pixels(version.project_id, sha256), cv2.COLOR_RGB2GRAY)
        except (*NOT_TO_BE_HAD, BadPhoto) as error:
            raise JobFailed(f"A photo of this version cannot be read any more ({sha256[:12]}…): {error}") from error
        for place in places:
            crops[place] = _square(grey, rows[int(faces.face_ids[place])])
        tell(done, len(by_photo))
    return replace(faces, crops=crops)


def _square(grey: np.ndarray, row: dict) -> np.ndarray:
    if row["landmarks"]:
        try:
            return align(grey, np.array(row["landmarks"], np.float64).reshape(5, 2), TEMPLATE, SIDE_PX)
        except DegenerateLandmarks:
            pass  # the box still tells where the face is
    box = (row["x"], row["y"], row["w"], row["h"])
    return cv2.resize(crop_with_margin(grey, box), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
