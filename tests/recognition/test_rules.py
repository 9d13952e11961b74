"""Rules start pipelines by themselves: once for each reason, and never beside another pipeline."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from datasets.filters import Filters
from datasets.models import Version
from jobs.models import Job
from jobs.sweep import _rounds
from labelling.assign import assign_faces
from labelling.errors import Refused
from labelling.models import Face
from labelling.projects import create_project
from recognition.models import Pipeline, PipelineState, Rule, RuleKind
from recognition.pipelines import Asked, cancel, start_pipeline
from recognition.rule_watch import last_hour, look_at_rules
from recognition.rules import MOST_RULES, When, add_rule, change_rule, switch
from recognition.runs import TrainParams

AT_ONCE = timedelta(0)
QUICK = Asked(params=TrainParams(epochs=2))


def look() -> int:
    return look_at_rules(every=AT_ONCE)


@pytest.fixture
def name_faces(add_faces, project):
    """So many more named faces of a person."""
    numbers = {}

    def more(name, count, project=project):
        person = sorted(["Ana", "Ben", "Cem", "Dee"]).index(name)
        for _ in range(count):
            number = numbers[name] = numbers.get(name, 0) + 1
            add_faces(f"{project.pk}-{name}-{number}", ((person, number), name), project=project)

    return more


@pytest.fixture
def frozen(name_faces, freeze_now, project):
    name_faces("Ana", 10)
    name_faces("Ben", 10)
    return freeze_now(project)


def after_labels(project, number, asked=QUICK, **fields) -> Rule:
    return add_rule(project, When(RuleKind.LABELS, threshold=number), asked, **fields)


def stop(pipeline) -> None:
    cancel(pipeline)
    assert not Pipeline.objects.filter(state=PipelineState.RUNNING).exists()


# ── new labels ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pipeline_starts_once_enough_labels_are_new(frozen, project, name_faces):
    rule = after_labels(project, 5)
    assert look() == 0
    name_faces("Ana", 4)
    assert look() == 0
    name_faces("Ben", 1)
    assert look() == 1
    pipeline = Pipeline.objects.get()
    assert (pipeline.rule, pipeline.project, pipeline.params["epochs"]) == (rule, project, 2)
    assert pipeline.why == "5 new labels since version 1."
    assert pipeline.version.number == 2 and "5 new labels" in pipeline.version.note
    rule.refresh_from_db()
    assert rule.fired_at


def test_a_face_that_is_named_otherwise_counts_as_new(frozen, project, owner):
    after_labels(project, 1)
    face = Face.objects.filter(project=project, identity__name="Ana").first()
    assign_faces(project, [face.pk], "Ben", by=owner, event_id=uuid4())
    assert look() == 1


def test_before_the_first_version_all_labels_are_new(project, name_faces):
    after_labels(project, 3)
    name_faces("Ana", 3)
    assert look() == 1
    assert Pipeline.objects.get().why == "3 new labels."


def test_nothing_starts_beside_a_running_pipeline(frozen, project, name_faces):
    start_pipeline(project, QUICK)
    after_labels(project, 2)
    name_faces("Ana", 9)
    assert look() == 0
    stop(Pipeline.objects.get())
    assert look() == 1


def test_what_failed_is_not_started_again_until_as_many_more_have_come(frozen, project, name_faces):
    after_labels(project, 5)
    name_faces("Ana", 6)
    assert look() == 1
    stop(Pipeline.objects.get())
    assert look() == 0
    name_faces("Ana", 3)
    assert look() == 0
    name_faces("Ana", 1)
    assert look() == 1, "10 since the version, twice the bound"
    assert Pipeline.objects.count() == 2


def test_counting_starts_anew_with_the_version_of_the_pipeline(frozen, project, name_faces, work_off):
    after_labels(project, 5)
    name_faces("Ana", 5)
    assert look() == 1
    work_off(project, "freeze")
    stop(Pipeline.objects.get())
    name_faces("Ana", 4)
    assert look() == 0
    name_faces("Ben", 1)
    assert look() == 1


def test_only_labels_that_would_be_frozen_count(frozen, project, name_faces, freeze_now):
    freeze_now(project, filters=Filters(people=(0,)))  # Ana alone, from now on
    after_labels(project, 3)
    name_faces("Ben", 8)
    assert look() == 0
    name_faces("Ana", 3)
    assert look() == 1


def test_a_rule_that_follows_a_version_counts_from_the_last_one_like_it(frozen, project, name_faces, freeze_now):
    after_labels(project, 5, Asked(like=frozen, params=TrainParams(epochs=2)))
    name_faces("Ana", 3)
    freeze_now(project, filters=Filters(min_face=30.0))
    name_faces("Ana", 2)
    assert look() == 1
    assert Pipeline.objects.get().why == "5 new labels since version 1."


def test_sweepers_that_look_at_the_same_time_start_one_pipeline(frozen, project, name_faces):
    after_labels(project, 2)
    add_rule(project, When(RuleKind.LABELS, threshold=3), QUICK)
    name_faces("Ana", 5)
    started, begin = [], threading.Barrier(3)

    def sweep():
        try:
            begin.wait()
            started.append(look())
        finally:
            connection.close()

    sweepers = [threading.Thread(target=sweep) for _ in range(3)]
    for one in sweepers:
        one.start()
    for one in sweepers:
        one.join()
    assert sum(started) == 1 and Pipeline.objects.count() == 1
    assert Job.objects.filter(kind="freeze").count() == 2, "that of the first version, and one more"


# ── imbalance ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pipeline_starts_when_the_imbalance_moves_by_the_bound(frozen, project, name_faces):
    add_rule(project, When(RuleKind.IMBALANCE, threshold=0.1), QUICK)
    name_faces("Ana", 2)
    name_faces("Ben", 2)
    assert look() == 0, "as even as before"
    name_faces("Ana", 12)
    assert look() == 1  # 24 and 12: Gini 1/6
    assert Pipeline.objects.get().why == "The Gini coefficient moved from 0.000 in version 1 to 0.167."


def test_the_version_of_the_pipeline_settles_the_imbalance(frozen, project, name_faces, work_off):
    add_rule(project, When(RuleKind.IMBALANCE, threshold=0.1), QUICK)
    name_faces("Ana", 20)
    assert look() == 1
    assert look() == 0
    work_off(project, "freeze")
    stop(Pipeline.objects.get())
    assert look() == 0
    assert Version.objects.get(number=2).statistics["imbalance"]["gini"] == 0.25


def test_without_a_version_there_is_no_imbalance_to_compare_with(project, name_faces):
    add_rule(project, When(RuleKind.IMBALANCE, threshold=0.01), QUICK)
    name_faces("Ana", 9)
    name_faces("Ben", 1)
    assert look() == 0


# ── schedule ──────────────────────────────────────────────────────────────────────────────────────────────


def daily(project, **fields) -> Rule:
    """Due at every hour of the day that has begun."""
    return add_rule(project, When(RuleKind.SCHEDULE, hour=timezone.now().hour, **fields), QUICK)


def made_days_ago(rule, days) -> None:
    Rule.objects.filter(pk=rule.pk).update(since=timezone.now() - timedelta(days=days))


def test_hours_before_a_rule_was_made_are_not_made_up_for(frozen, project, name_faces):
    daily(project)
    name_faces("Ana", 1)
    assert look() == 0


def test_hours_that_were_missed_run_once(frozen, project, name_faces):
    made_days_ago(daily(project), 9)
    name_faces("Ana", 1)
    assert look() == 1
    stop(Pipeline.objects.get())
    assert look() == 0


def test_a_schedule_passes_over_when_nothing_has_changed_and_says_so(frozen, project, name_faces):
    rule = daily(project)
    made_days_ago(rule, 3)
    assert look() == 0
    rule.refresh_from_db()
    assert rule.said.startswith("Passed over on") and "since version 1" in rule.said
    name_faces("Ana", 1)
    assert look() == 0, "that hour has passed"


def test_a_schedule_with_nothing_to_freeze_says_so(project):
    rule = daily(project)
    made_days_ago(rule, 1.5)
    assert look() == 0
    rule.refresh_from_db()
    assert "confirm some faces" in rule.said and not Pipeline.objects.exists()


@pytest.mark.parametrize(
    ("now", "weekday", "due"),
    [
        ("2026-03-04T03:00", None, "2026-03-04T03:00"),
        ("2026-03-04T02:59", None, "2026-03-03T03:00"),
        ("2026-03-04T23:59", None, "2026-03-04T03:00"),
        ("2026-03-04T12:00", 2, "2026-03-04T03:00"),  # a Wednesday
        ("2026-03-04T02:00", 2, "2026-02-25T03:00"),
        ("2026-03-04T02:00", 1, "2026-03-03T03:00"),
        ("2026-03-04T12:00", 3, "2026-02-26T03:00"),
        ("2026-01-01T00:00", None, "2025-12-31T03:00"),
    ],
)
def test_the_last_hour_of_a_schedule(now, weekday, due):
    rule = Rule(kind=RuleKind.SCHEDULE, hour=3, weekday=weekday)
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert last_hour(rule, at) == datetime.fromisoformat(due).replace(tzinfo=UTC)


# ── rules themselves ──────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_that_is_off_starts_nothing(frozen, project, name_faces):
    rule = after_labels(project, 1)
    switch(rule, on=False)
    name_faces("Ana", 3)
    assert look() == 0
    switch(rule, on=True)
    assert look() == 1


def test_a_changed_rule_may_fire_for_what_it_fired_for_before(frozen, project, name_faces):
    rule = after_labels(project, 3)
    name_faces("Ana", 3)
    assert look() == 1
    stop(Pipeline.objects.get())
    change_rule(rule, When(RuleKind.LABELS, threshold=3), Asked(trains=False))
    assert look() == 0, "when it fires is as it was"
    change_rule(rule, When(RuleKind.LABELS, threshold=2), Asked(trains=False))
    assert look() == 1
    assert not Pipeline.objects.latest("pk").trains


def test_a_rule_is_looked_at_once_in_a_while(frozen, project, name_faces):
    after_labels(project, 1)
    assert look_at_rules() == 0
    name_faces("Ana", 1)
    assert look_at_rules() == 0, "it was looked at a moment ago"
    assert look() == 1


def test_rules_of_one_project_know_nothing_of_another(frozen, project, name_faces, owner):
    other = create_project("Elsewhere", by=owner)
    after_labels(other, 1)
    name_faces("Ana", 5)
    assert look() == 0
    name_faces("Cem", 1, project=other)
    assert look() == 1
    assert Pipeline.objects.get().project == other


def test_looking_asks_few_questions_however_many_labels_there_are(frozen, project, django_assert_max_num_queries):
    for number in range(3):
        after_labels(project, 1000 + number)
    with django_assert_max_num_queries(3 * 9 + 6):
        look()


def test_a_broken_rule_keeps_no_other_from_being_looked_at(frozen, project, name_faces, owner):
    other = create_project("Elsewhere", by=owner)
    broken = after_labels(other, 1)
    Rule.objects.filter(pk=broken.pk).update(params={"strange": 1})
    after_labels(project, 1)
    name_faces("Dee", 1, project=other)
    name_faces("Ana", 1)
    assert look() == 1
    assert Pipeline.objects.get().project == project


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (When("moon"), "no kind"),
        (When(RuleKind.LABELS), "whole number"),
        (When(RuleKind.LABELS, threshold=0), "whole number"),
        (When(RuleKind.LABELS, threshold=1.5), "whole number"),
        (When(RuleKind.LABELS, threshold=float("nan")), "whole number"),
        (When(RuleKind.IMBALANCE, threshold=0), "Gini"),
        (When(RuleKind.IMBALANCE, threshold=1.2), "Gini"),
        (When(RuleKind.SCHEDULE), "hour"),
        (When(RuleKind.SCHEDULE, hour=24), "hour"),
        (When(RuleKind.SCHEDULE, hour=3, weekday=7), "weekday"),
    ],
)
def test_rules_that_make_no_sense_are_refused(project, when, words):
    with pytest.raises(Refused, match=words):
        add_rule(project, when, QUICK)


def test_the_database_keeps_rules_that_make_sense(project):
    with pytest.raises(IntegrityError), transaction.atomic():
        Rule.objects.create(project=project, kind=RuleKind.SCHEDULE, threshold=3, **QUICK.as_fields())


def test_a_project_has_so_many_rules(project):
    for _ in range(MOST_RULES):
        after_labels(project, 10)
    with pytest.raises(Refused, match=str(MOST_RULES)):
        after_labels(project, 10)


def test_workers_look_at_rules_in_every_round():
    assert look_at_rules in _rounds
