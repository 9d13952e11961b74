"""The whole loop in one go, with the jobs done in this process instead of by workers."""

import json

import pytest
from PIL import Image as Picture

from config.demo import Demo
from jobs.wait import wait_for
from jobs.work import perform
from labelling.models import Project
from recognition.drawing import draw_portrait

KEYS = {
    "project", "images", "rejected", "faces_proposed", "faces_confirmed", "identities", "version", "content_hash",
    "map", "recognition_rate", "verification", "baseline", "seconds",
}  # fmt: skip


@pytest.fixture
def demo(work_off):
    told = []

    def finish(job):
        perform(job.pk)
        return wait_for(job)

    demo = Demo(finish, work_off, lambda *progress: told.append(progress))
    demo.told = told
    return demo


@pytest.fixture
def folder(tmp_path):
    """Make a folder of drawn portraits: {person: number of photos}, or flat."""

    def make(people, *, flat=False):
        for person, count in people.items():
            place = tmp_path if flat else tmp_path / f"Person_{person}"
            place.mkdir(exist_ok=True)
            for photo in range(1, count + 1):
                picture = Picture.fromarray(draw_portrait(person, photo, (240, 240)).image)
                picture.save(place / f"{person}_{photo}.jpg", quality=92)
        return tmp_path

    return make


def test_a_folder_of_people_becomes_a_summary(demo, folder):
    summary = demo.run(folder({1: 4, 2: 4, 3: 4}), name="Demo")
    assert set(summary) == KEYS
    assert (summary["images"], summary["rejected"], summary["identities"]) == (12, 0, 3)
    assert summary["faces_confirmed"] == summary["faces_proposed"] == 12
    assert summary["version"] == 1 and len(summary["content_hash"]) == 64
    assert 0 <= summary["recognition_rate"] <= 1 and set(summary["verification"]) == {"auc", "eer"}
    assert set(summary["baseline"]) == {"recognition_rate", "map"}
    assert set(summary["seconds"]) == {"ingest", "propose", "embed", "freeze", "train", "evaluate"}
    assert demo.told[-1] == ("Taking photos in", 12, 12)
    json.dumps(summary, allow_nan=False)


def test_class_ids_follow_the_names(demo, folder):
    summary = demo.run(folder({3: 1, 1: 2, 2: 1}), name="Demo")
    people = Project.objects.get(slug=summary["project"]).identities.order_by("class_id")
    assert [person.name for person in people] == ["Person 1", "Person 2", "Person 3"]


def test_a_flat_folder_ends_with_a_note_and_nulls(demo, folder):
    summary = demo.run(folder({1: 2, 2: 1}, flat=True), name="Demo")
    assert set(summary) == KEYS | {"note"}
    assert "confirm some faces first" in summary["note"]
    assert (summary["images"], summary["faces_proposed"], summary["faces_confirmed"]) == (3, 3, 0)
    figures = ("version", "content_hash", "map", "recognition_rate", "verification", "baseline")
    assert [summary[name] for name in figures] == [None] * 6


@pytest.mark.parametrize(
    ("people", "note"), [({1: 3}, "at least 2 are needed"), ({1: 1, 2: 1}, "Label more photos of each person")]
)
def test_too_little_to_train_on_keeps_the_version_and_says_why(demo, folder, people, note):
    summary = demo.run(folder(people), name="Demo")
    assert note in summary["note"]
    assert summary["version"] == 1 and summary["content_hash"]
    assert summary["map"] is summary["recognition_rate"] is summary["baseline"] is None


def test_a_file_that_is_no_photo_is_counted_and_the_rest_goes_on(demo, folder):
    people = folder({1: 2, 2: 2})
    (people / "Person_1" / "broken.jpg").write_bytes(b"no photo")
    summary = demo.run(people, name="Demo")
    assert (summary["images"], summary["rejected"]) == (4, 1)
    assert summary["version"] == 1


def test_a_limit_keeps_people_whole(demo, folder):
    summary = demo.run(folder({1: 3, 2: 2, 3: 2}), name="Demo", limit=5)
    assert (summary["images"], summary["identities"]) == (5, 2)
