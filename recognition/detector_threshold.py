"""From which confidence on faces are proposed: set by people, or taken from a recall they ask for."""

from math import floor

from labelling.errors import Refused
from labelling.models import Project
from labelling.projects import change_settings
from recognition.detector_evidence import read_evidence
from recognition.metrics.proposals import threshold_for_recall


def propose_from(project: Project, threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise Refused("Faces can be proposed from 0 to 1.", fields={"threshold": ["From 0 to 1."]})
    change_settings(project, min_score=_rounded_down(threshold))


def propose_for_recall(project: Project, target: float) -> float | None:
    """Keep the recall that is asked for, and take the threshold that shows it; None while none does."""
    change_settings(project, recall_target=target)
    told = read_evidence(project)
    chosen = threshold_for_recall(told[0].curve, target).threshold if told else None
    if chosen is not None:
        propose_from(project, chosen)
    return chosen


def _rounded_down(threshold: float) -> float:
    """Never above what was learnt."""
    return floor(threshold * 10_000) / 10_000
