"""Errors that people read: what happened, to which thing, what to do. And their form on the wire."""

import logging

from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import DataError, IntegrityError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from labelling.storage import StoreAway

logger = logging.getLogger(__name__)


class Refused(Exception):
    """A change that cannot be made as asked. The message is a sentence for people."""

    code = "refused"
    status = status.HTTP_400_BAD_REQUEST

    def __init__(self, message: str, *, fields: dict | None = None, current: dict | list | None = None, **extra):
        super().__init__(message)
        self.message = message
        self.fields = fields or {}
        self.extra = extra
        if current is not None:
            self.extra["current"] = current


class Stale(Refused):
    """Someone changed the thing since it was last seen."""

    code = "stale"
    status = status.HTTP_409_CONFLICT


class Twice(Refused):
    """A photo would show one person more than once, and nobody said that it does."""

    code = "twice"


class NotSame(Refused):
    """Somebody said that these are different people."""

    code = "not_same"


class Leased(Refused):
    """Someone else is working on the image right now."""

    code = "leased"
    status = status.HTTP_409_CONFLICT


class AlreadyUsed(Refused):
    """A client-made id that stands for something else already."""

    code = "id_already_used"
    status = status.HTTP_409_CONFLICT


def _body(code: str, message: str, fields: dict | None = None) -> dict:
    return {"error": {"code": code, "message": message, "fields": fields or {}}}


def answer_with_sentence(error: Exception, context) -> Response | None:
    """DRF's exception handler: every error has a code, a sentence, and the fields it is about."""
    answer = _answer_of_ours(error) or _answer_of_the_database(error) or _answer_of_the_framework(error)
    if answer is not None:
        set_rollback()
    return answer


def _answer_of_ours(error: Exception) -> Response | None:
    if isinstance(error, Refused):
        return Response({**_body(error.code, error.message, error.fields), **error.extra}, status=error.status)
    if isinstance(error, StoreAway):
        logger.warning("The object store is away: %s", error)
        sentence = "The object store does not answer; what was stored before stays. Try again soon."
        return Response(
            _body("store_away", sentence), status.HTTP_503_SERVICE_UNAVAILABLE, headers={"Retry-After": "5"}
        )
    return None


def _answer_of_the_database(error: Exception) -> Response | None:
    if isinstance(error, ValidationError):
        return Response(_body("invalid", " ".join(error.messages)), status.HTTP_400_BAD_REQUEST)
    if isinstance(error, IntegrityError) and _broken_rule(error) == "face_is_of_somebody_still_there":
        sentence = "That person was merged into another one this very moment. Nothing was stored; send it again."
        return Response(
            _body("merged_meanwhile", sentence), status.HTTP_503_SERVICE_UNAVAILABLE, headers={"Retry-After": "1"}
        )
    if isinstance(error, IntegrityError):
        # The database refused what our own checks let through: say so, and leave a trace.
        logger.warning("The database refused a change: %s", error)
        sentence = "That change breaks a rule of the data; nothing was stored."
        return Response(_body("refused", sentence), status.HTTP_409_CONFLICT)
    if isinstance(error, DataError | RecursionError):
        sentence = "A value in the request is too large or too deeply nested."
        return Response(_body("invalid", sentence), status.HTTP_400_BAD_REQUEST)
    return None


def _broken_rule(error: IntegrityError) -> str:
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


def _answer_of_the_framework(error: Exception) -> Response | None:
    if isinstance(error, SuspiciousOperation):  # Django's limits on bodies, files and fields
        sentence = "The request is too large. Send it in smaller parts."
        return Response(_body("too_large", sentence), status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is no such thing here, or it is not yours to see.")
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {"WWW-Authenticate": error.auth_header} if getattr(error, "auth_header", None) else {}
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        return Response(_body("invalid", _first_sentence(error.detail), fields), error.status_code, headers=headers)
    return Response(_body(str(error.detail.code), str(error.detail)), error.status_code, headers=headers)


def _first_sentence(detail, name: str = "") -> str:
    if isinstance(detail, dict):
        inner = ((key, value) for key, value in detail.items() if value)
        key, value = next(inner, ("", None))
        return _first_sentence(value, "" if key == "non_field_errors" else str(key))
    if isinstance(detail, list):
        # One entry for each thing in a list that was sent; those that are fine are empty.
        return _first_sentence(next((value for value in detail if value), None), name)
    if detail is None:
        return "The request is not valid."
    return f"{name}: {detail}" if name else str(detail)
