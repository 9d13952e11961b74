"""Rules of a project: what makes it start a pipeline by itself. Written by engineers, looked at by rule_watch.py."""

from dataclasses import dataclass, fields

from django.db import transaction
from django.utils import timezone

from datasets.models import Version, VersionState
from datasets.tags import hold, version_named
from labelling.errors import Refused
from labelling.models import Project
from recognition.models import Rule, RuleKind
from recognition.pipelines import Asked
from recognition.runs import TrainParams

MOST_RULES = 20
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class When:
    """threshold: new labels, or how far the Gini coefficient may move (0 to 1). hour, weekday: of a schedule, in UTC;
    no weekday is every day. What another kind needs is left aside.
    """

    kind: str
    threshold: float | None = None
    hour: int | None = None
    weekday: int | None = None

    def as_fields(self) -> dict:
        """Raises Refused for what no rule of its kind can have."""
        check = {
            RuleKind.LABELS: self._labels,
            RuleKind.IMBALANCE: self._imbalance,
            RuleKind.SCHEDULE: self._schedule,
        }.get(self.kind)
        if check is None:
            raise Refused(f"“{self.kind}” is no kind of rule; use one of: {', '.join(RuleKind.values)}.",
                          fields={"kind": [self.kind]})  # fmt: skip
        return {"kind": self.kind, "threshold": None, "hour": None, "weekday": None, **check()}

    def _labels(self) -> dict:
        if self.threshold is None or not 1 <= self.threshold <= 10**7 or self.threshold != int(self.threshold):
            raise Refused("Say after how many new labels: a whole number from 1.", fields={"threshold": ["From 1."]})
        return {"threshold": self.threshold}

    def _imbalance(self) -> dict:
        if self.threshold is None or not 0 < self.threshold <= 1:
            raise Refused(
                "Say how far the Gini coefficient may move: a number above 0, and 1 at most.",
                fields={"threshold": ["Above 0, at most 1."]},
            )
        return {"threshold": self.threshold}

    def _schedule(self) -> dict:
        if self.hour is None or not 0 <= self.hour <= 23:
            raise Refused("Say at which hour, 0 to 23 in UTC.", fields={"hour": ["From 0 to 23."]})
        if self.weekday is not None and not 0 <= self.weekday <= 6:
            raise Refused("A weekday is 0 (Monday) to 6 (Sunday), or none for every day.",
                          fields={"weekday": ["From 0 to 6."]})  # fmt: skip
        return {"hour": self.hour, "weekday": self.weekday}


@transaction.atomic
def add_rule(project: Project, when: When, asked: Asked, *, by=None) -> Rule:
    hold(project)
    if Rule.objects.filter(project=project).count() >= MOST_RULES:
        raise Refused(f"A project may have {MOST_RULES} rules. Change one of them, or delete one first.")
    return Rule.objects.create(project=project, created_by=by, **when.as_fields(), **asked.as_fields())


@transaction.atomic
def change_rule(rule: Rule, when: When, asked: Asked) -> Rule:
    """It counts as a new one: what it fired for before was another reason."""
    row = Rule.objects.select_for_update().get(pk=rule.pk)
    news = {**when.as_fields(), **asked.as_fields()}
    if any(getattr(row, name) != news[name] for name in (one.name for one in fields(When))):
        row.fired_for, row.since = {}, timezone.now()
    for name, value in news.items():
        setattr(row, name, value)
    row.looked_at, row.said = None, ""
    row.save()
    return row


@transaction.atomic
def switch(rule: Rule, *, on: bool) -> None:
    """Hours that passed while it was off are not made up for."""
    row = Rule.objects.select_for_update().get(pk=rule.pk)
    if row.enabled != on:
        row.enabled, row.since, row.looked_at, row.said = on, timezone.now(), None, ""
        row.save()


def asked_of(rule: Rule) -> Asked:
    return Asked(trains=rule.trains, params=TrainParams(**rule.params), like=rule.like, promotes=rule.promotes)


def version_to_follow(project: Project, name: str | int | None) -> Version | None:
    """By number or tag; nothing stands for the last version, whichever that is. Refused unless it is ready."""
    if name in (None, ""):
        return None
    version = version_named(project, name)
    if version.state != VersionState.READY:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; take one that is ready.",
                      fields={"like": [str(name)]})  # fmt: skip
    return version


def in_words(rule: Rule) -> str:
    """When it fires, as a sentence."""
    if rule.kind == RuleKind.LABELS:
        number = int(rule.threshold)
        return "At every new label" if number == 1 else f"After {number:,} new labels"
    if rule.kind == RuleKind.IMBALANCE:
        return f"When the Gini coefficient moves by {rule.threshold:g} or more"
    day = "Every day" if rule.weekday is None else f"Every {WEEKDAYS[rule.weekday]}"
    return f"{day} at {rule.hour:02d}:00 UTC"
