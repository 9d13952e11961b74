"""Pages about runs: starting them, watching a training, and the report of an evaluation."""

import csv
import io
import json

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from datasets.models import Version, VersionState
from jobs.models import Job
from labelling.identities import get_or_create_identity
from labelling.loop import loop_steps
from labelling.models import Face, FaceState, Image, ImageState, Who
from labelling.projects import create_project
from recognition.models import IdentityMetric, Model, Run, RunKind, RunState, Stage
from recognition.report_files import cell

HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://example.org")'


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """The real hasher takes half a second a user, by design."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def make_version(project):
    def make(project=project, people=(("Ana", 3, 1), ("Ben", 2, 1)), **fields):
        number = Version.objects.filter(project=project).count() + 1
        rows = [{"name": name, "train": train, "val": 0, "test": test} for name, train, test in people]
        ready = {"state": VersionState.READY, "content_hash": f"{number:064x}", "statistics": {"people": rows}}
        return Version.objects.create(project=project, number=number, frozen_at=timezone.now(), **(ready | fields))

    return make


@pytest.fixture
def make_model():
    def make(version, **fields):
        return Model.objects.create(
            project=version.project, name="Head", kind="arcface_head", embedder="dlib", version=version,
            artifact_key="x", artifact_sha256="a" * 64, **fields,
        )  # fmt: skip

    return make


def figures(rate: float | None, mean: float | None) -> dict:
    targets = ((0.1, rate), (0.01, rate), (0.001, None))
    return {
        "map": {
            "macro": mean, "weighted": mean, "low": mean and mean - 0.05, "high": mean and mean + 0.03,
            "min_probes": 3, "measured": 2, "too_few": 1,
        },
        "recognition_rate": {
            "value": rate, "low": rate and rate - 0.1, "high": rate and rate + 0.05, "probes": 40, "correct": 36,
            "no_gallery": 0,
        },
        "cmc": [rate, 1.0] if rate else [],
        "verification": {
            "genuine": 50, "impostors": 700, "auc": rate, "eer": rate and 0.04,
            "at_fpr": [
                {
                    "max_fpr": fpr, "tpr": tpr, "threshold": tpr and 0.6, "impostors": 700,
                    "impostors_needed": round(3 / fpr),
                }
                for fpr, tpr in targets
            ],
        },
    }  # fmt: skip


def metrics(own=(0.9, 0.85), simple=(0.8, 0.75), *, beats=True, model="Head") -> dict:
    return {
        "gallery": 120, "probes": 40, "identities": 3, "embedder": "dlib", "model": model,
        **figures(*own),
        "confusion": {
            "threshold": 0.6125, "max_fpr": 0.01, "tp": 45, "fp": 6, "fn": 5, "tn": 694,
            "tpr": 0.9, "fpr": 6 / 700, "precision": 45 / 51, "fnr": 0.1, "tnr": 694 / 700, "f1": 90 / 101,
        },
        "baseline": {"name": "Frozen embedding + nearest mean", **figures(*simple)},
        "chance": {"recognition_rate": 1 / 3},
        "beats_baseline": beats,
    }  # fmt: skip


def curves(mistakes=()) -> dict:
    pr = {"recall": [0.2, 0.6, 1.0], "precision": [1.0, 0.9, 0.5]}
    roc = {"fpr": [0.0, 0.01, 1.0], "tpr": [0.5, 0.9, 1.0]}
    return {
        "pr": pr, "baseline_pr": pr, "roc": roc, "baseline_roc": roc, "cmc": [0.9, 1.0], "baseline_cmc": [0.8, 0.95],
        "histogram": {"edges": [-1, 0, 1], "genuine": [1, 49], "impostor": [650, 50]},
        "confusions": [{"truth": HOSTILE, "predicted": "Ben", "count": 2, "share": 0.5}],
        "mistakes": list(mistakes),
    }  # fmt: skip


@pytest.fixture
def make_report(make_version):
    """A finished evaluation with figures of three people, as `evaluate` writes them."""

    def make(version=None, mistakes=(), people=(HOSTILE, "Ben", FORMULA), **fields):
        version = version or make_version()
        done = {"state": RunState.DONE, "metrics": metrics(), "curves": curves(mistakes), "finished_at": timezone.now()}
        run = Run.objects.create(project=version.project, kind=RunKind.EVALUATE, version=version, **(done | fields))
        for number, name in enumerate(people):
            ap = None if number == 2 else 0.5 + 0.3 * (number % 2)
            IdentityMetric.objects.create(
                run=run, identity_name=name, class_id=number, gallery=4, probes=5 - 2 * number if number < 2 else 1,
                ap=ap, ap_low=ap and ap - 0.2, ap_high=ap and ap + 0.1, baseline_ap=ap and 0.6,
                recognition_rate=0.8, precision=0.75, recall=0.8, confusions=[{"name": "Ben", "count": 2}],
            )  # fmt: skip
        return run

    return make


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


def test_the_list_warns_of_a_model_that_does_not_beat_the_baseline(make_report, make_model, project, owner, client_for):
    run = make_report(metrics=metrics(beats=False))
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


# --- a report ---


def test_a_report_gives_figures_with_intervals_beside_what_bounds_them(make_report, annotator, client_for):
    page = text_of(client_for(annotator).get(run_url(make_report())))
    for words in (
        "85.0 %", "80.0–88.0 % at 95 %", "75.0 %",  # mAP, interval, baseline
        "90.0 %", "80.0 %", "33 %",  # recognition rate, baseline, chance
        "Verification at FPR 1 %", "0.613", "45", "694",
        "over 2 people with 3 or more test faces", "120 named training and validation faces",
    ):  # fmt: skip
        assert words in page


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "The model beats the simpler way."),
        ({"own": (0.9, 0.78)}, "ahead of the simpler way, but not surely"),
        ({"beats": False, "own": (0.7, 0.7)}, "The model does not beat the simpler way."),
        ({"beats": None}, "Too few test faces to compare"),
        ({"model": None}, "this is the embedding alone"),
    ],
)
def test_a_report_says_plainly_whether_the_model_is_worth_having(changed, words, make_report, annotator, client_for):
    run = make_report(metrics=metrics(**changed))
    assert words in text_of(client_for(annotator).get(run_url(run)))


def test_a_model_that_is_the_embedding_itself_is_not_praised(make_report, make_version, project, annotator, client_for):
    version = make_version()
    training = Run.objects.create(project=project, kind=RunKind.TRAIN, version=version, metrics={"best_epoch": 0})
    page = text_of(client_for(annotator).get(run_url(make_report(version, parent=training))))
    assert "Training gained nothing" in page
    assert "beats the simpler way" not in page


def test_what_could_not_be_measured_is_a_dash_with_a_reason_never_zero(make_report, annotator, client_for):
    nothing = metrics((None, None), (None, None), beats=None)
    nothing["confusion"] = None
    nothing["recognition_rate"] |= {"probes": 0, "correct": 0}
    empty = {"pr": {"recall": [], "precision": []}, "roc": {"fpr": [], "tpr": []}, "cmc": [], "mistakes": []}
    run = make_report(metrics=nothing, curves=empty, people=())
    page = text_of(client_for(annotator).get(run_url(run)))
    for words in (
        "Nobody has 3 or more test faces.",
        "No test face belongs to an enrolled person.",
        "There are not enough pairs of test faces to say.",
        "too few pairs of different people among the test faces to set a threshold",
        "so there is no curve",
        "No person was measured in this run.",
    ):
        assert words in page
    assert "0.0 %" not in page
    assert "None" not in page.replace("None:", "")


def test_a_report_without_any_figures_still_opens(make_report, annotator, client_for):
    run = make_report(metrics={}, curves={}, people=())
    assert "Not measured." in text_of(client_for(annotator).get(run_url(run)))


def rows_of(answer) -> list[str]:
    return [row.identity_name for row in answer.context["table"].rows]


def test_people_come_weakest_first_and_those_with_too_few_probes_last(make_report, annotator, client_for):
    answer = client_for(annotator).get(run_url(make_report()))
    assert rows_of(answer) == [HOSTILE, "Ben", FORMULA]
    page = text_of(answer)
    assert "too few" in page
    assert "50.0 %" in page
    assert "30.0–60.0 %" in page
    assert rows_of(client_for(annotator).get(answer.request["PATH_INFO"], {"sort": "-ap"})) == ["Ben", HOSTILE, FORMULA]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"show": "too_few"}, [FORMULA]),
        ({"show": "measured"}, [HOSTILE, "Ben"]),
        ({"show": "worse"}, [HOSTILE]),
        ({"q": "be"}, ["Ben"]),
        ({"q": "%"}, []),
        ({"sort": "-probes"}, [HOSTILE, "Ben", FORMULA]),
        ({"sort": "identity_name; drop"}, [HOSTILE, "Ben", FORMULA]),
        ({"show": "nonsense", "page": "nan"}, [HOSTILE, "Ben", FORMULA]),
    ],
)
def test_people_are_found_and_filtered(asked, found, make_report, annotator, client_for):
    assert rows_of(client_for(annotator).get(run_url(make_report()), asked)) == found


def test_a_search_answers_with_the_part_that_changes(make_report, annotator, client_for):
    answer = client_for(annotator).get(
        run_url(make_report()), {"q": "nobody"}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="people"
    )
    assert text_of(answer).startswith('<div id="people"')
    assert "Nobody matches." in text_of(answer)


def test_names_are_never_markup(make_report, annotator, client_for):
    run = make_report(mistakes=[{"face_id": 1, "truth": HOSTILE, "predicted": HOSTILE, "score": 0.9, "own_score": 0.2}])
    page = client_for(annotator).get(run_url(run)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.fixture
def faces(project):
    """Two confirmed faces of one photo, Ana's and Ben's."""
    image = Image.objects.create(
        project=project, sha256="a" * 64, name="a.jpg", byte_size=1, format="JPEG", width=100, height=100, phash=0,
        sharpness=1, brightness=1, state=ImageState.LABELLED,
    )  # fmt: skip
    return [
        Face.objects.create(
            project=project, image=image, x=x, y=1, w=20, h=20, image_w=100, image_h=100, origin="human",
            state=FaceState.CONFIRMED, who=Who.ASSIGNED, identity=get_or_create_identity(project, name),
        )
        for x, name in ((1, "Ana"), (50, "Ben"))
    ]  # fmt: skip


def mistake(probe: int, other: int, truth="Ana", image_id=None) -> dict:
    return {
        "face_id": probe, "nearest_face_id": other, "truth": truth, "predicted": "Ben", "score": 0.91,
        "own_score": 0.44, "image_id": image_id,
    }  # fmt: skip


def test_mistakes_show_both_faces_and_lead_to_the_label(faces, make_report, annotator, client_for):
    ana, ben = faces
    page = text_of(client_for(annotator).get(run_url(make_report(mistakes=[mistake(ana.pk, ben.pk)]))))
    for face in faces:
        assert reverse("crop", args=[face.pk, face.box_key]) in page
    assert f"{reverse('label', args=[ana.project.slug])}?image={ana.image_id}" in page
    assert "Similarity 0.910 to that face, 0.440 to the best of their own." in page
    assert "relabelled since" not in page


def test_faces_that_are_gone_or_relabelled_are_said_to_be(faces, make_report, annotator, client_for):
    ana, ben = faces
    rows = [mistake(10**9, ben.pk, image_id=ana.image_id), mistake(ben.pk, 10**9, truth="Cem")]
    page = text_of(client_for(annotator).get(run_url(make_report(mistakes=rows))))
    assert page.count("face removed") == 2
    assert "relabelled since</span> now Ben" in page


def test_faces_of_other_projects_never_show(faces, make_report, make_version, owner, client_for):
    other = create_project("Another house", by=owner)
    run = make_report(make_version(project=other), mistakes=[mistake(faces[0].pk, faces[1].pk)])
    page = text_of(client_for(owner).get(run_url(run)))
    assert page.count("face removed") == 2
    assert "media/faces" not in page


def test_pages_of_runs_ask_a_fixed_number_of_questions(faces, make_report, project, engineer, client_for):
    client = client_for(engineer)

    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    few = make_report(mistakes=[mistake(faces[0].pk, faces[1].pk)])
    counted = queries(run_url(few)), queries(list_url(project))
    with CaptureQueriesContext(connection) as strip:
        loop_steps(project)
    many = make_report(few.version, [mistake(face.pk, 10**9) for face in faces] * 9, [f"P{n}" for n in range(40)])
    assert (queries(run_url(many)), queries(list_url(project))) == counted
    # Session, user, project, role asked for and role held; then the run, its people and their number, and the
    # faces of its mistakes; or the runs, whether there is a version, and the choices of two forms, those that must
    # be made twice.
    assert [number - len(strip) for number in counted] == [9, 12]


# --- taking it along ---


def test_the_csv_has_every_person_and_no_formula(make_report, annotator, client_for):
    run = make_report()
    answer = client_for(annotator).get(run_url(run), {"download": "csv"})
    assert answer["Content-Disposition"] == f'attachment; filename="lobby-cameras-run{run.pk}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["identity_name"] for row in rows} == {HOSTILE, "Ben", f"'{FORMULA}"}
    by_name = {row["identity_name"]: row for row in rows}
    assert by_name["Ben"]["ap"] == "0.8"
    assert by_name[f"'{FORMULA}"]["ap"] == ""
    assert by_name["Ben"]["taken_for"] == "Ben (2)"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_cells_that_would_be_formulas_are_made_text(start):
    assert cell(f"{start}1+1") == f"'{start}1+1"
    assert cell(f"a{start}") == f"a{start}"


def test_numbers_stay_numbers():
    assert cell(-0.5) == -0.5
    assert cell(None) is None


def test_the_json_has_all_that_was_measured(make_report, annotator, client_for):
    run = make_report()
    answer = client_for(annotator).get(run_url(run), {"download": "json"})
    content = json.loads(answer.content)
    assert content["metrics"] == run.metrics
    assert content["curves"] == run.curves
    assert len(content["identities"]) == 3
    assert content["content_hash"] == run.version.content_hash
    assert answer["Content-Type"] == "application/json"


def test_an_unknown_download_is_the_page_itself(make_report, annotator, client_for):
    assert "<html" in text_of(client_for(annotator).get(run_url(make_report()), {"download": "exe"}))
