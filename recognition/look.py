"""Looks at a box that a person has just drawn, while they look at it: landmarks, and who it may be. Worker-only.

Nothing is stored but the answer: the box is the person's until they send the photo.
"""

from uuid import UUID

import cv2
import numpy as np

from jobs.errors import JobFailed
from jobs.work import Work
from labelling import originals
from labelling.api.serializers import SuggestionSerializer
from labelling.boxes import Box, iou
from labelling.models import Face, Identity, Image, Suggestion
from labelling.photos import BadPhoto
from labelling.proposals import SAME_BOX_IOU
from recognition.alignment import crop_with_margin
from recognition.bonds import Bonds
from recognition.calibrations import calibration_for
from recognition.embed import landmark_finder, loaded_embedder, photo_pixels
from recognition.embedders import FaceGeometry
from recognition.landmarks import find_landmarks
from recognition.likeness import Candidate, one_person_per_photo, rank_people
from recognition.serving import Served, served_now, through
from recognition.suggest import MOST, read_gallery
from recognition.vectors import unit


def look_at_box(work: Work) -> dict:
    """`params`: image, uid of the face, box, present (people the person has named in the photo, not yet sent)."""
    image = Image.objects.select_related("project").get(pk=work.params["image"])
    box: Box = tuple(work.params["box"])
    try:
        pixels = photo_pixels(image.project_id, image.sha256)
    except (*originals.NOT_TO_BE_HAD, BadPhoto) as error:
        raise JobFailed(str(error)) from error
    landmarks = find_landmarks(pixels, box, landmark_finder())
    embedder = loaded_embedder(image.project.settings.embedder)
    vectors = embedder.embed(pixels, [FaceGeometry(box, landmarks)])
    served = served_now(image.project)
    ranked = _rank(image, UUID(work.params["uid"]), box, through(served, unit(vectors)), served)
    present = set(work.params["present"])
    ranked = [(candidate, nearest) for candidate, nearest in ranked if candidate.person not in present]
    return {
        "landmarks": None if landmarks is None else landmarks.round(2).tolist(),
        "suggestions": SuggestionSerializer(_suggestions(ranked, embedder.name), many=True).data,
        "quality": quality(pixels, box),
    }


def _rank(image: Image, uid: UUID, box: Box, vectors: np.ndarray, served: Served | None) -> list[tuple[Candidate, int]]:
    """Candidates, each with the confirmed face nearest to the box."""
    face = Face.objects.filter(uid=uid).first()
    gallery = read_gallery(image.project, served)
    calibration, _ = calibration_for(image.project, gallery.vectors, gallery.people, gallery.photos, served)
    others = gallery.face_ids != (face.pk if face else 0)  # likeness to itself, before it was moved, is no news
    people, face_ids = gallery.people[others], gallery.face_ids[others]
    ranked = rank_people(vectors, gallery.vectors[others], people, calibration=calibration, limit=MOST)
    not_possible = {*_named_elsewhere(image, uid, box), *(_ruled_out(face) if face else ())}
    (kept,) = one_person_per_photo(ranked, [image.pk], {image.pk: not_possible})
    return [(candidate, int(face_ids[candidate.nearest])) for candidate in kept]


def _named_elsewhere(image: Image, uid: UUID, box: Box) -> set[int]:
    """Nobody is in a photo twice. A named box in the same place is the same face, drawn again."""
    others = Face.objects.filter(image=image).named().exclude(uid=uid)
    return {face.identity_id for face in others if iou(face.box, box) < SAME_BOX_IOU}


def _ruled_out(face: Face) -> set[int]:
    return Bonds(face.project, [face.pk]).ruled_out(face.pk)


def _suggestions(ranked: list[tuple[Candidate, int]], embedder: str) -> list[Suggestion]:
    """Never stored: the face they are about is not either."""
    people = Identity.objects.in_bulk([candidate.person for candidate, _ in ranked])
    nearest = Face.objects.in_bulk([face_id for _, face_id in ranked])
    rows = [
        Suggestion(
            identity=people[candidate.person],
            probability=candidate.probability,
            similarity=candidate.similarity,
            nearest_face=nearest.get(face_id),
            model_name=embedder,
        )
        for candidate, face_id in ranked
        if candidate.person in people
    ]
    for rank, row in enumerate(rows, start=1):
        row.rank = rank
    return rows


def quality(pixels: np.ndarray, box: Box) -> dict:
    """How well a face can be told in that box: its shorter side, sharpness and brightness as of photos."""
    grey = cv2.cvtColor(np.ascontiguousarray(crop_with_margin(pixels, box)), cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    return {
        "side_px": round(min(box[2:]), 1),
        "sharpness": round(sharpness, 1),
        "brightness": round(float(grey.mean()), 1),
    }
