"""Pages about runs: starting them, the list of them, and watching a training."""

import json

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from jobs.models import Job
from labelling.projects import create_project
from recognition.models import Run, RunKind, RunState, Stage


def run_url(run) -> str:
    return reverse("run", args=[run.project.slug, run.pk])


def list_url(project) -> str:
    return reverse("runs", args=[project.slug])


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


# --- starting runs ---


def test_an_engineer_trains_from_the_list(make_version, project, engineer, client_for):
    make_version()
    form = {"kind": "train", "version": 1, "recipe": "arcface_head", "epochs": 9, "seed": 4}
    answer = client_for(engineer).post(list_url(project), form)
    run = Run.objects.get()
    assert answer["Location"] == run_url(run)
    assert (run.kind, run.seed, run.params["epochs"], run.created_by) == (RunKind.TRAIN, 4, 9, engineer)


def test_an_engineer_evaluates_a_model_from_the_list(make_version, make_model, project, engineer, client_for):
    model = make_model(make_version())
    client = client_for(engineer)
    client.post(list_url(project), {"kind": "evaluate", "version": 1, "model": model.pk})
    client.post(list_url(project), {"kind": "evaluate", "version": 1, "model": ""})
    assert [run.model for run in Run.objects.order_by("pk")] == [model, None]


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "train", "version": 1, "recipe": "magic", "epochs": 9, "seed": 4},
        {"kind": "train", "version": 1, "recipe": "arcface_head", "epochs": 0, "seed": 4},
        {"kind": "train", "version": 7, "recipe": "arcface_head", "epochs": 9, "seed": 4},
        {"kind": "train", "version": "x", "recipe": "arcface_head", "epochs": 9, "seed": 4},
        {"kind": "evaluate", "version": 1, "model": 999_999},
        {"kind": "evaluate", "version": ""},
    ],
)
def test_a_form_that_makes_no_sense_starts_nothing(form, make_version, project, engineer, client_for):
    make_version()
    assert "field__error" in text_of(client_for(engineer).post(list_url(project), form))
    assert not Run.objects.exists()


def test_the_gallery_of_an_evaluation_is_chosen_in_the_form(make_version, project, engineer, client_for):
    make_version()
    client = client_for(engineer)
    form = {"kind": "evaluate", "version": 1, "model": ""}
    client.post(list_url(project), {**form, "gallery": "k", "gallery_size": 2, "apart_sessions": "on"})
    client.post(list_url(project), form)
    assert "field__error" in text_of(client.post(list_url(project), {**form, "gallery": "best"}))
    chosen, usual = Run.objects.order_by("pk")
    assert chosen.params == {"gallery": "k", "gallery_size": 2, "apart_sessions": True}
    assert usual.params == {}


def test_the_gallery_of_an_evaluation_is_chosen_by_api(make_version, project, engineer, client_for):
    make_version()
    url = reverse("api-runs", args=[project.slug])
    asked = {"kind": "evaluate", "version": 1, "gallery": "one", "apart_sessions": True}
    answer = client_for(engineer).post(url, asked, content_type="application/json")
    assert (answer.status_code, answer.json()["params"]) == (201, {"gallery": "one", "apart_sessions": True})
    refused = client_for(engineer).post(url, {**asked, "gallery": "best"}, content_type="application/json")
    assert refused.status_code == 400


def test_models_and_versions_of_other_projects_cannot_be_chosen(
    make_version, make_model, project, owner, engineer, client_for
):
    make_version()
    other = create_project("Another house", by=owner)
    theirs = make_model(make_version(project=other))
    client = client_for(engineer)
    client.post(list_url(project), {"kind": "evaluate", "version": 1, "model": theirs.pk})
    answer = client.post(reverse("version-evaluate", args=[project.slug, 1]), {"model": theirs.pk})
    assert "no such model" in str(*get_messages(answer.wsgi_request))
    assert not Run.objects.exists()


def test_what_a_verb_refuses_is_said_in_its_words(make_version, project, engineer, client_for):
    make_version(people=[("Ana", 3, 0)])
    client = client_for(engineer)
    train = {"kind": "train", "version": 1, "recipe": "arcface_head", "epochs": 9, "seed": 4}
    assert "training faces of 1 people" in text_of(client.post(list_url(project), train))
    assert "no named test faces" in text_of(client.post(list_url(project), {"kind": "evaluate", "version": 1}))
    for name in ("version-train", "version-evaluate"):
        answer = client.post(reverse(name, args=[project.slug, 1]))
        assert answer["Location"] == reverse("version", args=[project.slug, 1])
    assert not Run.objects.exists()


