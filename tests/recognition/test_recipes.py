"""Recipes: what there is to choose, what each fits and writes, and how baselines see faces."""

import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import call_command
from django.urls import reverse
from safetensors.numpy import load as load_arrays
from sklearn.metrics import pairwise_distances

from labelling import storage
from labelling.claims import accept_claims
from labelling.errors import Refused
from recognition.alignment import align
from recognition.baselines import best_baseline
from recognition.drawing import draw_portrait
from recognition.face_crops import SIDE_PX, TEMPLATE, with_crops
from recognition.labelled_faces import LabelledFaces, load_faces
from recognition.measure import figures, measure
from recognition.models import Run, RunState
from recognition.recipe_list import ALL, BASELINES, BY_NAME, read_options, settled
from recognition.recipes import eigenfaces, lbph, load_scorer, module_of
from recognition.recipes.scorer import BadArtifact
from recognition.runs import TrainParams, start_training
from recognition.verdict import verdict
from tests.inside import REPOSITORY
from tests.recognition.conftest import looks

PEOPLE, PHOTOS, IN_GALLERY = 5, 6, 4


@pytest.fixture(scope="module")
def drawn():
    """Drawn people, straightened by their true landmarks, with made-up vectors: gallery and probes."""
    import cv2

    crops, names, vectors = [], [], []
    for person in range(PEOPLE):
        for photo in range(PHOTOS):
            shot = draw_portrait(person, photo, (200, 200))
            grey = cv2.cvtColor(shot.image, cv2.COLOR_RGB2GRAY)
            crops.append(align(grey, shot.faces[0].landmarks, TEMPLATE, SIDE_PX))
            names.append(f"Person {person}")
            vectors.append(looks(person, photo, spread=1.0))
    count = np.arange(len(names))
    splits = np.where(count % PHOTOS < IN_GALLERY, "train", "test")
    faces = LabelledFaces(count, np.array(names), count // PHOTOS, splits, count, np.stack(vectors), np.stack(crops))
    return faces.where("train"), faces.where("test")


def fitted(recipe, gallery, seed=1, **options):
    return module_of(recipe).fit(gallery, settled(BY_NAME[recipe], options), seed).artifact


def rate(recipe, drawn, **options):
    gallery, probes = drawn
    compared = load_scorer(recipe, fitted(recipe, gallery, **options)).compare(gallery, probes)
    return figures(measure(compared, probes, seed=1))["recognition_rate"]["value"]


# ── what there is to choose ───────────────────────────────────────────────────────────────────────────────


def test_the_list_of_recipes_needs_none_of_what_they_are_made_of():
    code = (
        "import sys, django, os; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings'); django.setup();"
        "import recognition.recipe_list, recognition.forms, recognition.api, recognition.views;"
        "print([name for name in ('torch', 'cv2', 'sklearn', 'dlib') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_every_recipe_has_a_module_that_loads_what_it_wrote():
    for recipe in ALL:
        module = module_of(recipe.name)
        assert callable(module.load) and (not recipe.is_baseline or callable(module.fit))


def test_parameters_left_out_have_their_defaults_and_others_are_held_to_their_bounds():
    recipe = BY_NAME["arcface_head"]
    assert settled(recipe, {"margin": "20"})["margin"] == 20.0
    assert settled(recipe, {})["batch_size"] == 64
    for bad in ({"margin": 90}, {"margin": "much"}, {"batch_size": 8.5}, {"batch_size": True}, {"margin": "nan"}):
        with pytest.raises(Refused, match="must be a"):
            settled(recipe, bad)
    with pytest.raises(Refused, match=r"has no parameter .colour.; it has: learning_rate"):
        settled(recipe, {"colour": 1})
    assert read_options("margin=20, scale=32") == {"margin": "20", "scale": "32"}
    with pytest.raises(Refused, match="write name=value"):
        read_options("margin 20")


def test_an_engineer_chooses_recipe_and_parameters_in_the_form(make_version, project, engineer, client_for):
    make_version()
    url = reverse("runs", args=[project.slug])
    page = client_for(engineer).get(url).content.decode()
    assert all(recipe.title in page for recipe in ALL)
    form = {"kind": "train", "version": 1, "recipe": "cosface_head", "epochs": 9, "seed": 4, "options": "margin=0.2"}
    client_for(engineer).post(url, form)
    run = Run.objects.get()
    assert run.params["recipe"] == "cosface_head" and run.params["options"]["margin"] == 0.2
    for wrong in ("margin=2", "margin", "colour=1"):
        answer = client_for(engineer).post(url, form | {"options": wrong})
        assert "field__error" in answer.content.decode()
    assert Run.objects.count() == 1


def test_the_api_takes_recipe_and_parameters_and_refuses_others(make_version, project, engineer, client_for):
    make_version()
    url = f"/api/v1/projects/{project.slug}/runs/"
    ask = {"kind": "train", "version": 1, "recipe": "lbph", "options": {"grid": 4}}
    answer = client_for(engineer).post(url, json.dumps(ask), "application/json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["params"]["options"] == {"radius": 1, "grid": 4, "faces_a_person": 5}
    for wrong in (
        {"recipe": "magic"},
        {"options": {"grid": 400}},
        {"options": {"size": 1}},
        {"options": {"grid": 1.5}},
    ):
        answer = client_for(engineer).post(url, json.dumps(ask | wrong), "application/json")
        assert answer.status_code == 400, wrong
    assert Run.objects.count() == 1


# ── what they fit ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("recipe", sorted(BASELINES))
def test_an_artifact_is_safetensors_and_the_same_each_time(recipe, drawn):
    gallery, _ = drawn
    data = fitted(recipe, gallery)
    assert data == fitted(recipe, gallery)
    assert load_arrays(data)
    for damaged in (data[:-1], b"", b"\x80\x04.", fitted("chance" if recipe != "chance" else "lbph", gallery)):
        with pytest.raises(BadArtifact):
            load_scorer(recipe, damaged)


@pytest.mark.parametrize("recipe", ["lbph", "eigenfaces", "hog_linear", "logistic_regression", "nearest_mean"])
def test_each_simple_way_beats_chance_on_drawn_people(recipe, drawn):
    assert rate(recipe, drawn) >= 0.5 > 1 / PEOPLE


def test_chance_is_about_one_in_so_many_people(drawn):
    gallery, probes = drawn
    many = probes.only(np.tile(np.arange(len(probes)), 200))
    many = replace(many, photos=np.arange(len(many)))
    compared = load_scorer("chance", fitted("chance", gallery)).compare(gallery, many)
    found = figures(measure(compared, many, seed=1))
    assert found["recognition_rate"]["value"] == pytest.approx(1 / PEOPLE, abs=0.03)
    assert found["verification"]["auc"] == pytest.approx(0.5, abs=0.01)


def test_nearest_neighbour_and_mean_are_what_counting_by_hand_gives(drawn):
    gallery, probes = drawn
    nearest = gallery.names[np.argmax(probes.vectors @ gallery.vectors.T, axis=1)]
    assert rate("nearest_neighbour", drawn) == pytest.approx(np.mean(nearest == probes.names))


def test_eigenfaces_name_whom_opencv_names(drawn):
    import cv2

    gallery, probes = drawn
    learner = cv2.face.EigenFaceRecognizer_create(10)
    codes = np.unique(gallery.names, return_inverse=True)[1].astype(np.int32)
    shaped = [row.reshape(64, 64) for row in eigenfaces.pixels(gallery.crops)]
    learner.train(shaped, codes)
    theirs = [learner.predict(row.reshape(64, 64)) for row in eigenfaces.pixels(probes.crops)]
    compared = load_scorer("eigenfaces", fitted("eigenfaces", gallery, components=10)).compare(gallery, probes)
    assert np.argmax(compared.search.scores, axis=1).tolist() == [code for code, _ in theirs]
    distances = (1 - compared.search.scores.max(axis=1)) * eigenfaces.FARTHEST
    assert distances == pytest.approx([distance for _, distance in theirs], rel=1e-3)


def test_lbph_names_whom_opencv_names(drawn):
    import cv2

    gallery, probes = drawn
    learner = cv2.face.LBPHFaceRecognizer_create(1, 8, 6, 6)

    def small(crops):
        return [cv2.resize(crop, (lbph.SIDE_PX, lbph.SIDE_PX), interpolation=cv2.INTER_AREA) for crop in crops]

    learner.train(small(gallery.crops), np.unique(gallery.names, return_inverse=True)[1].astype(np.int32))
    theirs = [learner.predict(crop) for crop in small(probes.crops)]
    compared = load_scorer("lbph", fitted("lbph", gallery, faces_a_person=100)).compare(gallery, probes)
    assert np.argmax(compared.search.scores, axis=1).tolist() == [code for code, _ in theirs]
    assert (1 - compared.search.scores.max(axis=1)) * 4 * 36 == pytest.approx([d for _, d in theirs], rel=1e-3)


def test_a_classifier_ranks_people_it_does_not_know_last(drawn):
    gallery, probes = drawn
    known = gallery.only(gallery.names != "Person 2")
    scorer = load_scorer("logistic_regression", fitted("logistic_regression", known))
    scores = scorer.compare(gallery, probes).search
    column = scores.identities.tolist().index("Person 2")
    assert (np.argmin(scores.scores, axis=1) == column).all() and np.isfinite(scores.scores).all()
    two = gallery.only(np.isin(gallery.names, ["Person 0", "Person 1"]))
    both = probes.only(np.isin(probes.names, ["Person 0", "Person 1"]))
    for recipe in ("logistic_regression", "hog_linear"):
        compared = load_scorer(recipe, fitted(recipe, two)).compare(two, both)
        assert np.mean(compared.search.identities[compared.search.scores.argmax(axis=1)] == both.names) >= 0.75


def test_pairs_are_compared_by_the_distance_of_the_recipe(drawn):
    gallery, probes = drawn
    scorer = load_scorer("eigenfaces", fitted("eigenfaces", gallery))
    pair = scorer.compare(gallery, probes).pair
    rows = np.arange(4)
    inside = (eigenfaces.pixels(probes.crops[:4]).astype(float) - scorer.mean) @ scorer.components
    assert 1 - pair(rows, rows) == pytest.approx(pairwise_distances(inside) / eigenfaces.FARTHEST, abs=1e-4)


# ── as jobs, on real pixels ───────────────────────────────────────────────────────────────────────────────


def test_baselines_train_and_are_evaluated_like_any_recipe_and_the_best_stands_beside_the_model(
    project, owner, add_portrait, freeze_now, work_off, client_for
):
    for person, name in ((1, "Ana"), (2, "Ben"), (3, "Cem")):
        for photo in (1, 2, 3, 4):
            add_portrait(person, photo, claim=name)
    work_off(project, "propose", "embed")
    assert accept_claims(project, by=owner) == 12
    version = freeze_now(project)
    runs = {}
    for recipe in ("chance", "lbph", "eigenfaces", "hog_linear", "nearest_neighbour", "arcface_head"):
        runs[recipe] = start_training(version, params=TrainParams(recipe=recipe, epochs=2))
        work_off(project, "train", "evaluate")
        runs[recipe].refresh_from_db()
        assert runs[recipe].state == RunState.DONE, runs[recipe].message
        report = runs[recipe].children.get()
        assert report.state == RunState.DONE, report.message
        assert report.metrics["recognition_rate"]["value"] is not None
        json.dumps([report.metrics, report.curves], allow_nan=False)
        assert load_arrays(storage.get(runs[recipe].model.artifact_key))
    crops = with_crops(load_faces(version, "dlib"), version, lambda done, total: None).crops
    assert crops.shape == (12, SIDE_PX, SIDE_PX) and crops.std(axis=(1, 2)).min() > 10
    report = runs["arcface_head"].children.get()
    client = client_for(owner)
    for run in (runs["lbph"], runs["arcface_head"], report, runs["chance"].children.get()):
        assert client.get(reverse("run", args=[project.slug, run.pk])).status_code == 200
    assert [check["passed"] for check in runs["arcface_head"].preflight] == [True] * 10
    assert runs["chance"].preflight == []


def test_the_best_simple_way_measured_on_the_version_is_what_the_report_holds_the_model_against(
    make_report, make_version, make_model, make_metrics, project, engineer, client_for
):
    version = make_version()
    model, simple = make_model(version), make_model(version)
    simple.kind = "hog_linear"
    simple.save()
    run = make_report(version, model=model)  # mAP 0.85 against the built-in 0.75
    url = reverse("run", args=[project.slug, run.pk])
    assert best_baseline(run) is None
    assert "The model does not beat" not in client_for(engineer).get(url).content.decode()
    make_report(version, model=simple, metrics=make_metrics(own=(0.7, 0.7)))
    assert best_baseline(run) is None  # worse than the built-in one
    best = make_report(version, model=simple, metrics=make_metrics(own=(0.95, 0.9)))
    assert best_baseline(run)["run"] == best.pk
    page = client_for(engineer).get(url).content.decode()
    assert "The model does not beat the simpler way" in page and "HOG + linear" in page
    assert reverse("run", args=[project.slug, best.pk]) in page
    other = make_report(make_version(), model=model)
    assert best_baseline(other) is None
    assert (
        "This is a baseline" in client_for(engineer).get(reverse("run", args=[project.slug, best.pk])).content.decode()
    )


def test_a_failing_check_stops_the_run_with_a_sentence_and_stands_on_its_page(
    add_faces, project, freeze_now, work_off, engineer, client_for, monkeypatch
):
    from recognition import preflight

    for person, name in enumerate(("Ana", "Ben")):
        for photo in range(6):
            add_faces(f"{name}-{photo}", ((person, photo), name))
    run = start_training(freeze_now(project))
    monkeypatch.setitem(preflight.CHECKS, "Memory for a batch", lambda trial: (False, "Make the batch smaller."))
    work_off(project, "train")
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert run.message == "Checked before training, and stopped: Memory for a batch. Make the batch smaller."
    assert [check["passed"] for check in run.preflight] == [True] * 9 + [False]
    page = client_for(engineer).get(reverse("run", args=[project.slug, run.pk])).content.decode()
    assert "1 of 10 failed" in page and "Make the batch smaller." in page


def test_facet_train_takes_a_recipe_and_its_parameters(make_version, project, monkeypatch):
    from config.management.commands import train as command

    make_version()
    monkeypatch.setattr(command.Command, "finish", lambda self, job: (_ for _ in ()).throw(Refused("stop here")))
    with pytest.raises(Exception, match="stop here"):
        call_command(
            "train", project.slug, "1", "--recipe", "lbph", "--set", "grid=4", "radius=2", stdout=io.StringIO()
        )
    assert Run.objects.get().params["options"] == {"radius": 2, "grid": 4, "faces_a_person": 5}


def test_each_person_and_the_list_of_runs_are_held_against_the_best_simple_way_too(
    make_report, make_version, make_model, make_metrics, project, engineer, client_for
):
    version = make_version()
    model, simple = make_model(version), make_model(version)
    type(simple).objects.filter(pk=simple.pk).update(kind="lbph")
    run = make_report(version, model=model)  # mAP 0.85 against the built-in 0.75; each person's AP there is 0.6
    url, runs = reverse("run", args=[project.slug, run.pk]), reverse("runs", args=[project.slug])
    client = client_for(engineer)
    assert "does not beat the baseline" not in client.get(runs).content.decode()
    best = make_report(version, model=simple, metrics=make_metrics(own=(0.95, 0.9)))
    best.identity_metrics.filter(class_id=1).update(ap=0.97)
    listed = client.get(runs).content.decode()
    assert listed.count("does not beat the baseline") == 1 and "90.0" in listed
    people = json.loads(client.get(url, {"download": "json"}).content)["identities"]
    assert {row["class_id"]: row["baseline_ap"] for row in people} == {0: 0.5, 1: 0.97, 2: None}
    page = client.get(url, {"show": "worse"}).content.decode()
    assert "97.0" in page and "Cosine similarity" in page
    assert "chi-square" in client.get(reverse("run", args=[project.slug, best.pk])).content.decode()
    assert "0.97" in client.get(url, {"download": "csv"}).content.decode()


@pytest.mark.parametrize(("kind", "says"), [("arcface_head", True), ("facenet_tuned", False)])
def test_a_training_that_gained_nothing_is_the_embedding_only_where_it_was_a_head(
    kind, says, make_report, make_version, make_model
):
    version = make_version()
    model = make_model(version)
    model.kind = kind
    model.save()
    run = make_report(version, model=model)
    run.parent = Run(metrics={"best_epoch": 0})
    assert ("this model is the frozen embedding itself" in verdict(run)["title"]) is says
