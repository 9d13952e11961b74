"""From which probability on “accept all” takes a suggestion: set by people, or learnt from the ledger."""

from math import ceil

from django.db import transaction

from labelling.errors import Refused
from labelling.models import Project
from recognition.ledger_figures import LOWEST_THRESHOLD
from recognition.ledger_page import learnt_threshold

SET, LEARNT = "set", "learnt"


def use_threshold(project: Project, threshold: float) -> None:
    """Accept from there on, until somebody says otherwise."""
    if not LOWEST_THRESHOLD <= threshold <= 1:
        raise Refused("Suggestions can be accepted from 0.5 to 1.", fields={"threshold": ["From 0.5 to 1."]})
    _store(project, accept_probability=_rounded_up(threshold), accept_mode=SET)


def follow_ledger(project: Project, follow: bool) -> float | None:
    """Let the threshold follow what people decide, or leave it where it is; returns the learnt one if there is one."""
    _store(project, accept_mode=LEARNT if follow else SET)
    return learn_now(project) if follow else None


def learn_now(project: Project) -> float | None:
    """Where the project follows its ledger: take the threshold that it supports now; without one the last stays."""
    if project.settings.accept_mode != LEARNT:
        return None
    learnt = learnt_threshold(project).threshold
    if learnt is not None and learnt != project.settings.accept_probability:
        _store(project, accept_probability=_rounded_up(learnt))
    return learnt


def _rounded_up(threshold: float) -> float:
    """Never below what was learnt."""
    return min(1.0, ceil(threshold * 10_000) / 10_000)


@transaction.atomic
def _store(project: Project, **changed) -> None:
    """Under lock: the settings are one value, and others may write to them."""
    row = Project.objects.select_for_update().get(pk=project.pk)
    row.stored_settings = {**row.stored_settings, **changed}
    row.save(update_fields=["stored_settings"])
    project.stored_settings = row.stored_settings