def test_the_buttons_of_a_version_train_and_evaluate(make_version, make_model, project, engineer, client_for):
    version = make_version()
    client = client_for(engineer)
    assert client.post(reverse("version-evaluate", args=[project.slug, 1])).status_code == 302
    made = make_model(version)
    client.post(reverse("version-train", args=[project.slug, 1]))
    client.post(reverse("version-evaluate", args=[project.slug, 1]))
    first, training, second = Run.objects.order_by("pk")
    assert (first.model, second.model) == (None, made)
    assert training.params["epochs"] == 60
    assert client.get(reverse("version-train", args=[project.slug, 1])).status_code == 405


def test_without_a_model_of_its_own_a_version_is_tried_with_the_one_in_use(
    make_version, make_model, project, engineer, client_for
):
    in_use = make_model(make_version(), stage=Stage.PRODUCTION)
    make_version()
    client_for(engineer).post(reverse("version-evaluate", args=[project.slug, 2]))
    assert Run.objects.get().model == in_use


def test_trying_again_starts_a_run_with_the_same_settings(make_version, project, engineer, client_for):
    version = make_version()
    failed = Run.objects.create(
        project=project, kind=RunKind.TRAIN, version=version, state=RunState.FAILED, message="The disk was full.",
        params={"recipe": "arcface_head", "epochs": 7, "seed": 3}, seed=3,
    )  # fmt: skip
    page = text_of(client_for(engineer).get(run_url(failed)))
    assert "The disk was full." in page
    assert 'name="epochs" value="7"' in page
    client_for(engineer).post(
        reverse("version-train", args=[project.slug, 1]), {"recipe": "arcface_head", "epochs": 7, "seed": 3}
    )
    again = Run.objects.first()
    assert (again.params["epochs"], again.seed) == (7, 3)
    assert again.pk != failed.pk


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_members_below_engineer_read_reports_and_start_nothing(role, make_report, project, request, client_for):
    run = make_report()
    client = client_for(request.getfixturevalue(role))
    page = text_of(client.get(list_url(project)))
    assert f"{role} here. Starting runs is for engineers" in page
    assert "train_epochs" not in page
    assert client.get(run_url(run)).status_code == 200
    assert client.post(list_url(project), {"kind": "train", "version": 1}).status_code == 403
    for name in ("version-train", "version-evaluate"):
        assert client.post(reverse(name, args=[project.slug, 1])).status_code == 403
    failed = make_report(run.version, state=RunState.FAILED, message="Gone.", people=())
    assert "Try again" not in text_of(client.get(run_url(failed)))
    assert Run.objects.count() == 2


def test_strangers_see_no_run(make_report, stranger, client_for, client):
    run = make_report()
    theirs = create_project("Another house", by=stranger)
    for url in (list_url(run.project), run_url(run), reverse("run", args=[theirs.slug, run.pk])):
        assert client_for(stranger).get(url).status_code == 404
        assert client_for(stranger).get(url, {"download": "json"}).status_code == 404
        assert client.get(url).status_code == 302
    assert client_for(stranger).post(reverse("version-train", args=[run.project.slug, 1])).status_code == 404


# --- the list ---


def test_the_list_shows_figures_beside_the_baseline(make_report, project, annotator, client_for):
    make_report()
    page = text_of(client_for(annotator).get(list_url(project)))
    for words in ("85.0 %", "80.0–88.0 %", "75.0 % baseline", "90.0 %", "80.0 % baseline"):
        assert words in page


def test_the_list_warns_of_a_model_that_does_not_beat_the_baseline(
    make_report, make_metrics, make_model, project, owner, client_for
):
    run = make_report(metrics=make_metrics(beats=False))
    assert "does not beat" not in text_of(client_for(owner).get(list_url(project)))  # no model, nothing to beat
    Run.objects.filter(pk=run.pk).update(model=make_model(run.version))
    assert "does not beat the baseline" in text_of(client_for(owner).get(list_url(project)))


def test_an_empty_list_says_what_is_missing(make_version, project, engineer, client_for):
    client = client_for(engineer)
    assert "A run needs a frozen version" in text_of(client.get(list_url(project)))
    make_version()
    assert "Nothing was trained or evaluated yet" in text_of(client.get(list_url(project)))


