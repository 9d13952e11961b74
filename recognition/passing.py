"""Hands a photo that is only looked at to a worker, and the answer back, so that nothing readable is left of either.

Both lie in the cache for two minutes, sealed with a secret that was drawn for this one photo. A cache may write down
what it holds (the embedded one keeps a log); the secret is in the job's row alone, and goes from there when the job
ends. What is left then is noise. Sealing is one XOR with SHAKE-256 of the secret: no secret seals twice the same thing.
"""

import base64
import hashlib
import json
import secrets

import numpy as np
from django.core.cache import cache

KEPT_S = 120


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def hand_over_photo(secret: str, data: bytes) -> bool:
    """Whether the cache took it."""
    return cache.add(_name(secret, "photo"), _sealed(secret, "photo", data), KEPT_S)


def take_photo(secret: str) -> bytes | None:
    """None when it is not kept any longer."""
    return _opened(secret, "photo", cache.get(_name(secret, "photo")))


def drop_photo(secret: str) -> None:
    cache.set(_name(secret, "photo"), "", 1)


def hand_back_answer(secret: str, answer: dict) -> None:
    cache.set(_name(secret, "answer"), _sealed(secret, "answer", json.dumps(answer).encode()), KEPT_S)


def take_answer(secret: str) -> dict | None:
    data = _opened(secret, "answer", cache.get(_name(secret, "answer")))
    return None if data is None else json.loads(data)


def _name(secret: str, what: str) -> str:
    return f"recognize:{what}:{hashlib.sha256(secret.encode()).hexdigest()}"


def _sealed(secret: str, what: str, data: bytes) -> str:
    return base64.b64encode(_xor(secret, what, data)).decode()


def _opened(secret: str, what: str, text: str | None) -> bytes | None:
    return _xor(secret, what, base64.b64decode(text)) if text else None


def _xor(secret: str, what: str, data: bytes) -> bytes:
    noise = hashlib.shake_256(f"{what}:{secret}".encode()).digest(len(data))
    return (np.frombuffer(data, np.uint8) ^ np.frombuffer(noise, np.uint8)).tobytes()
