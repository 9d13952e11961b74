"""Bearer tokens for programs: random, stored as a hash, tied to a user, expiring."""

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from labelling.models import ApiToken

PREFIX = "facet_"
DEFAULT_DAYS = 90
NOTE_USE_EVERY = timedelta(minutes=5)


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
        now = timezone.now()
        row = (
            ApiToken.objects.select_related("user")
            .filter(digest=_digest(words[1].decode("latin-1")), expires_at__gt=now, user__is_active=True)
            .first()
        )
        if row is None:
            raise AuthenticationFailed("This token is not known or has expired; make a new one.")
        if row.last_used_at is None or now - row.last_used_at > NOTE_USE_EVERY:
            ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
        return row.user, row

    def authenticate_header(self, request) -> str:
        return "Bearer"
