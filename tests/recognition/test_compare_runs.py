"""Runs side by side, and a run once more."""

import numpy as np
import pyarrow as pa
import pytest
from django.urls import reverse

from labelling import storage
from labelling.errors import Refused
from labelling.identities import get_or_create_identity
from labelling.models import Face, FaceState, Image, ImageState, Who
from labelling.projects import create_project
from recognition.compare_runs import comparison, runs_to_compare
from recognition.models import IdentityMetric, Run, RunKind, RunState
from recognition.probe_verdicts import SCHEMA, VerdictsGone, forget_people, read_verdicts, store_verdicts, verdict_key
from recognition.run_again import repetition, run_again
from tests.recognition.test_pages_report import text_of

ANA, BEN = 0, 1


def keep_verdicts(run, rows):
    """rows: (face, class, named, rank)."""
    columns = list(zip(*rows, strict=True))
    scores = [np.full(len(rows), 0.9, np.float32), np.full(len(rows), 0.5, np.float32)]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=False)]
    table = pa.Table.from_arrays([*arrays, *map(pa.array, scores)], schema=SCHEMA)
    run.curves = {**run.curves, "verdicts": store_verdicts(run, table)}
    run.save()
    return run


@pytest.fixture
def faces(project):
    image = Image.objects.create(
        project=project, sha256="a" * 64, name="a.jpg", byte_size=1, format="JPEG", width=900, height=100, phash=0,
        sharpness=1, brightness=1, state=ImageState.LABELLED,
    )  # fmt: skip
    people = [get_or_create_identity(project, name) for name in ("Ana", "Ana", "Ben", "Ben")]
    return [
        Face.objects.create(
            project=project, image=image, x=10 + 50 * place, y=1, w=20, h=20, image_w=900, image_h=100, origin="human",
            state=FaceState.CONFIRMED, who=Who.ASSIGNED, identity=person,
        )
        for place, person in enumerate(people)
    ]  # fmt: skip


@pytest.fixture
def two(faces, make_report):
    """Ana's second face is gained, Ben's first is lost; Ben's second was not in the first run."""
    a, b, c, d = (face.pk for face in faces)
    first = keep_verdicts(make_report(people=("Ana", "Ben")), [(a, ANA, ANA, 1), (b, ANA, BEN, 2), (c, BEN, BEN, 1)])
    second = make_report(first.version, people=("Ana", "Ben"), params={"gallery": "one"})
    keep_verdicts(second, [(a, ANA, ANA, 1), (b, ANA, ANA, 1), (c, BEN, ANA, 2), (d, BEN, BEN, 1)])
    IdentityMetric.objects.filter(run=second, class_id=BEN).update(ap=0.4)
    return first, second


def test_faces_are_gained_and_lost_among_those_tested_in_both(two, faces):
    told = comparison(list(two))
    (change,) = told["changes"]
    assert (change["faces"], change["gained"], change["lost"]) == (3, [faces[1].pk], [faces[2].pk])
    ben, ana = told["people"]
    assert (ben["name"], ben["gained"], ben["lost"], ben["change"]) == ("Ben", 0, 1, pytest.approx(-0.4))
    assert (ana["name"], ana["gained"], ana["lost"], ana["change"]) == ("Ana", 1, 0, 0)


def test_only_parameters_that_differ_are_told(two):
    rows = {row["name"]: row["values"] for row in comparison(list(two))["parameters"]}
    assert set(rows) == {"protocol"} and rows["protocol"][1] == "gallery of one face a person"


def test_runs_without_answers_for_single_faces_are_compared_without_them(two, make_report):
    old = make_report(two[0].version)
    told = comparison([two[0], old])
    assert "kept no answers for single faces" in told["changes"][0]["reason"]
    storage.delete(verdict_key(old.project_id, two[1].pk))
    assert "gone from the store" in comparison(list(two))["changes"][0]["reason"]
    storage.put(verdict_key(old.project_id, two[1].pk), b"other bytes")
    with pytest.raises(VerdictsGone, match="not what it wrote"):
        read_verdicts(two[1])


def test_a_training_stands_for_its_evaluation(two, project):
    training = Run.objects.create(project=project, kind=RunKind.TRAIN, version=two[0].version, state=RunState.DONE)
    Run.objects.filter(pk=two[1].pk).update(parent=training)
    assert runs_to_compare(project, [two[0].pk, training.pk, two[1].pk]) == list(two)


