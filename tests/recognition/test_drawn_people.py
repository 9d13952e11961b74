"""Drawn people: the same every time, truthful about where they are, and seen as faces by a detector."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from recognition.drawing import FolderInUse, draw_portrait, draw_scene, person_name, write_sample
from recognition.drawing.person import make_person


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def overlap(a, b):
    """Intersection over union of two (x, y, w, h) boxes."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def assert_inside(face, size):
    x, y, w, h = face.box
    assert x >= 0 and y >= 0 and w > 0 and h > 0
    assert x + w <= size[0] and y + h <= size[1]
    assert (face.landmarks >= (x, y)).all() and (face.landmarks <= (x + w, y + h)).all()


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "people"
    return folder, write_sample(folder, identities=3, photos=2, seed=5)


def test_a_portrait_is_the_same_every_time():
    first, second = draw_portrait(3, 4), draw_portrait(3, 4)
    assert np.array_equal(first.image, second.image)
    assert first.faces[0].box == second.faces[0].box
    assert first.quality == second.quality


def test_photos_of_one_person_differ_and_people_differ():
    pictures = [draw_portrait(3, 1), draw_portrait(3, 2), draw_portrait(4, 1)]
    assert not np.array_equal(pictures[0].image, pictures[1].image)
    assert not np.array_equal(pictures[0].image, pictures[2].image)
    assert [photo.faces[0].name for photo in pictures] == [person_name(3), person_name(3), person_name(4)]


@pytest.mark.parametrize("size", [(480, 480), (300, 420), (641, 359)])
def test_a_portrait_has_the_size_asked_for_and_its_face_inside(size):
    for seed in range(8):
        photo = draw_portrait(seed, seed + 1, size)
        assert photo.image.shape == (size[1], size[0], 3)
        assert photo.image.dtype == np.uint8
        assert_inside(photo.faces[0], size)


def test_landmarks_come_in_the_promised_order():
    for seed in range(12):
        left_eye, right_eye, nose, left_mouth, right_mouth = draw_portrait(seed, 1).faces[0].landmarks
        assert left_eye[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize("count", range(2, 9))
def test_a_scene_shows_each_person_once_with_faces_apart(count):
    people = list(range(40, 40 + count))
    scene = draw_scene(people, count)
    assert [face.name for face in scene.faces] == [person_name(person) for person in people]
    for face in scene.faces:
        assert_inside(face, (960, 640))
    for number, face in enumerate(scene.faces):
        assert all(overlap(face.box, other.box) < 0.1 for other in scene.faces[number + 1 :])


@pytest.mark.parametrize("people", [[1], list(range(9))])
def test_a_scene_refuses_a_crowd_it_cannot_place(people):
    with pytest.raises(ValueError, match="2 to 8 people"):
        draw_scene(people, 1)


def test_names_are_unique_and_make_plain_folder_names():
    names = [person_name(seed) for seed in range(300_000, 310_000)]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name.replace(" ", "").isascii() and name.replace(" ", "").isalpha() for name in names)
    assert all(len(name.split(" ")) == 2 for name in names)


def test_people_are_diverse():
    people = [make_person(seed) for seed in range(200)]
    assert len({person.cut for person in people}) >= 14
    assert {person.beard for person in people} == {"none", "stubble", "moustache", "goatee", "full"}
    assert min(person.age for person in people) < 25 and max(person.age for person in people) > 65
    brightness = [sum(person.skin) / 3 for person in people]
    assert min(brightness) < 80 and max(brightness) > 200


def test_a_sample_has_one_folder_a_person_and_scenes_beside_them(sample):
    folder, summary = sample
    names = [person_name(500_000 + number).replace(" ", "_") for number in range(3)]
    portraits = {f"{name}/{name}_{number:04}.jpg" for name in names for number in (1, 2)}
    scenes = {"scene_0001.jpg", "scene_0002.jpg"}
    assert set(contents(folder)) == portraits | scenes | {"truth.json", ".drawn-by-facet.json"}
    assert (summary.identities, summary.portraits, summary.scenes) == (3, 6, 2)


