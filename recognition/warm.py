"""Reads the usual models before anybody waits for them: the first look at a drawn box is as quick as the next."""

import numpy as np

from labelling.models import ProjectSettings
from recognition.embed import landmark_finder, loaded_embedder
from recognition.embedders import FaceGeometry

BLANK = np.full((160, 160, 3), 128, np.uint8)


def import_models() -> None:
    """Before a worker starts its processes: imported there, each would spend the time and memory anew."""
    import dlib  # noqa: F401

    import recognition.detectors.mtcnn  # noqa: F401


def warm_up() -> None:
    """Load what a new project uses, and run it once: much is made ready in the first run only."""
    usual = ProjectSettings()
    landmark_finder().detect([BLANK])
    loaded_embedder(usual.embedder).embed(BLANK, [FaceGeometry((40, 40, 80, 80))])
