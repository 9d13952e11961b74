"""Searches for parameters: what is tried, what is judged, and what the page and the ways to ask for one say."""

import json
import re

import pytest
from django.urls import reverse

from labelling.errors import Refused
from recognition.models import Run, RunState
from recognition.parameter_search import ParameterSearch
from recognition.recipe_list import BY_NAME, settled
from recognition.runs import TrainParams, best_trial, start_training

ARCFACE = BY_NAME["arcface_head"]
NAMES = ["learning_rate", "margin", "scale"]


def searched(trials, seed=1, names=NAMES, judge=lambda params: 1 - abs(params["margin"] - 30) / 100, again=False):
    search = ParameterSearch(ARCFACE, names, seed)
    for number in range(1, trials + 1):
        if again:  # as a worker that takes over: from rows that went through the database
            search = ParameterSearch(ARCFACE, names, seed, json.loads(json.dumps(search.trials)))
        tried = search.next(settled(ARCFACE, {}))
        value = judge(tried)
        if value is None:
            search.failed(number, tried, "No.")
        else:
            figures = {"val_map": value, "val_recognition_rate": 1.0, "best_epoch": 1, "epochs_run": 2}
            search.done(number, tried, figures)
    return search.trials


def test_the_first_trial_has_the_own_values_of_the_recipe_and_the_others_differ_within_bounds():
    trials = searched(12)
    assert trials[0]["params"] == {"learning_rate": 3e-4, "margin": 10.0, "scale": 64.0}
    assert len({json.dumps(row["params"]) for row in trials}) == 12
    for row in trials:
        for parameter in ARCFACE.searched:
            assert parameter.search[0] <= row["params"][parameter.name] <= parameter.search[1]


def test_a_search_that_is_taken_over_after_each_trial_tries_the_same():
    assert searched(12, again=True) == searched(12)
    assert searched(12, seed=2)[1:] != searched(12)[1:]


def test_a_search_comes_nearer_to_what_is_better():
    trials = searched(30, names=["margin"])
    off = [abs(row["params"]["margin"] - 30) for row in trials]
    assert sum(off[-10:]) < sum(off[1:11]) and best_trial(trials)["val_map"] > 0.97


def test_a_trial_that_cannot_be_trained_is_kept_and_never_the_best():
    trials = searched(8, judge=lambda params: None if params["margin"] > 10 else 0.5)
    failed = [row for row in trials if row["val_map"] is None]
    assert failed and all(row["said"] for row in failed)
    assert best_trial(trials)["number"] == 1  # of equal ones the first
    assert best_trial(failed) is None


@pytest.fixture
def version(add_faces, project, freeze_now):
    for person, name in enumerate(("Ana", "Ben", "Cem", "Dee")):
        for photo in range(14):
            add_faces(f"{name}-{photo}", ((person, photo), name), spread=4.0)
    return freeze_now(project)


@pytest.mark.django_db(transaction=True)
def test_the_best_trial_trains_the_model_that_is_registered(version, project, work_off, client_for, engineer):
    asked = {"epochs": 6, "then_evaluate": False}
    run = start_training(version, params=TrainParams(**asked, options={"scale": 32}, trials=3))
    assert run.params["searched"] == ["learning_rate", "margin"]
    page_url = reverse("run", args=[project.slug, run.pk])
    assert "No trial has ended yet" in client_for(engineer).get(page_url).content.decode()
    work_off(project, "train")
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.message
    best = best_trial(run.trials)
    assert [row["number"] for row in run.trials] == [1, 2, 3]
    assert run.metrics["val_map"] == best["val_map"] and run.metrics["best_trial"] == best["number"]
    assert {**run.metrics["params"], **best["params"], "scale": 32} == run.metrics["params"]
    alone = start_training(version, params=TrainParams(**asked, options={"scale": 32, **best["params"]}))
    work_off(project, "train")
    alone.refresh_from_db()
    assert alone.model.artifact_sha256 == run.model.artifact_sha256
    page = client_for(engineer).get(page_url).content.decode()
    assert "3 of 3 trials as a table" in page and page.count(">best<") >= 1 and 'id="trials-data"' in page
    rows = client_for(engineer).get(f"/api/v1/runs/{run.pk}/").json()["trials"]
    assert rows == run.trials


def test_a_search_is_asked_for_by_form_and_api(make_version, project, engineer, client_for):
    make_version()
    url = reverse("runs", args=[project.slug])
    form = {"kind": "train", "version": 1, "recipe": "cosface_head", "epochs": 9, "seed": 4, "trials": 5}
    client = client_for(engineer)
    client.post(url, form)
    ask = {"kind": "train", "version": 1, "recipe": "triplet_head", "trials": 7, "options": {"margin": 0.1}}
    answer = client.post(f"/api/v1/projects/{project.slug}/runs/", json.dumps(ask), "application/json")
    assert answer.status_code == 201, answer.content
    first, second = Run.objects.order_by("pk")
    assert (first.params["trials"], first.params["searched"]) == (5, ["learning_rate", "margin", "scale"])
    assert (second.params["trials"], second.params["searched"]) == (7, ["learning_rate"])
    for wrong in (form | {"trials": 101}, form | {"recipe": "lbph"}):
        page = client.post(url, wrong).content.decode()
        assert "field__error" in page or "notice--error" in page
    assert Run.objects.count() == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"recipe": "lbph", "trials": 3}, "has nothing to search for"),
        ({"trials": 3, "options": {"learning_rate": 0.001, "margin": 1, "scale": 32}}, "set by hand"),
        ({"trials": 101}, "1 to 100 trials"),
        ({"trials": -1}, "1 to 100 trials"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(asked, words, make_version):
    version = make_version()
    with pytest.raises(Refused, match=words):
        start_training(version, params=TrainParams(**asked))


def test_trying_a_failed_search_again_asks_for_the_same(make_version, project, engineer, client_for):
    asked = TrainParams(options={"margin": 5}, trials=4)
    run = start_training(make_version(), params=asked)
    Run.objects.filter(pk=run.pk).update(state=RunState.FAILED, message="The disk was full.")
    page = client_for(engineer).get(reverse("run", args=[project.slug, run.pk])).content.decode()
    assert 'name="trials" value="4"' in page
    asked_again = re.search(r'name="options" value="([^"]*)"', page)[1]
    assert "margin=5" in asked_again and "batch_size=64" in asked_again and "scale" not in asked_again
