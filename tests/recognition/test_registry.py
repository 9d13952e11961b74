"""Models: their list and pages, promotion through the gate or over it, rollback, and what is kept of all that."""

import hashlib

import numpy as np
import pytest
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.urls import reverse

from jobs.models import Job, State
from labelling import storage
from labelling.errors import Refused, Stale
from labelling.projects import create_project
from recognition import serving
from recognition.gate_evidence import GateClosed, weigh
from recognition.models import IdentityMetric, Model, Move, PromotionEvent, Run, RunState, Stage
from recognition.promotion import CannotCompareYet, pile_of, promote, roll_back
from recognition.trained_head import TrainedHead


@pytest.fixture
def version(make_version):
    return make_version(people=(("Ana", 3, 6), ("Ben", 2, 6)))


@pytest.fixture
def add_model(version):
    """A model with a head in the store."""

    def add(seed=1, version=version, **fields):
        weight = np.random.default_rng(seed).normal(scale=0.02, size=(128, 128)).astype(np.float32)
        data = TrainedHead(weight).to_bytes()
        digest = hashlib.sha256(data).hexdigest()
        key = f"projects/{version.project_id}/models/{digest}.safetensors"
        storage.put(key, data)
        return Model.objects.create(
            project=version.project, name=f"Head {seed}", kind="arcface_head", embedder="dlib", version=version,
            artifact_key=key, artifact_sha256=digest, **fields,
        )  # fmt: skip

    return add


@pytest.fixture
def evaluate(make_report, make_metrics):
    """A finished evaluation with these figures: mAP of the model and of the embedding, and AP of each person."""

    def make(model, mean_ap=0.85, simple=0.75, people=(0.9, 0.8), version=None):
        run = make_report(
            version or model.version, people=(), model=model, metrics=make_metrics((0.9, mean_ap), (0.8, simple))
        )
        for number, ap in enumerate(people):
            IdentityMetric.objects.create(
                run=run, identity_name=("Ana", "Ben")[number], class_id=number, gallery=4, probes=6, ap=ap,
                baseline_ap=0.8,
            )  # fmt: skip
        return run

    return make


@pytest.fixture
def ready(add_model, evaluate):
    def make(seed=1, **figures):
        model = add_model(seed)
        evaluate(model, **figures)
        return model

    return make


def stages() -> dict:
    return dict(Model.objects.order_by("pk").values_list("name", "stage"))


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


# ── promotion ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_model_is_held_against_the_frozen_embedding(ready, engineer):
    model = ready(mean_ap=0.85, simple=0.75)
    event = promote(model, by=engineer)
    assert stages() == {"Head 1": Stage.PRODUCTION}
    assert (event.move, event.old, event.new, event.by, event.reason) == (Move.PROMOTE, None, model, engineer, "")
    assert event.verdict["passed"] and event.verdict["served"] is None
    figures = {one["name"]: one["figures"] for one in event.verdict["conditions"]}["mean_ap"]
    assert (figures["own"], figures["served"]) == (0.85, 0.75)


def test_a_model_worse_than_the_embedding_stays_outside(ready):
    model = ready(mean_ap=0.70, simple=0.80)
    with pytest.raises(GateClosed) as refused:
        promote(model)
    assert "below it by more than the interval" in refused.value.message
    assert refused.value.extra["gate"]["passed"] is False
    assert stages() == {"Head 1": Stage.CANDIDATE} and not PromotionEvent.objects.exists()


def test_the_next_model_is_held_against_the_one_in_production_and_takes_its_place(ready):
    first, second = ready(1, mean_ap=0.85), ready(2, mean_ap=0.84)
    promote(first)
    event = promote(second)  # below, but within its interval
    assert (event.old, event.new) == (first, second)
    assert stages() == {"Head 1": Stage.ARCHIVED, "Head 2": Stage.PRODUCTION}


def test_one_persons_fall_closes_the_gate(ready):
    first, second = ready(1, people=(0.9, 0.9)), ready(2, people=(0.9, 0.7))
    promote(first)
    with pytest.raises(GateClosed, match=r"Ben from 90\.0% to 70\.0%"):
        promote(second)


def test_the_bounds_of_the_gate_are_the_projects(ready, project):
    first, second = ready(1, people=(0.9, 0.9)), ready(2, people=(0.9, 0.7))
    promote(first)
    project.stored_settings = {"gate_max_fall": 0.25}
    project.save()
    second.project.refresh_from_db()
    assert promote(second)