def test_a_waiting_run_shows_its_progress_in_the_list_and_on_its_page(make_version, project, engineer, client_for):
    job = Job.objects.create(kind="evaluate", title="Evaluate on version 1", message="Gathering faces")
    run = Run.objects.create(project=project, kind=RunKind.EVALUATE, version=make_version(), job=job)
    client = client_for(engineer)
    assert "Gathering faces" in text_of(client.get(list_url(project)))
    assert "Gathering faces" in text_of(client.get(run_url(run)))


# --- a training ---

GROWING = {
    "epochs": [0, 1, 2],
    "loss": [None, 4.5, 3.25],
    "val_recognition_rate": [0.8, 0.85, 0.9],
    "val_map": [0.7, 0.75],
}


def curves_of(page: str) -> dict:
    return json.loads(page.split('<script id="curves-data" type="application/json">')[1].split("</script>")[0])


def test_a_training_is_watched_as_it_goes(make_version, project, annotator, client_for):
    run = Run.objects.create(project=project, kind=RunKind.TRAIN, version=make_version(), curves=GROWING)
    page = text_of(client_for(annotator).get(run_url(run)))
    assert 'hx-trigger="every 2s"' in page
    assert curves_of(page)["loss"] == [None, 4.5, 3.25]
    assert "3.2500" in page
    assert "3 epochs as a table" in page


def test_the_curves_are_fetched_alone_and_the_page_anew_at_the_end(make_version, project, annotator, client_for):
    run = Run.objects.create(project=project, kind=RunKind.TRAIN, version=make_version(), curves=GROWING)
    client = client_for(annotator)
    part = client.get(run_url(run), HTTP_HX_REQUEST="true", HTTP_HX_TARGET="curves")
    assert text_of(part).startswith('<div id="curves"')
    assert "HX-Refresh" not in part
    Run.objects.filter(pk=run.pk).update(state=RunState.DONE)
    assert client.get(run_url(run), HTTP_HX_REQUEST="true", HTTP_HX_TARGET="curves")["HX-Refresh"] == "true"


def test_a_finished_training_waits_for_its_report(make_version, project, annotator, client_for):
    run = Run.objects.create(project=project, kind=RunKind.TRAIN, version=make_version(), curves=GROWING)
    client, part = client_for(annotator), {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "curves"}
    watched = f"{run_url(run)}?seen=waiting"
    assert watched in text_of(client.get(run_url(run)))
    evaluation = Run.objects.create(project=project, kind=RunKind.EVALUATE, version=run.version, parent=run)
    Run.objects.filter(pk=run.pk).update(state=RunState.DONE)
    assert "HX-Refresh" in client.get(watched, **part)  # the training's own figures
    page = text_of(client.get(run_url(run)))
    assert "See the evaluation" in page
    watched = f"{run_url(run)}?seen=done"
    assert watched in page
    assert "HX-Refresh" not in client.get(watched, **part)
    Run.objects.filter(pk=evaluation.pk).update(state=RunState.DONE)
    assert "HX-Refresh" in client.get(watched, **part)
    assert "?seen=" not in text_of(client.get(run_url(run)))


def test_a_finished_training_says_what_it_gained_and_leads_to_its_report(
    make_version, make_model, make_report, project, annotator, client_for
):
    version = make_version()
    done = {
        "best_epoch": 2, "epochs_run": 3, "val_recognition_rate": 0.9, "val_map": 0.8, "people": 2,
        "start": {"val_recognition_rate": 0.8, "val_map": 0.7}, "params": {"margin": 20.0},
    }  # fmt: skip
    run = Run.objects.create(
        project=project, kind=RunKind.TRAIN, version=version, state=RunState.DONE, metrics=done, curves=GROWING,
        params={"recipe": "arcface_head", "then_evaluate": True}, model=make_model(version),
        environment={"commit": "abc123", "packages": {"torch": "2.15.0"}},
    )  # fmt: skip
    report = make_report(version, parent=run)
    page = text_of(client_for(annotator).get(run_url(run)))
    for words in ("80.0 %", "70.0 % before training", "abc123", "2.15.0", "Margin", "Then evaluate", "a" * 64):
        assert words in page
    assert run_url(report) in page
    assert "every 2s" not in page
