"""Detector and recogniser judged together: is the right name on the right face, none missed?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.average_precision import DEFAULT_MIN_PROBES, UnmeasuredIdentity
from recognition.metrics.detection import interpolated_ap
from recognition.metrics.inputs import (
    IntArray,
    Label,
    LabelArray,
    encode_together,
    label_vector,
    require_at_least,
    share_or_none,
)
from recognition.metrics.matching import DetectedPhoto, PhotoMatch, match_photo


@dataclass(frozen=True, eq=False)
class NamedPhoto:
    """A photo whose true and found faces carry names.

    photo: boxes and scores; the scores are how sure the system is of the name, not of the face.
    truth_labels: shape (t,). found_labels: shape (d,). Integers or text; a stranger, or a face
    that was given no name, carries the label that is passed as no_identity.
    """

    photo: DetectedPhoto
    truth_labels: ArrayLike
    found_labels: ArrayLike

    def __post_init__(self) -> None:
        truth = label_vector("truth_labels", self.truth_labels, length=len(self.photo.truth))
        found = label_vector("found_labels", self.found_labels, length=len(self.photo.found))
        object.__setattr__(self, "truth_labels", truth)
        object.__setattr__(self, "found_labels", found)


@dataclass(frozen=True)
class EndToEndAp:
    """AP of one person over whole photos. faces: annotated faces of the person that count."""

    identity: Label
    ap: float
    faces: int


@dataclass(frozen=True)
class EndToEnd:
    """End-to-end mAP: mean over people with enough faces; None when there are none.

    too_few: people in the truth with fewer faces than min_faces.
    named_in_error: how many detections named somebody who is in no photo; they lower nobody's AP.
    """

    mean_ap: float | None
    iou_threshold: float
    min_faces: int
    identities: tuple[EndToEndAp, ...]
    too_few: tuple[UnmeasuredIdentity, ...]
    named_in_error: int


def end_to_end_map(
    photos: Sequence[NamedPhoto],
    *,
    no_identity: Label | None = None,
    iou_threshold: float = 0.5,
    min_faces: int = DEFAULT_MIN_PROBES,
) -> EndToEnd:
    """Return COCO's AP with each person as a class, at one IoU threshold, and the mean.

    A face that is not found, or found under another name, is missed recall of its person; a name on
    somebody else, on a stranger or on no face is a false alarm of the person named. Ignored boxes
    are ignored for everybody, whatever their label.
    """
    require_at_least("min_faces", min_faces, 1)
    names, truth, found = _encode(photos, no_identity)
    nobody = np.flatnonzero(names == no_identity) if no_identity is not None else np.zeros(0, dtype=np.intp)
    faces = np.zeros(len(names), dtype=np.int64)
    for named, codes in zip(photos, truth, strict=True):
        faces += np.bincount(codes[~named.photo.ignore], minlength=len(names))
    matches = _matches_by_identity(photos, truth, found, len(names), iou_threshold)
    people = [code for code in range(len(names)) if faces[code] and code not in nobody]
    measured = tuple(
        EndToEndAp(names[code].item(), ap, int(faces[code]))
        for code in people
        if faces[code] >= min_faces and (ap := interpolated_ap(matches[code])) is not None
    )
    claimed = np.bincount(np.concatenate([*found, np.zeros(0, dtype=np.intp)]), minlength=len(names))
    absent = [code for code in range(len(names)) if not faces[code] and code not in nobody]
    return EndToEnd(
        mean_ap=share_or_none(sum(person.ap for person in measured), len(measured)),
        iou_threshold=iou_threshold,
        min_faces=min_faces,
        identities=measured,
        too_few=tuple(
            UnmeasuredIdentity(names[code].item(), int(faces[code])) for code in people if faces[code] < min_faces
        ),
        named_in_error=int(claimed[absent].sum()),
    )


def _encode(
    photos: Sequence[NamedPhoto], no_identity: Label | None
) -> tuple[LabelArray, list[IntArray], list[IntArray]]:
    vectors = [photo.truth_labels for photo in photos] + [photo.found_labels for photo in photos]
    # no_identity is encoded too, so that text among numbers is refused instead of never being equal.
    extra = [] if no_identity is None else [label_vector("no_identity", [no_identity])]
    names, codes = encode_together(vectors + extra)
    return names, codes[: len(photos)], codes[len(photos) : 2 * len(photos)]


def _matches_by_identity(
    photos: Sequence[NamedPhoto],
    truth: list[IntArray],
    found: list[IntArray],
    identities: int,
    iou_threshold: float,
) -> list[list[PhotoMatch]]:
    """Match each photo once for each person who is in it or named in it: most people are in few."""
    matches: list[list[PhotoMatch]] = [[] for _ in range(identities)]
    for named, true_codes, found_codes in zip(photos, truth, found, strict=True):
        photo = named.photo
        for code in np.union1d(true_codes[~photo.ignore], found_codes):
            concerned = (true_codes == code) | photo.ignore
            named_so = found_codes == code
            part = DetectedPhoto(
                photo.truth[concerned], photo.found[named_so], photo.scores[named_so], photo.ignore[concerned]
            )
            matches[code].extend(match_photo(part, iou_threshold))
    return matches