def test_a_closed_gate_is_overruled_with_a_reason_that_is_kept_beside_what_it_said(ready, engineer):
    model = ready(mean_ap=0.70, simple=0.80)
    event = promote(model, by=engineer, reason="  The new cameras need it. ")
    assert event.reason == "The new cameras need it."
    assert event.verdict["passed"] is False
    assert stages() == {"Head 1": Stage.PRODUCTION}


def test_where_the_gate_cannot_compare_the_missing_evaluation_is_started_once(ready, evaluate, make_version, add_model):
    first = ready(1)
    promote(first)
    newer = make_version(people=(("Ana", 3, 6), ("Ben", 2, 6)))
    second = add_model(2, version=newer)
    evaluate(second)
    with pytest.raises(CannotCompareYet) as refused:
        promote(second)
    run = Run.objects.get(state=RunState.WAITING)
    assert (run.model, run.version, run.job.state) == (first, newer, State.QUEUED)
    assert refused.value.extra["runs"] == [run.pk]
    with pytest.raises(CannotCompareYet):
        promote(second)
    assert Run.objects.filter(state=RunState.WAITING).count() == 1
    Run.objects.filter(pk=run.pk).delete()
    evaluate(first, mean_ap=0.6, version=newer)
    assert promote(second).old == first


def test_a_model_that_was_never_evaluated_is_evaluated_first(add_model):
    model = add_model()
    with pytest.raises(CannotCompareYet):
        promote(model)
    assert Run.objects.get().model == model


def test_figures_on_photos_it_learned_from_promote_no_model(ready):
    model = ready()
    run = model.runs.get()
    run.metrics["test_photos_seen_in_training"] = 5
    run.save()
    with pytest.raises(GateClosed, match="5 of the test photos"):
        promote(model)


def test_a_model_whose_file_is_gone_or_changed_cannot_be_promoted_whatever_the_reason(ready):
    model = ready()
    storage.put(model.artifact_key, b"something else")
    serving.forget()
    with pytest.raises(Refused, match="cannot be read"):
        promote(model, reason="I want it")
    storage.delete(model.artifact_key)
    with pytest.raises(Refused, match="cannot be read"):
        promote(model, reason="I want it")
    assert stages() == {"Head 1": Stage.CANDIDATE}


def test_while_the_store_is_away_nothing_is_promoted_and_the_page_says_so(
    ready, project, engineer, client_for, api_for, monkeypatch
):
    def away(key):
        raise storage.StoreAway("gone")

    model = ready()
    serving.forget()
    monkeypatch.setattr(storage, "get", away)
    answer = client_for(engineer).post(reverse("model-promote", args=[project.slug, model.pk]))
    assert "does not answer" in str(*get_messages(answer.wsgi_request))
    assert api_for(engineer).post(f"/api/v1/models/{model.pk}/promote/").status_code == 503
    assert stages() == {"Head 1": Stage.CANDIDATE}


def test_a_model_over_another_embedder_cannot_be_promoted(ready):
    model = ready()
    Model.objects.update(embedder="facenet")
    model.refresh_from_db()
    with pytest.raises(Refused, match="described by “dlib”"):
        promote(model, reason="I want it")


def test_promoting_what_is_in_production_changes_nothing(ready):
    model = ready()
    promote(model)
    assert promote(model) is None
    assert PromotionEvent.objects.count() == 1


def test_promotion_has_waiting_faces_compared_anew(ready, project):
    promote(ready())
    kinds = set(Job.objects.filter(project_id=project.pk, state=State.QUEUED).values_list("kind", flat=True))
    assert {"suggest", "suggest_everywhere"} <= kinds


# ── rollback ──────────────────────────────────────────────────────────────────────────────────────────────


def test_rollback_goes_back_step_by_step_to_the_embedding(ready, project, engineer):
    first, second = ready(1), ready(2)
    promote(first)
    promote(second)
    event = roll_back(project, by=engineer, reason="Too many strangers named.")
    assert (event.move, event.old, event.new, event.by) == (Move.ROLLBACK, second, first, engineer)
    assert stages() == {"Head 1": Stage.PRODUCTION, "Head 2": Stage.ARCHIVED}
    assert roll_back(project).new is None
    assert Stage.PRODUCTION not in stages().values()
    with pytest.raises(Refused, match="nothing to roll back"):
        roll_back(project)


