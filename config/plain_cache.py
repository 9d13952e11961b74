"""The cache as Facet wants it: nothing in it can run code, and nothing depends on it being there."""

import json
import logging
from collections.abc import Callable

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class JsonSerializer:
    """Plain values only; Django's own serializer would unpickle whatever lies in the server."""

    def dumps(self, value: object) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> object:
        return json.loads(data)


class OneClient(RedisCacheClient):
    """Makes the client once; Django makes one for each question, which costs more than asking it."""

    def __init__(self, servers: list[str], **options):
        super().__init__(servers, **options)
        self._one = self._client(connection_pool=self._get_connection_pool(write=True))

    def get_client(self, key=None, *, write=False):
        return self._one


class PlainCache(RedisCache):
    """Redis or Valkey; while it is away, everything is missing from it and nothing is kept."""

    def __init__(self, server: str, params: dict):
        options = {"serializer": JsonSerializer, **params.get("OPTIONS", {})}
        super().__init__(server, {**params, "OPTIONS": options})
        self._class = OneClient

    def get(self, key, default=None, version=None):
        return self._or(default, lambda: super(PlainCache, self).get(key, default, version))

    def get_many(self, keys, version=None):
        return self._or({}, lambda: super(PlainCache, self).get_many(keys, version))

    def set(self, *args, **kwargs):
        return self._or(None, lambda: super(PlainCache, self).set(*args, **kwargs))

    def set_many(self, data, *args, **kwargs):
        return self._or(list(data), lambda: super(PlainCache, self).set_many(data, *args, **kwargs))

    def add(self, *args, **kwargs):
        return self._or(False, lambda: super(PlainCache, self).add(*args, **kwargs))

    def _or(self, otherwise, act: Callable[[], object]):
        try:
            return act()
        except (RedisError, ValueError) as error:  # away, or what lies there is not ours
            logger.warning("The cache cannot be used: %s", error)
            return otherwise
