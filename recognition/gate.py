"""Whether a model may go into production: each condition with its answer, a sentence and figures. Pure.

The model is held against what serves now, on the test faces of the same version: the model in production, or the
frozen embedding where there is none.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

FROZEN = "the frozen embedding"
TOLD = 5  # people named in a sentence


@dataclass(frozen=True)
class Bounds:
    """min_probes: people with fewer are no argument. max_fall: of anybody's AP, a share. max_ms: median per face."""

    min_probes: int
    max_fall: float
    max_ms: float


@dataclass(frozen=True)
class Person:
    """One person in an evaluation; `ap` is None where there were too few probes."""

    name: str
    probes: int
    ap: float | None


@dataclass(frozen=True)
class Evaluated:
    """One evaluation, as far as the gate asks. people: by class id. seen: test photos that the model learned from."""

    version: int
    mean_ap: float | None
    low: float | None = None
    high: float | None = None
    people: Mapping[int, Person] = field(default_factory=dict)
    seen: int = 0


@dataclass(frozen=True)
class Condition:
    """passed: None where it was not checked."""

    name: str
    title: str
    passed: bool | None
    said: str
    figures: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    conditions: tuple[Condition, ...]

    @property
    def passed(self) -> bool:
        """Nothing failed, and the figures could be compared. What was never checked is told and stops nobody."""
        return all(one.passed is not False for one in self.conditions)

    @property
    def failed(self) -> tuple[Condition, ...]:
        return tuple(one for one in self.conditions if one.passed is False)

    def as_dict(self) -> dict:
        return {"passed": self.passed, "conditions": [asdict(one) for one in self.conditions]}


def judge(
    own: Evaluated | None,
    served: Evaluated | None,
    *,
    served_name: str,
    bounds: Bounds,
    preflight: dict | None,
    latency: dict | None,
    fits: str,
    erased: bool = False,
) -> Verdict:
    """`served` is what serves now, on the version of `own`; None where it was not evaluated there.

    preflight: what was checked before the training, {"passed", …}; latency: {"median_ms", "faces"} of the evaluation;
    fits: why the model could not serve this project, empty when it can; erased: whether a person it learned from was.
    """
    return Verdict(
        (
            _serves(fits),
            _clean_test(own),
            _mean_ap(own, served, served_name),
            _people(own, served, served_name, bounds),
            _preflight(preflight),
            _latency(own, latency, bounds),
            _erased(erased),
        )
    )


def _serves(fits: str) -> Condition:
    said = fits or "Its file is there and unchanged, and it takes the vectors of this project's embedder."
    return Condition("serves", "It can serve this project", not fits, said)


def _clean_test(own: Evaluated | None) -> Condition:
    title = "It was tested on photos it had not seen"
    if own is None:
        return Condition("clean_test", title, False, "It has not been evaluated on any version yet.")
    if own.seen:
        said = f"{own.seen:,} of the test photos of version {own.version} were training photos of this model."
        return Condition("clean_test", title, False, said, {"seen": own.seen})
    return Condition("clean_test", title, True, f"Evaluated on the test faces of version {own.version}.")


def _mean_ap(own: Evaluated | None, served: Evaluated | None, served_name: str) -> Condition:
    title = "mAP is not below what serves now"
    name = "mean_ap"
    if own is None:
        return Condition(name, title, False, "There is no evaluation to read it from.")
    if own.mean_ap is None:
        said = f"Version {own.version} has too few test faces for an mAP. Label more and freeze again."
        return Condition(name, title, False, said)
    if served is None:
        return Condition(name, title, False, _cannot_compare(own, served_name))
    figures = {"own": own.mean_ap, "low": own.low, "high": own.high, "served": served.mean_ap}
    if served.mean_ap is None:
        said = (
            f"{own.mean_ap:.1%}; {served_name} has no mAP on version {own.version}, so there is nothing to fall below."
        )
        return Condition(name, title, True, said, figures)
    reach = own.mean_ap if own.high is None else own.high
    interval = "" if own.high is None else f" ({own.low:.1%} to {own.high:.1%} at 95%)"
    passed = served.mean_ap <= reach
    if own.mean_ap >= served.mean_ap:
        tail = "not below it."
    elif passed:
        tail = "below it, but by no more than the interval."
    else:
        tail = "below it by more than the interval."
    flattered = f" {_capital(served_name)} had {served.seen:,} of these test photos in training." if served.seen else ""
    said = f"{own.mean_ap:.1%}{interval} against {served.mean_ap:.1%} of {served_name}: {tail}{flattered}"
    return Condition(name, title, passed, said, figures)


