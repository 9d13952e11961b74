"""The page about rules and pipelines, the API, and the command."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job, State
from jobs.work import perform
from labelling.projects import create_project
from recognition.models import Pipeline, PipelineState, Rule, RuleKind, Step
from recognition.pipelines import Asked, cancel, start_pipeline
from recognition.rules import When, add_rule
from recognition.runs import TrainParams

HOSTILE = "<script>alert(1)</script>"


def url(project, name="automation", *more) -> str:
    return reverse(name, args=[project.slug, *more])


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


@pytest.fixture
def labels(add_faces, project):
    for person, name in enumerate(("Ana", "Ben")):
        for photo in range(12):
            add_faces(f"{name}-{photo}", ((person, photo), name))
    return project


@pytest.fixture
def make_pipeline(project):
    def make(state=PipelineState.DONE, step=Step.GATE, **fields):
        ended = None if state == PipelineState.RUNNING else timezone.now()
        asked = Asked().as_fields()
        return Pipeline.objects.create(
            project=project, why="By hand.", state=state, step=step, finished_at=ended, **(asked | fields)
        )

    return make


def rule_form(**changes) -> dict:
    return {
        "kind": "labels", "labels": 50, "gini": 0.05, "weekday": "", "hour": 3, "work": "train", "then": "candidate",
        "recipe": "arcface_head", "epochs": 60, "seed": 1, "options": "", "trials": 0, "like": "",
    } | changes  # fmt: skip


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_page_says_what_to_do(project, engineer, client_for):
    page = text_of(client_for(engineer).get(url(project)))
    assert "No pipeline has run yet" in page and "No rule yet" in page and "Run now" in page


def test_annotators_see_pipelines_and_start_none(labels, annotator, client_for, make_pipeline):
    pipeline = make_pipeline(PipelineState.FAILED)
    rule = add_rule(labels, When(RuleKind.LABELS, threshold=5), Asked())
    client = client_for(annotator)
    page = text_of(client.get(url(labels)))
    assert f"Pipeline {pipeline.pk}" in page and "After 5 new labels" in page
    assert "Run now" not in page and "Go on from here" not in page and "Switch off" not in page
    refused = [
        (url(labels), rule_form()), (url(labels, "automation-run"), {}), (url(labels, "rule-delete", rule.pk), {}),
        (url(labels, "rule-switch", rule.pk), {"on": "0"}), (url(labels, "rule", rule.pk), rule_form()),
        (url(labels, "pipeline-cancel", pipeline.pk), {}), (url(labels, "pipeline-go-on", pipeline.pk), {}),
    ]  # fmt: skip
    assert {client.post(address, form).status_code for address, form in refused} == {403}
    assert Rule.objects.filter(enabled=True).count() == 1 and Pipeline.objects.count() == 1


def test_run_now_starts_a_pipeline_as_usual(labels, engineer, client_for):
    answer = client_for(engineer).post(url(labels, "automation-run"), {})
    assert answer["Location"] == url(labels)
    pipeline = Pipeline.objects.get()
    assert (pipeline.by, pipeline.params["recipe"], pipeline.promotes) == (engineer, "arcface_head", False)
    page = text_of(client_for(engineer).get(url(labels)))
    assert 'hx-trigger="every 2s"' in page and "Freeze version 1" in page and "Cancel the pipeline" in page


def test_run_now_says_why_it_cannot(project, engineer, client_for, labels):
    client = client_for(engineer)
    start_pipeline(labels)
    assert "is under way" in text_of(client.post(url(labels, "automation-run"), {}))
    bad = text_of(client.post(url(labels, "automation-run"), {"recipe": "triplet_head", "options": "margin=7"}))
    assert ("margin" in bad and "must be a number" in bad) or "under way" in bad
    assert Pipeline.objects.count() == 1


@pytest.mark.parametrize(
    ("form", "kept", "words"),
    [
        (rule_form(), {"kind": "labels", "threshold": 50}, "After 50 new labels"),
        (rule_form(kind="imbalance", gini=0.1), {"threshold": 0.1}, "Gini coefficient moves by 0.1"),
        (rule_form(kind="schedule", hour=4), {"hour": 4, "weekday": None}, "Every day at 04:00 UTC"),
        (rule_form(kind="schedule", weekday=6), {"hour": 3, "weekday": 6}, "Every Sunday at 03:00 UTC"),
        (rule_form(then="promote", recipe="triplet_head"), {"promotes": True}, "promote if the gate is open"),
        (rule_form(work="evaluate", then="promote"), {"trains": False, "promotes": False}, "evaluate what serves"),
    ],
)
def test_a_rule_is_added(project, engineer, client_for, form, kept, words):
    client = client_for(engineer)
    assert client.post(url(project), form)["Location"] == url(project)
    rule = Rule.objects.get()
    assert {name: getattr(rule, name) for name in kept} == kept and rule.created_by == engineer
    assert words in text_of(client.get(url(project)))


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (rule_form(labels=""), "whole number from 1"),
        (rule_form(kind="imbalance", gini=""), "Gini"),
        (rule_form(kind="schedule", hour=""), "hour"),
        (rule_form(options="margin=1000"), "margin"),
        (rule_form(like="9"), "Choose a version of the list"),
        (rule_form(kind="moon"), "Select a valid choice"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_beside_its_field(project, engineer, client_for, form, words):
    assert words in text_of(client_for(engineer).post(url(project), form))
    assert not Rule.objects.exists()


def test_a_rule_is_changed_switched_off_and_deleted(project, engineer, client_for, make_version):
    make_version()
    rule = add_rule(project, When(RuleKind.LABELS, threshold=5), Asked(params=TrainParams(options={"margin": 12})))
    client = client_for(engineer)
    page = text_of(client.get(url(project, "rule", rule.pk)))
    assert 'name="labels" value="5"' in page and "margin=12" in page
    client.post(url(project, "rule", rule.pk), rule_form(kind="schedule", hour=22, like=1))
    rule.refresh_from_db()
    assert (rule.kind, rule.hour, rule.threshold, rule.like.number) == (RuleKind.SCHEDULE, 22, None, 1)
    client.post(url(project, "rule-switch", rule.pk), {"on": "0"})
    client.post(url(project, "rule-switch", rule.pk), {"on": "0"})
    rule.refresh_from_db()
    assert not rule.enabled and "Switch on" in text_of(client.get(url(project)))
    client.post(url(project, "rule-delete", rule.pk))
    assert not Rule.objects.exists()


def test_a_failed_pipeline_says_where_and_why_and_goes_on_from_there(labels, engineer, client_for):
    pipeline = start_pipeline(labels)
    cancel(pipeline)
    Pipeline.objects.update(state=PipelineState.FAILED, message=HOSTILE)
    client = client_for(engineer)
    page = text_of(client.get(url(labels)))
    assert "It failed at “freeze”." in page and HOSTILE not in page and "Go on from here" in page
    client.post(url(labels, "pipeline-go-on", pipeline.pk))
    pipeline.refresh_from_db()
    assert pipeline.state == PipelineState.RUNNING
    client.post(url(labels, "pipeline-cancel", pipeline.pk))
    pipeline.refresh_from_db()
    assert pipeline.state == PipelineState.CANCELLED
    assert "It was cancelled at “freeze”." in text_of(client.get(url(labels)))


def test_a_finished_pipeline_leads_to_all_it_made(make_pipeline, make_report, make_model, project, client_for, owner):
    report = make_report()
    model = make_model(report.version)
    report.model = model
    report.save()
    fails = {"name": "mean_ap", "title": "mAP is not below", "passed": False, "said": f"It fell for {HOSTILE}."}
    verdict = {"passed": False, "conditions": [fails]}
    training = type(report).objects.create(
        project=project, kind="train", version=report.version, model=model, state="done"
    )
    pipeline = make_pipeline(version=report.version, training=training, evaluation=report, verdict=verdict)
    client = client_for(owner)
    for address in (url(project), url(project, "pipeline", pipeline.pk)):
        page = text_of(client.get(address))
        for there in (("version", 1), ("run", training.pk), ("run", report.pk), ("model", model.pk)):
            assert f'href="{url(project, *there)}"' in page
        assert ">closed</span>" in page and "It fell for" in page and HOSTILE not in page
        assert "mAP <strong>85.0 %</strong>" in page


def test_the_chain_alone_is_what_a_running_page_asks_for(labels, engineer, client_for):
    pipeline = start_pipeline(labels)
    answer = client_for(engineer).get(url(labels, "pipeline", pipeline.pk), headers={"HX-Request": "true"})
    page = text_of(answer)
    assert page.startswith("<article") and 'data-pipeline-state="running"' in page


def test_the_overview_says_where_the_pipeline_is(labels, annotator, client_for):
    client = client_for(annotator)
    overview = reverse("project", args=[labels.slug])
    assert "is at “" not in text_of(client.get(overview))
    pipeline = start_pipeline(labels)
    assert f"Pipeline {pipeline.pk}</a> is at “freeze”" in text_of(client.get(overview))


def test_a_page_of_many_asks_as_often_as_one_of_few(
    make_pipeline, make_report, project, engineer, client_for, django_assert_max_num_queries
):
    for _ in range(12):
        report = make_report()
        make_pipeline(version=report.version, evaluation=report)
        add_rule(project, When(RuleKind.LABELS, threshold=5), Asked(like=report.version))
    client = client_for(engineer)
    with django_assert_max_num_queries(20):
        client.get(url(project))


def test_pipelines_and_rules_of_other_projects_are_not_there(labels, owner, client_for, engineer):
    other = create_project("Elsewhere", by=owner)
    pipeline, rule = start_pipeline(labels), add_rule(labels, When(RuleKind.LABELS, threshold=5), Asked())
    client = client_for(owner)
    assert client.get(url(other, "pipeline", pipeline.pk)).status_code == 404
    assert client.post(url(other, "pipeline-cancel", pipeline.pk)).status_code == 404
    assert client.get(url(other, "rule", rule.pk)).status_code == 404
    assert client.post(url(other, "rule-delete", rule.pk)).status_code == 404
    assert Rule.objects.filter(pk=rule.pk).exists()


# ── the API ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pipeline_over_the_api(labels, engineer, api_for):
    api = api_for(engineer)
    made = api.post("/api/v1/projects/lobby-cameras/pipelines/", {"epochs": 3, "promotes": True}, format="json")
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["state"], body["step"], body["version"], body["params"]["epochs"]) == ("running", "freeze", 1, 3)
    assert [link["step"] for link in body["chain"]] == ["freeze", "train", "evaluate", "gate"]
    twice = api.post("/api/v1/projects/lobby-cameras/pipelines/", {}, format="json")
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "under_way")
    cancelled = api.post(f"/api/v1/pipelines/{body['id']}/cancel/").json()
    assert cancelled["state"] == "cancelled"
    assert api.post(f"/api/v1/pipelines/{body['id']}/resume/").json()["state"] == "running"
    assert api.post(f"/api/v1/pipelines/{body['id']}/resume/").status_code == 400
    listed = api.get("/api/v1/projects/lobby-cameras/pipelines/").json()["results"]
    assert [row["id"] for row in listed] == [body["id"]]


def test_rules_over_the_api(project, engineer, api_for):
    api = api_for(engineer)
    asked = {"kind": "labels", "threshold": 100, "recipe": "triplet_head", "options": {"margin": 0.1}}
    made = api.post("/api/v1/projects/lobby-cameras/rules/", asked, format="json")
    assert made.status_code == 201, made.content
    rule = made.json()
    assert (rule["words"], rule["enabled"], rule["params"]["options"]["margin"]) == ("After 100 new labels", True, 0.1)
    one = f"/api/v1/rules/{rule['id']}/"
    changed = api.patch(one, {"threshold": 7, "enabled": False}, format="json").json()
    assert (changed["threshold"], changed["enabled"], changed["params"]) == (7, False, rule["params"])
    other = api.patch(one, {"recipe": "arcface_head"}, format="json").json()
    assert other["params"]["recipe"] == "arcface_head" and other["threshold"] == 7
    assert api.patch(one, {"kind": "schedule"}, format="json").status_code == 400
    assert api.patch(one, {"like": "99"}, format="json").status_code == 404
    assert len(api.get("/api/v1/projects/lobby-cameras/rules/").json()["results"]) == 1
    assert api.delete(one).status_code == 204 and api.get(one).status_code == 404


def test_annotators_read_over_the_api_and_change_nothing(labels, annotator, api_for):
    pipeline, rule = start_pipeline(labels), add_rule(labels, When(RuleKind.LABELS, threshold=5), Asked())
    api = api_for(annotator)
    assert api.get(f"/api/v1/pipelines/{pipeline.pk}/").status_code == 200
    assert api.get(f"/api/v1/rules/{rule.pk}/").status_code == 200
    assert api.post("/api/v1/projects/lobby-cameras/pipelines/", {}, format="json").status_code == 403
    assert api.post("/api/v1/projects/lobby-cameras/rules/", {"kind": "labels"}, format="json").status_code == 403
    assert api.post(f"/api/v1/pipelines/{pipeline.pk}/cancel/").status_code == 403
    assert api.post(f"/api/v1/pipelines/{pipeline.pk}/resume/").status_code == 403
    assert api.patch(f"/api/v1/rules/{rule.pk}/", {"enabled": False}, format="json").status_code == 403
    assert api.delete(f"/api/v1/rules/{rule.pk}/").status_code == 403


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def command(labels, monkeypatch):
    """`facet pipeline`, with its jobs done in this process instead of by workers of its own."""
    import datasets.tasks  # noqa: F401  (registers handlers)
    import recognition.tasks  # noqa: F401
    from config.work_command import WorkCommand
    from jobs.wait import wait_for

    def finish(self, job: Job) -> Job:
        perform(job.pk)
        return wait_for(job)

    monkeypatch.setattr(WorkCommand, "finish", finish)

    def run(*arguments) -> str:
        out = io.StringIO()
        call_command("pipeline", labels.slug, *arguments, stdout=out)
        return out.getvalue()

    return run


def test_the_command_runs_the_chain_to_its_end(command):
    answer = json.loads(command("--epochs", "2", "--json"))
    pipeline = Pipeline.objects.get()
    assert (answer["pipeline"], answer["version"], answer["model"]) == (pipeline.pk, 1, pipeline.training.model_id)
    assert answer["gate"] == pipeline.verdict and answer["promoted"] is False
    assert answer["map"] == pipeline.evaluation.metrics["map"] and answer["stage"] == "candidate"


def test_the_command_says_it_in_words(command):
    said = command("--epochs", "2")
    assert "Version 1 is frozen." in said and "mAP" in said and "The gate is" in said


def test_the_command_only_evaluates_when_asked_to(command):
    answer = json.loads(command("--no-training", "--json"))
    assert (answer["model"], answer["gate"]) == (None, None) and answer["map"]["macro"] is not None


def test_the_command_goes_on_where_a_pipeline_stopped(command, labels):
    pipeline = start_pipeline(labels, Asked(params=TrainParams(epochs=2)))
    perform(pipeline.job_id)
    pipeline.refresh_from_db()
    cancel(pipeline)
    answer = json.loads(command("--resume", str(pipeline.pk), "--json"))
    assert (answer["pipeline"], answer["version"]) == (pipeline.pk, 1)
    with pytest.raises(CommandError, match="no pipeline 999999"):
        command("--resume", "999999")


def test_the_command_says_how_to_go_on_after_a_job_that_failed(command, labels, monkeypatch):
    monkeypatch.setattr("recognition.tasks.evaluate", lambda run, work: 1 / 0)
    with pytest.raises(CommandError, match=r"A fault in Facet.*stopped at “evaluate”; --resume"):
        command("--epochs", "2")
    assert Pipeline.objects.get().state == PipelineState.FAILED


def test_the_command_says_where_it_failed(add_faces, command, labels):
    labels.faces.filter(identity__name="Ben").delete()
    with pytest.raises(CommandError, match=r"at least 2.*stopped at “train”; --resume"):
        command()
    assert Job.objects.filter(kind="freeze", state=State.DONE).count() == 1
