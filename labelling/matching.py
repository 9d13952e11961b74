"""Which boxes that two people saw are one face: pairs by overlap, each box once."""

from collections.abc import Sequence

from labelling.boxes import Box, iou

SAME_FACE_IOU = 0.5


def match_boxes(
    ours: Sequence[Box], theirs: Sequence[Box], least: float = SAME_FACE_IOU
) -> list[tuple[int, int, float]]:
    """(place in ours, place in theirs, IoU), the best overlap first; a box is taken once."""
    overlaps = [(iou(a, b), i, j) for i, a in enumerate(ours) for j, b in enumerate(theirs)]
    pairs, taken_ours, taken_theirs = [], set(), set()
    for overlap, i, j in sorted(
        (row for row in overlaps if row[0] >= least), key=lambda row: (-row[0], row[1], row[2])
    ):
        if i not in taken_ours and j not in taken_theirs:
            pairs.append((i, j, overlap))
            taken_ours.add(i)
            taken_theirs.add(j)
    return pairs
