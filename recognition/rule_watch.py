"""Notices rules that are due. Every worker's sweeper looks, and each rule is looked at by one of them, once a minute.

A rule fires once for a reason, and writes the reason down with the pipeline it starts: the version it counted from and
how many times over its bound was passed, or the hour. So a pipeline that fails is not started again and again.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import Error as DatabaseFault
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from datasets.filters import faces_that_pass
from datasets.imbalance import imbalance
from datasets.models import Version, VersionState
from labelling.errors import Refused
from labelling.models import Event, FaceState, Who
from recognition.models import Pipeline, PipelineState, Rule, RuleKind
from recognition.pipelines import UnderWay, filters_like, settle_stopped, start_pipeline
from recognition.rules import asked_of

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=1)
AT_ONCE = 10  # rules in one round; the others wait for the next
VERSIONS_BACK = 200


@dataclass(frozen=True)
class Reason:
    """mark: what is written down, so that it is not fired for again. Without `fires` it is passed over."""

    why: str
    mark: dict = field(default_factory=dict)
    fires: bool = True


@dataclass(frozen=True)
class Base:
    """The version that today is held against: the newest with the same filters."""

    number: int
    made: datetime
    gini: float | None


def look_at_rules(*, every: timedelta = LOOK_EVERY) -> int:
    """Start the pipelines that are due; how many that were."""
    settle_stopped()
    before, started = timezone.now() - every, 0
    for _ in range(AT_ONCE):
        with transaction.atomic():
            rule = _next_to_look_at(before)
            if rule is None:
                break
            started += _look(rule)
    return started


def _next_to_look_at(before: datetime) -> Rule | None:
    """One that was last looked at before that, locked. Where a pipeline is under way its end is waited for."""
    busy = Pipeline.objects.filter(project=OuterRef("project"), state=PipelineState.RUNNING)
    due = Q(looked_at=None) | Q(looked_at__lt=before)
    rules = Rule.objects.filter(~Exists(busy), due, enabled=True).order_by(F("looked_at").asc(nulls_first=True), "pk")
    return rules.select_for_update(skip_locked=True, of=("self",)).select_related("project", "like").first()


def _look(rule: Rule) -> bool:
    rule.looked_at = timezone.now()
    started = False
    try:
        with transaction.atomic():
            started = _fire_if_due(rule)
    except DatabaseFault:
        raise
    except Exception:  # one rule must not keep the others from being looked at
        logger.exception("Rule %s could not be looked at.", rule.pk)
    rule.save(update_fields=["looked_at", "fired_at", "fired_for", "said"])
    return started


def _fire_if_due(rule: Rule) -> bool:
    reason = reason_of(rule, timezone.now())
    if reason is None:
        return False
    if not reason.fires:
        rule.fired_for, rule.said = reason.mark, reason.why
        return False
    try:
        start_pipeline(rule.project, asked_of(rule), rule=rule, why=reason.why)
    except UnderWay:  # another rule, or a person, was quicker
        return False
    except Refused as error:
        rule.fired_for, rule.said = reason.mark, error.message[:500]
        return False
    rule.fired_at, rule.fired_for, rule.said = timezone.now(), reason.mark, ""
    return True


def reason_of(rule: Rule, now: datetime) -> Reason | None:
    """Why it is due, or None. Asks the database once for the version and once for the labels."""
    if rule.kind == RuleKind.SCHEDULE:
        return _of_schedule(rule, now)
    base = _base(rule)
    reason = _of_labels(rule, base) if rule.kind == RuleKind.LABELS else _of_imbalance(rule, base)
    return None if reason is None or _is_old(reason.mark, rule.fired_for) else reason


def _is_old(mark: dict, fired_for: dict) -> bool:
    """Counted from the same version, and no further on than then."""
    return mark["version"] == fired_for.get("version") and mark["times"] <= fired_for.get("times", 0)


def _of_labels(rule: Rule, base: Base | None) -> Reason | None:
    number = _new_labels(rule, base)
    if number < rule.threshold:
        return None
    words = "new label" if number == 1 else "new labels"
    since = f" since version {base.number}" if base else ""
    return Reason(f"{number:,} {words}{since}.", _mark(base, number / rule.threshold))


def _of_imbalance(rule: Rule, base: Base | None) -> Reason | None:
    if base is None or base.gini is None:
        return None
    faces = faces_that_pass(rule.project_id, filters_like(_followed(rule))).filter(identity__isnull=False)
    counts = faces.order_by().values("identity").annotate(number=Count("*")).values_list("number", flat=True)
    now = imbalance(list(counts))["gini"]
    if now is None:
        return None
    moved = round(abs(now - base.gini), 6)
    if moved < rule.threshold:
        return None
    why = f"The Gini coefficient moved from {base.gini:.3f} in version {base.number} to {now:.3f}."
    return Reason(why, _mark(base, moved / rule.threshold))


def _mark(base: Base | None, times: float) -> dict:
    return {"version": base.number if base else 0, "times": int(times + 1e-9)}


def _of_schedule(rule: Rule, now: datetime) -> Reason | None:
    """Of hours that were missed only the last counts."""
    hour = last_hour(rule, now)
    fired = rule.fired_for.get("hour")
    if hour <= rule.since or (fired and hour <= datetime.fromisoformat(fired)):
        return None
    mark = {"hour": hour.isoformat()}
    base = _base(rule)
    if base and not _anything_new(rule, base):
        said = f"Passed over on {hour:%-d %b, %H:%M} UTC: nothing has changed since version {base.number}."
        return Reason(said, mark, fires=False)
    return Reason(f"Scheduled for {hour:%-d %b %Y, %H:%M} UTC.", mark)


def last_hour(rule: Rule, now: datetime) -> datetime:
    """The last time at which the schedule was due, today's included once it has come."""
    hour = now.replace(hour=rule.hour, minute=0, second=0, microsecond=0)
    if hour > now:
        hour -= timedelta(days=1)
    if rule.weekday is not None:
        hour -= timedelta(days=(hour.weekday() - rule.weekday) % 7)
    return hour


