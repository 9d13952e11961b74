"""How recognition fares in parts of the test faces: by size, pose, sharpness, light, session and faces enrolled.

Arrays in, plain dictionaries out. A part with few probes keeps its figure, and the page says that it is too few.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from datasets.slices import NOT_KNOWN, SLICINGS
from recognition.labelled_faces import LabelledFaces
from recognition.measure import MIN_PROBES, Measured
from recognition.metrics.average_precision import per_identity_ap
from recognition.metrics.gallery import IdentityScores
from recognition.metrics.intervals import wilson_interval

MOST_SESSIONS = 12
# From this many enrolled faces on a part begins.
ENROLLED = (1, 2, 3, 5, 10, 20, 50)


def figures_by_part(measured: Measured, gallery: LabelledFaces, probes: LabelledFaces) -> list[dict]:
    """For each way to divide: name, title, what, and rows of {words, probes, correct, value, low, high, map, people}.

    Counted are the probes that the recognition rate is made of. map: each person's probes of the part, ranked among
    the probes of the part; people: how many have enough of them.
    """
    right = np.zeros(len(probes), bool)
    right[measured.search.counted] = measured.search.ranks == 1
    found = []
    for name, title, what, words, parts in _divisions(gallery, probes):
        rows = [
            {"words": word, **_figures(measured, probes, right, parts == number)} for number, word in enumerate(words)
        ]
        found.append({"name": name, "title": title, "what": what, "rows": [row for row in rows if row["probes"]]})
    return [division for division in found if division["rows"]]


def _divisions(gallery: LabelledFaces, probes: LabelledFaces) -> Iterator[tuple[str, str, str, list[str], np.ndarray]]:
    if probes.qualities is not None:
        for column, slicing in enumerate(SLICINGS):
            parts = slicing.parts_of(probes.qualities[:, column].astype(np.float64)).astype(np.int64)
            words = [*slicing.words, NOT_KNOWN]
            yield slicing.name, slicing.title, slicing.what, words, np.where(parts < 0, len(words) - 1, parts)
    if probes.sessions is not None:
        yield "session", "Session", "When and where the photo was taken.", *_by_session(probes.sessions)
    yield "enrolled", "Enrolled faces", "How many gallery faces the person has.", *_by_enrolled(gallery, probes)


def _by_session(sessions: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The sessions with most probes, the rest together."""
    counts = Counter(session for session in sessions.tolist() if session)
    shown = [session for session, _ in sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:MOST_SESSIONS]]
    others = len(counts) - len(shown)
    place = {session: number for number, session in enumerate(shown)} | {"": len(shown) + 1}
    words = [*shown, f"{others:,} other session{'' if others == 1 else 's'}", "no session"]
    return words, np.array([place.get(session, len(shown)) for session in sessions.tolist()], np.int64)


def _by_enrolled(gallery: LabelledFaces, probes: LabelledFaces) -> tuple[list[str], np.ndarray]:
    enrolled = Counter(gallery.names.tolist())
    counts = np.array([enrolled[name] for name in probes.names.tolist()], np.int64)
    ends = [*(edge - 1 for edge in ENROLLED[1:]), None]
    words = [_range(low, high) for low, high in zip(ENROLLED, ends, strict=True)]
    # People with none are not searched for; they are in no part.
    return words, np.digitize(counts, ENROLLED) - 1


def _range(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} and more"
    return str(low) if low == high else f"{low} to {high}"


def _figures(measured: Measured, probes: LabelledFaces, right: np.ndarray, here: np.ndarray) -> dict:
    counted = here & measured.search.counted
    trials, correct = int(counted.sum()), int((counted & right).sum())
    interval = wilson_interval(correct, trials)
    mean = None
    if trials:
        ranking = measured.compared.ranking
        part = IdentityScores(ranking.identities, ranking.scores[here])
        mean = per_identity_ap(part, probes.names[here], min_probes=MIN_PROBES)
    return {
        "probes": trials,
        "correct": correct,
        "value": correct / trials if trials else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "map": mean.macro if mean else None,
        "people": len(mean.identities) if mean else 0,
    }
