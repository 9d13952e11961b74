"""From groups of like faces to what the Sort screen shows: who they may be, in which order. numpy only."""

from dataclasses import dataclass, field

import numpy as np

from recognition.grouping import Group, Words, group_faces
from recognition.known_faces import WAITING, KnownFaces
from recognition.likeness import FloatArray
from recognition.linkage import Linkage

# Chances, on LFW with one photo in ten named: at JOIN, 13 of 1,890 faces gathered around a person are not theirs;
# single faces taken in down to GATHER add 40 faces and no error, and are marked as doubtful.
JOIN = 0.5
GATHER = 0.3
# Marked for a second look: one face in twenty, and half of those that are wrong.
DOUBT = 0.8
# The same for leftovers that may be somebody we know.
KNOWN = 0.05
PROPOSE = 0.35
NEIGHBOUR = 0.02
ASK = 0.1
FEWEST_TO_ASK = 3
MOST_FACES = 200
MOST_LEFTOVERS = 60
MOST_QUESTIONS = 50


@dataclass
class Member:
    row: int
    likeness: float
    doubtful: bool


@dataclass(eq=False)
class Planned:
    """One cluster to be shown. person, nearest, neighbour: 0 or None for none. nearest: row of a named face."""

    members: list[Member]
    person: int = 0
    probability: float = 0.0
    nearest: int | None = None
    certainty: float = 0.0
    leftovers: bool = False
    barred: set[int] = field(default_factory=set)
    neighbour: "Planned | None" = None
    neighbour_similarity: float | None = None

    @property
    def rows(self) -> list[int]:
        return [member.row for member in self.members]


@dataclass(frozen=True)
class Question:
    first: int
    second: int
    similarity: float
    probability: float
    decides: int


class People:
    """Mean vector and number of faces of every named person."""

    def __init__(self, faces: KnownFaces):
        self.faces = faces
        self.rows = np.flatnonzero(faces.people > WAITING)
        self.ids, codes = np.unique(faces.people[self.rows], return_inverse=True)
        self.sizes = np.bincount(codes, minlength=len(self.ids)).astype(float)
        totals = np.zeros((len(self.ids), faces.vectors.shape[1]), np.float32)
        np.add.at(totals, codes, faces.vectors[self.rows])
        self.means = totals / self.sizes[:, None] if len(self.ids) else totals

    def chances(self, means: FloatArray, sizes: FloatArray, linkage: Linkage) -> FloatArray:
        """That groups of these means and sizes are each person, shape (groups, people); a row sums to 1 at most."""
        chances = linkage.probability(means @ self.means.T, np.outer(sizes, self.sizes))
        return chances / np.maximum(1.0, chances.sum(axis=1, keepdims=True))

    def best(self, chances: FloatArray, barred: set[int]) -> tuple[int, float]:
        """The likeliest person who is not barred, and the chance; (0, 0.0) without any."""
        if not len(self.ids):
            return 0, 0.0
        allowed = np.where(np.isin(self.ids, list(barred)), -1.0, chances) if barred else chances
        place = int(np.argmax(allowed))
        return (int(self.ids[place]), float(allowed[place])) if allowed[place] > 0 else (0, 0.0)

    def nearest(self, person: int, mean: FloatArray) -> int:
        """Row of that person's face which is most like `mean`."""
        theirs = self.rows[self.faces.people[self.rows] == person]
        return int(theirs[np.argmax(self.faces.vectors[theirs] @ mean)])


def plan(
    faces: KnownFaces, words: Words, linkage: Linkage, *, needy: set[int] = frozenset(), alone: set[int] = frozenset()
) -> tuple[list[Planned], list[Question]]:
    """Clusters of the waiting faces in the order they are to be shown, and questions worth asking.

    needy: people with fewer faces than they should have. alone: ids of faces that were left over when others of
    their page were set aside; each is shown by itself.
    """
    people = People(faces)
    groups = _gather(faces, group_faces(faces, words, linkage, least=JOIN), people, linkage)
    clusters, singles = [], []
    for group, extra in groups:
        if group.person or len(group.members) + len(extra) > 1:
            clusters += _clusters(faces, group, extra, people, linkage)
        else:
            singles += group.members
    clusters += [_single(faces, row, words, people, linkage) for row in singles if int(faces.face_ids[row]) in alone]
    rest = [row for row in singles if int(faces.face_ids[row]) not in alone]
    questions = _meet_neighbours(faces, clusters, words, linkage) + _ask_about_people(faces, clusters, people, linkage)
    questions.sort(key=lambda question: (-question.decides, -question.probability))
    clusters.sort(key=lambda one: place_in_line(len(one.members), one.probability, one.certainty, one.person in needy))
    return clusters + _leftovers(faces, rest, people, linkage), questions[:MOST_QUESTIONS]