def _anything_new(rule: Rule, base: Base) -> bool:
    """New labels, or anything that people did: a name that was taken off changes a version too."""
    return Event.objects.filter(project=rule.project, created_at__gt=base.made).exists() or _new_labels(rule, base) > 0


def _new_labels(rule: Rule, base: Base | None) -> int:
    """Named faces that would be frozen and were named, or changed, since the labels of that version were read."""
    faces = faces_that_pass(rule.project_id, filters_like(_followed(rule)))
    faces = faces.filter(state=FaceState.CONFIRMED, who=Who.ASSIGNED)
    return faces.filter(updated_at__gt=base.made).count() if base else faces.count()


def _followed(rule: Rule) -> Version | None:
    return rule.like or _ready(rule).defer("statistics").first()


def _ready(rule: Rule):
    return Version.objects.filter(project=rule.project, state=VersionState.READY).order_by("-number")


def _base(rule: Rule) -> Base | None:
    """Counting starts at the moment that version was asked for: what was named while it was frozen may not be in it.

    Versions with other filters hold other faces. Held against those a rule would fire again after its own version.
    """
    rows = _ready(rule).values_list("number", "created_at", "statistics__imbalance__gini", "filters")
    if rule.like is None:
        found = rows.first()
    else:
        wanted = _meaning(rule.like.filters)
        found = next((row for row in rows[:VERSIONS_BACK] if _meaning(row[3]) == wanted), None)
    return Base(*found[:3]) if found else None


def _meaning(filters: dict) -> dict:
    """Two days on which consents run ask for the same; names are only told."""
    kept = {name: value for name, value in filters.items() if name != "names"}
    return kept | ({"consent_on": True} if kept.get("consent_on") else {})
