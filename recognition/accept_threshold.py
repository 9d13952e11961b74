"""From which probability on “accept all” takes a suggestion: set by people, or learnt from the ledger."""

from math import ceil

from labelling.errors import Refused
from labelling.models import Project
from labelling.projects import change_settings
from recognition.ledger_figures import LOWEST_THRESHOLD
from recognition.ledger_page import learnt_threshold

SET, LEARNT = "set", "learnt"


def use_threshold(project: Project, threshold: float) -> None:
    """Accept from there on, until somebody says otherwise."""
    if not LOWEST_THRESHOLD <= threshold <= 1:
        raise Refused("Suggestions can be accepted from 0.5 to 1.", fields={"threshold": ["From 0.5 to 1."]})
    change_settings(project, accept_probability=_rounded_up(threshold), accept_mode=SET)


def follow_ledger(project: Project, follow: bool) -> float | None:
    """Let the threshold follow what people decide, or leave it where it is; returns the learnt one if there is one."""
    change_settings(project, accept_mode=LEARNT if follow else SET)
    return learn_now(project) if follow else None


def learn_now(project: Project) -> float | None:
    """Where the project follows its ledger: take the threshold that it supports now; without one the last stays."""
    if project.settings.accept_mode != LEARNT:
        return None
    learnt = learnt_threshold(project).threshold
    if learnt is not None and learnt != project.settings.accept_probability:
        change_settings(project, accept_probability=_rounded_up(learnt))
    return learnt


def _rounded_up(threshold: float) -> float:
    """Never below what was learnt."""
    return min(1.0, ceil(threshold * 10_000) / 10_000)
