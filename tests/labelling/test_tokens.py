"""Tokens let programs in as their user, until they expire, are revoked, or the user goes."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from labelling.models import ApiToken
from labelling.tokens import PREFIX, make_token


@pytest.fixture
def token(annotator):
    return make_token(annotator, "my script")


def ask(header: str | None):
    headers = {} if header is None else {"Authorization": header}
    return APIClient().get(reverse("api-projects"), headers=headers)


def is_refused(answer) -> bool:
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] in {"authentication_failed", "not_authenticated"}
    return True


def test_a_token_acts_as_its_user(token, project):
    answer = ask(f"Bearer {token[0]}")
    assert answer.status_code == 200
    assert [found["slug"] for found in answer.json()["results"]] == [project.slug]


def test_the_scheme_may_be_written_in_any_case(token):
    assert ask(f"bearer {token[0]}").status_code == 200


def test_the_token_itself_is_not_stored(token):
    text, row = token
    assert text.startswith(PREFIX) and len(text) > 40
    assert text not in str(ApiToken.objects.values().get())
    assert make_token(row.user, "another")[0] != text


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Bearer nonsense", "Bearer a b", "Bearer \xff\xfe"])
def test_what_is_no_token_is_refused(db, header):
    assert is_refused(ask(header))


def test_the_stored_hash_is_no_token(token):
    assert is_refused(ask(f"Bearer {token[1].digest}"))


def test_an_expired_token_is_refused(token):
    text, row = token
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert is_refused(ask(f"Bearer {text}"))


def test_tokens_expire_when_they_were_told_to(annotator):
    _, row = make_token(annotator, "short", days=3)
    assert abs(row.expires_at - timezone.now() - timedelta(days=3)) < timedelta(minutes=1)


def test_a_revoked_token_is_refused(token):
    token[1].delete()
    assert is_refused(ask(f"Bearer {token[0]}"))


def test_the_token_of_a_deactivated_user_is_refused(token, annotator):
    annotator.is_active = False
    annotator.save()
    assert is_refused(ask(f"Bearer {token[0]}"))


def test_use_is_noted_but_not_at_every_request(token):
    text, row = token
    assert row.last_used_at is None
    ask(f"Bearer {text}")
    first = ApiToken.objects.get().last_used_at
    ask(f"Bearer {text}")
    assert first is not None and ApiToken.objects.get().last_used_at == first


def test_a_token_needs_no_csrf_and_a_session_does(token, annotator, project):
    client = APIClient(enforce_csrf_checks=True)
    url = reverse("api-queue-next", args=[project.slug])
    assert client.post(url, headers={"Authorization": f"Bearer {token[0]}"}).status_code == 204
    client.force_login(annotator)
    answer = client.post(url)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "permission_denied" and "CSRF" in answer.json()["error"]["message"]
