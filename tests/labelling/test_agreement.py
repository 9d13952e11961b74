"""Agreement between people: numbers that can be worked out by hand, and another library's opinion."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from labelling.agreement import agreement, cohens_kappa, compare, comparisons_of, over_all, share
from labelling.models import Opinion


def face(x: float, name: str | None, *, state: str = "confirmed", width: float = 10) -> dict:
    who = "assigned" if name else "unknown"
    identity = None if name is None else len(name)
    box = [x, 0, width, 10]
    return {"key": str(x), "face": None, "box": box, "state": state, "who": who, "identity": identity, "name": name}


def test_boxes_and_names_of_two_people_by_hand():
    ours = [face(0, "Ada"), face(50, "Grace"), face(100, None), face(200, "Ada", state="rejected")]
    theirs = [face(0, "Ada"), face(50, "Ada", width=8), face(300, "Grace")]
    figures = agreement([compare(1, ours, theirs)])
    assert (figures.photos, figures.faces) == (1, 2)
    assert figures.mean_iou == pytest.approx((1 + 0.8) / 2)
    assert (figures.found_by_both.value, figures.found_by_both.n) == (0.5, 4)
    assert (figures.same.value, figures.same.n) == (0.5, 2)


def test_boxes_that_hardly_touch_are_two_faces():
    assert compare(1, [face(0, "Ada")], [face(6, "Ada")]).labels == []
    assert compare(1, [face(0, "Ada")], [face(6, "Ada")]).alone == 2


def test_nothing_compared_is_not_measured_rather_than_zero():
    figures = agreement([])
    assert (figures.mean_iou, figures.same.value, figures.kappa, figures.kappa_low) == (None, None, None, None)


def test_kappa_of_a_table_from_a_textbook():
    ours = ["yes"] * 25 + ["no"] * 25  # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no
    theirs = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohens_kappa(ours, theirs) == pytest.approx(0.4)


def test_kappa_where_only_one_thing_is_ever_said_is_undefined():
    assert cohens_kappa(["Ada", "Ada"], ["Ada", "Ada"]) is None
    assert cohens_kappa([], []) is None


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_what_scikit_learn_says(seed):
    rng = np.random.default_rng(seed)
    ours = rng.integers(0, 6, 200)
    theirs = np.where(rng.random(200) < 0.7, ours, rng.integers(0, 8, 200))
    assert cohens_kappa(ours.tolist(), theirs.tolist()) == pytest.approx(cohen_kappa_score(ours, theirs))


def test_intervals_hold_the_figure_and_narrow_with_more_photos():
    def photos(count: int):
        return [
            compare(
                photo, [face(0, "Ada"), face(50, "Grace")], [face(0, "Ada"), face(50, "Grace" if photo % 3 else "Ada")]
            )
            for photo in range(count)
        ]

    few, many = agreement(photos(12)), agreement(photos(300))
    for figures in (few, many):
        assert figures.same.low < figures.same.value < figures.same.high
        assert figures.kappa_low < figures.kappa < figures.kappa_high
    assert many.same.high - many.same.low < few.same.high - few.same.low
    assert many.kappa_high - many.kappa_low < few.kappa_high - few.kappa_low
    assert agreement(photos(12)) == few  # drawn from a fixed seed


def test_the_wilson_interval_by_hand():
    """45 of 50: 0.90, from 0.786 to 0.957."""
    found = share(45, 50)
    assert (found.value, round(found.low, 3), round(found.high, 3)) == (0.9, 0.786, 0.957)
    assert (share(0, 10).low, share(10, 10).high, share(0, 0).value) == (0.0, 1.0, None)


def test_every_pair_of_people_and_all_together(project, make_image, annotator, reviewer, owner):
    for seed, said in enumerate([("Ada", "Ada", "Grace"), ("Ada", "Grace", None), ("Ada", "Ada", "Ada")]):
        image = make_image(seed=seed)
        for user, name in zip((annotator, reviewer, owner), said, strict=True):
            faces = [face(0, name) | {"identity": None, "who": name or "unknown"}]
            Opinion.objects.create(project=project, image=image, user=user, faces=faces)
    Opinion.objects.create(project=project, image=image, user=annotator, faces=[], is_gold=True)
    pairs = comparisons_of(project)
    assert len(pairs) == 3
    one, other = sorted((annotator.pk, reviewer.pk))
    assert agreement(pairs[one, other]).same.value == pytest.approx(2 / 3)
    figures = over_all(pairs.values())
    assert (figures.photos, figures.faces) == (3, 9)
    assert figures.same.value == pytest.approx(4 / 9)
    assert figures.found_by_both.value == 1