def place_in_line(size: int, probability: float, certainty: float, is_needed: bool) -> tuple:
    """Smaller comes first: people who lack faces, then what settles most for one look."""
    return (not is_needed, -size * (0.25 + 0.75 * max(probability, certainty / 2)))


def _gather(faces: KnownFaces, groups: list[Group], people: People, linkage: Linkage) -> list[tuple[Group, list[int]]]:
    """Each group with the single faces that may belong to it. A group around a person may hold none but these."""
    around = {group.person: group for group in groups if group.person}
    extra: dict[int, list[int]] = {person: [] for person in people.ids.tolist()}
    kept = []
    singles = [group for group in groups if not group.person and len(group.members) == 1]
    if singles and len(people.ids):
        rows = [group.members[0] for group in singles]
        chances = people.chances(faces.vectors[rows], np.ones(len(rows)), linkage)
        photos = {person: {int(faces.photos[row]) for row in group.members} for person, group in around.items()}
        best = [people.best(row, group.barred) for row, group in zip(chances, singles, strict=True)]
        order = sorted(range(len(singles)), key=lambda place: -best[place][1])
        for place in order:
            (person, chance), row = best[place], rows[place]
            photo = int(faces.photos[row])
            if chance < GATHER or photo in photos.setdefault(person, set()):
                kept.append(singles[place])
                continue
            photos[person].add(photo)
            extra[person].append(row)
    else:
        kept = singles
    joined = [(around.get(person) or Group([], person, set()), rows) for person, rows in extra.items()]
    joined = [(group, rows) for group, rows in joined if group.members or rows]
    others = [group for group in groups if not group.person and len(group.members) > 1]
    return joined + [(group, []) for group in others + kept]


def _clusters(faces: KnownFaces, group: Group, extra: list[int], people: People, linkage: Linkage) -> list[Planned]:
    """The group, in pages when it has more faces than a screen holds."""
    rows = np.array(group.members + extra)
    vectors = faces.vectors[rows]
    core = vectors[: len(group.members)] if group.members else vectors
    middle = core.mean(axis=0)
    likeness = vectors @ (middle / np.linalg.norm(middle))
    chances = _belonging(faces, vectors, len(group.members), group.person, people, linkage)
    doubtful = (chances < DOUBT) | (np.arange(len(rows)) >= len(group.members))
    order = np.lexsort((rows, -likeness, doubtful))
    person, probability = group.person, 0.0
    found = people.chances(middle[None], np.array([float(len(core))]), linkage)[0]
    if person:
        probability = float(found[np.searchsorted(people.ids, person)])
    else:
        person, probability = people.best(found, group.barred)
        if probability < PROPOSE:
            person, probability = 0, 0.0
    pages = []
    for start in range(0, len(order), MOST_FACES):
        page = order[start : start + MOST_FACES]
        sure = chances[page][~doubtful[page]]
        pages.append(
            Planned(
                [Member(int(rows[i]), float(min(likeness[i], 1.0)), bool(doubtful[i])) for i in page],
                person=person,
                probability=probability,
                nearest=people.nearest(person, middle) if person else None,
                certainty=float(sure.min()) if len(sure) else float(chances[page].min()),
                barred=group.barred,
            )
        )
    return pages


def _belonging(
    faces: KnownFaces, vectors: FloatArray, core: int, person: int, people: People, linkage: Linkage
) -> FloatArray:
    """The chance of each face to belong to the others of its group, the named ones included."""
    total, size = vectors[:core].sum(axis=0), float(core)
    if person:
        place = np.searchsorted(people.ids, person)
        total = total + people.means[place] * people.sizes[place]
        size += people.sizes[place]
    own = np.arange(len(vectors)) < core
    others = np.maximum(size - own, 1)
    similarity = (vectors @ total - own) / others
    return linkage.probability(similarity, others)


