"""The protocol of an evaluation: who is enrolled, and what may be compared."""

import numpy as np
import pytest

from labelling.errors import Refused
from recognition.enrolling import divided, enrolled, pair_groups, under
from recognition.enrolment import Enrolment, checked
from recognition.labelled_faces import LabelledFaces
from recognition.measure import compare_vectors, measure
from recognition.recipes.scorer import by_similarity


def faces(*rows, roles=None, qualities=None):
    """rows: (name, degrees, session)."""
    names = np.array([name for name, _, _ in rows])
    angles = np.radians([angle for _, angle, _ in rows])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    ids = np.arange(len(rows))
    return LabelledFaces(
        ids, names, ids, np.full(len(rows), "train"), ids, vectors, sessions=np.array([one for _, _, one in rows]),
        roles=None if roles is None else np.array(roles),
        qualities=None if qualities is None else np.array(qualities, np.float32),
    )  # fmt: skip


GALLERY = faces(("Ana", 0, "a"), ("Ana", 40, "b"), ("Ben", 60, "c"), ("Ana", 10, "a"), ("Ben", 90, "a"))
GOOD, SMALL, BLURRED, TURNED = (80, 5, 300, 100), (20, 5, 300, 100), (80, 5, 10, 100), (80, 50, 300, 100)


def vectors_compared(gallery, probes, by_template=False):
    return compare_vectors(gallery, probes, by_template=by_template)


def similarities_compared(gallery, probes):
    """The same similarities, told by a recipe that has no vectors."""
    cosines = compare_vectors(gallery, probes)
    return by_similarity(gallery, len(probes), cosines.pair, cosines.to_gallery)


def test_one_or_so_many_faces_a_person_are_the_first_of_each():
    assert enrolled(GALLERY, Enrolment("one")).face_ids.tolist() == [0, 2]
    assert enrolled(GALLERY, Enrolment("k", 2)).face_ids.tolist() == [0, 1, 2, 4]
    for policy in ("all", "mean"):
        assert len(enrolled(GALLERY, Enrolment(policy))) == 5


def test_the_gated_gallery_takes_good_faces_and_of_others_the_largest():
    rows = [("Ana", 0, ""), ("Ana", 1, ""), ("Ben", 2, ""), ("Ben", 3, ""), ("Cem", 4, ""), ("Dan", 5, "")]
    larger_blurred = (120, 5, 10, 100)
    unknown = (80, np.nan, np.nan, np.nan)
    gallery = faces(*rows, qualities=[GOOD, SMALL, TURNED, larger_blurred, SMALL, unknown])
    assert enrolled(gallery, Enrolment("gated")).face_ids.tolist() == [0, 3, 4, 5]


def test_a_version_frozen_as_gallery_and_probes_is_divided_so():
    rows = faces(*[("Ana", 0, "")] * 4, roles=["gallery", "", "probe", "probe"])
    gallery, probes = divided(rows)
    assert (gallery.face_ids.tolist(), probes.face_ids.tolist()) == ([0], [2, 3])
    without = faces(*[("Ana", 0, "")] * 2, roles=["", ""])
    assert [len(part) for part in divided(without)] == [2, 0]


@pytest.mark.parametrize("compare", [vectors_compared, similarities_compared])
def test_no_probe_meets_a_face_of_its_own_session(compare):
    probes = faces(("Ana", 5, "a"), ("Ana", 5, "z"), ("Ana", 5, ""), ("Ben", 5, "c"))
    apart = under(compare(GALLERY, probes), GALLERY, probes, Enrolment(apart_sessions=True))
    # Of session a only Ana's face at 40 degrees and Ben's at 60 are others; of c only Ben's at 90.
    assert apart.search.scores == pytest.approx(np.cos(np.radians([[35, 55], [5, 55], [5, 55], [5, 85]])), abs=1e-6)
    same = apart.to_gallery(np.array([0]), np.arange(5))[0]
    assert np.isneginf(same).tolist() == [True, False, False, True, True]


def test_means_leave_the_probes_session_out_and_nobody_else():
    probes = faces(("Ana", 5, "a"), ("Ana", 5, "z"), ("Ben", 5, "b"))
    apart = under(vectors_compared(GALLERY, probes), GALLERY, probes, Enrolment(apart_sessions=True))
    everything = vectors_compared(GALLERY, probes)
    assert apart.ranking.scores[0] == pytest.approx(np.cos(np.radians([35, 55])))
    assert apart.ranking.scores[1] == pytest.approx(everything.ranking.scores[1])
    assert apart.ranking.scores[2] == pytest.approx([1.0, everything.ranking.scores[2, 1]])  # 0 and 10 degrees


def test_who_was_seen_in_one_session_alone_cannot_be_searched_there():
    gallery = faces(("Ana", 0, "a"), ("Ben", 60, "c"))
    probes = faces(("Ana", 5, "a"), ("Ben", 55, "d"))
    enrolment = Enrolment(apart_sessions=True)
    apart = under(vectors_compared(gallery, probes, by_template=True), gallery, probes, enrolment)
    measured = measure(apart, probes, seed=1, groups=pair_groups(probes, enrolment))
    assert (measured.search.not_comparable, measured.search.probes, measured.search.correct) == (1, 1, 1)


def test_pairs_of_one_session_are_left_out_as_those_of_one_photo_are():
    probes = faces(("Ana", 0, "a"), ("Ana", 5, "a"), ("Ben", 60, ""), ("Ben", 61, ""))
    pairs = []
    for enrolment in (Enrolment(), Enrolment(apart_sessions=True)):
        roc = measure(vectors_compared(GALLERY, probes), probes, seed=1, groups=pair_groups(probes, enrolment)).roc
        pairs.append((roc.genuine, roc.impostors))
    assert pairs == [(2, 4), (1, 4)]


def test_people_are_named_by_the_mean_where_that_is_asked_for():
    probes = faces(("Ana", 35, ""))
    mean = under(vectors_compared(GALLERY, probes), GALLERY, probes, Enrolment("mean"))
    assert mean.search.scores == pytest.approx(mean.ranking.scores)
    told = under(similarities_compared(GALLERY, probes), GALLERY, probes, Enrolment("mean"))
    assert told.search.scores[0, 0] == pytest.approx(np.cos(np.radians([35, 5, 25])).mean(), abs=1e-6)
    plain = vectors_compared(GALLERY, probes)
    assert under(plain, GALLERY, probes, Enrolment()) is plain


def test_what_is_usual_leaves_no_trace_and_the_rest_comes_back_as_it_was():
    assert Enrolment().params() == {} == Enrolment("all", 9).params()
    for enrolment in (Enrolment("k", 5), Enrolment("k", 2, True), Enrolment("one"), Enrolment(apart_sessions=True)):
        assert Enrolment.of(enrolment.params()) == enrolment
    assert Enrolment.of({"recipe": "x", "epochs": 3}).is_usual
    assert "one face a person, never compared" in Enrolment("one", apart_sessions=True).words()


def test_what_means_nothing_is_refused():
    with pytest.raises(Refused, match="no gallery"):
        checked(Enrolment("best"), False)
    with pytest.raises(Refused, match="1 to 1000"):
        checked(Enrolment("k", 0), False)
    with pytest.raises(Refused, match="classifier"):
        checked(Enrolment("one"), True)
    assert checked(Enrolment(), True).is_usual
