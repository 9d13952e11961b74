"""Owners erase people from the person's page, by the API or by command; nobody else may, and it must be confirmed."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from jobs.work import perform
from labelling.identities import create_identity
from labelling.models import Erasure, Identity, Role
from labelling.projects import set_member
from tests.recognition.test_erasure import MARKER, add, handlers  # noqa: F401 (a fixture)

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def person(project, owner):
    person = create_identity(project, MARKER)
    add(project, 1, MARKER, by=owner)
    add(project, 2, MARKER, "Bo Dahl", by=owner)
    return person


def test_the_page_shows_what_will_go_and_erases_once_confirmed(project, owner, person, client_for):
    client, page = client_for(owner), reverse("identity-erase", args=[project.slug, person.pk])
    assert page in client.get(reverse("identity", args=[project.slug, person.pk])).text
    seen = client.get(page).text
    assert "What will go" in seen and "Photos that show nobody else" in seen
    wrong = client.post(page, {"alone": "delete", "shared": "paint", "confirm": "somebody"})
    assert "Type the person&#x27;s name to confirm." in wrong.text and not Erasure.objects.exists()
    sent = client.post(page, {"alone": "delete", "shared": "paint", "confirm": MARKER})
    report = sent["Location"]
    assert "Nobody finds the person any more" in client.get(report).text
    assert client.get(reverse("identity", args=[project.slug, person.pk])).status_code == 404
    perform(Erasure.objects.get().job_id)
    shown = client.get(report).text
    assert "Photos painted over" in shown and MARKER not in shown
    told = json.loads(client.get(report, {"form": "json"}).content)
    assert (told["state"], told["report"]["photos"]["deleted"]) == ("done", 1)
    assert "Number 0" in client.get(reverse("erasures", args=[project.slug])).text


def test_the_api_previews_and_erases(project, owner, person, client_for):
    client, url = client_for(owner), reverse("api-identity-erase", args=[person.pk])
    assert client.get(url).json()["photos_alone"] == 1
    refused = client.post(url, {"confirm": "x"}, content_type="application/json")
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["confirm"])
    asked = client.post(url, {"confirm": MARKER, "alone": "paint"}, content_type="application/json")
    assert (asked.status_code, asked.json()["state"]) == (201, "under_way")
    perform(asked.json()["job"]["id"])
    told = client.get(reverse("api-erasure", args=[asked.json()["id"]])).json()
    assert (told["state"], told["report"]["photos"]["painted"]) == ("done", 2)


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER, Role.ENGINEER])
def test_nobody_but_owners_may(project, owner, person, stranger, client_for, role):
    set_member(project, stranger, role)
    client = client_for(stranger)
    urls = [reverse("identity-erase", args=[project.slug, person.pk]), reverse("api-identity-erase", args=[person.pk])]
    urls += [reverse("erasures", args=[project.slug]), reverse("api-erasures", args=[project.slug])]
    assert [client.get(url).status_code for url in urls] == [403] * 4
    assert [client.post(url).status_code for url in urls[:2]] == [403] * 2
    assert urls[0] not in client.get(reverse("identity", args=[project.slug, person.pk])).text


def test_the_command_only_tells_without_the_name(project, person, capsys):
    call_command("erase", project.slug, MARKER, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["erased"], told["faces"]) == (False, 2)
    assert Identity.objects.get(pk=person.pk).erased_at is None
