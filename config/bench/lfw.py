"""facet bench lfw FOLDER: are these two the same person? Pairs in LFW's format, on photos in LFW's folders.

Photos lie in FOLDER/faces/Person/Person_0001.jpg. Each is described as the product does it: MTCNN finds faces, the five
landmarks of the one in the middle straighten it, and the embedder makes a vector of it. Where no face is found there,
the middle box alone is described, because the protocol wants an answer for every pair. Only pairs whose photos are not
there, or cannot be read, are left out, and each of them is named.

Vectors are kept in the bench's folder under the photo's SHA-256, the embedder's weights and this way of describing.
"""

from collections.abc import Callable
from pathlib import Path

from config.bench._lfw_pairs import Pair, read_pairs
from config.bench._lfw_vectors import vectors_of
from jobs.errors import JobFailed

OPTIONS = ("path", "pairs", "embedder")
MOST_NAMED = 200
PUBLISHED = {"dlib": 0.9938}  # by its author, on LFW's View 2


def run(say: Callable[[str], None], *, path: str, pairs: str | None, embedder: str | None) -> dict:
    from recognition.metrics.inputs import MetricInputError

    folder, name = Path(path), embedder or "dlib"
    listed = read_pairs(Path(pairs) if pairs else folder / "protocols" / "pairs_large.txt")
    photos = sorted({photo for pair in listed.pairs for photo in pair.photos})
    there = [photo for photo in photos if (folder / "faces" / photo).is_file()]
    say(f"{len(listed.pairs):,} pairs of {len(photos):,} photos, {len(there):,} of them there …")
    vectors, unfound = vectors_of(folder / "faces", there, name, say)
    kept = [pair for pair in listed.pairs if all(photo in vectors for photo in pair.photos)]
    known = set(kept)
    skipped = [f"{pair}: {_why(pair, there, vectors)}" for pair in listed.pairs if pair not in known]
    for line in skipped[:MOST_NAMED]:
        say(f"skipped {line}")
    try:
        figures = _figures(kept, vectors)
    except MetricInputError as error:
        raise JobFailed(f"These pairs cannot be measured: {error}") from error
    return {
        **figures,
        "pairs": len(kept),
        "skipped": len(skipped),
        "skipped_pairs": skipped[:MOST_NAMED],
        "protocol": listed.protocol,
        "photos": len(there),
        "described_by_the_middle_box": len(unfound),
        "embedder": name,
        "published": PUBLISHED.get(name),
    }


def _why(pair: Pair, there: list[str], vectors: dict) -> str:
    lacking = [photo for photo in pair.photos if photo not in vectors]
    return ", ".join(f"{photo} {'cannot be read' if photo in set(there) else 'is not there'}" for photo in lacking)


def _figures(pairs: list[Pair], vectors: dict) -> dict:
    import numpy as np

    from recognition.metrics.roc import roc_curve
    from recognition.metrics.verification import folded_accuracy, verification

    scores = np.array([float(vectors[pair.first] @ vectors[pair.second]) for pair in pairs])
    same, folds = np.array([pair.same for pair in pairs], bool), np.array([pair.fold for pair in pairs], np.int64)
    folded = folded_accuracy(scores, same, folds)
    curve = verification(roc_curve(scores[same], scores[~same]))
    return {
        "accuracy": folded.mean,
        "std": folded.deviation,
        "standard_error": folded.standard_error,
        "auc": curve.auc,
        "eer": curve.eer,
    }
