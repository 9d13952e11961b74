"""Errors that people read: what happened, to which thing, what to do. And their form on the wire."""

import logging

from django.core.exceptions import PermissionDenied, ValidationError
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

    def __init__(self, message: str, *, fields: dict | None = None, current: dict | None = None, **extra):
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
    if isinstance(error, Refused):
        set_rollback()
        return Response({**_body(error.code, error.message, error.fields), **error.extra}, status=error.status)
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is no such thing here, or it is not yours to see.")
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    if isinstance(error, ValidationError):
        set_rollback()
        return Response(_body("invalid", " ".join(error.messages)), status=400)
    if isinstance(error, IntegrityError):
        # The database refused what our own checks let through: say so, and leave a trace.
        logger.warning("The database refused a change: %s", error)
        set_rollback()
        return Response(_body("refused", "That change breaks a rule of the data; nothing was stored."), status=409)
    if isinstance(error, DataError | RecursionError):
        set_rollback()
        return Response(_body("invalid", "A value in the request is too large or too deeply nested."), status=400)
    if isinstance(error, StoreAway):
        logger.warning("The object store is away: %s", error)
        set_rollback()
        return Response(
            _body("store_away", "The object store does not answer; what was stored before stays. Try again soon."),
            status=status.HTTP_503_SERVICE_UNAVAILABLE,
            headers={"Retry-After": "5"},
        )
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
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
