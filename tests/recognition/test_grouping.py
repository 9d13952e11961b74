"""Groups of like faces never break what people said, whatever the vectors are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.grouping import Words, group_faces
from recognition.known_faces import KnownFaces
from recognition.linkage import Linkage, default_linkage, fit_linkage, linkage_of
from recognition.sort_plan import ASK, JOIN, MOST_FACES, MOST_LEFTOVERS, plan

# For made-up vectors: unlike ones are at right angles here, unlike dlib's.
LINKAGE = Linkage(centre=0.5, scale=0.2, weights=(0.0, 5.0, 0.0, 0.5))


def looks(person: int, count: int, *, spread: float = 0.4) -> np.ndarray:
    rng = np.random.default_rng(person)
    middle = rng.normal(size=64)
    vectors = middle / np.linalg.norm(middle) + spread * rng.normal(size=(count, 64)) / 8
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def known(truth, people=None, photos=None, *, spread: float = 0.4) -> KnownFaces:
    """Faces 100, 101, …; truth: who each looks like; people: who is named (0: waits)."""
    seen: dict[int, int] = {}
    vectors = []
    for person in truth:
        seen[person] = seen.get(person, 0) + 1
        vectors.append(looks(person, 40, spread=spread)[seen[person] % 40])
    count = len(truth)
    return KnownFaces(
        face_ids=np.arange(100, 100 + count),
        vectors=np.stack(vectors),
        people=np.array(people if people is not None else [0] * count, dtype=np.int64),
        photos=np.array(photos if photos is not None else range(count), dtype=np.int64),
    )


def groups_of(faces, words=Words(), least=0.5) -> list[tuple[int, list[int]]]:  # noqa: B008
    """(person, face ids) of each group, sorted."""
    found = group_faces(faces, words, LINKAGE, least=least)
    return sorted((group.person, [int(faces.face_ids[row]) for row in group.members]) for group in found)


def test_like_faces_come_together_and_strangers_stay_alone():
    faces = known([1, 2, 1, 2, 1, 3])
    assert groups_of(faces) == [(0, [100, 102, 104]), (0, [101, 103]), (0, [105])]


def test_waiting_faces_gather_around_named_ones():
    faces = known([1, 1, 2, 2, 1, 3], people=[7, 0, 8, 0, 0, 0])
    assert groups_of(faces) == [(0, [105]), (7, [101, 104]), (8, [103])]


def test_nothing_waits_or_nothing_is_there():
    assert groups_of(known([1, 1], people=[7, 7])) == []
    empty = KnownFaces(*(np.zeros(shape) for shape in ((0,), (0, 0), (0,), (0,))))
    assert group_faces(empty, Words(), LINKAGE, least=0.5) == []
    assert groups_of(known([1])) == [(0, [100])]


def test_two_faces_of_a_photo_are_never_one_person_unless_somebody_said_so():
    faces = known([1, 1, 1], photos=[5, 5, 6])
    groups = groups_of(faces)
    assert not any({100, 101} <= set(members) for _, members in groups)
    assert groups_of(faces, Words(must=[(100, 101)])) == [(0, [100, 101, 102])]


def test_nobody_is_gathered_who_stands_beside_the_named_one():
    faces = known([1, 1, 1], people=[7, 0, 0], photos=[5, 5, 6])
    assert groups_of(faces, Words(in_photo={5: {7}})) == [(0, [101]), (7, [102])]
    # Named in that photo by a face that has no vector.
    faces = known([1, 1], people=[7, 0], photos=[4, 5])
    assert groups_of(faces, Words(in_photo={5: {7}})) == [(0, [101])]


def test_not_this_person_holds_through_every_merge():
    faces = known([1] * 5, people=[7, 0, 0, 0, 0])
    groups = groups_of(faces, Words(not_person={102: {7}}))
    assert not any(person == 7 and 102 in members for person, members in groups)
    groups = groups_of(faces, Words(cannot=[(100, 103)]))  # not the same as a face of 7
    assert not any(person == 7 and 103 in members for person, members in groups)


def test_the_same_as_a_named_face_goes_to_that_person_however_unlike():
    faces = known([1, 2], people=[7, 0])
    assert groups_of(faces, Words(must=[(100, 101)])) == [(7, [101])]


@st.composite
def puzzles(draw):
    """Faces of a few people with a few named, several to a photo, and words about them, true or not."""
    count = draw(st.integers(2, 24))
    truth = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    people = [draw(st.sampled_from([0, 0, 0, person])) for person in truth]
    photos = draw(st.lists(st.integers(0, count // 2), min_size=count, max_size=count))
    ids = st.integers(100, 99 + count)
    pair = st.tuples(ids, ids).filter(lambda two: two[0] < two[1])
    pairs = draw(st.lists(pair, max_size=6, unique=True))
    must = draw(st.integers(0, min(2, len(pairs))))
    not_person = draw(st.dictionaries(ids, st.sets(st.integers(1, 4), min_size=1, max_size=2), max_size=4))
    faces = known(truth, people, photos, spread=draw(st.sampled_from([0.2, 0.6, 1.2])))
    named = {(int(photo), int(person)) for photo, person in zip(photos, people, strict=True) if person}
    in_photo = {photo: {person for where, person in named if where == photo} for photo, _ in named}
    return faces, Words(pairs[:must], pairs[must:], not_person, in_photo)


@settings(max_examples=150, deadline=None)
@given(puzzles())
def test_no_word_is_ever_broken(puzzle):
    faces, words = puzzle
    found = group_faces(faces, words, LINKAGE, least=0.5)
    rows = sorted(row for group in found for row in group.members)
    assert rows == np.flatnonzero(faces.people == 0).tolist()  # each waiting face once
    person_of = dict(zip(faces.face_ids.tolist(), faces.people.tolist(), strict=True))
    # Words that contradict each other, through names as well: the same as one face of a person, not as another.
    named = [(a, b) for a in person_of for b in person_of if person_of[a] and person_of[a] == person_of[b]]
    said_same = connected([*words.must, *named])
    for group in found:
        ids = {int(faces.face_ids[row]) for row in group.members}
        for first, second in words.cannot:
            if said_same(first) != said_same(second):
                assert not {first, second} <= ids
                if group.person:
                    assert not ({first, second} & ids and group.person in {person_of[first], person_of[second]})
        linked = {face for face in ids if any(face in pair for pair in words.must)}
        for face in ids - linked:
            assert group.person not in words.not_person.get(face, ()) or group.person == 0
            assert group.person not in words.in_photo.get(int(faces.photos[face - 100]), ()) or group.person == 0
        photos = [int(faces.photos[face - 100]) for face in ids - linked]
        assert len(photos) == len(set(photos))


def connected(pairs):
    head: dict[int, int] = {}

    def of(face):
        while head.get(face, face) != face:
            face = head[face]
        return face

    for first, second in pairs:
        if of(first) != of(second):
            head[of(first)] = of(second)
    return of


# What the screen shows


def test_a_plan_shows_every_waiting_face_once():
    truth = [1] * 6 + [2] * 4 + [3, 4, 5]
    faces = known(truth, people=[9, 9] + [0] * 11)
    clusters, _ = plan(faces, Words(), LINKAGE)
    assert sorted(row for one in clusters for row in one.rows) == list(range(2, 13))
    first, second, last = clusters
    assert (first.person, first.rows and len(first.rows), first.leftovers) == (9, 4, False)
    assert first.nearest in {0, 1}
    assert first.probability > 0.9
    assert (second.person, len(second.rows)) == (0, 4)
    assert (last.leftovers, len(last.rows)) == (True, 3)


def test_who_lacks_faces_comes_first():
    faces = known([1] * 8 + [2] * 4, people=[8] + [0] * 7 + [9] + [0] * 3)
    assert [one.person for one in plan(faces, Words(), LINKAGE)[0]] == [8, 9]
    assert [one.person for one in plan(faces, Words(), LINKAGE, needy={9})[0]] == [9, 8]


def test_likest_first_and_doubtful_last():
    faces = known([1] * 12, people=[9] + [0] * 11, spread=0.9)
    (cluster, *_) = plan(faces, Words(), LINKAGE)[0]
    marks = [(member.doubtful, -member.likeness) for member in cluster.members]
    assert marks == sorted(marks)


def test_large_groups_and_many_leftovers_come_in_pages():
    crowd = np.random.default_rng(5).normal(size=(130, 64))
    alike = looks(1, MOST_FACES + 30)
    vectors = np.concatenate([alike, crowd / np.linalg.norm(crowd, axis=1, keepdims=True)]).astype(np.float32)
    count = len(vectors)
    faces = KnownFaces(np.arange(count), vectors, np.zeros(count, np.int64), np.arange(count))
    clusters, _ = plan(faces, Words(), LINKAGE)
    assert max(len(one.rows) for one in clusters if not one.leftovers) == MOST_FACES
    assert max(len(one.rows) for one in clusters if one.leftovers) == MOST_LEFTOVERS
    assert sorted(row for one in clusters for row in one.rows) == list(range(count))


def test_a_face_somebody_left_on_its_page_is_shown_alone():
    faces = known([1, 2, 3], people=[9, 0, 0])
    clusters, _ = plan(faces, Words(), LINKAGE, alone={101})
    assert [(one.leftovers, one.rows) for one in clusters] == [(False, [1]), (True, [2])]


def test_a_photo_conflict_makes_neighbours_of_nobody():
    faces = known([1, 1, 1, 1], photos=[1, 1, 2, 2])
    clusters, questions = plan(faces, Words(), LINKAGE)
    assert all(one.neighbour is None for one in clusters)
    assert questions == []


def test_a_group_that_may_be_somebody_is_asked_about():
    between = looks(1, 6) + looks(2, 6) * 2.5
    between /= np.linalg.norm(between, axis=1, keepdims=True)
    vectors = np.concatenate([looks(1, 3), between]).astype(np.float32)
    faces = KnownFaces(np.arange(100, 109), vectors, np.array([9] * 3 + [0] * 6), np.arange(9))
    clusters, (question,) = plan(faces, Words(), LINKAGE)
    assert [(one.person, len(one.rows)) for one in clusters] == [(0, 6)]
    assert question.first in {100, 101, 102}  # a named face, and one that waits
    assert question.second in range(103, 109)
    assert question.decides == 6
    assert ASK <= question.probability < JOIN


# How likely two groups are one person


def test_a_closer_group_is_likelier_and_a_larger_one_surer():
    linkage = default_linkage("dlib")
    chances = linkage.probability(np.array([0.90, 0.93, 0.96]), np.ones(3))
    assert (np.diff(chances) > 0).all()
    assert linkage.probability(0.95, 64) > linkage.probability(0.95, 1)
    with pytest.raises(ValueError):
        default_linkage("nothing")


def all_alike(people: int, each: int) -> KnownFaces:
    """Faces that share most of what an embedder sees, as drawn ones or those of one studio do."""
    base = looks(0, 1)[0]
    truth = np.repeat(np.arange(1, people + 1), each)
    vectors = np.concatenate([base + 0.25 * looks(person, each, spread=0.1) for person in range(1, people + 1)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return KnownFaces(np.arange(len(truth)), vectors.astype(np.float32), truth, np.arange(len(truth)))


def test_strangers_set_the_scale_where_all_faces_are_alike():
    """One named face a person says nothing of how like a person's own faces are, but how like strangers are."""
    faces = all_alike(people=24, each=4)
    own, rival = (float(faces.vectors[0] @ faces.vectors[other]) for other in (1, 4))
    assert default_linkage("dlib").probability(rival, 1) > 0.5
    one_each = KnownFaces(
        faces.face_ids, faces.vectors, np.where(np.arange(96) % 4 == 0, faces.people, 0), faces.photos
    )
    told = linkage_of(one_each, "dlib")
    assert told.probability(rival, 1) < 0.2
    assert told.probability(own, 1) > 0.5


def test_faces_of_one_photo_are_strangers_before_anybody_is_named():
    faces = all_alike(people=24, each=4)
    by_photo = np.argsort(np.arange(96) % 4, kind="stable")  # four photos of everybody
    photos = np.arange(96) // 24
    waiting = KnownFaces(faces.face_ids, faces.vectors[by_photo], np.zeros(96, np.int64), photos)
    rival = float(waiting.vectors[0] @ waiting.vectors[1])
    assert linkage_of(waiting, "dlib").probability(rival, 1) < default_linkage("dlib").probability(rival, 1)


def test_without_any_sure_stranger_the_scale_is_the_usual_one():
    faces = all_alike(people=1, each=4)
    assert linkage_of(faces, "dlib") == default_linkage("dlib")


def test_the_linkage_follows_what_was_named():
    faces = all_alike(people=24, each=4)
    start = default_linkage("dlib")
    fitted = fit_linkage(faces.vectors, faces.people, start=start)
    rival = float(faces.vectors[0] @ faces.vectors[4])
    assert start.probability(rival, 1) > 0.5
    assert fitted.probability(rival, 1) < start.probability(rival, 1)
    assert fit_linkage(faces.vectors[:3], faces.people[:3], start=start) == start
