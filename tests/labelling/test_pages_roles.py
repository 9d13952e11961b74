"""Which page answers whom, and that no page lets a name become markup."""

from uuid import uuid4

import pytest
from django.urls import reverse

from jobs.models import Job
from labelling.identities import create_identity
from labelling.models import Image, Suggestion
from labelling.projects import create_project
from labelling.queue import open_image
from labelling.submit import FaceWord, submit_image

EVERYONE = {"annotator", "reviewer", "engineer", "owner"}
HOSTILE = '<script>alert("1")</script>'


@pytest.fixture
def people(owner, annotator, reviewer, engineer, stranger):
    return {
        "owner": owner, "annotator": annotator, "reviewer": reviewer, "engineer": engineer, "stranger": stranger,
    }  # fmt: skip


PAGES = {
    "project": EVERYONE,
    "ingest": EVERYONE,
    "images": EVERYONE,
    "label": EVERYONE,
    "sort": EVERYONE,
    "identities": EVERYONE,
    "jobs": EVERYONE,
    "members": EVERYONE,
    "project-settings": {"owner"},
}


def test_pages_answer_by_role(people, project, client_for):
    for role, user in people.items():
        client = client_for(user)
        for page, allowed in PAGES.items():
            expected = 404 if role == "stranger" else 200 if role in allowed else 403
            answer = client.get(reverse(page, args=[project.slug]))
            assert answer.status_code == expected, f"{page} answered {answer.status_code} to {role}"


def test_a_superuser_sees_every_project_without_being_a_member(project, make_user, client_for):
    admin = make_user("ada")
    admin.is_superuser = True
    admin.save()
    client = client_for(admin)
    assert project.name in client.get(reverse("projects")).text
    assert client.get(reverse("project-settings", args=[project.slug])).status_code == 200


def test_pages_take_only_their_methods(project, owner, client_for):
    client = client_for(owner)
    for page in ("project", "ingest", "images", "label", "sort", "identities", "jobs"):
        assert client.post(reverse(page, args=[project.slug])).status_code == 405, page
    assert client.get(reverse("member-remove", args=[project.slug, owner.pk])).status_code == 405


def test_a_hostile_name_stays_text_on_every_page(owner, client_for, make_image, project, photo_bytes):
    """Names of a project, photo, session, person, alias and job all try it at once."""
    from labelling.models import Project

    Project.objects.filter(pk=project.pk).update(name=HOSTILE, guidelines=HOSTILE)
    image = make_image(seed=1, faces=2, session=HOSTILE)
    Image.objects.filter(pk=image.pk).update(name=HOSTILE, note=HOSTILE)
    identity = create_identity(project, HOSTILE)
    identity.aliases, identity.notes = [HOSTILE], HOSTILE
    identity.save()
    named, other = image.faces.all()
    words = [FaceWord(id=named.pk, identity=identity.pk, has_identity=True)]
    submit_image(image, words, by=owner, version=image.version, event_id=uuid4())
    Suggestion.objects.create(face=other, rank=1, identity=identity, probability=0.8, model_name="test")
    open_image(image, owner)
    job = {"kind": "ingest", "title": HOSTILE, "message": HOSTILE, "project_id": project.pk, "result": {"a": HOSTILE}}
    running = Job.objects.create(**job)
    ended = Job.objects.create(state="failed", log=HOSTILE, **job)
    client = client_for(owner)
    pages = ("project", "images", "identities", "jobs", "members", "project-settings", "ingest", "label", "sort")
    urls = [reverse(page, args=[project.slug]) for page in pages] + [
        reverse("projects"),
        reverse("identity", args=[project.slug, identity.pk]),
        reverse("job-progress", args=[running.pk]),
        reverse("job-progress", args=[ended.pk]),
        reverse("images", args=[project.slug]) + "?q=%3Cscript%3Ealert(%221%22)%3C/script%3E",
        reverse("identities", args=[project.slug]) + "?q=%22%3E%3Cscript%3Ealert(%221%22)%3C/script%3E",
    ]
    for url in urls:
        text = client.get(url).text
        assert "<script>alert" not in text, url
        assert "alert(" in text, f"{url} does not show the name at all"


def test_a_hostile_name_survives_renaming_as_text(owner, client_for, project):
    identity = create_identity(project, "Ana")
    url = reverse("identity", args=[project.slug, identity.pk])
    form = {"form": "rename", "name": HOSTILE, "event_id": str(uuid4())}
    answer = client_for(owner).post(url, form, headers={"HX-Request": "true"})
    assert "<script>" not in answer.text
    assert answer["HX-Trigger"].isascii()


def test_a_new_project_may_have_a_hostile_name(owner, client_for, db):
    project = create_project(HOSTILE, by=owner)
    assert "<" not in project.slug
    assert client_for(owner).get(reverse("project", args=[project.slug])).status_code == 200
