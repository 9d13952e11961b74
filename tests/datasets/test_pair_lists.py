"""Lists of pairs: made of a version's faces, kept under a name, handed out to engineers alone."""

import hashlib

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

import datasets.tasks  # noqa: F401  (registers the handlers)
from datasets.manifest import read_table
from datasets.models import PairList, PairListState
from datasets.pair_lists import start_pairs
from jobs.work import perform
from labelling import storage
from labelling.errors import Refused
from labelling.fsck import check
from labelling.projects import create_project
from tests.datasets.test_pairs import strictly_read


@pytest.fixture
def version(project, add_photo, freeze_now):
    for person in ("Ana Maria", "Ben", "Cem", "Dee"):
        for number in range(8):
            add_photo(project, f"{person}-{number}", [person])
    add_photo(project, "stranger", [None])
    return freeze_now(project)


@pytest.fixture
def make():
    def make_now(version, name="lfw", **options) -> PairList:
        started = start_pairs(version, name, **options)
        perform(started.job_id)
        return PairList.objects.get(pk=started.pk)

    return make_now


def text_of(made: PairList) -> str:
    data = storage.get(made.key)
    assert hashlib.sha256(data).hexdigest() == made.sha256
    return data.decode()


def test_pairs_are_of_the_splits_asked_for_and_numbered_by_the_manifest(version, make):
    faces = read_table(version, "faces").to_pylist()
    numbered: dict = {}
    for face in (face for face in faces if face["identity"]):
        name = face["identity"].replace(" ", "_")
        place = sum(one == name for one, _ in numbered) + 1
        numbered[name, place] = face["split"]
    made = make(version, folds=2, pairs=4)
    assert made.state == PairListState.DONE
    read = strictly_read(text_of(made))
    assert {numbered[face] for fold in read for pair in fold for face in pair} == {"test"}
    both = make(version, "more", folds=2, pairs=50, splits=("train", "val"))
    assert {numbered[face] for fold in strictly_read(text_of(both)) for pair in fold for face in pair} == {
        "train", "val",
    }  # fmt: skip
    assert both.counts["people"] == 4
    assert both.counts["genuine"] == both.counts["impostor"] > made.counts["genuine"]


def test_equal_content_gives_equal_pairs_in_another_project(version, make, owner, add_photo, freeze_now):
    other = create_project("Another house", by=owner)
    add_photo(other, "Zoe-1", ["Zoe"]).delete()  # other ids, and other class ids
    for person in ("Dee", "Cem", "Ben", "Ana Maria"):
        for number in range(8):
            add_photo(other, f"{person}-{number}", [person])
    add_photo(other, "stranger", [None])
    twin = freeze_now(other)
    assert twin.content_hash == version.content_hash
    assert make(twin, folds=2).sha256 == make(version, folds=2).sha256


def test_too_few_faces_fail_in_words_and_give_the_name_back(version, make):
    failed = make(version, folds=4)
    assert failed.state == PairListState.FAILED
    assert "Ask for fewer folds" in failed.message
    assert make(version, folds=2).state == PairListState.DONE


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"name": "lfw"}, "has pairs called “lfw” already"),
        ({"name": " "}, "Give it a name"),
        ({"splits": ("exam",)}, "Choose from one or more of train, val, test"),
        ({"folds": 0}, "1 to 100 folds"),
        ({"pairs": 50_001}, "1 to 50,000 pairs"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(asked, words, version, make):
    make(version, folds=2)
    with pytest.raises(Refused, match=words):
        start_pairs(version, **({"name": "other"} | asked))
    assert PairList.objects.count() == 1


def test_pairs_over_the_api(version, engineer, annotator, stranger, api_for):
    url, api = f"/api/v1/projects/{version.project.slug}/versions/1/pairs/", api_for(engineer)
    made = api.post(url, {"name": "lfw", "folds": 2, "pairs": 3}, format="json")
    assert (made.status_code, made.json()["download"]) == (201, None)
    perform(made.json()["job"])
    (listed,) = api_for(annotator).get(url).json()["results"]
    assert listed["counts"] == {
        "genuine": listed["counts"]["genuine"],
        "impostor": listed["counts"]["genuine"],
        "people": 4,
    }
    assert "3/n" in listed["warning"]
    answer = api.get(listed["download"])
    assert strictly_read(answer.content.decode())
    assert "pairs.txt" in answer["Content-Disposition"]
    assert api_for(annotator).get(listed["download"]).status_code == 403
    assert api_for(stranger).get(listed["download"]).status_code == 404
    assert api_for(annotator).post(url, {"name": "x"}, format="json").status_code == 403
    assert api.post(url, {"name": "x", "splits": ["exam"]}, format="json").status_code == 400


def test_pairs_on_the_page(version, make, engineer, annotator, client_for):
    url, client = reverse("version-pairs", args=[version.project.slug, 1]), client_for(engineer)
    asked = {"name": "lfw", "folds": 2, "pairs": 3, "seed": 1, "splits": ["test"]}
    assert client_for(annotator).post(url, asked).status_code == 403
    assert "Folds: Ensure this value" in client.post(url, asked | {"folds": 0}, follow=True).text
    client.post(url, asked)
    assert "Pairs “lfw” of version 1" in client.get(reverse("version", args=[version.project.slug, 1])).text
    perform(PairList.objects.get().job_id)
    page = client.get(reverse("version", args=[version.project.slug, 1])).text
    assert "cannot be measured on them" in page
    assert reverse("api-pair-list-download", args=[PairList.objects.get().pk]) in page


def test_fsck_knows_the_files_of_pairs(version, make, project):
    made = make(version, folds=2)
    assert not [found for found in check(project) if "lfw" in found.what]
    storage.delete(made.key)
    (lost,) = [found for found in check(project) if "lfw" in found.what]
    assert "same seed" in lost.advice


def test_the_command_refuses_a_place_that_is_not_there(version, tmp_path):
    with pytest.raises(CommandError, match="There is no folder"):
        call_command("pairs", version.project.slug, "latest", str(tmp_path / "none" / "pairs.txt"))
    with pytest.raises(CommandError, match="no tag “golden”"):
        call_command("pairs", version.project.slug, "golden")