def test_what_was_rolled_back_can_come_again_and_back_again(ready, project):
    first, second = ready(1), ready(2)
    for model in (first, second):
        promote(model)
    roll_back(project)
    promote(second)
    assert roll_back(project).new == first


@pytest.mark.parametrize(
    ("moves", "pile"),
    [
        ([], [None]),
        ([("promote", 1), ("promote", 2), ("promote", 1)], [None, 1, 2, 1]),
        ([("promote", 1), ("promote", 2), ("promote", 1), ("rollback", 2), ("rollback", 1)], [None, 1]),
        ([("promote", 1), ("rollback", None), ("promote", 2)], [None, 2]),
    ],
)
def test_rollbacks_take_from_the_pile_that_promotions_made(moves, pile):
    assert pile_of(moves) == pile


def test_pressing_twice_goes_back_once(ready, project):
    first, second = ready(1), ready(2)
    promote(first)
    promote(second)
    roll_back(project, seen=second.pk)
    with pytest.raises(Stale):
        roll_back(project, seen=second.pk)
    assert stages()["Head 1"] == Stage.PRODUCTION


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_says_stage_version_best_evaluation_and_hash(ready, evaluate, project, annotator, client_for):
    model = ready(mean_ap=0.85)
    best = evaluate(model, mean_ap=0.91)
    flattered = evaluate(model, mean_ap=0.99)
    flattered.metrics["test_photos_seen_in_training"] = 3
    flattered.save()
    promote(model)
    page = text_of(client_for(annotator).get(reverse("models", args=[project.slug])))
    assert "91.0 %" in page and "86.0–94.0 %" in page and "99.0 %" not in page
    assert model.artifact_sha256[:12] in page and "production" in page
    assert reverse("run", args=[project.slug, best.pk]) in page
    assert "Roll back" not in page  # an annotator may look


def test_an_empty_registry_says_what_to_do(project, annotator, client_for):
    page = text_of(client_for(annotator).get(reverse("models", args=[project.slug])))
    assert "There is no model yet" in page
    assert "Nothing was promoted yet" in text_of(client_for(annotator).get(reverse("promotions", args=[project.slug])))


def test_the_list_asks_as_many_questions_for_many_models_as_for_one(
    ready, project, annotator, client_for, django_assert_num_queries, django_assert_max_num_queries
):
    client = client_for(annotator)
    ready(1)
    url = reverse("models", args=[project.slug])
    with django_assert_max_num_queries(20) as one:
        client.get(url)
    for seed in range(2, 6):
        ready(seed)
    with django_assert_num_queries(len(one)):
        client.get(url)


def test_an_engineer_promotes_and_rolls_back_from_the_pages(ready, project, engineer, client_for):
    model, client = ready(), client_for(engineer)
    url = reverse("model", args=[project.slug, model.pk])
    assert "gate open" in text_of(client.get(url))
    client.post(reverse("model-promote", args=[project.slug, model.pk]))
    assert stages() == {"Head 1": Stage.PRODUCTION}
    assert "Roll back to the frozen embedding" in text_of(client.get(url))
    client.post(reverse("model-rollback", args=[project.slug]), {"seen": model.pk})
    assert stages() == {"Head 1": Stage.ARCHIVED}
    history = text_of(client.get(reverse("promotions", args=[project.slug])))
    assert "Promotion" in history and "Rollback" in history and "by emil" in history


def test_a_closed_gate_is_overruled_on_the_page(ready, project, engineer, client_for):
    model, client = ready(mean_ap=0.7, simple=0.8), client_for(engineer)
    url, post = (reverse(name, args=[project.slug, model.pk]) for name in ("model", "model-promote"))
    assert "gate closed" in text_of(client.get(url))
    answer = client.post(post)
    assert "The gate is closed" in str(*get_messages(answer.wsgi_request))
    client.post(post, {"reason": "<b>Needed</b>"})
    page = text_of(client.get(url))
    assert "overruled" in page and "&lt;b&gt;Needed&lt;/b&gt;" in page


