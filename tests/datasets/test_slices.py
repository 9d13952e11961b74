"""Faces by size, pose, sharpness, light and session."""

import numpy as np
import pyarrow as pa
import pytest
from django.urls import reverse

from datasets import slices
from datasets.models import Version
from datasets.slices import BRIGHTNESS, NOSE, NOT_KNOWN, SIZE, TURN, count_slices, turned, values_of
from labelling.models import Face, Image


def landmarks(shift: float, tilt: float = 0.0) -> list[float]:
    """Of a head of which the nose lies `shift` eye distances to the right of the middle, tilted by degrees."""
    points = np.array([[0, 0], [10, 0], [5 + 10 * shift, 6], [2, 10], [8, 10]], float)
    turn = np.radians(tilt)
    return (points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])).ravel().tolist()


def column(*rows) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(rows, pa.list_(pa.float32()))])


@pytest.mark.parametrize("degrees", [0, 10, 30, 45, 60])
@pytest.mark.parametrize("tilt", [0, 25, -90])
def test_a_turned_head_is_told_from_where_its_nose_is_however_it_is_tilted(degrees, tilt):
    shift = NOSE * np.tan(np.radians(degrees))
    assert turned(column(landmarks(shift, tilt), landmarks(-shift, tilt))) == pytest.approx([degrees] * 2, abs=0.01)


def test_faces_without_landmarks_are_not_known_to_face_anywhere():
    degrees = turned(column(None, landmarks(0), [1.0, 2.0]))
    assert np.isnan(degrees).tolist() == [True, False, True]
    assert TURN.parts_of(degrees).tolist() == [-1, 0, -1]
    assert len(turned(pa.chunked_array([], pa.list_(pa.float32())))) == 0


def test_a_value_on_an_edge_belongs_to_the_part_above_it():
    assert SIZE.parts_of(np.array([31.99, 32, 255, 256])).tolist() == [0, 1, 3, 4]
    assert SIZE.words == ["below 32 px", "32 to 64 px", "64 to 128 px", "128 to 256 px", "256 px and more"]
    assert BRIGHTNESS.words[0] == "dark (below 60)"


def test_each_face_is_counted_once_in_each_slicing_and_people_once_in_each_part(monkeypatch):
    rng = np.random.default_rng(1)
    sides = rng.uniform(10, 400, 500)
    points = [None if n < 40 else landmarks(rng.uniform(-1, 1)) for n in range(500)]
    faces = pa.table({"w": sides, "h": sides + 5, "landmarks": column(*points)})
    images = pa.table({"sharpness": rng.uniform(0, 2000, 50), "brightness": rng.uniform(0, 255, 50)})
    photo, people = rng.integers(0, 50, 500), rng.integers(-1, 20, 500)
    monkeypatch.setattr(slices, "FACES_AT_ONCE", 77)
    counted = count_slices(faces, images, photo, people, 20)
    for name, rows in counted.items():
        assert sum(row["faces"] for row in rows) == 500, name
    assert counted["turn"][-1] == {"words": NOT_KNOWN, "faces": 40, "people": len(set(people[:40]) - {-1})}
    assert counted["size"][0]["faces"] == (sides < 32).sum()
    assert counted["size"][0]["people"] == len(set(people[sides < 32]) - {-1})
    dark = np.asarray(images["brightness"])[photo] < 60
    assert counted["brightness"][0]["faces"] == dark.sum()


def test_versions_frozen_before_photos_had_figures_say_that_they_are_not_known():
    faces = pa.table({"w": [40.0], "h": [50.0], "landmarks": column(landmarks(0))})
    values = values_of(faces, pa.table({"image_sha256": ["a"]}), np.array([0]))
    assert values["size"].tolist() == [40.0]
    assert np.isnan(values["sharpness"]).all()


@pytest.fixture
def mixed(project, add_photo, freeze_now):
    """Ana in two sessions and without one, Ben in one; one photo is dark, one face is large and turned."""
    add_photo(project, "a1", ["Ana"], session="Monday")
    add_photo(project, "a2", ["Ana", "Ben"], session="Tuesday")
    add_photo(project, "a3", ["Ana"])
    add_photo(project, "b1", ["Ben"], session="Tuesday")
    Image.objects.filter(name="a3.jpg").update(brightness=20, sharpness=700)
    points = [value * 30 for value in landmarks(NOSE)]
    Face.objects.filter(image__name="b1.jpg").update(w=300, h=310, landmarks=points)
    return freeze_now(project)


def test_a_version_knows_its_slices_and_sessions(mixed):
    slices, sessions = mixed.statistics["slices"], mixed.statistics["sessions"]
    assert {row["words"]: (row["faces"], row["people"]) for row in slices["size"] if row["faces"]} == {
        "32 to 64 px": (4, 2), "256 px and more": (1, 1),
    }  # fmt: skip
    assert {row["words"]: row["faces"] for row in slices["turn"] if row["faces"]} == {
        "far turned (35° and more)": 1, NOT_KNOWN: 4,
    }  # fmt: skip
    assert slices["brightness"][0] == {"words": "dark (below 60)", "faces": 1, "people": 1}
    assert [row["faces"] for row in slices["sharpness"]] == [4, 0, 0, 1, 0]
    assert sessions == {
        "sessions": 2, "photos_without": 1, "people_in_one": 1,
        "largest": [{"name": "Tuesday", "photos": 2, "faces": 3}, {"name": "Monday", "photos": 1, "faces": 1}],
    }  # fmt: skip
    assert {person["name"]: person["sessions"] for person in mixed.statistics["people"]} == {"Ana": 2, "Ben": 1}
    assert mixed.statistics["imbalance"]["effective_faces"] == pytest.approx(5, abs=0.1)


def test_the_page_shows_them_and_says_when_an_older_version_has_none(mixed, client_for, owner, project):
    client, address = client_for(owner), reverse("version", args=[project.slug, mixed.number])
    page = client.get(address).content.decode()
    assert "far turned" in page
    assert "1 person was seen in one session only" in page
    old = {key: value for key, value in mixed.statistics.items() if key not in {"slices", "sessions"}}
    people = [{key: value for key, value in row.items() if key != "sessions"} for row in old["people"]]
    copy = Version.objects.get(pk=mixed.pk)
    copy.pk, copy.number, copy.statistics = None, 2, {**old, "people": people}
    copy.save()
    page = client.get(reverse("version", args=[project.slug, 2]) + "?sort=-sessions").content.decode()
    assert "frozen before faces were counted" in page
