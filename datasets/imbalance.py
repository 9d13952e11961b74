"""How unevenly faces are spread over people."""

from collections.abc import Sequence
from math import log

import numpy as np

from datasets.weights import effective_number


def imbalance(counts: Sequence[int]) -> dict[str, float | int | None]:
    """Figures over the faces per person; `counts` shape (people,), each above zero.

    `ratio` most to fewest; `gini` 0 (even) to 1; `normalised_entropy` 1 (even) to 0;
    `effective_people` exp(entropy): as many people as an even set of the same spread would have.
    `effective_faces` sum of each person's effective number (datasets/weights.py): what the faces are worth in training.
    All None but `people` when nobody is there; entropy and Gini of one person are 1 and 0.
    """
    faces = np.sort(np.asarray(counts, dtype=np.float64))
    if faces.size == 0:
        return {"people": 0, "fewest": None, "median": None, "most": None, "ratio": None, "gini": None,
                "normalised_entropy": None, "effective_people": None, "effective_faces": None}  # fmt: skip
    if faces[0] <= 0:
        raise ValueError("Every person counted must have at least one face.")
    n = faces.size
    share = faces / faces.sum()
    entropy = float(-(share * np.log(share)).sum())
    gini = float((2 * np.arange(1, n + 1) - n - 1) @ faces / (n * faces.sum()))
    return {
        "people": n,
        "fewest": int(faces[0]),
        "median": float(np.median(faces)),
        "most": int(faces[-1]),
        "ratio": float(faces[-1] / faces[0]),
        "gini": round(gini, 6),
        "normalised_entropy": round(entropy / log(n), 6) if n > 1 else 1.0,
        "effective_people": round(float(np.exp(entropy)), 3),
        "effective_faces": round(float(effective_number(faces).sum()), 1),
    }
