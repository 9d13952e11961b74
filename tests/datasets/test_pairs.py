"""Verification pairs: what an independent, strict reader of LFW's format finds in them."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.pairs import (
    Pair,
    TooFewFaces,
    as_text,
    choose_pairs,
    face_numbers,
    file_name,
    folder_names,
    lowest_rate_shown,
    people_of_folds,
)


def strictly_read(text: str) -> list[list[tuple]]:
    """The folds of a pairs.txt, each with its genuine pairs, then its impostors; anything unusual is an error."""
    assert text.endswith("\n")
    head, *lines = text[:-1].split("\n")
    folds, count = map(int, head.split("\t"))
    assert len(lines) == folds * count * 2
    read = []
    for fold in range(folds):
        block = [line.split("\t") for line in lines[fold * 2 * count : (fold + 1) * 2 * count]]
        genuine, impostors = block[:count], block[count:]
        assert {len(words) for words in genuine} == {3}
        assert {len(words) for words in impostors} == {4}
        same = [((name, int(one)), (name, int(two))) for name, one, two in genuine]
        other = [((name, int(one)), (other, int(two))) for name, one, other, two in impostors]
        assert all(one != two for one, two in same)
        assert all(one[0] != two[0] for one, two in other)
        read.append(same + other)
    return read


people_with_faces = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.integers(1, 9), min_size=4, max_size=25
).map(lambda counts: {name: range(1, count + 1) for name, count in counts.items()})


@settings(max_examples=80, deadline=None)
@given(people_with_faces, st.integers(1, 4), st.integers(1, 40), st.integers(0, 5))
def test_pairs_are_distinct_balanced_and_no_person_crosses_folds(people, folds, pairs, seed):
    try:
        chosen = choose_pairs(people, folds=folds, pairs=pairs, seed=seed)
    except TooFewFaces:
        groups = people_of_folds(people, folds=folds, seed=seed)
        assert any(len(group) < 2 or all(len(people[name]) < 2 for name in group) for group in groups)
        return
    read = strictly_read(as_text(chosen, folds))
    assert len(read) == folds
    people_in = [{face[0] for pair in fold for face in pair} for fold in read]
    assert sum(map(len, people_in)) == len(set.union(*people_in))
    flat = [frozenset(pair) for fold in read for pair in fold]
    assert len(flat) == len(set(flat))
    assert all(1 <= number <= len(people[name]) for pair in flat for name, number in pair)
    assert len(chosen) <= 2 * folds * pairs
    assert choose_pairs(dict(reversed(people.items())), folds=folds, pairs=pairs, seed=seed) == chosen


def test_all_pairs_there_are_can_be_had():
    people = {"Ana": [1, 2, 3], "Ben": [1, 2]}
    chosen = choose_pairs(people, folds=1, pairs=99, seed=1)
    assert sum(pair.is_genuine for pair in chosen) == 4  # 3 of Ana and 1 of Ben; 6 impostors could be had
    assert len(chosen) == 8
    few = choose_pairs({"Ana": [1, 2, 3, 4], "Ben": [7]}, folds=1, pairs=99, seed=1)
    assert sorted((pair.number, pair.other_number) for pair in few if not pair.is_genuine) == [
        (1, 7), (2, 7), (3, 7), (4, 7),
    ]  # fmt: skip


def test_another_seed_gives_other_pairs():
    people = {f"person {number}": range(1, 11) for number in range(20)}
    one, two = (choose_pairs(people, folds=2, pairs=50, seed=seed) for seed in (1, 2))
    assert one != two


def test_people_take_turns_so_that_nobody_fills_a_fold_alone():
    people = {"crowd": range(1, 101)} | {f"person {number}": range(1, 4) for number in range(10)}
    chosen = choose_pairs(people, folds=1, pairs=22, seed=1)
    assert max(Counter(pair.name for pair in chosen if pair.is_genuine).values()) == 2


def test_these_pairs_stay_what_they_are():
    """Written down once: another Python, another machine or a later release must give the same."""
    people = {"Ana": range(1, 5), "Ben": range(1, 4), "Cem": [2, 5], "Dee": [1]}
    assert as_text(choose_pairs(people, folds=2, pairs=2, seed=7), 2) == EXPECTED


EXPECTED = """2\t2
Ana\t1\t3
Ana\t2\t4
Ana\t1\tDee\t1
Ana\t3\tDee\t1
Ben\t1\t3
Cem\t2\t5
Ben\t1\tCem\t2
Ben\t3\tCem\t5
"""


def test_faces_are_numbered_within_their_person_in_the_order_of_the_manifest():
    column = pa.chunked_array([["Ben", None, "Ana"], ["Ana", "Ben", None, "Ana"]], pa.string())
    assert face_numbers(column).tolist() == [1, 0, 1, 2, 2, 0, 3]
    assert face_numbers(column.dictionary_encode()).tolist() == [1, 0, 1, 2, 2, 0, 3]
    assert face_numbers(pa.chunked_array([[]], pa.string())).tolist() == []
    assert face_numbers(pa.chunked_array([[None]], pa.string())).dtype == np.int64


def test_folders_are_named_as_lfw_does_and_never_twice():
    names = ["Ana Maria", "Ana_Maria", "ana maria.", "../x", "..", "Łukasz Ö", "a\tb"]
    folders = folder_names(names)
    assert folders["Ana Maria"] == "Ana_Maria"
    assert folders["Ana_Maria"] == "Ana_Maria~2"
    assert folders["Łukasz Ö"] == "Łukasz_Ö"
    assert len({folder.casefold() for folder in folders.values()}) == len(names)
    assert not any("/" in folder or "\t" in folder or folder.startswith(".") for folder in folders.values())
    assert folder_names(reversed(names)) == folders
    assert file_name("Ana_Maria", 12) == "Ana_Maria/Ana_Maria_0012.jpg"


def test_too_many_folds_are_refused_in_words():
    with pytest.raises(TooFewFaces, match=r"Fold \d of 2 would have no pair"):
        choose_pairs({"Ana": [1, 2], "Ben": [1], "Cem": [1]}, folds=2, pairs=5, seed=1)


def test_a_rate_that_the_pairs_cannot_show():
    assert lowest_rate_shown(3000) == 0.001
    assert lowest_rate_shown(1) == lowest_rate_shown(0) == 1


def test_a_pair_knows_whether_it_is_genuine():
    assert Pair(1, "Ana", 1, "Ana", 2).is_genuine
    assert not Pair(1, "Ana", 1, "Ben", 1).is_genuine
