"""Members: everyone looks, owners decide, and a project never loses its last owner."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from labelling.access import role_of
from labelling.models import Membership, Role
from labelling.projects import set_member


@pytest.fixture
def url(project):
    return reverse("members", args=[project.slug])


def set_role(client, url, user, role: Role, **extra):
    return client.post(url, {"username": getattr(user, "username", user), "role": int(role), **extra})


def test_owners_add_members_by_user_name(project, owner, stranger, client_for, url):
    assert set_role(client_for(owner), url, stranger, Role.REVIEWER).status_code == 302
    assert role_of(stranger, project) == Role.REVIEWER


def test_owners_change_roles(project, owner, annotator, client_for, url):
    set_role(client_for(owner), url, annotator, Role.ENGINEER)
    assert role_of(annotator, project) == Role.ENGINEER
    assert Membership.objects.filter(user=annotator).count() == 1


@pytest.mark.parametrize("role", ["annotator", "reviewer", "engineer"])
def test_others_see_members_but_decide_nothing(role, request, project, owner, stranger, client_for, url):
    user = request.getfixturevalue(role)
    client = client_for(user)
    text = client.get(url).text
    assert owner.username in text
    assert "Add a member" not in text
    assert set_role(client, url, stranger, Role.ANNOTATOR).status_code == 403
    assert set_role(client, url, user, Role.OWNER).status_code == 403
    assert client.post(reverse("member-remove", args=[project.slug, owner.pk])).status_code == 403
    assert role_of(stranger, project) == 0
    assert role_of(owner, project) == Role.OWNER


def test_the_last_owner_can_neither_step_down_nor_leave(project, owner, reviewer, client_for, url):
    client = client_for(owner)
    assert "only owner" in set_role(client, url, owner, Role.REVIEWER).text
    answer = client.post(reverse("member-remove", args=[project.slug, owner.pk]), follow=True)
    assert "only owner" in answer.text
    assert role_of(owner, project) == Role.OWNER


def test_an_owner_may_leave_once_there_is_another(project, owner, reviewer, client_for):
    set_member(project, reviewer, Role.OWNER)
    client = client_for(owner)
    answer = client.post(reverse("member-remove", args=[project.slug, owner.pk]))
    assert answer["Location"] == reverse("projects")
    assert role_of(owner, project) == 0
    assert client.get(reverse("project", args=[project.slug])).status_code == 404


def test_removed_members_lose_the_project_at_once(project, owner, annotator, client_for):
    client_for(owner).post(reverse("member-remove", args=[project.slug, annotator.pk]))
    assert client_for(annotator).get(reverse("project", args=[project.slug])).status_code == 404


def test_a_user_name_nobody_has_is_said_beside_the_field(owner, client_for, url):
    answer = set_role(client_for(owner), url, "nobody<b>", Role.ANNOTATOR)
    assert "Nobody here has the user name “nobody&lt;b&gt;”" in answer.text
    assert answer.context["form"].errors.keys() == {"username"}


@pytest.mark.parametrize("role", ["0", "5", "", "owner"])
def test_a_role_that_does_not_exist_is_refused(project, owner, stranger, client_for, url, role):
    answer = client_for(owner).post(url, {"username": stranger.username, "role": role})
    assert answer.context["form"].errors.keys() == {"role"}
    assert role_of(stranger, project) == 0


def test_owners_cannot_make_accounts(owner, client_for, url):
    set_role(client_for(owner), url, "newcomer", Role.ANNOTATOR, make_account="on")
    assert not get_user_model().objects.filter(username="newcomer").exists()


@pytest.fixture
def admin(make_user):
    user = make_user("ada")
    user.is_superuser = True
    user.save()
    return user


def test_an_administrator_makes_an_account_whose_password_is_shown_once(project, admin, client_for, client, url):
    answer = set_role(client_for(admin), url, "newcomer", Role.ANNOTATOR, make_account="on")
    password = answer.context["password"]
    assert password in answer.text
    assert "no-store" in answer["Cache-Control"]
    assert password not in client_for(admin).get(url).text
    assert client.login(username="newcomer", password=password)
    assert role_of(get_user_model().objects.get(username="newcomer"), project) == Role.ANNOTATOR


def test_an_account_is_made_only_when_asked_for(admin, client_for, url):
    set_role(client_for(admin), url, "newcomer", Role.ANNOTATOR)
    assert not get_user_model().objects.filter(username="newcomer").exists()


def test_an_account_needs_a_possible_name(admin, client_for, url):
    answer = set_role(client_for(admin), url, "no spaces please", Role.ANNOTATOR, make_account="on")
    assert answer.context["form"].errors.keys() == {"username"}
