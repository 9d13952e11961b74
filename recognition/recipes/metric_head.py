"""A head over frozen embeddings, trained with one of the losses in losses.py; the training itself is in heads.py."""

from dataclasses import dataclass

from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared
from recognition.recipes.scorer import BadArtifact, by_vectors
from recognition.trained_head import BadHead, TrainedHead


def load(data: bytes) -> "Head":
    try:
        return Head(TrainedHead.from_bytes(data))
    except BadHead as error:
        raise BadArtifact(str(error)) from error


@dataclass(frozen=True, eq=False)
class Head:
    trained: TrainedHead

    def compare(self, gallery: LabelledFaces, probes: LabelledFaces) -> Compared:
        """As validation chose the epoch: a probe is named by the nearest mean of what came through the head."""
        mine, theirs = self.trained.project(gallery.vectors), self.trained.project(probes.vectors)
        return by_vectors(gallery, probes, mine, theirs, by_template=True)
