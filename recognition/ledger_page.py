"""What the page about suggestions shows: the latest decisions of a project, by model and together."""

from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from labelling.models import Event, Identity, LedgerEntry, Outcome, Project
from recognition.ledger_figures import (
    Calibration,
    LearntThreshold,
    Share,
    ThresholdCurve,
    calibration,
    learn_threshold,
    letters_until_unique,
    share,
    thinned,
    threshold_curve,
)
from recognition.models import CalibrationFit

# Older ones speak of a gallery that has grown since.
LATEST = 5_000
EXAMPLES = 12
SOURCE_WORDS = {"source": "The photo's source"}


class Decision(NamedTuple):  # thousands are read for one page
    id: int
    face: int | None
    event: str
    model: str
    version: str
    probability: float
    outcome: str
    rank: int | None
    chosen: int | None

    @property
    def says_who(self) -> bool:
        """A face set aside tells nothing about whether the suggestion was right."""
        return self.outcome != Outcome.IGNORED


def read_decisions(project: Project) -> list[Decision]:
    """The newest, without those that were taken back."""
    rows = _that_stand(project).order_by("-id")
    columns = (
        "id",
        "face",
        Cast("event", TextField()),
        "model_name",
        "model_version",
        "probability",
        "outcome",
        "chosen_rank",
        "chosen",
    )
    return [Decision(*row) for row in rows.values_list(*columns)[:LATEST]]


def _that_stand(project: Project) -> QuerySet:
    """Not taken back. Few are, so that the newest are read from the end; joining would read and sort them all."""
    taken_back = Event.objects.filter(project=project, undoes__isnull=False).values("undoes")
    return LedgerEntry.objects.filter(project=project).exclude(event__in=taken_back)


def curve_of(decisions: list[Decision]) -> ThresholdCurve:
    told = [decision for decision in decisions if decision.says_who]
    return threshold_curve(*_arrays(told))


def learnt_threshold(project: Project) -> LearntThreshold:
    return learn_threshold(curve_of(read_decisions(project)), project.settings.accept_target)


def _arrays(decisions: list[Decision]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.array([decision.probability for decision in decisions], dtype=float),
        np.array([decision.outcome == Outcome.ACCEPTED for decision in decisions], dtype=bool),
    )


def suggestions_page(project: Project) -> dict:
    """The template's context; `decisions` is empty before anybody decided about a suggestion."""
    decisions = read_decisions(project)
    told = [decision for decision in decisions if decision.says_who]
    curve = curve_of(decisions)
    learnt = learn_threshold(curve, project.settings.accept_target)
    fit = calibration(*_arrays(told))
    in_force = project.settings.accept_probability
    letters = letters_to_type(project, decisions)
    return {
        "decisions": len(decisions),
        "capped": len(decisions) == LATEST,
        "accepted": _accepted(told),
        "outcomes": _outcomes(decisions),
        "ranks": _ranks(told),
        "saved": actions_saved(decisions, letters),
        "calibration": fit,
        "learnt": learnt,
        "in_force": _at(curve, in_force),
        "settings": project.settings,
        "models": _models(project, decisions, letters),
        "overruled": overruled_examples(decisions),
        "charts": _charts(fit, curve, in_force, learnt),
    }


def _accepted(told: list[Decision]) -> Share:
    return share(sum(decision.outcome == Outcome.ACCEPTED for decision in told), len(told))


def _outcomes(decisions: list[Decision]) -> list[dict]:
    counts = Counter(decision.outcome for decision in decisions)
    return [{"words": outcome.label, "share": share(counts[outcome], len(decisions))} for outcome in Outcome]


def _ranks(told: list[Decision]) -> list[dict]:
    """How far down the list the person was, over decisions that named somebody."""
    named = [decision for decision in told if decision.chosen or decision.outcome == Outcome.OVERRULED]
    counts = Counter(decision.rank for decision in named)
    ranks = [{"rank": rank, "share": share(counts[rank], len(named))} for rank in sorted(counts.keys() - {None})]
    return [*ranks, {"rank": None, "share": share(counts[None], len(named))}] if named else []


def letters_to_type(project: Project, decisions: list[Decision]) -> dict[int, int]:
    """Until the name is unique in the project, by person who was taken from the list."""
    names = dict(Identity.objects.in_project(project).values_list("pk", "name"))
    taken = {decision.chosen for decision in decisions if decision.rank} & names.keys()
    letters = letters_until_unique(names.values(), of=(names[pk] for pk in taken))
    return {pk: letters[names[pk].casefold()] for pk in taken}


def actions_saved(decisions: list[Decision], letters: dict[int, int]) -> int:
    """Keys that taking a suggestion spared: the letters until the name is unique, and Enter, less the one key that
    took it. Once for each decision and person: a group of faces would have been named once as well.
    """
    taken = {(decision.event, decision.chosen) for decision in decisions if decision.rank and decision.chosen}
    return sum(letters.get(person, 0) for _, person in taken)


def _at(curve: ThresholdCurve, threshold: float) -> dict:
    """What would have come of accepting every first suggestion from `threshold` on."""
    reached = int(np.count_nonzero(curve.thresholds >= threshold))
    accepted, right = (int(curve.accepted[reached - 1]), int(curve.right[reached - 1])) if reached else (0, 0)
    return {
        "threshold": threshold,
        "right": share(right, accepted),
        "coverage": share(accepted, curve.decisions),
    }


def _models(project: Project, decisions: list[Decision], letters: dict[int, int]) -> list[dict]:
    """By model and version, the newest version first."""
    together: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for decision in decisions:
        together[decision.model, decision.version].append(decision)
    fitted_on = dict(CalibrationFit.objects.filter(project=project).values_list("version", "faces"))
    rows = []
    for (model, version), theirs in together.items():
        told = [decision for decision in theirs if decision.says_who]
        fit = calibration(*_arrays(told))
        rows.append(
            {
                "model": SOURCE_WORDS.get(model, model),
                "version": version,
                "faces": fitted_on.get(version),
                "decisions": len(theirs),
                "accepted": _accepted(told),
                "ece": fit.ece,
                "brier": fit.brier,
                "saved": actions_saved(theirs, letters),
            }
        )
    return rows


def overruled_examples(decisions: list[Decision]) -> list[LedgerEntry]:
    """The most convinced errors among these decisions, each face once."""
    wrong = {Outcome.OTHER, Outcome.OVERRULED, Outcome.UNKNOWN, Outcome.REJECTED}
    rows = [(row.probability, row.id, row.face) for row in decisions if row.outcome in wrong and row.face]
    worst: dict[int, int] = {}
    for _, pk, face in sorted(rows, reverse=True):
        worst.setdefault(face, pk)
    shown = LedgerEntry.objects.filter(pk__in=list(worst.values())[:EXAMPLES])
    return list(
        shown.select_related("face__image", "suggested", "chosen", "decided_by").order_by("-probability", "-pk")
    )


def _charts(fit: Calibration, curve: ThresholdCurve, in_force: float, learnt: LearntThreshold) -> dict:
    points = thinned(curve) if curve.decisions else []
    return {
        "calibration": [
            {
                "promised": bin.promised,
                "right": bin.right.value,
                "low": bin.right.interval.low,
                "high": bin.right.interval.high,
                "decisions": bin.right.whole,
            }
            for bin in fit.bins
        ],
        "thresholds": {
            "threshold": [float(curve.thresholds[index]) for index in points],
            "precision": [float(curve.precision[index]) for index in points],
            "coverage": [float(curve.coverage[index]) for index in points],
        },
        "in_force": in_force,
        "learnt": learnt.threshold,
    }
