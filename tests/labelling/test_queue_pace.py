"""Progress and speed per person, read from history."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.utils import timezone

from labelling.models import Event, Verb
from labelling.pace import DAYS, paces


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()


@pytest.fixture
def say(project):
    """An event of a person some seconds ago, about so many faces."""

    def make(user, seconds_ago: float, faces: int = 1, verb=Verb.SUBMIT, **fields) -> Event:
        at = timezone.now() - timedelta(seconds=seconds_ago)
        after = {"faces": [{"id": number} for number in range(faces)]}
        return Event.objects.create(
            id=uuid4(), project=project, actor=user, verb=verb, after=after, created_at=at, **fields
        )

    return make


def test_photos_faces_and_seconds_of_each_person(project, annotator, reviewer, say):
    for seconds_ago in (30, 20, 8):
        say(annotator, seconds_ago, faces=2)
    say(reviewer, 5, faces=30, verb=Verb.ASSIGN)
    most, second = paces(project)
    assert (most.username, most.photos, most.faces, most.median_s) == ("rita", 0, 30, None)
    assert (second.username, second.photos, second.faces) == ("anna", 3, 6)
    assert second.median_s == pytest.approx(11, abs=0.1)
    assert second.worked_s == pytest.approx(22, abs=0.1)
    assert second.photos_per_hour == pytest.approx(3 / 22 * 3600, rel=0.01)
    assert sum(second.days) == 6


def test_a_break_is_no_time_that_a_photo_took(project, annotator, say):
    for seconds_ago in (4000, 3990, 10, 0):
        say(annotator, seconds_ago)
    (pace,) = paces(project)
    assert pace.worked_s == pytest.approx(20, abs=0.1)


def test_what_was_taken_back_and_what_is_old_does_not_count(project, annotator, say):
    undone = say(annotator, 60)
    Event.objects.create(id=uuid4(), project=project, actor=annotator, verb=Verb.UNDO, undoes=undone)
    say(annotator, DAYS * 86400 + 60)
    assert paces(project) == []


def test_today_is_told_apart_from_the_week(project, annotator, say):
    say(annotator, 3 * 86400, faces=5)
    say(annotator, 0, faces=2)
    (pace,) = paces(project)
    assert (pace.faces, pace.faces_today, pace.photos_today) == (7, 2, 1)
    assert (pace.days[-1], pace.days[-4]) == (2, 5)


def test_the_figures_may_be_a_minute_old(project, annotator, say):
    say(annotator, 5)
    assert len(paces(project)) == 1
    say(annotator, 1)
    assert paces(project)[0].photos == 1
