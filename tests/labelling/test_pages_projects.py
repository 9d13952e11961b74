"""Projects: the list, starting one, the overview and the settings."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from labelling.identities import create_identity, rename_identity
from labelling.models import (
    Cluster,
    ClusterKind,
    ClusterRun,
    FaceState,
    Image,
    ImageState,
    Lease,
    Project,
    Who,
)
from labelling.next_step import next_step
from labelling.progress import Standing, standing, standings
from labelling.projects import create_project
from labelling.queue import open_image
from labelling.submit import FaceWord, submit_image

NOTHING = dict.fromkeys(Standing.__dataclass_fields__, 0)


def test_without_projects_the_form_to_make_one_is_right_there(stranger, client_for, project):
    text = client_for(stranger).get(reverse("projects")).text
    assert "Make the first project" in text
    assert f'action="{reverse("project-new")}"' in text


def test_the_list_shows_only_ones_own_projects(project, owner, stranger, client_for):
    create_project("Not yours", by=stranger)
    text = client_for(owner).get(reverse("projects")).text
    assert project.name in text
    assert "Not yours" not in text


def test_many_projects_stand_where_each_of_them_stands(project, owner, make_image):
    image = make_image(seed=1, faces=2)
    make_image(seed=2, faces=0)
    labelled = make_image(seed=3, faces=3)
    named, unknown, rejected = labelled.faces.all()
    words = [
        FaceWord(id=named.pk, identity="Ana", has_identity=True),
        FaceWord(id=unknown.pk, state=FaceState.CONFIRMED, who=Who.UNKNOWN),
        FaceWord(id=rejected.pk, state=FaceState.REJECTED),
    ]
    submit_image(labelled, words, by=owner, version=labelled.version, event_id=uuid4())
    Image.objects.filter(pk=image.pk).update(state=ImageState.NEW)
    empty = create_project("Empty", by=owner)
    expected = Standing(
        images=3, images_new=1, images_waiting=1, images_disputed=0, images_labelled=1,
        faces=4, faces_waiting=2, faces_confirmed=2, faces_named=1, identities=1,
    )  # fmt: skip
    assert standings([project, empty]) == {project.pk: expected, empty.pk: Standing(**NOTHING)}
    assert standing(project) == expected


def test_making_a_project_leads_to_its_first_photos(owner, client_for):
    answer = client_for(owner).post(reverse("project-new"), {"name": "  Door   cameras "})
    made = Project.objects.get(name="Door cameras")
    assert answer["Location"] == reverse("ingest", args=[made.slug])


def test_a_project_without_a_name_is_refused_beside_the_field(owner, client_for):
    answer = client_for(owner).post(reverse("project-new"), {"name": "   "})
    assert answer.status_code == 200
    assert "field__error" in answer.text
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("counts", "title", "page"),
    [
        ({}, "Add the first photos", "ingest"),
        ({"images": 3, "images_new": 3}, "Finding faces in 3 photos", "ingest"),
        ({"images": 3, "images_new": 2, "images_waiting": 1}, "Label 1 photo", "label"),
        ({"images": 3, "images_labelled": 3}, "Every photo is labelled", "identities"),
    ],
)
def test_the_next_step_follows_the_loop(project, counts, title, page):
    step = next_step(project, Standing(**NOTHING | counts))
    assert step.title == title
    assert step.url.startswith(reverse(page, args=[project.slug]))


def test_many_faces_in_groups_are_sorted_before_photos_are_labelled(project):
    now = Standing(**NOTHING | {"images": 300, "images_waiting": 300})
    step = next_step(project, now, to_sort={"faces": 250, "groups": 12})
    assert (step.title, step.url) == ("Sort 250 faces in 12 groups", reverse("sort", args=[project.slug]))
    assert next_step(project, now, to_sort={"faces": 3, "groups": 1}).title == "Label 300 photos"


def test_the_overview_sends_people_to_sort_when_groups_wait(project, owner, client_for, make_image):
    run = ClusterRun.objects.create(project=project, number=1, embedder="test", finished_at=timezone.now())
    make_image(seed=1)
    client = client_for(owner)
    assert client.get(reverse("project", args=[project.slug])).context["next_step"].title == "Label 1 photo"
    Cluster.objects.create(run=run, rank=1, waiting=30)
    Cluster.objects.create(run=run, rank=2, waiting=400, kind=ClusterKind.LEFTOVERS)
    assert client.get(reverse("project", args=[project.slug])).context["next_step"].title == "Sort 30 faces in 1 group"


def test_once_all_is_labelled_the_next_step_is_the_first_later_one_that_is_stuck(project):
    later = [
        {"label": "Freeze", "state": "ok", "hint": "fine", "url": "/freeze"},
        {"label": "Train", "state": "stuck", "hint": "Train on a frozen version", "url": "/train"},
    ]
    step = next_step(project, Standing(**NOTHING | {"images": 1, "images_labelled": 1}), later)
    assert (step.title, step.url) == ("Train on a frozen version", "/train")


def test_the_overview_tells_who_works_what_runs_and_what_happened(project, owner, annotator, client_for, make_image):
    image, other = make_image(seed=1), make_image(seed=2)
    identity = create_identity(project, "Ana")
    rename_identity(identity, "Anna Berg", by=annotator, event_id=uuid4())
    open_image(image, annotator)
    Lease.objects.create(image=other, user=owner, until=timezone.now() - timedelta(minutes=1))
    Job.objects.create(kind="propose", title="Finding faces", project_id=project.pk, created_by=owner)
    Job.objects.create(kind="propose", title="Long done", project_id=project.pk, state="done")
    answer = client_for(owner).get(reverse("project", args=[project.slug]))
    assert [lease.user for lease in answer.context["at_work"]] == [annotator]
    assert "Finding faces" in answer.text
    assert "Long done" not in answer.text
    assert "renamed <strong>Ana</strong> to <strong>Anna Berg</strong>" in answer.text


def test_only_those_who_may_cancel_a_job_see_the_button(project, owner, annotator, client_for):
    job = Job.objects.create(kind="propose", title="Finding faces", project_id=project.pk, created_by=owner)
    cancel = reverse("job-cancel", args=[job.pk])
    for page in ("project", "jobs"):
        url = reverse(page, args=[project.slug])
        assert cancel in client_for(owner).get(url).text
        assert cancel not in client_for(annotator).get(url).text


def test_guidelines_are_markdown_without_html_scripts_or_foreign_pictures(project, owner, client_for):
    project.guidelines = (
        "# Rules\n\n[bad](javascript:alert(1)) [good](https://example.org/a)\n\n"
        '<img src=x onerror="alert(2)">\n\n![seen](https://example.org/pixel.png)'
    )
    project.save()
    text = client_for(owner).get(reverse("project", args=[project.slug])).text
    assert "<h3>Rules</h3>" in text
    assert 'href="https://example.org/a" rel="noopener noreferrer nofollow"' in text
    assert 'href="javascript' not in text
    assert "<img src=x" not in text
    assert '<img src="https://example.org' not in text


def settings_form(**changes) -> dict:
    return {
        "name": "Lobby", "guidelines": "", "retention_days": "", "detector": "mtcnn", "embedder": "facenet",
        "min_face_px": "24",
        "min_score": "0.8", "accept_probability": "0.95", "lease_minutes": "10",
        "queue_order": "doubtful", "overlap": "2", "overlap_share": "0.1", "gold_every": "20", "accept_target": "0.99",
        "gate_min_probes": "8", "gate_max_fall": "0.2", "gate_max_ms": "300",
    } | changes  # fmt: skip


def test_saving_settings_keeps_what_the_form_does_not_know(project, owner, client_for):
    project.stored_settings = {"embedder": "facenet", "something_else": 1}
    project.save()
    answer = client_for(owner).post(reverse("project-settings", args=[project.slug]), settings_form())
    assert answer.status_code == 302
    project.refresh_from_db()
    assert project.stored_settings["something_else"] == 1
    assert project.settings.embedder == "facenet"
    assert (project.settings.min_face_px, project.settings.accept_probability) == (24, 0.95)
    assert (project.settings.queue_order, project.settings.accept_target) == ("doubtful", 0.99)
    assert (project.settings.overlap, project.settings.overlap_share, project.settings.gold_every) == (2, 0.1, 20)
    bounds = (project.settings.gate_min_probes, project.settings.gate_max_fall, project.settings.gate_max_ms)
    assert bounds == (8, 0.2, 300)
    assert project.name == "Lobby"


def test_another_embedder_has_all_faces_described_anew(project, owner, client_for, settings):
    settings.ONNX_EMBEDDERS = ["arcface=/models/arcface.onnx"]
    url = reverse("project-settings", args=[project.slug])
    assert "onnx:arcface" in client_for(owner).get(url).content.decode()
    client_for(owner).post(url, settings_form(embedder="dlib"))
    assert not Job.objects.filter(kind="embed").exists()
    client_for(owner).post(url, settings_form(embedder="onnx:arcface"))
    project.refresh_from_db()
    assert project.settings.embedder == "onnx:arcface"
    assert Job.objects.filter(kind="embed", project_id=project.pk).exists()


def test_saving_settings_never_takes_class_ids_back(project, owner, client_for, monkeypatch):
    """Someone adds a person between reading the project and saving it."""
    from labelling.forms import ProjectSettingsForm

    form = ProjectSettingsForm(settings_form(), instance=Project.objects.get(pk=project.pk))
    assert form.is_valid()
    create_identity(project, "Ana")
    form.save()
    assert create_identity(project, "Ben").class_id == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "), ("min_score", "1.5"), ("accept_probability", "0.2"), ("min_face_px", "2"),
        ("detector", "other"), ("embedder", "other"), ("retention_days", "0"),
        ("lease_minutes", "nan"), ("min_score", "nan"),
        ("queue_order", "alphabetical"), ("overlap", "0"), ("overlap_share", "2"), ("gold_every", "-1"),
        ("accept_target", "1"), ("gate_min_probes", "0"), ("gate_max_fall", "1.5"), ("gate_max_ms", "0"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused_beside_the_field(project, owner, client_for, field, value):
    url = reverse("project-settings", args=[project.slug])
    answer = client_for(owner).post(url, settings_form(**{field: value}))
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == {field}
    project.refresh_from_db()
    assert project.name == "Lobby cameras"


def test_a_detector_that_is_stored_but_unknown_here_can_be_kept(project, owner, client_for):
    project.stored_settings = {"detector": "retina"}
    project.save()
    url = reverse("project-settings", args=[project.slug])
    assert client_for(owner).post(url, settings_form(detector="retina")).status_code == 302


def test_photos_without_proposals_count_as_new(project, make_image):
    image = make_image(seed=3)
    Image.objects.filter(pk=image.pk).update(state=ImageState.NEW)
    assert next_step(project, standing(project)).title == "Finding faces in 1 photo"
