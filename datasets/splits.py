"""Seeded splits: stratified by identity, and whatever belongs together stays together."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

SPLITS = ("train", "val", "test")
# Stands for “no named face here”; no person can have this name.
NOBODY = ""


class BadPolicy(ValueError):
    """The split asked for makes no sense; the message says why."""


# What a version is for: see `datasets/protocols.py`.
CLOSED, OPEN, KFOLD, GALLERY_PROBE = "closed", "open", "kfold", "gallery_probe"
SPLIT_KINDS = {
    CLOSED: "Closed set: everybody is learnt and tested",
    OPEN: "Open set: people who are tested are never learnt",
    KFOLD: "k folds: each photo is tested once",
    GALLERY_PROBE: "Gallery and probes: few photos enrol a person, all others are looked for",
}
KIND_CHOICES = list(SPLIT_KINDS.items())
MOST_FOLDS, MOST_GALLERY = 20, 100


@dataclass(frozen=True)
class SplitPolicy:
    """Shares of the faces of each person. With `by_session`, one capture session never crosses.

    With `by_likeness`, photos that are nearly the same never do. With `sticky`, photos stay where earlier versions had
    them. Of the other kinds, `kfold` knows how many `folds` there are and which `fold` is tested, from 1, and
    `gallery_probe` how many photos of each person are the `gallery`; neither has shares.
    """

    train: float = 0.6
    val: float = 0.2
    test: float = 0.2
    seed: int = 1
    by_session: bool = True
    by_likeness: bool = True
    sticky: bool = True
    kind: str = CLOSED
    folds: int = 10
    fold: int = 1
    gallery: int = 1

    def __post_init__(self):
        if self.kind not in SPLIT_KINDS:
            raise BadPolicy(f"There is no split “{self.kind}”; use one of: {', '.join(SPLIT_KINDS)}.")
        if not 2 <= self.folds <= MOST_FOLDS:
            raise BadPolicy(f"Ask for 2 to {MOST_FOLDS} folds.")
        if not 1 <= self.fold <= self.folds:
            raise BadPolicy(f"The fold to test is one of 1 to {self.folds}.")
        if not 1 <= self.gallery <= MOST_GALLERY:
            raise BadPolicy(f"The gallery may have 1 to {MOST_GALLERY} photos of a person.")
        if self.kind == KFOLD:
            shares = {"train": 1 - 1 / self.folds, "val": 0.0, "test": 1 / self.folds}
            for split, share in shares.items():
                object.__setattr__(self, split, share)
        shares = (self.train, self.val, self.test)
        # Asked this way round, a share that is not a number is refused too.
        if not (all(share >= 0 for share in shares) and abs(sum(shares) - 1) <= 1e-6):
            raise BadPolicy("The shares of train, val and test must be 0 or more and add up to 1.")

    def as_dict(self) -> dict:
        """What matters to its kind; a closed set goes without saying."""
        needless = {
            CLOSED: ("kind", "folds", "fold", "gallery"),
            OPEN: ("folds", "fold", "gallery"),
            KFOLD: ("gallery",),
            GALLERY_PROBE: ("folds", "fold", *SPLITS),
        }
        return {name: value for name, value in asdict(self).items() if name not in needless[self.kind]}

    @classmethod
    def from_dict(cls, stored: dict) -> "SplitPolicy":
        return cls(**{name: stored[name] for name in cls.__dataclass_fields__ if name in stored})


def split_groups(photos: Iterable[tuple[str, str]], alike: dict[str, int], policy: SplitPolicy) -> dict[str, str]:
    """Which group each photo belongs to: its session's, else one of its own; groups with nearly equal photos are one.

    `photos`: hash and session of each. `alike`: a number for the hash of each photo that has nearly equal ones. A
    group is named by what it holds, never by a number of this database.
    """
    group_of = {sha256: f"session:{session}" if policy.by_session and session else sha256 for sha256, session in photos}
    if not policy.by_likeness:
        return group_of
    moved: dict[str, str] = {}

    def top(name: str) -> str:
        while name in moved:
            moved[name] = moved.get(moved[name], moved[name])  # half the way for those who come after
            name = moved[name]
        return name

    groups_alike: dict[int, str] = {}
    for sha256 in sorted(alike.keys() & group_of.keys()):
        mine, theirs = top(group_of[sha256]), top(groups_alike.setdefault(alike[sha256], group_of[sha256]))
        if mine != theirs:
            moved[max(mine, theirs)] = min(mine, theirs)
    return {sha256: top(group) for sha256, group in group_of.items()}


def held_splits(photos: Iterable[tuple[str, str | None]], policy: SplitPolicy) -> dict[str, str]:
    """The split of each group with photos that earlier versions had: where those were, all of it goes.

    `photos`: the group of each and its split before, if it had one. Where photos of one group were apart, test is
    stronger than val, and val than train: a model may go without some photos, but what once was in test must not be
    learnt from. Photos of a split that the policy no longer has are free again; those of test never are.
    """
    held: dict[str, str] = {}
    for group, split in photos:
        if split is None or (split != "test" and getattr(policy, split) == 0):
            continue
        if group not in held or SPLITS.index(split) > SPLITS.index(held[group]):
            held[group] = split
    return held


def assign_splits(
    groups: dict[str, Sequence[str]], policy: SplitPolicy, held: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Put every group whole into one split. `groups` maps a group's name to the people of its faces.

    Groups in `held` go where it says, and count; the others are divided so that all together come near the shares.

    A group where nobody is named holds NOBODY (once for each photo, say); such groups come last and are
    spread among themselves by the same shares.

    See `divide` for how.
    """
    shares = {split: share for split in SPLITS if (share := getattr(policy, split)) > 0}
    return divide(groups, shares, policy.seed, held or {}, first=FIRST_PHOTOS)