def _cannot_compare(own: Evaluated, served_name: str) -> str:
    return f"Cannot be compared yet: {served_name} has not been evaluated on version {own.version}."


def _people(own: Evaluated | None, served: Evaluated | None, served_name: str, bounds: Bounds) -> Condition:
    title = f"Nobody's AP falls by more than {bounds.max_fall:.0%}"
    name = "people"
    if own is None or served is None:
        said = "There is no evaluation to read it from." if own is None else _cannot_compare(own, served_name)
        return Condition(name, title, False, said)
    falls = [
        (served.people[number].ap - person.ap, number, person)
        for number, person in own.people.items()
        if number in served.people
        and person.probes >= bounds.min_probes
        and person.ap is not None
        and served.people[number].ap is not None
    ]
    worst = sorted((fall for fall in falls if _exceeds(fall[0], bounds.max_fall)), key=lambda fall: (-fall[0], fall[1]))
    figures = {
        "compared": len(falls),
        "fallen": [
            {"name": person.name, "class_id": number, "probes": person.probes, "own": person.ap,
             "served": served.people[number].ap}
            for _, number, person in worst
        ],
    }  # fmt: skip
    if worst:
        return Condition(name, title, False, _fallen(worst, served), figures)
    if not falls:
        said = f"Nobody has {bounds.min_probes} or more test faces, so nobody could be compared."
        return Condition(name, title, None, said, figures)
    largest = max(max(fall for fall, *_ in falls), 0.0)
    people = "person" if len(falls) == 1 else "people"
    who = f"{len(falls):,} {people} with {bounds.min_probes} or more test faces"
    said = f"{who} compared; the largest fall is {largest:.1%}."
    return Condition(name, title, True, said, figures)


def _exceeds(fall: float, bound: float) -> bool:
    return fall > bound + 1e-9  # 0.9 - 0.8 is a little more than 0.1


def _fallen(worst: list, served: Evaluated) -> str:
    told = [f"{one.name} from {served.people[number].ap:.1%} to {one.ap:.1%}" for _, number, one in worst[:TOLD]]
    more = f" and {len(worst) - TOLD:,} more" if len(worst) > TOLD else ""
    return f"It falls for {len(worst):,}: {'; '.join(told)}{more}."


def _preflight(checked: dict | None) -> Condition:
    title = "The checks before training were fine"
    if not checked:
        return Condition("preflight", title, None, "Not checked: the training wrote nothing down about it.")
    failed = [one for one in checked.get("checks") or [] if one.get("passed") is False]
    passed = bool(checked.get("passed", not failed))
    if passed:
        return Condition("preflight", title, True, f"{len(checked.get('checks') or []):,} checks, all fine.")
    names = ", ".join(str(one.get("name", "a check")) for one in failed[:TOLD]) or "see the training"
    return Condition("preflight", title, False, f"Failed: {names}.", {"failed": len(failed)})


def _latency(own: Evaluated | None, measured: dict | None, bounds: Bounds) -> Condition:
    title = f"It takes at most {bounds.max_ms:,.0f} ms a face"
    median = (measured or {}).get("median_ms")
    if median is None:
        why = (measured or {}).get("reason") or "the evaluation did not measure it; evaluate again to know"
        return Condition("latency", title, None, f"Not checked: {why}." if own else "Not checked: no evaluation yet.")
    said = f"Median of {median:,.1f} ms over {measured['faces']:,} test faces, on the machine that evaluated."
    return Condition("latency", title, median <= bounds.max_ms, said, dict(measured))


def _erased(erased: bool) -> Condition:
    title = "Nobody it learned from was erased"
    said = "A person of its version was erased since. Freeze and train anew." if erased else "Nobody was."
    return Condition("erased", title, not erased, said)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
