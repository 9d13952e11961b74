"""What a version is for, and how its groups are divided then. Pure functions of groups and seeds.

closed: everybody is learnt and tested. open: who is tested is never learnt. kfold: each photo is tested in one of k
versions. gallery_probe: some photos enrol a person, all others are looked for. Whatever belongs together, one session
or photos that are nearly the same, is whole in each.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from datasets.splits import (
    GALLERY_PROBE,
    KFOLD,
    NOBODY,
    OPEN,
    SplitPolicy,
    assign_splits,
    divide,
    held_splits,
)


class CannotDivide(ValueError):
    """These photos cannot be divided so; the message says why, and what to do."""


@dataclass(frozen=True)
class Division:
    """The split of each group, and its fold, from 1, where there are folds."""

    split_of: dict[str, str]
    fold_of: dict[str, int] | None = None


def divide_groups(
    groups: Mapping[str, Sequence[str]],
    photos: Iterable[tuple[str, str | None]],
    policy: SplitPolicy,
    folds_before: Iterable[tuple[str, int | None]] = (),
) -> Division:
    """Divide as the policy says. `groups`: a group's name to the people of its faces, as `assign_splits` has it.

    photos: the group of each photo and its split before, if it had one. folds_before: the same of folds.
    """
    if policy.kind == KFOLD:
        fold_of = assign_folds(groups, policy, held_folds(folds_before, policy))
        return Division({name: "test" if fold == policy.fold else "train" for name, fold in fold_of.items()}, fold_of)
    if policy.kind == OPEN:
        return Division(assign_open(groups, policy, photos))
    held = held_splits(photos, policy)
    if policy.kind == GALLERY_PROBE:
        return Division(assign_gallery(groups, policy, held))
    return Division(assign_splits(groups, policy, held))


def join_by_people(groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Groups that share a person are one, over any number of steps; each is named by the first of its groups."""
    moved: dict[str, str] = {}

    def top(name: str) -> str:
        while name in moved:
            moved[name] = moved.get(moved[name], moved[name])
            name = moved[name]
        return name

    first_of: dict[str, str] = {}
    for name in sorted(groups):
        for person in set(groups[name]) - {NOBODY}:
            mine, theirs = top(name), top(first_of.setdefault(person, name))
            if mine != theirs:
                moved[max(mine, theirs)] = min(mine, theirs)
    return {name: top(name) for name in groups}


def assign_open(
    groups: Mapping[str, Sequence[str]], policy: SplitPolicy, photos: Iterable[tuple[str, str | None]]
) -> dict[str, str]:
    """Nobody in two splits: people who share a photo, a session or a near-duplicate go together, with all their photos.

    The shares are of all faces. Photos where nobody is named are divided by the same shares. Raises CannotDivide when
    a split that was asked for would show nobody.
    """
    top = join_by_people(groups)
    joined: dict[str, list[str]] = defaultdict(list)
    for name in sorted(groups):
        people = groups[name] or (NOBODY,)
        joined[top[name]] += ["somebody" if person != NOBODY else NOBODY for person in people]
    joined = {name: [one for one in them if one != NOBODY] or them for name, them in joined.items()}
    held = held_splits(((top[name], split) for name, split in photos), policy)
    split_of = assign_splits(joined, policy, held)
    shown = {split_of[name] for name, them in joined.items() if them[0] != NOBODY}
    empty = [split for split in ("train", "test") if getattr(policy, split) > 0 and split not in shown]
    if shown and empty:
        raise CannotDivide(_why_nobody(empty[0], joined, held))
    return {name: split_of[top[name]] for name in groups}


def _why_nobody(split: str, joined: Mapping[str, Sequence[str]], held: Mapping[str, str]) -> str:
    named = [name for name, them in joined.items() if them[0] != NOBODY]
    begin = f"An open set leaves nobody for {split}: "
    if all(name in held for name in named):
        return begin + "all people have photos that earlier versions placed elsewhere. Freeze with new splits."
    return begin + (
        f"people who share a photo, a session or a near-duplicate stay together, and there are only {len(named)} such "
        "circles. Let sessions cross, leave group photos out, or use a closed set."
    )


def assign_folds(
    groups: Mapping[str, Sequence[str]], policy: SplitPolicy, held: Mapping[str, int] | None = None
) -> dict[str, int]:
    """A fold from 1 for each group; each person's faces are spread evenly over the folds."""
    names = [f"{fold:02}" for fold in range(1, policy.folds + 1)]
    shares = dict.fromkeys(names, 1 / policy.folds)
    kept = {name: f"{fold:02}" for name, fold in (held or {}).items()}
    return {name: int(fold) for name, fold in divide(groups, shares, policy.seed, kept, first={}).items()}


def held_folds(photos: Iterable[tuple[str, int | None]], policy: SplitPolicy) -> dict[str, int]:
    """The fold in which most photos of each group were before, the lower one of equals."""
    found: dict[str, Counter] = defaultdict(Counter)
    for group, fold in photos:
        if fold is not None and fold <= policy.folds:
            found[group][fold] += 1
    return {group: min(folds, key=lambda fold: (-folds[fold], fold)) for group, folds in found.items()}


def assign_gallery(groups: Mapping[str, Sequence[str]], policy: SplitPolicy, held: Mapping[str, str]) -> dict[str, str]:
    """Gallery (as train) or probes (as test) for each group; small groups enrol, so that most is left to be looked for.

    Each person gets `policy.gallery` faces in the gallery where they have so many, and keeps their last group for
    probes. Who is in one group alone is enrolled only. Groups where nobody is named are probes.
    """
    left = Counter(person for people in groups.values() for person in set(people))
    enrolled: Counter = Counter()
    looked_for: set[str] = set()
    result: dict[str, str] = {}

    def place(name: str, split: str) -> None:
        result[name] = split
        left.subtract(set(groups[name]))
        if split == "test":
            looked_for.update(groups[name])
        else:
            enrolled.update(groups[name])

    def wants_to_enrol(person: str) -> bool:
        if not enrolled[person]:
            return True
        is_last_for_probes = person not in looked_for and left[person] == 1
        return enrolled[person] < policy.gallery and not is_last_for_probes

    def order(name: str) -> tuple:
        people = groups[name]
        seeded = hashlib.sha256(f"{policy.seed}:{name}".encode()).digest()
        return (len(people), min(left_at_first[person] for person in people), seeded)

    for name in sorted(held.keys() & groups.keys()):
        place(name, "test" if held[name] == "test" else "train")
    left_at_first = left.copy()
    free = groups.keys() - held.keys()
    named = [name for name in free if any(person != NOBODY for person in groups[name])]
    for name in sorted(named, key=order):
        people = sorted(set(groups[name]) - {NOBODY})
        votes = sum(1 if wants_to_enrol(person) else -1 for person in people)
        only_chance = any(not enrolled[person] and left[person] == 1 for person in people)
        place(name, "train" if votes > 0 or (votes == 0 and only_chance) else "test")
    return result | dict.fromkeys(free - set(named), "test")
