"""Splits: seeded, stratified, and what belongs together stays together."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.splits import NOBODY, SPLITS, BadPolicy, SplitPolicy, assign_splits, split_groups

people = st.lists(st.sampled_from("abcdefg"), max_size=6)
groups = st.dictionaries(st.text("0123456789abcdef", min_size=1, max_size=8), people, max_size=60)
percent = st.integers(0, 100)


@st.composite
def policies(draw):
    first = draw(percent)
    second = draw(st.integers(0, 100 - first))
    return SplitPolicy(first / 100, second / 100, (100 - first - second) / 100, seed=draw(st.integers(0, 9)))


@given(groups, policies(), st.randoms(use_true_random=False))
def test_the_order_of_groups_and_of_people_in_them_does_not_matter(groups, policy, random):
    shuffled = list(groups.items())
    random.shuffle(shuffled)
    shuffled = {name: random.sample(people, len(people)) for name, people in shuffled}
    assert assign_splits(shuffled, policy) == assign_splits(groups, policy)


@given(groups, policies())
def test_every_group_is_whole_in_one_split_that_was_asked_for(groups, policy):
    splits = assign_splits(groups, policy)
    assert set(splits) == set(groups)
    assert all(getattr(policy, split) > 0 for split in splits.values())


@given(st.lists(st.integers(1, 7), min_size=1, max_size=30), policies())
def test_a_person_alone_in_their_groups_gets_the_shares_within_one_group(sizes, policy):
    groups = {f"g{number}": ["a"] * size for number, size in enumerate(sizes)}
    placed = Counter()
    for name, split in assign_splits(groups, policy).items():
        placed[split] += len(groups[name])
    for split in SPLITS:
        assert abs(placed[split] - getattr(policy, split) * sum(sizes)) <= max(sizes) + 1e-9


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), policies())
def test_each_of_many_people_gets_the_shares_within_one_photo(counts, policy):
    groups = {f"{person}-{photo}": [str(person)] for person, count in enumerate(counts) for photo in range(count)}
    placed = Counter((groups[name][0], split) for name, split in assign_splits(groups, policy).items())
    for person, count in enumerate(counts):
        for split in SPLITS:
            assert abs(placed[str(person), split] - getattr(policy, split) * count) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("photos", "expected"),
    [
        (1, {"train": 1}),
        (2, {"train": 1, "test": 1}),
        (4, {"train": 2, "val": 1, "test": 1}),
        (5, {"train": 3, "val": 1, "test": 1}),
        (10, {"train": 6, "val": 2, "test": 2}),
    ],
)
def test_few_photos_of_a_person_train_first_and_test_second(photos, expected):
    splits = assign_splits({f"g{number}": ["a"] for number in range(photos)}, SplitPolicy())
    assert Counter(splits.values()) == expected


def test_three_photos_of_a_person_train_and_test():
    splits = assign_splits({f"g{number}": ["a"] for number in range(3)}, SplitPolicy())
    assert {"train", "test"} <= set(splits.values())


def test_many_people_with_three_photos_leave_no_split_empty():
    groups = {f"{person}-{photo}": [str(person)] for person in range(60) for photo in range(3)}
    sizes = Counter(assign_splits(groups, SplitPolicy()).values())
    assert sizes["train"] >= 80
    assert sizes["test"] == 60
    assert sizes["val"] >= 20


def test_photos_without_named_faces_are_divided_by_the_same_shares():
    one_photo_people = {f"p{number}": [str(number)] for number in range(50)}
    nameless = {f"n{number}": [NOBODY] for number in range(10)}
    splits = assign_splits(one_photo_people | nameless, SplitPolicy())
    assert Counter(splits[name] for name in nameless) == {"train": 6, "val": 2, "test": 2}


def test_a_group_without_anybody_counts_as_one_without_names():
    assert assign_splits({"a": [], "b": []}, SplitPolicy(1, 0, 0)) == {"a": "train", "b": "train"}
    assert assign_splits({}, SplitPolicy()) == {}


def test_another_seed_splits_otherwise():
    groups = {f"g{number}": ["a"] for number in range(40)}
    answers = {tuple(sorted(assign_splits(groups, SplitPolicy(seed=seed)).items())) for seed in range(5)}
    assert len(answers) == 5


def test_a_known_split_stays_what_it_is():
    """Pinned: a change here means that equal labels would hash differently from those frozen before."""
    groups = {f"g{number}": ["a", "b"][: 1 + number % 2] for number in range(8)}
    splits = assign_splits(groups, SplitPolicy())
    assert [splits[f"g{number}"] for number in range(8)] == [
        "train", "train", "train", "val", "train", "test", "val", "train",
    ]  # fmt: skip


@pytest.mark.parametrize("shares", [(0.5, 0.2, 0.2), (1.2, -0.2, 0), (float("nan"), 0.5, 0.5), (float("inf"), 0, 0)])
def test_shares_that_make_no_whole_are_refused(shares):
    with pytest.raises(BadPolicy, match="add up to 1"):
        SplitPolicy(*shares)


def test_a_policy_comes_back_from_what_was_stored():
    policy = SplitPolicy(0.5, 0.25, 0.25, seed=7, by_session=False)
    assert SplitPolicy.from_dict({**policy.as_dict(), "something_newer": 1}) == policy


ALONE = [(f"{number:02}", "") for number in range(6)]


def test_photos_that_are_nearly_the_same_are_one_group_named_by_content():
    alike = {"03": 71, "01": 71, "05": 9, "04": 9}
    assert split_groups(ALONE, alike, SplitPolicy()) == {
        "00": "00", "01": "01", "02": "02", "03": "01", "04": "04", "05": "04",
    }  # fmt: skip
    other_numbers = {"01": 5, "03": 5, "04": 6, "05": 6}
    assert split_groups(ALONE[::-1], other_numbers, SplitPolicy()) == split_groups(ALONE, alike, SplitPolicy())


def test_nearly_equal_photos_join_their_sessions():
    photos = [("a", "May"), ("b", "May"), ("c", "June"), ("d", "June"), ("e", ""), ("f", "")]
    groups = split_groups(photos, {"b": 1, "c": 1, "d": 2, "e": 2}, SplitPolicy())
    assert len({groups[sha256] for sha256 in "abcde"}) == 1
    assert groups["f"] == "f"
    loose = split_groups(photos, {"b": 1, "c": 1, "d": 2, "e": 2}, SplitPolicy(by_session=False))
    assert loose == {"a": "a", "b": "b", "c": "b", "d": "d", "e": "d", "f": "f"}


def test_a_chain_of_sessions_is_one_group():
    photos = [(f"{number:03}", f"session {number // 2}") for number in range(200)]
    alike = {f"{number:03}": (number + 1) // 2 for number in range(1, 199)}
    assert len(set(split_groups(photos, alike, SplitPolicy()).values())) == 1


def test_without_near_duplicates_groups_are_what_they_were():
    photos = [("a", "May"), ("b", ""), ("c", "May")]
    before = {"a": "session:May", "b": "b", "c": "session:May"}
    assert split_groups(photos, {}, SplitPolicy()) == before
    assert split_groups(photos, {"a": 1, "b": 1, "z": 1}, SplitPolicy(by_likeness=False)) == before
    assert split_groups(photos, {"a": 1, "z": 1}, SplitPolicy()) == before  # z is not in this version


@given(
    st.dictionaries(st.text("0123456789abcdef", min_size=1, max_size=3), st.sampled_from(["", "May", "June"])),
    st.dictionaries(st.text("0123456789abcdef", min_size=1, max_size=3), st.integers(1, 5)),
    st.randoms(use_true_random=False),
)
def test_the_order_of_photos_does_not_matter_and_nothing_that_belongs_together_is_parted(sessions, alike, random):
    photos = list(sessions.items())
    groups = split_groups(photos, alike, SplitPolicy())
    assert split_groups(random.sample(photos, len(photos)), alike, SplitPolicy()) == groups
    for one in sessions:
        for other in sessions:
            if sessions[one] == sessions[other] != "" or (one in alike and alike[one] == alike.get(other)):
                assert groups[one] == groups[other]
