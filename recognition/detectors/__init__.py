"""The one door to face detectors: images in, boxes out. Worker-only: they import torch and OpenCV.

Each detector's library is imported when that detector is asked for: a worker that runs YuNet needs no torch for it.
"""

from collections.abc import Callable

from recognition.detectors.interface import DetectedFace, Detector, DetectorUnavailable, UnknownDetector

__all__ = ["DetectedFace", "Detector", "DetectorUnavailable", "UnknownDetector", "get_detector"]


def _mtcnn(**parameters) -> Detector:
    from recognition.detectors.mtcnn import MtcnnDetector

    return MtcnnDetector(**parameters)


def _yunet(**parameters) -> Detector:
    from recognition.detectors.yunet import YunetDetector

    return YunetDetector(**parameters)


def _haar(**parameters) -> Detector:
    from recognition.detectors.haar import HaarDetector

    return HaarDetector(**parameters)


# Their names for people are in `labelling/forms.py`.
_DETECTORS: dict[str, Callable[..., Detector]] = {"mtcnn": _mtcnn, "yunet": _yunet, "haar": _haar}


def get_detector(name: str, **parameters) -> Detector:
    """A detector by its name in a project's settings, not yet loaded.

    Raises UnknownDetector for an unknown name or parameter, ValueError for a value out of range.
    """
    if name not in _DETECTORS:
        raise UnknownDetector(f"There is no detector called “{name}”. Choose one of: {', '.join(_DETECTORS)}.")
    try:
        return _DETECTORS[name](**parameters)
    except TypeError as error:
        raise UnknownDetector(f"Detector “{name}” was given a parameter it does not have: {error}.") from error