def _single(faces: KnownFaces, row: int, words: Words, people: People, linkage: Linkage) -> Planned:
    """A face somebody looked at and did not set aside: with the best guess there is, however weak."""
    barred = words.not_person.get(int(faces.face_ids[row]), set()) | words.in_photo.get(int(faces.photos[row]), set())
    vector = faces.vectors[row]
    person, chance = people.best(people.chances(vector[None], np.ones(1), linkage)[0], barred)
    nearest = people.nearest(person, vector) if person else None
    return Planned([Member(row, 1.0, False)], person, chance, nearest, certainty=1.0, barred=barred)


def _leftovers(faces: KnownFaces, rows: list[int], people: People, linkage: Linkage) -> list[Planned]:
    """Pages of faces that are like nobody else's, the surest strangers first, so that one key settles a page."""
    if not rows:
        return []
    best = np.zeros(len(rows))
    if len(people.ids):
        best = people.chances(faces.vectors[rows], np.ones(len(rows)), linkage).max(axis=1)
    members = [Member(rows[place], 0.0, bool(best[place] >= KNOWN)) for place in np.argsort(best, kind="stable")]
    pages = [members[start : start + MOST_LEFTOVERS] for start in range(0, len(members), MOST_LEFTOVERS)]
    return [Planned(page, leftovers=True) for page in pages]


def _meet_neighbours(faces: KnownFaces, clusters: list[Planned], words: Words, linkage: Linkage) -> list[Question]:
    """Give each cluster its likest neighbour that could be the same person; ask where that is open."""
    if not clusters:
        return []
    means = np.stack([faces.vectors[one.rows].mean(axis=0) for one in clusters])
    sizes = np.array([float(len(one.members)) for one in clusters])
    photos = [{int(faces.photos[row]) for row in one.rows} for one in clusters]
    apart = _told_apart(faces, words, clusters)
    questions = []
    for place, one in enumerate(clusters):
        similarity = means @ means[place]
        chances = linkage.probability(similarity, sizes * sizes[place])
        for other in np.argsort(-chances)[:8].tolist():
            if chances[other] < NEIGHBOUR:
                break
            beside = clusters[other]
            if other == place or (one.person and beside.person and one.person != beside.person):
                continue
            if photos[place] & photos[other] or (place, other) in apart or _barred(one, beside):
                continue
            one.neighbour, one.neighbour_similarity = beside, float(similarity[other])
            if place < other and chances[other] >= ASK and one.person != beside.person:
                questions.append(_question(faces, one, beside, float(chances[other])))
            break
    return questions


def _ask_about_people(faces: KnownFaces, clusters: list[Planned], people: People, linkage: Linkage) -> list[Question]:
    """Where a group may be a person, but not surely enough to say so."""
    questions = []
    for one in clusters:
        if one.person or len(one.members) < FEWEST_TO_ASK:
            continue
        vectors = faces.vectors[one.rows]
        middle = vectors.mean(axis=0)
        person, chance = people.best(
            people.chances(middle[None], np.array([float(len(vectors))]), linkage)[0], one.barred
        )
        if chance >= ASK:
            named = people.nearest(person, middle)
            similarity = vectors @ faces.vectors[named]
            waiting = one.rows[int(np.argmax(similarity))]
            ids = sorted((int(faces.face_ids[waiting]), int(faces.face_ids[named])))
            best = float(min(similarity.max(), 1.0))
            questions.append(Question(*ids, similarity=best, probability=chance, decides=len(vectors)))
    return questions


def _barred(one: Planned, other: Planned) -> bool:
    return bool((one.person and one.person in other.barred) or (other.person and other.person in one.barred))


def _told_apart(faces: KnownFaces, words: Words, clusters: list[Planned]) -> set[tuple[int, int]]:
    where = {int(faces.face_ids[row]): place for place, one in enumerate(clusters) for row in one.rows}
    pairs = [(where.get(first), where.get(second)) for first, second in words.cannot]
    return {pair for first, second in pairs for pair in ((first, second), (second, first))}


def _question(faces: KnownFaces, one: Planned, other: Planned, chance: float) -> Question:
    """About the two faces that are most like each other."""
    similarity = faces.vectors[one.rows] @ faces.vectors[other.rows].T
    first, second = np.unravel_index(np.argmax(similarity), similarity.shape)
    ids = sorted((int(faces.face_ids[one.rows[first]]), int(faces.face_ids[other.rows[second]])))
    best = float(min(similarity[first, second], 1.0))
    return Question(*ids, similarity=best, probability=chance, decides=min(len(one.members), len(other.members)))
