"""Reads what a submit sends. Screens and programs send one plain form, which is read here at a glance;
whatever else is left to the serializer, which knows the odd forms and says what is wrong."""

from dataclasses import dataclass
from uuid import UUID

from rest_framework.serializers import ValidationError

from labelling.api.serializers import MAX_FACES, NamedField, SubmitSerializer, face_word
from labelling.models import FaceState, Who
from labelling.submit import FaceWord

NAMED = NamedField()
STATES, WHOS = frozenset(FaceState.values), frozenset(Who.values)
# Whole numbers up to here are floats without loss.
EXACT = 2**53


@dataclass(frozen=True)
class Submitted:
    words: list[FaceWord]
    version: int
    event_id: UUID
    lease: UUID | None


class _Odd(Exception):
    """Not the plain form; right or wrong is for the serializer to say."""


def read_submitted(data) -> Submitted:
    """Raises DRF's ValidationError, with the fields it is about."""
    try:
        return _plain(data)
    except (_Odd, KeyError, TypeError, ValueError, AttributeError, ValidationError):
        return _odd(data)


def _odd(data) -> Submitted:
    shape = SubmitSerializer(data=data)
    shape.is_valid(raise_exception=True)
    said = shape.validated_data
    return Submitted(list(map(face_word, said["faces"])), said["version"], said["event_id"], said.get("lease"))


def _plain(data: dict) -> Submitted:
    faces, lease = _of(data["faces"], list), data.get("lease")
    if len(faces) > MAX_FACES:
        raise _Odd
    return Submitted(
        words=[face_word(_face(_of(face, dict))) for face in faces],
        version=_of(data["version"], int),
        event_id=UUID(_of(data["event_id"], str)),
        lease=None if lease is None else UUID(_of(lease, str)),
    )


def _face(sent: dict) -> dict:
    said = {}
    if sent.get("id") is not None:
        said["id"] = _of(sent["id"], int)
    if sent.get("uid") is not None:
        said["uid"] = UUID(_of(sent["uid"], str))
    if "box" in sent:
        x, y, w, h = _of(sent["box"], list)
        said["box"] = (_number(x), _number(y), _number(w), _number(h))
    if "state" in sent:
        said["state"] = _one_of(STATES, sent["state"])
    if sent.get("who") is not None:
        said["who"] = _one_of(WHOS, sent["who"])
    if "identity" in sent:
        named = sent["identity"]
        said["identity"] = None if named is None else NAMED.to_internal_value(named)
    return said


def _of(value, kind: type):
    if type(value) is not kind:  # not isinstance: True is no number here
        raise _Odd
    return value


def _number(value) -> float:
    if type(value) is float or (type(value) is int and -EXACT <= value <= EXACT):
        return float(value)
    raise _Odd


def _one_of(known: frozenset[str], value: str) -> str:
    if value not in known:
        raise _Odd
    return value
