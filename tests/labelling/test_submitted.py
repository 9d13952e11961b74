"""What a submit sends is read the same at a glance as by the serializer."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rest_framework.serializers import ValidationError

from labelling.api import submitted
from labelling.api.submitted import read_submitted

ID = "11111111-2222-4333-8444-555555555555"
numbers = some.one_of(some.integers(-5, 5), some.floats(-5, 5), some.sampled_from([True, "7", None, 10**400]))
names = some.sampled_from([None, 7, True, "Ann", " ", {"id": 7}, {"id": "12"}, {"name": "Ann"}, {"id": None}, [], 1.5])
faces = some.fixed_dictionaries(
    {},
    optional={
        "id": some.sampled_from([1, None, "1", True, 1.0]),
        "uid": some.sampled_from([ID, None, "x", 5]),
        "box": some.one_of(some.lists(numbers, min_size=3, max_size=5), some.just({"x": 1, "y": 2, "w": 3, "h": 4})),
        "state": some.sampled_from(["confirmed", "proposed", "rejected", "odd", None, 1, []]),
        "who": some.sampled_from(["assigned", "unknown", "ignored", "odd", None, "", {}]),
        "identity": names,
        "more": some.just(1),
    },
)
bodies = some.fixed_dictionaries(
    {},
    optional={
        "version": some.sampled_from([1, 1, 1, "1", True, None, 1.5]),
        "event_id": some.sampled_from([ID, ID, ID, ID.replace("-", ""), 5, None, "x"]),
        "lease": some.sampled_from([ID, None, "x"]),
        "faces": some.one_of(some.lists(faces, max_size=2), some.just({}), some.just("faces")),
    },
)


def read(how, body):
    try:
        return how(body)
    except ValidationError as error:
        return error.detail


@given(bodies)
def test_both_ways_of_reading_agree(body):
    assert read(read_submitted, body) == read(submitted._odd, body)


@pytest.mark.parametrize("who", [{"identity": 7, "who": "assigned"}, {"identity": None, "who": "unknown"}])
def test_what_screens_send_is_read_at_a_glance(monkeypatch, who):
    monkeypatch.setattr(submitted, "_odd", None)
    face = {"id": 3, "box": [1, 2.5, 30, 40], "state": "confirmed", **who}
    said = read_submitted({"lease": None, "version": 2, "event_id": str(uuid4()), "faces": [face]})
    (word,) = said.words
    assert (word.id, word.box, word.identity, word.has_identity) == (
        3,
        (1, 2.5, 30, 40),
        who["identity"],
        word.identity == 7,
    )


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(ValidationError):
        read_submitted(body)
