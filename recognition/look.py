"""Looks at a box that a person has just drawn, while they look at it: landmarks, and who it may be. Worker-only.

Nothing is stored but the answer: the box is the person's until they send the photo.
"""

from uuid import UUID

import cv2
import numpy as np

from jobs.errors import JobFailed
from jobs.work import Work
from labelling import storage
from labelling.api.serializers import SuggestionSerializer
from labelling.boxes import Box
from labelling.models import Constraint, Face, Identity, Image, Suggestion
from labelling.photos import BadPhoto
from recognition.alignment import crop_with_margin
from recognition.embed import landmark_finder, loaded_embedder, photo_pixels
from recognition.embedders import FaceGeometry
from recognition.landmarks import find_landmarks
from recognition.likeness import Candidate, one_person_per_photo, rank_people
from recognition.models import Embedding
from recognition.vectors import read_vectors, unit

MOST = 9


def look_at_box(work: Work) -> dict:
    """`params`: image, uid of the face, box, present (people the person has named in the photo, not yet sent)."""
    image = Image.objects.select_related("project").get(pk=work.params["image"])
    box: Box = tuple(work.params["box"])
    try:
        pixels = photo_pixels(image.project_id, image.sha256)
    except (storage.ObjectMissing, BadPhoto) as error:
        raise JobFailed(str(error)) from error
    landmarks = find_landmarks(pixels, box, landmark_finder(image.project))
    embedder = loaded_embedder(image.project.settings.embedder)
    vectors = embedder.embed(pixels, [FaceGeometry(box, landmarks)])
    ranked = _rank(image, unit(vectors), _not_possible(image, UUID(work.params["uid"]), work.params["present"]))
    return {
        "landmarks": None if landmarks is None else landmarks.round(2).tolist(),
        "suggestions": SuggestionSerializer(_suggestions(ranked, embedder.name), many=True).data,
        "quality": quality(pixels, box),
    }


def _rank(image: Image, vectors: np.ndarray, not_possible: set[int]) -> list[tuple[Candidate, int]]:
    """Candidates, each with the confirmed face nearest to the box."""
    embedder = image.project.settings.embedder
    named = Face.objects.in_project(image.project).named()
    ids, gallery = read_vectors(Embedding.objects.current(embedder).filter(face__in=named))
    person_of = dict(Face.objects.filter(pk__in=ids).values_list("pk", "identity_id"))
    people = np.array([person_of.get(face_id) or 0 for face_id in ids], dtype=np.int64)
    ranked = rank_people(vectors, gallery, people, embedder=embedder, limit=MOST)
    (kept,) = one_person_per_photo(ranked, [image.pk], {image.pk: not_possible})
    return [(candidate, ids[candidate.nearest]) for candidate in kept]


def _not_possible(image: Image, uid: UUID, present: list[int]) -> set[int]:
    """Who stands elsewhere in the photo, or was said not to be this face."""
    others = Face.objects.filter(image=image).named().exclude(uid=uid)
    refused = Constraint.objects.filter(face__uid=uid, identity__isnull=False)
    return {
        *present,
        *others.values_list("identity_id", flat=True),
        *refused.values_list("identity_id", flat=True),
    }


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
