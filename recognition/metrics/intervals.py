"""How sure a measure is: intervals for shares, and how many comparisons a small rate needs."""

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

from recognition.metrics.inputs import FloatArray, MetricInputError, require_at_least, require_share


@dataclass(frozen=True)
class Interval:
    """A confidence interval; `level` is 0.95 for a 95 % interval."""

    low: float
    high: float
    level: float


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> Interval | None:
    """Interval of a share from `successes` out of independent `trials`; None without trials.

    Unlike the plain normal interval it stays inside [0, 1] and is not empty at 0 or at 1.
    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927).
    """
    require_share("level", level)
    require_at_least("trials", trials, 0)
    if not 0 <= successes <= trials:
        raise MetricInputError(f"successes must lie between 0 and {trials}, but is {successes}.")
    if trials == 0:
        return None
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # At the ends the formula is exactly 0 or 1; rounding must not move it inside.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(low, high, level)


def percentile_interval(values: FloatArray, *, level: float = 0.95) -> Interval | None:
    """Middle `level` share of bootstrap `values`, NaN (undefined resamples) left out; None without any."""
    require_share("level", level)
    usable = values[~np.isnan(values)]
    if usable.size == 0:
        return None
    low, high = np.quantile(usable, (0.5 - level / 2, 0.5 + level / 2))
    return Interval(float(low), float(high), level)


def comparisons_needed(rate: float) -> int:
    """How many comparisons must have been made before a rate as small as `rate` may be reported.

    No error in n independent comparisons only shows, at 95 %, that the rate is below 3/n (the rule
    of three: 0.95 = 1 − (1 − r)ⁿ gives r ≈ 3/n), so n must be at least 3/rate. Pairs that share a
    face are not independent: this is the least that is needed, not a guarantee.
    Source: Hanley and Lippman-Hand, JAMA 249 (1983); ISO/IEC 19795-1.
    """
    return ceil(round(3 / require_share("rate", rate), 6))


def highest_rate_without_errors(comparisons: int) -> float | None:
    """Rate that error-free `comparisons` cannot rule out at 95 %: 3/n, at most 1; None for n = 0."""
    require_at_least("comparisons", comparisons, 0)
    return min(1.0, 3 / comparisons) if comparisons else None
