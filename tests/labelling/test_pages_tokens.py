"""Tokens: shown once, used as Bearer, revoked by their owner only; on pages and on the command line."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labelling.models import ApiToken
from labelling.tokens import make_token


def use(token: str):
    return Client().get(reverse("api-projects"), headers={"Authorization": f"Bearer {token}"})


def test_a_token_is_shown_once_and_works_as_bearer(project, owner, client_for):
    client = client_for(owner)
    answer = client.post(reverse("tokens"), {"name": "training machine", "days": "30"})
    token = answer.context["token"]
    assert token in answer.text
    assert "no-store" in answer["Cache-Control"]
    again = client.get(reverse("tokens")).text
    assert "training machine" in again
    assert token not in again
    assert [found["slug"] for found in use(token).json()["results"]] == [project.slug]


def test_only_the_hash_of_a_token_is_stored(owner, client_for):
    token = client_for(owner).post(reverse("tokens"), {"name": "x", "days": "1"}).context["token"]
    stored = ApiToken.objects.values_list().get()
    assert all(token not in str(value) for value in stored)


def test_a_revoked_token_is_refused(owner, client_for):
    token, row = make_token(owner, "x")
    assert use(token).status_code == 200
    client_for(owner).post(reverse("token-revoke", args=[row.pk]))
    assert use(token).status_code == 401


def test_an_expired_token_is_refused_and_marked(owner, client_for):
    token, row = make_token(owner, "x")
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert use(token).status_code == 401
    assert "expired" in client_for(owner).get(reverse("tokens")).text


def test_nobody_sees_or_revokes_the_tokens_of_others(owner, stranger, client_for):
    token, row = make_token(owner, "olgas secret tool")
    client = client_for(stranger)
    assert "olgas secret tool" not in client.get(reverse("tokens")).text
    assert client.post(reverse("token-revoke", args=[row.pk])).status_code == 404
    assert use(token).status_code == 200


@pytest.mark.parametrize(("name", "days"), [("", "30"), ("x", "0"), ("x", "100000"), ("x", ""), ("x" * 81, "30")])
def test_a_token_without_name_or_sensible_term_is_refused(owner, client_for, name, days):
    answer = client_for(owner).post(reverse("tokens"), {"name": name, "days": days})
    assert "field__error" in answer.text
    assert not ApiToken.objects.exists()


def test_a_token_acts_with_the_role_of_its_person(project, annotator, stranger):
    url = reverse("api-project", args=[project.slug])
    for user, status in ((annotator, 200), (stranger, 404)):
        token, _ = make_token(user, "x")
        assert Client().get(url, headers={"Authorization": f"Bearer {token}"}).status_code == status


def test_the_command_prints_a_token_that_works(owner, capsys):
    call_command("token", owner.username, name="cron", days=7)
    assert use(capsys.readouterr().out.strip()).status_code == 200


def test_the_command_prints_json_last(owner, capsys):
    call_command("token", owner.username, "--json")
    made = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert use(made["token"]).status_code == 200
    assert made["user"] == owner.username


def test_the_command_refuses_nobody_and_no_time(owner):
    with pytest.raises(CommandError, match="user name “ghost”"):
        call_command("token", "ghost")
    with pytest.raises(CommandError, match="--days"):
        call_command("token", owner.username, "--days", "0")
    owner.is_active = False
    owner.save()
    with pytest.raises(CommandError, match="switched off"):
        call_command("token", owner.username)
