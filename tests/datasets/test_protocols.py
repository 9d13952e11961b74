"""Open sets, folds, and gallery and probes: nothing leaks, shares hold, and photos stay where they were."""

from collections import Counter, defaultdict

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.freeze import start_freeze
from datasets.manifest import content_hash, read_table
from datasets.models import Version, VersionState
from datasets.protocols import (
    CannotDivide,
    assign_folds,
    assign_gallery,
    assign_open,
    divide_groups,
    held_folds,
    join_by_people,
)
from datasets.splits import GALLERY_PROBE, KFOLD, NOBODY, OPEN, SPLIT_KINDS, SPLITS, BadPolicy, SplitPolicy
from datasets.verify import verify
from jobs.work import perform
from labelling import storage
from labelling.models import Who

names = st.text("0123456789abcdef", min_size=1, max_size=4)
people = st.lists(st.sampled_from("abcdefghijklmnop"), max_size=3)
groups_of_people = st.dictionaries(names, people, max_size=40)
kinds = st.sampled_from(list(SPLIT_KINDS))


@given(groups_of_people, kinds, st.integers(0, 5), st.randoms(use_true_random=False))
def test_every_kind_divides_every_group_once_and_in_no_order_of_their_coming(groups, kind, seed, random):
    policy = SplitPolicy(kind=kind, seed=seed, folds=3, fold=2)
    shuffled = list(groups.items())
    random.shuffle(shuffled)
    try:
        first, second = divide_groups(groups, [], policy), divide_groups(dict(shuffled), [], policy)
    except CannotDivide:
        assert kind == OPEN
        return
    assert first == second
    assert first.split_of.keys() == groups.keys()


# Open set


@given(groups_of_people, st.lists(st.tuples(names, st.sampled_from(SPLITS))))
def test_nobody_is_in_two_splits_of_an_open_set_wherever_photos_were_before(groups, before):
    known = [(name, split) for name, split in before if name in groups]
    try:
        split_of = assign_open(groups, SplitPolicy(kind=OPEN), known)
    except CannotDivide:
        return
    where = defaultdict(set)
    for name, shown in groups.items():
        for person in shown:
            where[person].add(split_of[name])
    assert all(len(splits) == 1 for splits in where.values())
    assert all(split_of[name] == "test" for name, split in known if split == "test")


@given(st.lists(st.integers(1, 20), min_size=10, max_size=40), st.integers(0, 3))
def test_shares_of_an_open_set_hold_within_its_largest_circle(sizes, seed):
    groups = {f"{person}-{number}": [str(person)] for person, size in enumerate(sizes) for number in range(size)}
    policy = SplitPolicy(kind=OPEN, seed=seed)
    placed = Counter(assign_open(groups, policy, []).values())
    for split in SPLITS:
        assert abs(placed[split] - getattr(policy, split) * sum(sizes)) <= max(sizes) + 1e-9


def test_people_who_share_a_photo_go_together_over_any_number_of_steps():
    groups = {"1": ["a", "b"], "2": ["b", "c"], "3": ["c", "d"], "4": ["e"], "5": [NOBODY], "6": [NOBODY]}
    assert join_by_people(groups) == {"1": "1", "2": "1", "3": "1", "4": "4", "5": "5", "6": "6"}


def test_an_open_set_of_one_circle_is_refused_in_words():
    groups = {str(number): ["hub", f"guest {number}"] for number in range(9)}
    with pytest.raises(CannotDivide, match="only 1 such circles"):
        assign_open(groups, SplitPolicy(kind=OPEN), [])
    alone = {str(number): [f"guest {number}"] for number in range(9)}
    with pytest.raises(CannotDivide, match="Freeze with new splits"):
        assign_open(alone, SplitPolicy(kind=OPEN), [(name, "test") for name in alone])


@given(st.lists(groups_of_people, min_size=10, max_size=10))
def test_over_ten_open_versions_nothing_leaves_test(history):
    tested: set[str] = set()
    before: dict[str, str] = {}
    for groups in history:
        try:
            split_of = assign_open(groups, SplitPolicy(kind=OPEN), [(name, before.get(name)) for name in groups])
        except CannotDivide:
            continue
        assert all(split_of[name] == "test" for name in tested & groups.keys())
        tested |= {name for name, split in split_of.items() if split == "test"}
        before |= split_of | dict.fromkeys(tested, "test")


# Folds


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8), st.integers(2, 6), st.integers(0, 3))
def test_each_persons_photos_are_spread_over_the_folds_within_one(counts, folds, seed):
    groups = {f"{person}-{photo}": [str(person)] for person, count in enumerate(counts) for photo in range(count)}
    placed = Counter(
        (groups[name][0], fold)
        for name, fold in assign_folds(groups, SplitPolicy(kind=KFOLD, folds=folds, seed=seed)).items()
    )
    for person, count in enumerate(counts):
        for fold in range(1, folds + 1):
            assert abs(placed[str(person), fold] - count / folds) <= 1 + 1e-9