# Ties come often, as most people have few photos. They go to train for people who have nothing there, then to test for
# those who have nothing there: the first photo enrols somebody, the second tests them.
FIRST_PHOTOS = {"train": 2, "test": 1}


def divide(
    groups: Mapping[str, Sequence[str]],
    shares: Mapping[str, float],
    seed: int,
    held: Mapping[str, str],
    *,
    first: Mapping[str, int],
) -> dict[str, str]:
    """Put every group whole into one part, so that each person's faces come near the shares; see `assign_splits`.

    `first`: how much a part is preferred for people who have nothing there, where claims are equal.

    Greedy: groups come in a seeded order, those of rare people first; each goes where its people lack
    most. For people who are alone in their groups this is Webster's (Sainte-Laguë's) method: no split
    misses its share of a person by more than that person's largest group. The same groups and seed give
    the same answer on any machine; the order of `groups` is no matter.
    """
    totals = Counter(person for people in groups.values() for person in people or (NOBODY,))
    placed: dict[str, Counter] = defaultdict(Counter)
    faces_in: Counter = Counter()
    result: dict[str, str] = {}

    def place(name: str, people: list[tuple[str, int]], split: str) -> None:
        result[name] = split
        for person, count in people:
            placed[person][split] += count
            faces_in[split] += count

    for name in groups:
        if name in held:
            place(name, _tally(groups[name] or (NOBODY,)), held[name])
    free = [name for name in groups if name not in held]
    for name in sorted(free, key=lambda name: _order(name, groups[name] or (NOBODY,), totals, seed)):
        people = _tally(groups[name] or (NOBODY,))
        lacks = {split: _lack(split, share, people, totals, placed, faces_in, first) for split, share in shares.items()}
        place(name, people, max(lacks, key=lacks.__getitem__))
    return result


def _order(name: str, people: Sequence[str], totals: Counter, seed: int) -> tuple:
    """Rarest person first; larger groups before smaller ones; the rest by a seeded shuffle."""
    rarest = min(totals[person] for person in people)
    return (people[0] == NOBODY, rarest, -len(people), hashlib.sha256(f"{seed}:{name}".encode()).digest())


def _tally(people: Sequence[str]) -> list[tuple[str, int]]:
    """Each person once, with the number of their faces. Sorted: a sum of floats depends on the order of its terms."""
    return [(people[0], 1)] if len(people) == 1 else sorted(Counter(people).items())


def _lack(
    split: str, share: float, people, totals: Counter, placed: dict[str, Counter], faces_in: Counter, first: Mapping
) -> tuple:
    """How much the split still wants this group: the lack half-way through placing it, by share of each person.

    Of equal claims the parts that should be first for newcomers come first; after that the one that is emptiest for its
    share wins, so that val is not left without faces.
    """
    wanted = 0.0
    newcomers = 0
    for person, count in people:
        there = placed[person][split]
        wanted += count * (1 - (there + count / 2) / (share * totals[person]))
        newcomers += there == 0
    return (round(wanted, 9), first.get(split, 0) * newcomers, -faces_in[split] / share)
