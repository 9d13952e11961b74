"""What once was in test stays in test, whatever becomes of the labels; and the rest stays where it was as well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.models import Version
from datasets.splits import SplitPolicy, assign_splits, held_splits, split_groups
from jobs.models import Job
from labelling import storage
from labelling.models import Image, ImageState

POLICY = SplitPolicy()
photo = st.tuples(
    st.sampled_from(["", "", "", "one", "two"]), st.integers(0, 6), st.lists(st.sampled_from("abc"), max_size=2)
)
collections = st.dictionaries(st.sampled_from([f"{number:02x}" for number in range(16)]), photo, min_size=1, max_size=8)


def split(collection: dict, before: dict, policy=POLICY) -> dict[str, str]:
    """The split of each photo of a collection: hash to session, near-duplicate group (0: none) and people."""
    alike = {sha256: near for sha256, (_, near, _) in collection.items() if near}
    group_of = split_groups([(sha256, session) for sha256, (session, _, _) in collection.items()], alike, policy)
    groups: dict[str, list] = {}
    for sha256, (_, _, people) in collection.items():
        groups.setdefault(group_of[sha256], []).extend(people)
    where_before = [(group_of[sha256], before.get(sha256)) for sha256 in collection]
    split_of = assign_splits(groups, policy, held_splits(where_before, policy))
    return {sha256: split_of[group_of[sha256]] for sha256 in collection}


@given(st.lists(collections, min_size=10, max_size=10))
def test_over_ten_versions_of_any_kind_nothing_leaves_test(history):
    tested, before = set(), {}
    for collection in history:
        splits = split(collection, before)
        for sha256, where in splits.items():
            assert where == "test" or sha256 not in tested
        tested |= {sha256 for sha256, where in splits.items() if where == "test"}
        before = splits | dict.fromkeys(tested, "test")


@given(collections, collections)
def test_nothing_that_belongs_together_is_parted_by_where_it_was(first, second):
    splits = split(second, split(first, {}))
    for sessions_or_groups in (0, 1):
        where: dict = {}
        for sha256, photo in second.items():
            if photo[sessions_or_groups]:
                where.setdefault(photo[sessions_or_groups], set()).add(splits[sha256])
        assert all(len(found) == 1 for found in where.values())


@given(collections)
def test_the_same_photos_stay_where_they_were(collection):
    before = split(collection, {}, SplitPolicy(seed=5))
    assert split(collection, before, SplitPolicy(seed=6)) == before


def test_a_new_photo_like_one_in_test_follows_it():
    one = {"aa": ("", 1, ["a"])}
    splits = split(one | {"bb": ("", 1, ["a"])}, {"aa": "test"})
    assert splits == {"aa": "test", "bb": "test"}


def test_a_photo_that_ties_train_and_test_together_takes_both_to_test():
    tied = {"aa": ("", 1, ["a"]), "bb": ("one", 0, ["a"]), "cc": ("one", 1, ["a"])}
    assert set(split(tied, {"aa": "test", "bb": "train"}).values()) == {"test"}


def test_photos_of_a_split_that_is_given_up_are_free_but_not_those_of_test():
    policy = SplitPolicy(train=1, val=0, test=0)
    assert held_splits([("aa", "val"), ("bb", "test"), ("cc", None)], policy) == {"bb": "test"}


# Through the database


def splits_of(version: Version) -> dict[str, str]:
    from datasets.manifest import read_columns

    table = read_columns(version, "images", ["image_sha256", "split"])
    return dict(zip(table["image_sha256"].to_pylist(), table["split"].to_pylist(), strict=True))


def test_a_later_version_leaves_photos_where_they_were(project, add_photo, freeze_now):
    for number in range(30):
        add_photo(project, number, [f"Person {number % 4}"])
    first = splits_of(freeze_now(project))
    for number in range(30, 40):
        add_photo(project, number, [f"Person {number % 4}"])
    second = splits_of(freeze_now(project))
    assert {sha256: second[sha256] for sha256 in first} == first
    assert set(second.values()) == {"train", "val", "test"}


def test_a_photo_that_was_away_for_a_version_comes_back_to_test(project, add_photo, freeze_now):
    for number in range(20):
        add_photo(project, number, ["Ann"])
    tested = {sha256 for sha256, where in splits_of(freeze_now(project)).items() if where == "test"}
    away = Image.objects.filter(sha256__in=tested)
    assert tested
    away.update(state=ImageState.PROPOSED)
    project.faces.filter(image__in=away).update(state="proposed", who="unassigned", identity=None)
    assert not tested & splits_of(freeze_now(project)).keys()
    away.update(state=ImageState.LABELLED)
    third = splits_of(freeze_now(project))
    assert {third[sha256] for sha256 in tested} == {"test"}


def test_new_splits_are_made_where_asked_for(project, add_photo, freeze_now):
    for number in range(30):
        add_photo(project, number, [f"Person {number % 4}"])
    first = splits_of(freeze_now(project))
    again = splits_of(freeze_now(project, policy=SplitPolicy(seed=99, sticky=False)))
    assert again != first


def test_a_version_is_not_split_while_an_earlier_one_cannot_be_read(project, add_photo, freeze_now):
    add_photo(project, "a", ["Ann"])
    first = freeze_now(project)
    storage.delete(first.key("images"))
    second = freeze_now(project)
    assert second.state == "failed"
    assert "Restore it from a backup" in Job.objects.get(pk=second.job_id).message


@pytest.mark.parametrize("sticky", [True, False])
def test_a_policy_says_whether_it_is_sticky(sticky):
    assert SplitPolicy.from_dict(SplitPolicy(sticky=sticky).as_dict()).sticky == sticky