@given(groups_of_people, st.integers(2, 6))
def test_each_group_is_tested_in_exactly_one_of_the_folds(groups, folds):
    tested = Counter()
    for fold in range(1, folds + 1):
        division = divide_groups(groups, [], SplitPolicy(kind=KFOLD, folds=folds, fold=fold))
        tested.update(name for name, split in division.split_of.items() if split == "test")
    assert tested == Counter(dict.fromkeys(groups, 1))


@given(st.lists(groups_of_people, min_size=10, max_size=10))
def test_over_ten_versions_photos_stay_in_their_folds(history):
    policy, before = SplitPolicy(kind=KFOLD, folds=4), {}
    for groups in history:
        folds = divide_groups(groups, [], policy, [(name, before.get(name)) for name in groups]).fold_of
        assert all(folds[name] == before[name] for name in groups if name in before)
        before |= folds


def test_a_group_whose_photos_were_in_two_folds_goes_where_most_were():
    photos = [("g", 3), ("g", 2), ("g", 2), ("h", 4), ("h", 1), ("i", None), ("j", 9)]
    assert held_folds(photos, SplitPolicy(kind=KFOLD, folds=5)) == {"g": 2, "h": 1}


# Gallery and probes


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 3))
def test_people_alone_in_their_photos_are_enrolled_as_asked_and_looked_for_where_they_can_be(counts, gallery, seed):
    groups = {f"{person}-{photo}": [str(person)] for person, count in enumerate(counts) for photo in range(count)}
    policy = SplitPolicy(kind=GALLERY_PROBE, gallery=gallery, seed=seed)
    enrolled = Counter(
        groups[name][0] for name, split in assign_gallery(groups, policy, {}).items() if split == "train"
    )
    for person, count in enumerate(counts):
        assert enrolled[str(person)] == max(1, min(gallery, count - 1))


@given(groups_of_people)
def test_who_is_enrolled_and_probed_is_never_in_one_group_for_both(groups):
    split_of = assign_gallery(groups, SplitPolicy(kind=GALLERY_PROBE), {})
    assert set(split_of) == set(groups)
    assert set(split_of.values()) <= {"train", "test"}
    assert all(split_of[name] == "test" for name, shown in groups.items() if not shown)


def test_a_small_session_enrols_and_the_large_one_is_looked_for():
    groups = {"session:hall": ["a"] * 20, "session:yard": ["a", "a"]}
    assert assign_gallery(groups, SplitPolicy(kind=GALLERY_PROBE), {}) == {
        "session:hall": "test", "session:yard": "train",
    }  # fmt: skip


def test_what_was_kept_for_tests_never_enrols():
    split_of = assign_gallery({"1": ["a"], "2": ["a"]}, SplitPolicy(kind=GALLERY_PROBE), {"1": "test"})
    assert split_of == {"1": "test", "2": "train"}


