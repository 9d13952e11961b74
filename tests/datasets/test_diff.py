"""Comparing two versions by their tables alone: what is found, in which words, and that nothing is overlooked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.changes import KINDS
from datasets.diff import Difference, compare
from tests.datasets.version_tables import FaceRow, named, nameless, sha, tables


def found(old, new) -> dict[str, list[dict]]:
    """The list of every kind there is something of, and the counts say the same."""
    difference = compare(old, new)
    lists = {kind: difference.rows(kind).to_pylist() for kind in KINDS}
    assert difference.summary["counts"] == {kind: len(rows) for kind, rows in lists.items()}
    assert json.dumps(difference.summary)
    return {kind: rows for kind, rows in lists.items() if rows}


def people(rows: list[dict]) -> list[tuple]:
    return [(row["old_name"], row["new_name"], row["faces"]) for row in rows]


PHOTOS = {"a": "train", "b": "train", "c": "test"}
ANA = [named(1, "a", 1, "Ana"), named(2, "b", 1, "Ana"), named(3, "c", 1, "Ana")]


def test_equal_tables_have_no_difference():
    difference = compare(tables(PHOTOS, ANA), tables(PHOTOS, ANA))
    assert set(difference.summary["counts"].values()) == {0}
    assert difference.summary["faces_kept"] == 3
    assert difference.rows("face_moved").num_rows == 0


def test_tables_without_any_face_can_be_compared():
    assert found(tables({"a": "train"}, []), tables({"a": "train"}, [])) == {}
    assert found(tables({}, []), tables({}, [])) == {}
    assert set(found(tables({}, []), tables(PHOTOS, ANA))) == {"person_new", "face_added", "photo_added"}


def test_photos_and_faces_that_came_and_went():
    old = tables({"a": "train", "b": "val"}, [named(1, "a", 1, "Ana"), named(2, "b", 1, "Ana")])
    new = tables({"a": "train", "c": "test"}, [named(1, "a", 1, "Ana"), nameless(3, "c")])
    changes = found(old, new)
    assert set(changes) == {"photo_added", "photo_removed", "face_added", "face_removed"}
    (added,) = changes["photo_added"]
    assert (added["image_sha256"], added["photo"], added["new_split"], added["old_split"]) == (
        sha("c"), "c.jpg", "test", None,
    )  # fmt: skip
    (gone,) = changes["face_removed"]
    assert (gone["face_id"], gone["old_name"], gone["new_name"], gone["photo"]) == (2, "Ana", None, "b.jpg")
    (came,) = changes["face_added"]
    assert (came["face_id"], came["new_who"], came["old_who"], came["new_w"]) == (3, "unassigned", None, 40.0)


def test_a_face_of_the_same_number_in_another_photo_is_another_face():
    old, new = tables(PHOTOS, [named(1, "a", 1, "Ana")]), tables(PHOTOS, [named(1, "b", 1, "Ana")])
    assert set(found(old, new)) == {"face_added", "face_removed"}


def test_faces_move_between_people_and_the_nameless():
    photos = dict.fromkeys("abcdef", "train")
    old = [
        named(1, "a", 1, "Ana"), named(2, "b", 1, "Ana"), named(3, "c", 2, "Ben"), nameless(4, "d"),
        nameless(5, "e", "unknown"), nameless(6, "f", "ignored"),
    ]  # fmt: skip
    new = [
        old[0], old[1].but(class_id=2, name="Ben"), nameless(3, "c", "unknown"), named(4, "d", 1, "Ana"),
        nameless(5, "e", "ignored"), nameless(6, "f", "ignored"),
    ]  # fmt: skip
    changes = found(tables(photos, old), tables(photos, new))
    assert set(changes) == {"face_moved"}
    moved = {
        row["face_id"]: (row["old_name"] or row["old_who"], row["new_name"] or row["new_who"])
        for row in changes["face_moved"]
    }
    assert moved == {
        2: ("Ana", "Ben"), 3: ("Ben", "unknown"), 4: ("unassigned", "Ana"), 5: ("unknown", "ignored"),
    }  # fmt: skip
    assert compare(tables(photos, old), tables(photos, new)).summary["moves"] == [
        {"old": "assigned", "new": "assigned", "faces": 1}, {"old": "assigned", "new": "unknown", "faces": 1},
        {"old": "unassigned", "new": "assigned", "faces": 1}, {"old": "unknown", "new": "ignored", "faces": 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("box", "overlap"),
    [
        ((30.0, 10.0, 40.0, 50.0), 1 / 3),  # half of it moved out
        ((10.0, 10.0, 40.0, 25.0), 0.5),  # half as high
        ((400.0, 10.0, 40.0, 50.0), 0.0),
        ((10.01, 10.0, 40.0, 50.0), 0.9995),
    ],
)
def test_a_changed_box_says_how_much_of_it_is_the_same(box, overlap):
    changes = found(tables(PHOTOS, ANA), tables(PHOTOS, [ANA[0].but(box=box), *ANA[1:]]))
    assert set(changes) == {"box_changed"}
    (changed,) = changes["box_changed"]
    assert changed["iou"] == pytest.approx(overlap, abs=1e-5)
    assert (changed["old_x"], changed["new_x"]) == (10.0, box[0])


def test_a_box_that_moved_by_less_than_the_content_hash_sees_has_not_changed():
    assert found(tables(PHOTOS, ANA), tables(PHOTOS, [ANA[0].but(box=(10.001, 10.0, 40.0, 50.0)), *ANA[1:]])) == {}


def test_faces_and_photos_in_another_split_are_told_with_the_people_they_are_of():
    photos = {**PHOTOS, "empty": "train"}
    old = tables(photos, [*ANA, nameless(4, "a"), named(5, "b", 2, "Ben")])
    other_splits = {**photos, "a": "test", "c": "train", "empty": "val"}
    new = tables(other_splits, [*ANA, nameless(4, "a"), named(5, "b", 2, "Ben")])
    changes = found(old, new)
    assert set(changes) == {"split_changed", "photo_split_changed"}
    assert {row["face_id"] for row in changes["split_changed"]} == {1, 3, 4}
    assert {row["photo"] for row in changes["photo_split_changed"]} == {"a.jpg", "c.jpg", "empty.jpg"}
    summary = compare(old, new).summary
    assert summary["splits"] == [
        {"old": "train", "new": "test", "faces": 2}, {"old": "test", "new": "train", "faces": 1},
    ]  # fmt: skip
    assert summary["people_in_another_split"] == 1


def test_a_merged_person_is_gone_and_all_their_faces_are_the_others():
    old = [named(1, "a", 1, "Ana"), named(2, "b", 2, "Anna"), named(3, "c", 2, "Anna")]
    new = [face.but(class_id=1, name="Ana") for face in old[:2]]  # one of the faces was removed
    changes = found(tables(PHOTOS, old), tables(PHOTOS, new))
    assert people(changes["person_merged"]) == [("Anna", "Ana", 1)]
    assert people(changes["person_gone"]) == [("Anna", None, 2)]
    assert set(changes) == {"person_merged", "person_gone", "face_moved", "face_removed"}


def test_nobody_is_merged_who_is_still_there_or_whose_faces_went_several_ways():
    old = tables(PHOTOS, ANA)
    still_there = [ANA[0].but(class_id=2, name="Ben"), nameless(2, "b"), nameless(3, "c"), named(9, "a", 1, "Ana")]
    partly_nameless = [ANA[0].but(class_id=2, name="Ben"), nameless(2, "b")]
    for new in (still_there, partly_nameless, []):
        assert "person_merged" not in found(old, tables(PHOTOS, new))


def test_a_split_person_has_left_faces_to_somebody_new():
    new = [ANA[0], ANA[1].but(class_id=7, name="Ana B"), ANA[2].but(class_id=7, name="Ana B")]
    changes = found(tables(PHOTOS, ANA), tables(PHOTOS, new))
    assert people(changes["person_split"]) == [("Ana", "Ana B", 2)]
    assert people(changes["person_new"]) == [(None, "Ana B", 2)]
    assert set(changes) == {"person_split", "person_new", "face_moved"}


def test_faces_that_go_to_somebody_known_split_nobody():
    old = [*ANA, named(4, "a", 2, "Ben")]
    new = [ANA[0], ANA[1].but(class_id=2, name="Ben"), ANA[2], old[3]]
    assert set(found(tables(PHOTOS, old), tables(PHOTOS, new))) == {"face_moved"}


def test_a_renamed_person_has_moved_no_face():
    changes = found(tables(PHOTOS, ANA), tables(PHOTOS, [face.but(name="Ana Lund") for face in ANA]))
    assert set(changes) == {"person_renamed"}
    assert people(changes["person_renamed"]) == [("Ana", "Ana Lund", 3)]


def test_two_people_who_swapped_names_are_renamed():
    old = [named(1, "a", 1, "Ana"), named(2, "b", 2, "Ben")]
    new = [named(1, "a", 1, "Ben"), named(2, "b", 2, "Ana")]
    changes = found(tables(PHOTOS, old), tables(PHOTOS, new))
    assert people(changes["person_renamed"]) == [("Ana", "Ben", 1), ("Ben", "Ana", 1)]
    assert set(changes) == {"person_renamed"}


def test_any_part_of_a_list_is_that_part_of_the_whole():
    photos = dict.fromkeys(range(20), "train")
    difference = compare(tables({}, []), tables(photos, [named(number, number, 1, "Ana") for number in photos]))
    whole = difference.rows("face_added").to_pylist()
    assert [row["image_sha256"] for row in whole] == sorted(sha(photo) for photo in photos)
    assert difference.rows("face_added", 5, 9).to_pylist() == whole[5:9]
    assert difference.rows("face_added", 18, 99).to_pylist() == whole[18:]
    assert difference.rows("face_added", 30, 40).num_rows == 0


# diff(A, B) applied to A gives B

SPLITS = st.sampled_from(["train", "val", "test"])
EDGE = st.integers(0, 40).map(lambda number: number / 8)


@st.composite
def contents(draw):
    """Photos with splits, and faces in them: some people under the same number, but another name."""
    photos = draw(st.dictionaries(st.sampled_from("abcdef"), SPLITS, max_size=6))
    names = draw(st.permutations(["Ana", "Ben", "Cem", "Ana Ö", "“Q”"]))
    faces = []
    for number in draw(st.sets(st.integers(1, 12))) if photos else ():
        person = draw(st.sampled_from([0, 1, 2, 3, 4, "unassigned", "unknown", "ignored"]))
        place = (draw(EDGE), draw(EDGE), 1 + draw(EDGE), 1 + draw(EDGE))
        usual = sorted(photos)[number % len(photos)]
        photo = draw(st.sampled_from([usual, usual, usual, *sorted(photos)]))
        is_named = isinstance(person, int)
        faces.append(
            named(number, photo, person, names[person], box=place)
            if is_named
            else nameless(number, photo, person, box=place)
        )
    return photos, faces


def content(photos: dict, faces: list[FaceRow]) -> dict:
    return {
        "photos": {sha(photo): split for photo, split in photos.items()},
        "faces": {
            (face.id, sha(face.photo)): {
                "box": tuple(round(edge, 2) for edge in face.box), "who": face.who, "class_id": face.class_id,
                "name": face.name, "split": photos[face.photo],
            }
            for face in faces
        },
    }  # fmt: skip


def face_of(row: dict) -> tuple:
    return (row["face_id"], row["image_sha256"])


def new_box(row: dict) -> dict:
    return {"box": tuple(round(row[f"new_{edge}"], 2) for edge in "xywh")}


def new_person(row: dict) -> dict:
    return {"who": row["new_who"], "class_id": row["new_class_id"], "name": row["new_name"]}


def new_split(row: dict) -> dict:
    return {"split": row["new_split"]}


def changed_photos(listed: dict, photos: dict) -> dict:
    gone = {row["image_sha256"] for row in listed["photo_removed"]}
    came = [*listed["photo_added"], *listed["photo_split_changed"]]
    kept = {photo: split for photo, split in photos.items() if photo not in gone}
    return kept | {row["image_sha256"]: row["new_split"] for row in came}


def changed_faces(listed: dict, faces: dict) -> dict:
    gone = {face_of(row) for row in listed["face_removed"]}
    names = {row["old_class_id"]: row["new_name"] for row in listed["person_renamed"]}
    kept = {key: face | {"name": names.get(face["class_id"], face["name"])} for key, face in faces.items()}
    kept = {key: face for key, face in kept.items() if key not in gone}
    for kind, change in {"face_moved": new_person, "box_changed": new_box, "split_changed": new_split}.items():
        for row in listed[kind]:
            kept[face_of(row)] |= change(row)
    added = {face_of(row): new_box(row) | new_person(row) | new_split(row) for row in listed["face_added"]}
    assert not added.keys() & kept.keys()
    return kept | added


def apply(difference: Difference, photos: dict, faces: dict) -> dict:
    """The content that the changes, as listed, make of another."""
    listed = {kind: difference.rows(kind).to_pylist() for kind in KINDS}
    return {"photos": changed_photos(listed, photos), "faces": changed_faces(listed, faces)}


@given(contents(), contents())
def test_the_changes_applied_to_the_old_content_give_the_new(old, new):
    difference = compare(tables(*old), tables(*new))
    assert apply(difference, **content(*old)) == content(*new)
    counts = difference.summary["counts"]
    before, after = (len({face.class_id for face in faces} - {None}) for _, faces in (old, new))
    assert after - before == counts["person_new"] - counts["person_gone"]
    assert counts["person_merged"] <= counts["person_gone"]


@given(contents(), contents())
def test_the_other_way_round_what_came_is_what_went(old, new):
    there, back = compare(tables(*old), tables(*new)).summary, compare(tables(*new), tables(*old)).summary
    for one, other in [
        ("face_added", "face_removed"), ("photo_added", "photo_removed"), ("person_new", "person_gone"),
        ("face_moved", "face_moved"), ("box_changed", "box_changed"), ("split_changed", "split_changed"),
        ("person_renamed", "person_renamed"), ("photo_split_changed", "photo_split_changed"),
    ]:  # fmt: skip
        assert there["counts"][one] == back["counts"][other]