def test_truth_covers_every_photo_and_fits_its_image(sample):
    folder, summary = sample
    truth = json.loads((folder / "truth.json").read_text())
    assert set(truth) == {path for path in contents(folder) if path.endswith(".jpg")}
    assert summary.faces == sum(len(faces) for faces in truth.values())
    for path, faces in truth.items():
        with Image.open(folder / path) as picture:
            width, height = picture.size
        for face in faces:
            x, y, w, h = face["box"]
            assert x >= 0 and y >= 0 and x + w <= width + 0.01 and y + h <= height + 0.01
        if "/" in path:
            assert [face["name"].replace(" ", "_") for face in faces] == [path.split("/")[0]]


def test_the_same_seed_writes_the_same_bytes_over_its_own_earlier_output(sample):
    folder, _ = sample
    before = contents(folder)
    write_sample(folder, identities=3, photos=2, seed=5)
    assert contents(folder) == before


def test_a_person_does_not_depend_on_how_many_others_there_are(sample, tmp_path):
    folder, _ = sample
    write_sample(tmp_path / "one", identities=1, photos=2, scenes=0, seed=5)
    alone = {path: data for path, data in contents(tmp_path / "one").items() if path.endswith(".jpg")}
    assert len(alone) == 2
    assert alone.items() <= contents(folder).items()


def test_a_smaller_sample_leaves_nothing_of_the_larger_one(tmp_path):
    write_sample(tmp_path, identities=3, photos=1, scenes=1)
    write_sample(tmp_path, identities=1, photos=1, scenes=0)
    assert len([path for path in contents(tmp_path) if path.endswith(".jpg")]) == 1
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_imbalance_makes_a_long_tail(tmp_path):
    summary = write_sample(tmp_path, identities=4, photos=4, scenes=0, imbalance=1.0)
    counts = [len(list((tmp_path / person_name(100_000 + n).replace(" ", "_")).iterdir())) for n in range(4)]
    assert counts == [4, 2, 1, 1]
    assert summary.portraits == 8


def test_a_folder_with_a_stranger_in_it_is_refused_and_left_alone(tmp_path):
    write_sample(tmp_path, identities=1, photos=1, scenes=0)
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    before = contents(tmp_path)
    with pytest.raises(FolderInUse, match=r"holiday\.jpg"):
        write_sample(tmp_path, identities=2, photos=1, scenes=0)
    assert contents(tmp_path) == before


def test_an_output_that_was_broken_off_can_be_replaced(tmp_path):
    write_sample(tmp_path, identities=2, photos=1, scenes=0)
    (tmp_path / "truth.json").unlink()
    next(tmp_path.rglob("*.jpg")).unlink()
    assert write_sample(tmp_path, identities=2, photos=1, scenes=0).portraits == 2


def test_numbers_out_of_range_are_refused_before_anything_is_written(tmp_path):
    for numbers in ({"identities": 0}, {"photos": 0}, {"identities": 1, "scenes": 1}, {"seed": -1}):
        with pytest.raises(ValueError):
            write_sample(tmp_path / "none", **{"identities": 2, "photos": 1, **numbers})
    assert not (tmp_path / "none").exists()


def test_the_command_prints_one_json_object(tmp_path):
    out = StringIO()
    call_command("sample", tmp_path / "people", identities=2, photos=1, scenes=1, json=True, stdout=out)
    told = json.loads(out.getvalue().splitlines()[-1])
    assert told["identities"] == 2 and told["portraits"] == 2 and told["scenes"] == 1
    assert told["folder"] == str(tmp_path / "people")


def test_the_command_says_why_it_refuses(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CommandError, match=r"notes\.txt.*Give an empty or new folder"):
        call_command("sample", tmp_path, identities=1, photos=1)


def test_a_detector_takes_drawn_faces_for_faces():
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=True, min_face_size=20)
    found = 0
    for seed in range(12):
        photo = draw_portrait(seed, 1, (240, 240))
        corners, _ = detector.detect(photo.image)
        boxes = [] if corners is None else [(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in corners]
        found += any(overlap(photo.faces[0].box, box) >= 0.4 for box in boxes)
    assert found >= 10
