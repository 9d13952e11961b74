"""FaceNet with weights of its own training: an embedder for itself. The training is in finetune.py."""

from dataclasses import dataclass

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1

from recognition.embedders import FacenetEmbedder
from recognition.labelled_faces import LabelledFaces
from recognition.measure import Compared
from recognition.recipes.scorer import BadArtifact, by_vectors, from_artifact, to_artifact

RECIPE = "facenet_tuned"
COUNTER = "num_batches_tracked"  # of batch norm: only training asks for it


def artifact(weights: dict[str, torch.Tensor], side: int) -> bytes:
    """side: pixels of the squares it was trained on, and is to be given."""
    arrays = {name: tensor.numpy() for name, tensor in weights.items() if not name.endswith(COUNTER)}
    return to_artifact(RECIPE, arrays, {"side": side})


def load(data: bytes) -> "OwnVectors":
    network = InceptionResnetV1(pretrained=None, classify=False)
    state = network.state_dict()
    notes, arrays = from_artifact(RECIPE, data, *(name for name in state if not name.endswith(COUNTER)))
    try:
        network.load_state_dict(state | {name: torch.from_numpy(array) for name, array in arrays.items()})
    except RuntimeError as error:
        raise BadArtifact("This file holds weights of another network than FaceNet.") from error
    return OwnVectors(TunedFacenet(network, int(notes["side"])))


class TunedFacenet(FacenetEmbedder):
    """Cuts faces out as FaceNet does, at the size it was trained on."""

    name = RECIPE

    def __init__(self, network: torch.nn.Module, side: int):
        super().__init__(device="cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.to(self._device, memory_format=torch.channels_last).eval()
        self.input_px = side


@dataclass(frozen=True, eq=False)
class OwnVectors:
    """Compares faces whose vectors `embedder` made (face_crops.with_vectors_by); others are of another space."""

    embedder: FacenetEmbedder

    def compare(self, gallery: LabelledFaces, probes: LabelledFaces) -> Compared:
        """As validation chose the epoch: a probe is named by the nearest mean."""
        mine, theirs = (np.asarray(faces.vectors, np.float32) for faces in (gallery, probes))
        return by_vectors(gallery, probes, mine, theirs, by_template=True)
