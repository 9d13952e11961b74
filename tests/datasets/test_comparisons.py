"""Comparisons: worked out once by a job, kept, and read a part at a time; what people did is found again in them."""

from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.urls import reverse

from datasets.change_file import read_changes, write_changes
from datasets.changes import KINDS
from datasets.comparisons import changes_of, comparison_of, make_comparison
from datasets.diff import compare
from datasets.models import Comparison, ComparisonState
from jobs.models import Job, Queue, State
from jobs.steer import request_cancel
from jobs.work import perform
from labelling import fsck, storage
from labelling.errors import Refused
from labelling.identities import rename_identity
from labelling.merge import merge_people
from labelling.models import Face, Identity, Image
from labelling.projects import create_project
from labelling.split import split_person
from tests.datasets.version_tables import named, tables


@pytest.fixture
def compared(transactional_db):
    """Compare as the worker would, and return the comparison as the database then has it."""
    import datasets.tasks  # noqa: F401  (registers the handlers)

    def compare_now(old, new):
        comparison = comparison_of(old, new)
        if comparison.job_id:
            perform(comparison.job_id)
        return Comparison.objects.select_related("old__project", "new__project").get(pk=comparison.pk)

    return compare_now


def person(project, name) -> Identity:
    return Identity.objects.in_project(project).get(name=name)


def counted(comparison) -> dict[str, int]:
    return {kind: count for kind, count in comparison.summary["counts"].items() if count}


def names(comparison, kind) -> list[tuple]:
    rows = changes_of(comparison, kind=kind).rows
    return [(row["old_name"], row["new_name"], row["faces"]) for row in rows]


@pytest.fixture
def alone(project, add_photo):
    """Ana with four photos, Ben with three, Cem with two; nobody shares a photo."""
    for name, count in (("Ana", 4), ("Ben", 3), ("Cem", 2)):
        for number in range(count):
            add_photo(project, f"{name}-{number}", [name])
    return project


# What people do


def test_a_merge_is_found_as_a_merge(alone, freeze_now, compared, owner):
    old = freeze_now(alone)
    merge_people(person(alone, "Ben"), person(alone, "Ana"), by=owner, event_id=uuid4())
    comparison = compared(old, freeze_now(alone))
    assert names(comparison, "person_merged") == [("Ben", "Ana", 3)]
    assert names(comparison, "person_gone") == [("Ben", None, 3)]
    assert comparison.summary["counts"]["face_moved"] == 3
    assert comparison.summary["moves"] == [{"old": "assigned", "new": "assigned", "faces": 3}]
    assert comparison.summary["new"]["identities"] == 2


def test_a_split_is_found_as_a_split(alone, freeze_now, compared, owner):
    old = freeze_now(alone)
    ana = person(alone, "Ana")
    faces = list(Face.objects.filter(identity=ana)[:2])
    split_person(ana, [face.pk for face in faces], to="Anja", by=owner, event_id=uuid4())
    comparison = compared(old, freeze_now(alone))
    assert names(comparison, "person_split") == [("Ana", "Anja", 2)]
    assert names(comparison, "person_new") == [(None, "Anja", 2)]
    assert {row["face_id"] for row in changes_of(comparison, kind="face_moved").rows} == {face.pk for face in faces}


def test_a_new_name_moves_no_face(alone, freeze_now, compared, owner):
    old = freeze_now(alone)
    rename_identity(person(alone, "Ana"), "Ana Lund", by=owner, event_id=uuid4())
    comparison = compared(old, freeze_now(alone))
    assert names(comparison, "person_renamed") == [("Ana", "Ana Lund", 4)]
    assert "face_moved" not in counted(comparison)


def test_photos_that_came_and_went_take_their_faces_along(alone, add_photo, freeze_now, compared):
    old = freeze_now(alone)
    add_photo(alone, "late", ["Dana", None])
    Image.objects.get(project=alone, name="Cem-0.jpg").delete()
    counts = counted(compared(old, freeze_now(alone)))
    assert {kind: counts[kind] for kind in counts if "split" not in kind} == {
        "person_new": 1, "face_added": 2, "face_removed": 1, "photo_added": 1, "photo_removed": 1,
    }  # fmt: skip


# How it is kept


def test_two_versions_are_compared_once_whoever_asks(alone, freeze_now, compared, add_photo, owner):
    old = freeze_now(alone)
    add_photo(alone, "late", ["Ana"])
    new = freeze_now(alone)
    first = compared(old, new)
    again = comparison_of(old, new, by=owner)
    assert (again.pk, again.job_id, again.state) == (first.pk, first.job_id, ComparisonState.DONE)
    assert first.job.queue == Queue.INTERACTIVE
    assert Job.objects.filter(kind="compare").count() == 1
    other_way = compared(new, old)
    assert other_way.summary["counts"]["photo_removed"] == first.summary["counts"]["photo_added"] == 1


