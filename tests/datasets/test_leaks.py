"""Leak reports: what lies on two sides is found and shown, and keeps `golden` away until somebody overrules it."""

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from datasets.freeze import start_freeze
from datasets.leaks import ask_for_report, crossing, in_words
from datasets.manifest import read_columns
from datasets.models import LeakReport, LeakState, TagMove, Version
from datasets.splits import OPEN, SplitPolicy
from datasets.tags import Leaks, move_tag, version_named
from jobs.steer import request_cancel
from jobs.work import perform
from labelling import storage
from labelling.errors import Refused
from labelling.models import Image
from recognition.models import Embedding

LOOSE = SplitPolicy(by_session=False, by_likeness=False, sticky=False)


@pytest.fixture
def report_of():
    """The report that freezing asked for, made as the worker would."""

    def make(version: Version) -> LeakReport:
        perform(LeakReport.objects.get(pk=version.pk).job_id)
        return LeakReport.objects.select_related("version").get(pk=version.pk)

    return make


@pytest.fixture
def sessions(project, add_photo):
    for number in range(24):
        add_photo(project, number, [f"Person {number % 3}"], session=f"day {number % 4}")
    return project


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 2)), max_size=40))
def test_crossing_is_what_counting_one_by_one_says(rows):
    codes, sides = (np.array([row[place] for row in rows], int) for place in (0, 1))
    where: dict = {}
    for row, (code, side) in enumerate(rows):
        if code >= 0:
            where.setdefault(code, {}).setdefault(side, row)
    expected = {code: found for code, found in where.items() if len(found) > 1}
    answer = crossing(codes, sides, lambda row: row, str)
    assert answer["found"] == len(expected)
    for example in answer["examples"]:
        one, two = example["faces"]
        assert codes[one] == codes[two] == int(example["name"])
        assert sides[one] != sides[two]


def test_a_version_that_keeps_sessions_whole_is_clean(sessions, freeze_now, report_of):
    report = report_of(freeze_now(sessions))
    assert (report.state, report.leaks) == (LeakState.DONE, 0)
    assert report.found["person"] == {"found": 0, "examples": [], "on_two_sides": 3}
    assert in_words(report.found) == "Nothing was found on two sides of the split."


def test_sessions_and_near_duplicates_on_two_sides_are_found_with_examples(sessions, freeze_now, report_of):
    first = Image.objects.filter(project=sessions).order_by("pk").first()
    Image.objects.filter(project=sessions).update(near_group=first.pk)
    report = report_of(freeze_now(sessions, policy=LOOSE))
    assert report.found["session"]["found"] > 0
    assert report.found["near_duplicate"]["found"] == 1
    (example,) = report.found["near_duplicate"]["examples"]
    assert example["splits"] == ["test", "train"]
    assert None not in example["faces"]
    assert report.leaks == report.found["session"]["found"] + 1
    assert "1 group of near-duplicates" in in_words(report.found)


def test_an_open_set_is_clean_and_its_people_are_looked_at(project, add_photo, freeze_now, report_of):
    for number in range(20):
        add_photo(project, number, [f"Person {number % 5}"])
    report = report_of(freeze_now(project, policy=SplitPolicy(kind=OPEN)))
    assert report.leaks == 0
    assert "on_two_sides" not in report.found["person"]


def embed(face, vector) -> None:
    box = {"x": face.x, "y": face.y, "w": face.w, "h": face.h}
    Embedding.objects.create(face=face, embedder=face.project.settings.embedder, vector=vector.tolist(), **box)


def test_twins_by_embedding_are_found_among_many_that_are_not(project, add_photo, freeze_now, report_of):
    """Also when a test face has many twins, or its nearest neighbours are in test as well."""
    rng = np.random.default_rng(3)
    faces = [add_photo(project, number, [f"Person {number % 3}"]).faces.get() for number in range(40)]
    version = freeze_now(project)
    table = read_columns(version, "faces", ["face_id", "split"])
    split_of = dict(zip(table["face_id"].to_pylist(), table["split"].to_pylist(), strict=True))
    tested = [face for face in faces if split_of[face.pk] == "test"]
    others = [face for face in faces if split_of[face.pk] != "test"]
    twin = rng.normal(size=128)
    for face in (*tested[:3], *others[:5]):
        embed(face, twin + rng.normal(scale=0.002, size=128))
    for face in (*tested[3:-1], *others[5:]):
        embed(face, rng.normal(size=128))
    moved = tested[-1]
    embed(moved, twin)
    Embedding.objects.filter(face=moved).update(x=moved.x + 5)  # of another box: not this face
    found = report_of(version).found["twin"]
    assert found["found"] == 3
    assert (found["looked_at"], found["tested"], found["without_vector"]) == (len(tested) - 1, len(tested), 1)
    assert {example["faces"][0] for example in found["examples"]} == {face.pk for face in tested[:3]}
    assert {example["faces"][1] for example in found["examples"]} <= {face.pk for face in others[:5]}


