"""Boxes are clipped so that PostgreSQL agrees, to the last bit, that they lie inside."""

import math
import random

import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from labelling.boxes import BadBox, clip_box, iou

anything = st.floats(allow_nan=True, allow_infinity=True)
likely = st.floats(-1e4, 1e5)
sides = st.one_of(st.integers(1, 40), st.integers(1, 70_000), st.integers(1, 2**31 - 1))


def lies_inside(box, width: int, height: int) -> bool:
    """As the database checks it: float64 sums, compared exactly."""
    x, y, w, h = box
    return x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= width and y + h <= height


@hypothesis_settings(max_examples=400, deadline=None)
@given(box=st.tuples(*[st.one_of(likely, anything)] * 4), width=sides, height=sides)
@example(box=(64.7, 0.1, 1e9, 1e9), width=100, height=100)
@example(box=(1e308, 0, 1e308, 5), width=100, height=100)
@example(box=(0.005, 0.005, 99.999, 99.999), width=100, height=100)
def test_a_clipped_box_always_lies_inside(box, width, height):
    try:
        clipped = clip_box(box, width, height)
    except BadBox:
        return
    assert lies_inside(clipped, width, height)


@hypothesis_settings(max_examples=400, deadline=None)
@given(data=st.data(), width=st.integers(2, 70_000), height=st.integers(2, 70_000))
def test_a_box_inside_stays_where_it_is_and_clipping_again_changes_nothing(data, width, height):
    x, y = data.draw(st.floats(0, width - 1.5)), data.draw(st.floats(0, height - 1.5))
    w, h = data.draw(st.floats(1.1, width - x)), data.draw(st.floats(1.1, height - y))
    clipped = clip_box((x, y, w, h), width, height)
    assert all(abs(new - old) <= 0.0151 for new, old in zip(clipped, (x, y, w, h), strict=True))
    assert clip_box(clipped, width, height) == clipped


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((10, 20, 30, 40), (10, 20, 30, 40)),
        ((-10, -20, 30, 40), (0, 0, 20, 20)),
        ((90, 60, 30, 40), (90, 60, 10, 20)),
        ((-5, -5, 500, 500), (0, 0, 100, 80)),
        ((10.123, 20.456, 30.789, 40.111), (10.12, 20.46, 30.79, 40.11)),
        ([99.0, 79.0, 1.0, 1.0], (99, 79, 1, 1)),
    ],
)
def test_what_sticks_out_is_cut_off(box, clipped):
    assert clip_box(box, 100, 80) == pytest.approx(clipped, abs=0.011)


@pytest.mark.parametrize(
    "box",
    [
        (100, 10, 5, 5), (-10, 10, 10, 10), (10, 80, 5, 5), (99.5, 10, 20, 20), (10, 10, 0, 5), (10, 10, 5, -5),
        (10, 10, 0.5, 5), (math.nan, 0, 5, 5), (0, 0, math.inf, 5), (1, 2, 3), (1, 2, 3, 4, 5), None, "abcd",
        (None, 1, 2, 3), ({}, 1, 2, 3), (10**400, 1, 2, 3),
    ],
)  # fmt: skip
def test_what_is_no_box_of_the_image_is_refused_with_a_sentence(box):
    with pytest.raises(BadBox) as refusal:
        clip_box(box, 100, 80)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("x", [0.1, 12.34, 64.7, 99.0, 33.33])
def test_a_box_that_reaches_the_edge_still_does_after_clipping(x):
    clipped = clip_box((x, x, 1e6, 1e6), 100, 100)
    assert clipped[0] + clipped[2] == clipped[1] + clipped[3] == 100


def test_postgresql_agrees(db):
    draw = random.Random(7)
    cases = []
    for _ in range(2000):
        width = draw.choice([draw.randint(2, 50), draw.randint(50, 9000), draw.randint(9000, 2**31 - 1)])
        start = draw.uniform(0, width - 1)
        x, _, w, _ = clip_box((start, 0, draw.choice([draw.uniform(1, width), width]), 5), width, 5)
        cases.append((x, w, width))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM unnest(%s::float8[], %s::float8[], %s::int[]) AS t(x, w, width)"
            " WHERE NOT (x >= 0 AND w > 0 AND width >= x + w)",
            [list(column) for column in zip(*cases, strict=True)],
        )
        assert cursor.fetchone()[0] == 0


def test_overlap_is_a_share_of_the_union():
    assert iou((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert iou((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(50 / 150)
    assert iou((0, 0, 10, 10), (10, 0, 10, 10)) == 0
    assert iou((0, 0, 10, 10), (50, 50, 1, 1)) == 0