def test_equal_versions_are_told_at_once_and_without_a_job(alone, freeze_now):
    comparison = comparison_of(freeze_now(alone), freeze_now(alone))
    assert comparison.state == ComparisonState.DONE
    assert comparison.summary["is_equal"]
    assert (comparison.job_id, comparison.key) == (None, "")
    assert changes_of(comparison).rows == []


def test_what_cannot_be_compared_is_refused(alone, freeze_now, owner, add_photo):
    version = freeze_now(alone)
    elsewhere = create_project("Elsewhere", by=owner)
    add_photo(elsewhere, "theirs", ["Zoe"])
    with pytest.raises(Refused, match="itself"):
        comparison_of(version, version)
    with pytest.raises(Refused, match="two projects"):
        comparison_of(version, freeze_now(elsewhere))
    version.number, version.state, version.pk = 9, "freezing", None
    version.save()
    with pytest.raises(Refused, match="is being frozen"):
        comparison_of(version.project.versions.get(number=1), version)
    with pytest.raises(IntegrityError):
        Comparison.objects.create(old=version, new=version)


@pytest.fixture
def two(alone, add_photo, freeze_now):
    old = freeze_now(alone)
    add_photo(alone, "late", ["Ana"])
    return old, freeze_now(alone)


def test_a_broken_version_fails_in_words_and_can_be_compared_again_once_it_is_back(two, compared, api_for, owner):
    old, new = two
    frozen = storage.get(old.key("faces"))
    storage.put(old.key("faces"), b"damaged")
    failed = compared(old, new)
    assert failed.state == ComparisonState.FAILED
    assert "is not the file that was frozen" in failed.message
    url = reverse("api-version-diff", args=[new.project.slug, new.number])
    assert api_for(owner).get(url).json()["state"] == "failed"
    storage.put(old.key("faces"), frozen)
    again = api_for(owner).post(url)
    assert again.status_code == 202
    perform(again.json()["job"])
    assert api_for(owner).get(url).json()["counts"]["photo_added"] == 1


def test_a_cancelled_job_leaves_no_comparison_that_waits_for_ever(two):
    comparison = comparison_of(*two)
    request_cancel(comparison.job)
    comparison.refresh_from_db()
    assert comparison.state == ComparisonState.FAILED


def test_a_job_done_twice_stores_one_list(two, compared):
    comparison = compared(*two)
    stored = storage.get(comparison.key)
    Comparison.objects.filter(pk=comparison.pk).update(state=ComparisonState.WAITING)
    Job.objects.filter(pk=comparison.job_id).update(state=State.QUEUED, attempt=0)
    again = compared(*two)
    assert (again.key, again.sha256) == (comparison.key, comparison.sha256)
    assert storage.get(again.key) == stored
    assert make_comparison(again, None) == {"counts": again.summary["counts"]}


def test_lists_are_known_to_fsck_and_a_lost_one_is_worked_out_anew(two, compared, project, api_for, owner):
    for left in list(storage.listed(storage.project_prefix(project.pk) + "comparisons/")):
        storage.delete(left.key)  # of another database that shares the store
    comparison = compared(*two)
    storage.delete(comparison.key)
    url = reverse("api-version-diff", args=[project.slug, comparison.new.number])
    (lost,) = [found for found in fsck.check(project) if "comparisons" in found.key]
    assert (lost.kind, lost.key) == ("missing", comparison.key)
    asked = api_for(owner).get(url)
    assert asked.status_code == 202
    perform(asked.json()["job"])
    assert api_for(owner).get(url).status_code == 200
    anew = Comparison.objects.get(new=comparison.new)
    storage.put(anew.key, b"damaged")
    repaired = [found for found in fsck.check(project, repair=True, sample=None) if "comparisons" in found.key]
    assert [found.is_left for found in repaired if found.kind == "damaged"] == [False]
    assert not Comparison.objects.exists()


# How it is read


@pytest.fixture
def long_list(bucket, monkeypatch):
    """Fifty faces added of three people in turn, ten of them moved, in groups of seven rows."""
    monkeypatch.setattr("datasets.change_file.ROWS_TOGETHER", 7)
    photos = dict.fromkeys(range(60), "train")
    faces = [named(number, number, number % 3, "ABC"[number % 3]) for number in range(60)]
    old = [face.but(class_id=1, name="B") for face in faces[:10]]
    difference = compare(tables(dict.fromkeys(range(10), "train"), old), tables(photos, faces))
    return difference