def test_golden_waits_for_a_clean_report(sessions, freeze_now, report_of, engineer):
    version = freeze_now(sessions)
    with pytest.raises(Leaks, match="not made yet"):
        move_tag(version, "golden", by=engineer, reason="Ours.")
    report_of(version)
    move_tag(version, "golden", by=engineer, reason="Ours.")
    assert version_named(sessions, "golden") == version
    assert TagMove.objects.get(name="golden").despite == ""


def test_golden_is_given_to_what_leaks_only_by_overruling_it(sessions, freeze_now, report_of, engineer, api_for):
    report_of(freeze_now(sessions, policy=LOOSE))
    api, url = api_for(engineer), f"/api/v1/projects/{sessions.slug}/tags/"
    body = {"tag": "Golden", "version": 1, "reason": "A small set; we know."}
    refused = api.post(url, body, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "leaks")
    assert api.post(url, body | {"override": True}, format="json").status_code == 200
    move = api.get(url + "moves/").json()["results"][0]
    assert move["reason"] == "A small set; we know."
    assert "capture sessions" in move["despite"]


def test_nothing_is_frozen_under_golden(sessions):
    with pytest.raises(Refused, match="freeze first"):
        start_freeze(sessions, tag="golden")
    assert not Version.objects.exists()


def test_a_report_is_asked_for_again_and_made_once_at_a_time(sessions, freeze_now, report_of):
    version = freeze_now(sessions)
    first = LeakReport.objects.get().job_id
    assert ask_for_report(version).job_id == first
    report_of(version)
    again = ask_for_report(version)
    assert again.job_id != first
    request_cancel(again.job)
    assert LeakReport.objects.get().state == LeakState.FAILED
    assert ask_for_report(version).state == LeakState.WAITING


def test_a_version_that_cannot_be_read_says_so(sessions, freeze_now, report_of):
    version = freeze_now(sessions)
    storage.delete(version.key("faces"))
    report = report_of(version)
    assert report.state == LeakState.FAILED
    assert "Restore it from a backup" in report.message


def test_the_report_over_the_api(sessions, freeze_now, report_of, engineer, annotator, api_for):
    version = freeze_now(sessions, policy=LOOSE)
    url = f"/api/v1/projects/{sessions.slug}/versions/1/leaks/"
    assert api_for(annotator).get(url).json()["clean"] is None
    report_of(version)
    told = api_for(annotator).get(url).json()
    assert told["clean"] is False
    assert told["leaks"] == told["found"]["session"]["found"]
    assert api_for(annotator).post(url).status_code == 403
    assert api_for(engineer).post(url).status_code == 202


def test_the_page_shows_pairs_of_faces_and_looks_again(sessions, freeze_now, report_of, engineer, client_for):
    client, url = client_for(engineer), reverse("version", args=[sessions.slug, 1])
    version = freeze_now(sessions, policy=LOOSE)
    assert "Look for leaks in version 1" in client.get(url).text
    report_of(version)
    page = client.get(url).text
    assert "This version leaks" in page
    assert "A face in test" in page
    assert "Not looked at: no test face has a vector yet" in page
    assert 'name="override"' in page
    client.post(reverse("version-leaks", args=[sessions.slug, 1]))
    assert LeakReport.objects.get().state == LeakState.WAITING
    LeakReport.objects.all().delete()
    assert "Nobody has looked yet" in client.get(url).text


def test_a_refused_move_of_golden_is_said_on_the_page(sessions, freeze_now, engineer, client_for):
    freeze_now(sessions)
    url = reverse("version-tag", args=[sessions.slug, 1])
    assert "not made yet" in client_for(engineer).post(url, {"tag": "golden", "reason": "x"}).text
    client_for(engineer).post(url, {"tag": "golden", "reason": "x", "override": "on"})
    assert version_named(sessions, "golden").number == 1
    page = client_for(engineer).get(f"/p/{sessions.slug}/versions/1/").text
    assert "Overruled: The leak report of version 1 is not made yet." in page


def test_the_command_tells_a_version_that_is_not_there(sessions):
    with pytest.raises(CommandError, match="has no version 3"):
        call_command("leaks", sessions.slug, "3")
