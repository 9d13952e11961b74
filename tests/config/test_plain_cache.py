"""What lies in the cache is plain data, and nothing stops when the cache is away."""

import pickle

import pytest
from django.core.cache import cache

from config.plain_cache import PlainCache


@pytest.fixture
def away():
    """A cache whose server does not answer."""
    return PlainCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 0.2}})


def test_plain_values_come_back_as_they_were():
    cache.set_many({"test:number": 7, "test:rows": [{"name": "Ada", "days": [0, 1.5]}]}, 10)
    assert cache.get_many(["test:number", "test:rows"]) == {
        "test:number": 7, "test:rows": [{"name": "Ada", "days": [0, 1.5]}],
    }  # fmt: skip


def test_a_pickle_in_the_server_is_never_unpickled():
    class Canary:
        def __reduce__(self):
            return (pytest.fail, ("It was unpickled.",))

    client = cache._cache.get_client(None, write=True)
    client.set(cache.make_key("test:pickle"), pickle.dumps(Canary()))
    assert cache.get("test:pickle") is None


def test_while_it_is_away_everything_is_missing_and_work_goes_on(away):
    away.set("name", 1)
    away.set_many({"name": 1})
    assert away.get("name", "nothing") == "nothing"
    assert away.get_many(["name"]) == {}
    assert away.get_or_set("name", lambda: 5) == 5