def test_any_part_of_a_stored_list_is_that_part_of_the_whole(long_list, tmp_path):
    path = tmp_path / "list.parquet"
    with path.open("wb") as file:
        write_changes(long_list, file)
    key = "projects/0/comparisons/0-test.parquet"
    storage.upload_file(key, str(path))
    counts, size = long_list.summary["counts"], path.stat().st_size
    whole = [row for kind in KINDS for row in long_list.rows(kind).to_pylist()]

    def read(**asked):
        return read_changes(key, size, counts, **asked)

    assert read(most=1000).rows == whole
    assert read(start=13, most=20).rows == whole[13:33]
    assert read(start=len(whole), most=5).rows == []
    added = long_list.rows("face_added").to_pylist()
    assert read(kind="face_added", start=12, most=9).rows == added[12:21]
    assert read(kind="face_added", start=45, most=9).rows == added[45:]
    about = [row for row in whole if 2 in (row["old_class_id"], row["new_class_id"])]
    of_one = read(people={2}, most=1000)
    assert of_one.rows == about
    assert sum(of_one.counts.values()) == len(about)
    moved = [row for row in about if row["kind"] == "face_moved"]
    assert read(kind="face_moved", people={2}, start=1, most=1).rows == moved[1:2]
    assert of_one.counts["face_moved"] == len(moved)
    assert read(people={99}).rows == []
    storage.delete(key)


# The API


@pytest.mark.parametrize("role", ["annotator", "reviewer", "engineer"])
def test_members_of_any_role_may_compare(role, two, request, api_for):
    url = reverse("api-version-diff", args=[two[1].project.slug, 2])
    first = api_for(request.getfixturevalue(role)).get(url, {"against": 1})
    assert first.status_code == 202
    assert first.json() == {"state": "waiting", "message": "", "job": Comparison.objects.get().job_id}


def test_strangers_and_unknown_versions_are_not_found(two, api_for, stranger, owner):
    url = reverse("api-version-diff", args=[two[1].project.slug, 2])
    assert api_for(stranger).get(url, {"against": 1}).status_code == 404
    assert api_for(owner).get(url, {"against": 7}).status_code == 404
    assert not Comparison.objects.exists()


def test_the_answer_has_counts_and_the_part_of_the_list_that_was_asked_for(two, compared, api_for, owner):
    compared(*two)
    api, url = api_for(owner), reverse("api-version-diff", args=[two[1].project.slug, 2])
    whole = api.get(url).json()  # against the version before, unless another one is named
    assert whole["old"]["version"] == 1
    assert whole["counts"]["face_added"] == 1
    assert whole["imbalance"]["new"]["most"] == 5
    added = api.get(url, {"kind": "face_added"}).json()["changes"]
    assert [(face["new"]["name"], face["old"], face["photo"]) for face in added] == [("Ana", None, "late.jpg")]
    of_ana = api.get(url, {"identity": "ana"}).json()
    assert of_ana["found"]["face_added"] == 1
    assert of_ana["found"]["photo_added"] == 0
    assert api.get(url, {"offset": 10_000}).json()["changes"] == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "everything"}, "everything"),
        ({"identity": "Nobody"}, "Nobody is called “Nobody” in either version."),
        ({"offset": "-1"}, "offset"),
        ({"against": "x"}, "against"),
        ({"against": "2"}, "compared with itself"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(asked, words, two, compared, api_for, owner):
    compared(*two)
    answer = api_for(owner).get(reverse("api-version-diff", args=[two[1].project.slug, 2]), asked)
    assert answer.status_code == 400
    assert words in answer.text


def test_the_first_version_has_to_be_told_with_what_to_compare(two, api_for, owner):
    answer = api_for(owner).get(reverse("api-version-diff", args=[two[0].project.slug, 1]))
    assert answer.status_code == 400
    assert "Say with which version to compare." in answer.text


def test_long_lists_come_in_pages(two, compared, api_for, owner, monkeypatch):
    monkeypatch.setattr("datasets.api.VersionDiff.PAGE_SIZE", 1)
    comparison = compared(*two)
    api, url = api_for(owner), reverse("api-version-diff", args=[two[1].project.slug, 2])
    offset, kinds = 0, []
    while offset is not None:
        page = api.get(url, {"offset": offset}).json()
        kinds += [change["kind"] for change in page["changes"]]
        offset = page["next_offset"]
    assert {kind: kinds.count(kind) for kind in kinds} == counted(comparison)
