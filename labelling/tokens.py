"""Bearer tokens for programs: random, stored as a hash, tied to a user, expiring."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from jobs.prepared import Prepared, read
from labelling.models import ApiToken

PREFIX = "facet_"
DEFAULT_DAYS = 90
NOTE_USE_EVERY = timedelta(minutes=5)

IN_FORCE = Prepared("""
-- token
SELECT {token}, {person}
FROM labelling_apitoken AS token JOIN auth_user AS person ON person.id = token.user_id
WHERE token.digest = %(digest)s AND token.expires_at > statement_timestamp() AND person.is_active
""", token=ApiToken, person=get_user_model())  # fmt: skip


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def make_token(user, name: str, days: int = DEFAULT_DAYS) -> tuple[str, ApiToken]:
    """Returns the token, which is shown this once, and its row."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user, name=name[:80], digest=_digest(token), expires_at=timezone.now() + timedelta(days=days)
    )
    return token, row


class BearerAuthentication(BaseAuthentication):
    def authenticate(self, request):
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Send the token as “Authorization: Bearer <token>”.")
        found = IN_FORCE.first(digest=_digest(words[1].decode("latin-1")))
        if found is None:
            raise AuthenticationFailed("This token is not known or has expired; make a new one.")
        token, rest = read(ApiToken, found)
        token.user, _ = read(get_user_model(), found, rest)
        now = timezone.now()
        if token.last_used_at is None or now - token.last_used_at > NOTE_USE_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request) -> str:
        return "Bearer"