def test_looking_at_a_model_starts_nothing_and_the_button_does(add_model, project, engineer, client_for):
    model, client = add_model(), client_for(engineer)
    assert "Start the missing evaluation" in text_of(client.get(reverse("model", args=[project.slug, model.pk])))
    assert not Run.objects.exists()
    client.post(reverse("model-compare", args=[project.slug, model.pk]))
    run = Run.objects.get()
    assert run.model == model
    assert f"Evaluation {run.pk}</a> is under way" in text_of(
        client.get(reverse("model", args=[project.slug, model.pk]))
    )


def test_promoting_and_rolling_back_need_an_engineer(ready, project, annotator, reviewer, client_for, api_for):
    model = ready()
    for user in (annotator, reviewer):
        client, api = client_for(user), api_for(user)
        assert client.post(reverse("model-promote", args=[project.slug, model.pk])).status_code == 403
        assert client.post(reverse("model-compare", args=[project.slug, model.pk])).status_code == 403
        assert client.post(reverse("model-rollback", args=[project.slug])).status_code == 403
        assert api.post(f"/api/v1/models/{model.pk}/promote/").status_code == 403
        assert api.post(f"/api/v1/projects/{project.slug}/models/rollback/").status_code == 403
    assert stages() == {"Head 1": Stage.CANDIDATE}


def test_models_of_other_projects_are_not_found(ready, owner, engineer, client_for):
    model = ready()
    other = create_project("Another house", by=owner)
    client = client_for(owner)
    assert client.get(reverse("model", args=[other.slug, model.pk])).status_code == 404
    assert client.post(reverse("model-promote", args=[other.slug, model.pk])).status_code == 404
    assert stages() == {"Head 1": Stage.CANDIDATE}


# ── API and command ───────────────────────────────────────────────────────────────────────────────────────


def test_the_api_lists_models_with_their_best_evaluation(ready, project, annotator, api_for):
    model = ready(mean_ap=0.85)
    (row,) = api_for(annotator).get(f"/api/v1/projects/{project.slug}/models/").data["results"]
    assert (row["id"], row["stage"], row["version"]) == (model.pk, "candidate", 1)
    assert row["artifact_sha256"] == model.artifact_sha256 and row["best"]["map"]["macro"] == 0.85
    detail = api_for(annotator).get(f"/api/v1/models/{model.pk}/").data
    assert detail["gate"]["passed"] is True and len(detail["evaluations"]) == 1 and detail["promotions"] == []


def test_the_api_promotes_refuses_and_rolls_back(ready, project, engineer, api_for):
    good, bad, api = ready(1), ready(2, mean_ap=0.5), api_for(engineer)
    assert api.post(f"/api/v1/models/{good.pk}/promote/").data["new"] == good.pk
    refused = api.post(f"/api/v1/models/{bad.pk}/promote/")
    assert (refused.status_code, refused.data["error"]["code"]) == (409, "gate_closed")
    failed = [one["name"] for one in refused.data["gate"]["conditions"] if one["passed"] is False]
    assert failed == ["mean_ap"]
    forced = api.post(f"/api/v1/models/{bad.pk}/promote/", {"override": "A trial."}, format="json")
    assert forced.data["reason"] == "A trial."
    stale = api.post(f"/api/v1/projects/{project.slug}/models/rollback/", {"seen": good.pk}, format="json")
    assert stale.status_code == 409
    back = api.post(f"/api/v1/projects/{project.slug}/models/rollback/")
    assert (back.data["move"], back.data["old"], back.data["new"]) == ("rollback", bad.pk, good.pk)


def test_the_command_promotes_and_rolls_back(ready, project, capsys):
    model = ready()
    call_command("promote", project.slug, str(model.pk))
    told = capsys.readouterr().out
    assert f"In production: model {model.pk}." in told and "mAP is not below" in told
    call_command("promote", project.slug, "--rollback")
    assert "In production: the frozen embedding." in capsys.readouterr().out
    with pytest.raises(CommandError, match="Name the model"):
        call_command("promote", project.slug)
    with pytest.raises(CommandError, match="has no model 999"):
        call_command("promote", project.slug, "999")


def test_the_gate_reads_what_training_and_evaluation_wrote_down(ready):
    model = ready()
    run = model.runs.get()
    run.environment = {"latency": {"median_ms": 900.0, "faces": 9}}
    run.save()
    (failed,) = weigh(model).verdict.failed
    assert failed.name == "latency" and "900.0 ms" in failed.said
