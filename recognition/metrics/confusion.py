"""Counts of right and wrong answers, and the rates made of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.metrics.inputs import (
    IntArray,
    Label,
    LabelArray,
    encode_together,
    flag_vector,
    label_vector,
    require_at_least,
    score_vector,
    share_or_none,
)


@dataclass(frozen=True)
class ConfusionCounts:
    """Right and wrong answers to one yes/no question. Every rate without a denominator is None.

    tn is None where "rightly said no" cannot be counted, as in detection; fpr, tnr and accuracy
    are None then.
    """

    tp: int
    fp: int
    fn: int
    tn: int | None = None

    def __post_init__(self) -> None:
        for name in ("tp", "fp", "fn"):
            require_at_least(name, getattr(self, name), 0)
        if self.tn is not None:
            require_at_least("tn", self.tn, 0)

    @property
    def tpr(self) -> float | None:
        """True positive rate, TP / (TP + FN): share of the real positives that was found."""
        return share_or_none(self.tp, self.tp + self.fn)

    recall = tpr

    @property
    def fnr(self) -> float | None:
        """False negative rate (miss rate), FN / (TP + FN) = 1 − TPR."""
        return share_or_none(self.fn, self.tp + self.fn)

    @property
    def fpr(self) -> float | None:
        """False positive rate, FP / (FP + TN): share of the real negatives that was accepted."""
        return None if self.tn is None else share_or_none(self.fp, self.fp + self.tn)

    fall_out = fpr

    @property
    def tnr(self) -> float | None:
        """True negative rate (specificity), TN / (FP + TN) = 1 − FPR."""
        return None if self.tn is None else share_or_none(self.tn, self.fp + self.tn)

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP): share of what was accepted that is right."""
        return share_or_none(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, written 2TP / (2TP + FP + FN).

        None only when there was nothing to find and nothing was claimed.
        """
        return share_or_none(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def accuracy(self) -> float | None:
        """(TP + TN) / all. High by itself when negatives are many: read it beside recall."""
        if self.tn is None:
            return None
        return share_or_none(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)


@dataclass(frozen=True)
class IdentityCounts:
    """One person against all others. support: faces that truly show the person."""

    identity: Label
    counts: ConfusionCounts

    @property
    def support(self) -> int:
        return self.counts.tp + self.counts.fn


@dataclass(frozen=True)
class Confusion:
    """`count` faces of `truth` were taken for `predicted`: `share` of all faces of `truth`."""

    truth: Label
    predicted: Label
    count: int
    share: float


def counts_at_threshold(scores: ArrayLike, is_positive: ArrayLike, threshold: float) -> ConfusionCounts:
    """Count answers when every score >= `threshold` is accepted. scores, is_positive: shape (n,)."""
    checked = score_vector("scores", scores)
    positive = flag_vector("is_positive", is_positive, length=checked.size)
    accepted = checked >= score_vector("threshold", [threshold])[0]
    tp = int(np.count_nonzero(accepted & positive))
    fp = int(np.count_nonzero(accepted)) - tp
    fn = int(np.count_nonzero(positive)) - tp
    return ConfusionCounts(tp, fp, fn, checked.size - tp - fp - fn)


def identity_counts(
    truth: ArrayLike, predicted: ArrayLike, *, no_identity: Label | None = None
) -> tuple[IdentityCounts, ...]:
    """Count, for each identity in turn, its faces against all others, in order of label.

    truth, predicted: labels of shape (n,), integers or text. A face whose label is `no_identity`
    is a stranger (in truth) or was given no name (in predicted): it is nobody's hit, and not an
    identity of its own.
    """
    names, true_codes, predicted_codes = _encode(truth, predicted, no_identity)
    size = len(names)
    support = np.bincount(true_codes, minlength=size)
    claimed = np.bincount(predicted_codes, minlength=size)
    hits = np.bincount(true_codes[true_codes == predicted_codes], minlength=size)
    rows = zip(names.tolist(), support.tolist(), claimed.tolist(), hits.tolist(), strict=True)
    total = int(true_codes.size)
    return tuple(
        IdentityCounts(name, ConfusionCounts(hit, said - hit, there - hit, total - said - there + hit))
        for name, there, said, hit in rows
        if name != no_identity
    )


def top_confusions(
    truth: ArrayLike, predicted: ArrayLike, *, limit: int = 10, identity: Label | None = None
) -> tuple[Confusion, ...]:
    """Return the most frequent wrong answers, most first, then by label.

    truth, predicted: labels of shape (n,). identity: only faces that truly show this person.
    """
    require_at_least("limit", limit, 0)
    names, true_codes, predicted_codes = _encode(truth, predicted, identity)
    wrong = true_codes != predicted_codes
    if identity is not None:
        wrong &= names[true_codes] == identity
    # One number per (truth, predicted): a full matrix of 20,000 identities would not fit in memory.
    pairs, counts = np.unique(true_codes[wrong] * max(len(names), 1) + predicted_codes[wrong], return_counts=True)
    support = np.bincount(true_codes, minlength=len(names))
    best = np.lexsort((pairs, -counts))[:limit]
    return tuple(
        Confusion(
            truth=names[pair // len(names)].item(),
            predicted=names[pair % len(names)].item(),
            count=int(count),
            share=float(count / support[pair // len(names)]),
        )
        for pair, count in zip(pairs[best], counts[best], strict=True)
    )


def _encode(truth: ArrayLike, predicted: ArrayLike, named: Label | None) -> tuple[LabelArray, IntArray, IntArray]:
    true_labels = label_vector("truth", truth)
    predicted_labels = label_vector("predicted", predicted, length=true_labels.size)
    # The label named by the caller is encoded too, so that text among numbers is refused, not unequal.
    extra = [] if named is None else [label_vector("The label given beside them", [named])]
    names, codes = encode_together([true_labels, predicted_labels, *extra])
    return names, codes[0], codes[1]