def test_what_cannot_be_compared_is_refused(two, project, owner, make_version, make_report):
    theirs = make_report(make_version(project=create_project("Another house", by=owner)))
    for asked in ([], [two[0].pk], [two[0].pk, two[0].pk], [two[0].pk, theirs.pk], list(range(7))):
        with pytest.raises(Refused):
            runs_to_compare(project, asked)


def test_the_page_shows_figures_curves_people_and_crops(two, faces, project, annotator, client_for):
    client = client_for(annotator)
    page = text_of(client.get(reverse("runs-compare", args=[project.slug]), {"run": [run.pk for run in two]}))
    for words in ("2 runs side by side", "85.0 %", "80.0–88.0 %", "gallery of one face a person", "-40.0 %",
                  "1 was named wrongly and is right now; 1 the other way round"):  # fmt: skip
        assert words in page
    for face in faces[1:3]:
        assert reverse("crop", args=[face.pk, face.box_key]) in page
    assert reverse("crop", args=[faces[0].pk, faces[0].box_key]) not in page
    answer = client.get(reverse("runs-compare", args=[project.slug]), {"run": two[0].pk})
    assert answer["Location"] == reverse("runs", args=[project.slug])
    assert 'form="compare-form"' in text_of(client.get(answer["Location"]))


def test_the_api_compares_runs(two, project, annotator, client_for):
    url = reverse("api-runs-compare", args=[project.slug])
    answer = client_for(annotator).get(url, {"run": f"{two[0].pk},{two[1].pk}"})
    assert answer.status_code == 200 and [run["id"] for run in answer.json()["runs"]] == [run.pk for run in two]
    assert client_for(annotator).get(url, {"run": two[0].pk}).status_code == 400


def test_an_erasure_takes_the_answers_about_a_person_away(two, faces, project):
    entry = forget_people(two[1], [BEN])
    two[1].curves["verdicts"] = entry
    assert np.asarray(read_verdicts(two[1])["face_id"]).tolist() == [faces[0].pk, faces[1].pk]
    assert forget_people(two[1], [BEN]) is None


# ── once more ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_is_repeated_with_all_that_was_asked_of_it(two, engineer, client_for, project):
    url = reverse("run-again", args=[project.slug, two[1].pk])
    Run.objects.filter(pk=two[1].pk).update(seed=7, metrics={**two[1].metrics, "model": None})
    answer = client_for(engineer).post(url)
    again = Run.objects.latest("pk")
    assert answer["Location"] == reverse("run", args=[project.slug, again.pk])
    assert (again.version, again.seed, again.params) == (two[1].version, 7, {"gallery": "one", "repeats": two[1].pk})
    assert again.job.kind == "evaluate" and again.state == RunState.WAITING
    assert repetition(again) is None
    with pytest.raises(Refused, match="not finished"):
        run_again(again, by=engineer)


def test_an_evaluation_of_a_model_that_is_gone_is_not_repeated_as_something_else(two, engineer, client_for):
    answer = client_for(engineer).post(reverse("api-run-again", args=[two[0].pk]))
    assert answer.status_code == 400 and "is gone" in answer.json()["error"]["message"]


def test_only_engineers_repeat_runs(two, annotator, client_for, project):
    client = client_for(annotator)
    assert client.post(reverse("run-again", args=[project.slug, two[0].pk])).status_code == 403
    assert client.post(reverse("api-run-again", args=[two[0].pk])).status_code == 403
    assert "Run again" not in text_of(client.get(reverse("run", args=[project.slug, two[0].pk])))


def test_a_repeated_run_says_whether_it_is_the_same_to_the_last_digit(make_report, annotator, client_for):
    first = make_report()
    again = make_report(first.version, params={"repeats": first.pk})
    url = reverse("run", args=[again.project.slug, again.pk])
    client = client_for(annotator)
    assert "Identical to the last digit." in text_of(client.get(url))
    # Opinions are not of the run.
    again.metrics["human"] = {"value": 0.9, "low": 0.8, "high": 0.95, "faces": 20, "photos": 9, "kappa": 0.8}
    again.metrics["map"]["macro"] = np.nextafter(again.metrics["map"]["macro"], 1)
    again.environment = {"packages": {"numpy": "9"}}
    again.save()
    told = repetition(again)
    assert (told.count, told.differing, told.elsewhere) == (1, ["metrics.map.macro"], ["packages.numpy"])
    assert "Not the same as before." in text_of(client.get(url))
    IdentityMetric.objects.filter(run=again, class_id=1).update(ap=0.123)
    assert "people[1][3]" in repetition(again).differing
    assert told.figures > 50