# Policies


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "thirds"}, "There is no split “thirds”"),
        ({"kind": KFOLD, "folds": 1}, "2 to 20 folds"),
        ({"kind": KFOLD, "folds": 5, "fold": 6}, "one of 1 to 5"),
        ({"kind": GALLERY_PROBE, "gallery": 0}, "1 to 100 photos"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_in_words(wrong, words):
    with pytest.raises(BadPolicy, match=words):
        SplitPolicy(**wrong)


@given(kinds)
def test_a_policy_is_stored_with_what_matters_to_its_kind(kind):
    policy = (
        SplitPolicy(kind=kind, folds=5, fold=2, gallery=3) if kind in (KFOLD, GALLERY_PROBE) else SplitPolicy(kind=kind)
    )
    stored = policy.as_dict()
    assert ("folds" in stored, "gallery" in stored) == (kind == KFOLD, kind == GALLERY_PROBE)
    assert SplitPolicy.from_dict(stored).as_dict() == stored


# Through the database


@pytest.fixture
def crowd(project, add_photo):
    """Ten people alone in six photos each of two sessions, and a stranger."""
    for person in range(10):
        for number in range(6):
            add_photo(project, f"{person}-{number}", [f"Person {person}"], session=f"{person} {number % 2}")
    add_photo(project, "stranger", [None], who=Who.UNKNOWN)
    return project


def test_an_open_version_has_disjoint_people(crowd, freeze_now):
    version = freeze_now(crowd, policy=SplitPolicy(kind=OPEN))
    for person in version.statistics["people"]:
        assert sum(person[split] > 0 for split in SPLITS) == 1
    assert all(version.statistics["splits"][split]["faces"] for split in SPLITS)
    assert verify(version, photos=False)["problems"] == 0


def test_an_open_version_after_a_closed_one_says_why_it_cannot_be(crowd, freeze_now):
    freeze_now(crowd)
    version = start_freeze(crowd, policy=SplitPolicy(kind=OPEN))
    perform(version.job_id)
    version.refresh_from_db()
    assert version.state == VersionState.FAILED
    assert "Freeze with new splits" in version.message
    assert freeze_now(crowd, policy=SplitPolicy(kind=OPEN, sticky=False)).state == VersionState.READY


def test_folds_are_a_column_that_stays_while_the_tested_one_changes(crowd, freeze_now, add_photo):
    first = freeze_now(crowd, policy=SplitPolicy(kind=KFOLD, folds=3, fold=1))
    add_photo(crowd, "new", ["Person 1"])
    second = freeze_now(crowd, policy=SplitPolicy(kind=KFOLD, folds=3, fold=2, seed=9))
    one, two = (read_table(version, "images").to_pylist() for version in (first, second))
    kept = {row["image_sha256"]: row["fold"] for row in two}
    assert all(kept[row["image_sha256"]] == row["fold"] for row in one)
    assert {row["split"] for row in two if row["fold"] == 2} == {"test"}
    assert {row["split"] for row in two if row["fold"] != 2} == {"train"}
    assert {row["fold"] for row in one} == {1, 2, 3}
    by_session = defaultdict(set)
    for row in one:
        by_session[row["session"]].add(row["fold"])
    assert all(len(folds) == 1 for folds in by_session.values())
    assert sum(row["images"] for row in first.statistics["folds"]) == 61
    assert verify(second, photos=False)["problems"] == 0
    storage.delete(second.key("images"))
    third = start_freeze(crowd, policy=SplitPolicy(kind=KFOLD, folds=3))
    perform(third.job_id)
    assert "Restore it from a backup" in Version.objects.get(pk=third.pk).message


def test_what_folds_test_is_not_kept_from_later_versions(crowd, freeze_now):
    plain = freeze_now(crowd)
    freeze_now(crowd, policy=SplitPolicy(kind=KFOLD, folds=2, seed=5))
    assert freeze_now(crowd).content_hash == plain.content_hash


def test_gallery_and_probes_are_roles_from_different_sessions(crowd, freeze_now):
    version = freeze_now(crowd, policy=SplitPolicy(kind=GALLERY_PROBE, gallery=2, sticky=False))
    sessions = {row["image_sha256"]: row["session"] for row in read_table(version, "images").to_pylist()}
    found = defaultdict(lambda: defaultdict(set))
    faces = read_table(version, "faces").to_pylist()
    for face in faces:
        found[face["identity"]][face["role"]].add(sessions[face["image_sha256"]])
    assert [face["role"] for face in faces if face["identity"] is None] == ["probe"]
    assert Counter(face["role"] for face in faces) == {"gallery": 20, "probe": 31, None: 10}
    for person, roles in found.items():
        assert person is None or not roles["gallery"] & roles["probe"]
    assert version.statistics["roles"] == {"gallery": 20, "probe": 31}
    assert verify(version, photos=False)["problems"] == 0


def test_the_hash_of_tables_without_folds_or_roles_is_that_of_before(crowd, freeze_now):
    folded = freeze_now(crowd, policy=SplitPolicy(kind=KFOLD, folds=2, fold=1))
    images, faces = read_table(folded, "images"), read_table(folded, "faces")
    other = images.set_column(images.column_names.index("fold"), "fold", pa.array([7] * images.num_rows, pa.int8()))
    assert content_hash(images, faces) == folded.content_hash != content_hash(other, faces)
    assert content_hash(images.drop_columns("fold"), faces) != folded.content_hash


def test_kinds_of_splits_over_the_api(crowd, engineer, api_for):
    api, url = api_for(engineer), f"/api/v1/projects/{crowd.slug}/versions/"
    made = api.post(url, {"kind": "kfold", "folds": 4, "fold": 4}, format="json").json()
    assert made["split_policy"]["kind"] == "kfold"
    assert made["split_policy"]["test"] == 0.25
    assert api.post(url, {"kind": "kfold", "folds": 4, "fold": 5}, format="json").status_code == 400
    assert api.post(url, {"kind": "thirds"}, format="json").status_code == 400


@pytest.mark.parametrize(("kind", "words"), [("open", "Nobody is in two splits"), ("kfold", "tested here"),
                                             ("gallery_probe", "faces enrol people")])  # fmt: skip
def test_the_form_freezes_and_the_page_tells_each_kind(kind, words, crowd, engineer, client_for):
    client, asked = client_for(engineer), {"train": 60, "val": 20, "test": 20, "seed": 1, "by_session": "on"}
    answer = client.post(f"/p/{crowd.slug}/versions/", asked | {"kind": kind, "folds": 2, "fold": 1, "gallery": 1})
    version = Version.objects.get()
    perform(version.job_id)
    assert version.split_policy["kind"] == kind
    assert words in " ".join(client.get(answer["Location"]).text.split())
