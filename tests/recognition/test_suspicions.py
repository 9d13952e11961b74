"""Labels that are probably wrong: found, explained, settled for good, and back when the label changes."""

import uuid

import pytest
from django.urls import reverse

from jobs.models import Job, Queue, State
from labelling.assign import assign_faces
from labelling.identities import get_or_create_identity
from labelling.models import Bond, Constraint, Face, FaceState, Who
from recognition.models import Suspicion, SuspicionKind
from recognition.suspicion_list import open_suspicions, say_right

ANA, BEN, CEM = 1, 2, 3


@pytest.fixture
def look(project, work_off, ask_again):
    def run():
        ask_again(project, "suspect")
        (job,) = work_off(project, "suspect")
        assert job.state == State.DONE, job.message
        return job

    return run


@pytest.fixture
def named(add_faces):
    """Four photos each of three people, rightly named."""
    people = {ANA: "Ana", BEN: "Ben", CEM: "Cem"}
    return {
        person: [add_faces(f"{name}-{photo}", ((person, photo), name)).faces.get() for photo in range(4)]
        for person, name in people.items()
    }


@pytest.fixture
def wrong(named, add_faces):
    """A photo of Ana that bears Ben's name."""
    return add_faces("wrong", ((ANA, 9), "Ben")).faces.get()


def name(project, face, who, by=None):
    assign_faces(project, [face.pk], get_or_create_identity(project, who), by=by, event_id=uuid.uuid4())
    face.refresh_from_db()


def suspected(project):
    return list(open_suspicions(project).values_list("face", "kind"))


def test_a_wrong_name_is_suspected_and_nothing_else(project, wrong, look):
    assert look().result["suspicions"] == 1
    row = Suspicion.objects.get()
    assert (row.face, row.kind, row.identity.name) == (wrong, SuspicionKind.OUTLIER, "Ana")
    assert row.nearest_face.identity.name == "Ana" and row.face_version == wrong.version
    assert row.score > 0.5 and len(row.detail["own_faces"]) == 3


def test_one_person_twice_in_a_photo_is_suspected_unless_somebody_said_so(project, named, add_faces, look):
    left, right = add_faces("twice", ((ANA, 20), "Ana"), ((BEN, 21), "Ana")).faces.order_by("x")
    look()
    row = Suspicion.objects.get(kind=SuspicionKind.TWICE)
    assert (row.face, row.identity.name, row.detail["own_faces"]) == (right, "Ben", [left.pk])
    Constraint.objects.create(project=project, bond=Bond.MUST, face=left, other=right)
    look()
    assert not Suspicion.objects.filter(kind=SuspicionKind.TWICE).exists()


def test_a_rejected_box_that_looks_like_somebody_is_suspected(project, named, add_faces, look):
    face = add_faces("rejected", ((ANA, 30), None)).faces.get()
    Face.objects.filter(pk=face.pk).update(state=FaceState.REJECTED, score=0.97)
    other = add_faces("poster", ((50, 1), None)).faces.get()
    Face.objects.filter(pk=other.pk).update(state=FaceState.REJECTED, score=0.97)
    sure = add_faces("sure", ((51, 1), None)).faces.get()
    Face.objects.filter(pk=sure.pk).update(state=FaceState.REJECTED, score=0.9999)
    look()
    rows = list(Suspicion.objects.filter(kind=SuspicionKind.BOX))
    assert [(row.face, row.identity and row.identity.name) for row in rows] == [(face, "Ana"), (sure, None)]


def test_a_confirmed_box_beside_which_the_detector_finds_the_face_is_suspected(project, named, look):
    face = named[ANA][0]
    x, y, w, h = face.box
    Face.objects.create(
        project=project, image=face.image, x=x + w / 2, y=y, w=w, h=h, image_w=face.image_w, image_h=face.image_h,
        origin="model", score=0.99,
    )  # fmt: skip
    look()
    row = Suspicion.objects.get(kind=SuspicionKind.BOX)
    assert row.face == face and row.detail["overlap"] == pytest.approx(1 / 3, abs=0.01)


def test_a_label_that_was_called_right_is_not_doubted_again(project, wrong, reviewer, look):
    look()
    say_right(Suspicion.objects.get(), True, by=reviewer)
    for _ in range(2):
        look()
        assert suspected(project) == []
    assert Suspicion.objects.get().dismissed_by == reviewer


def test_it_is_doubted_again_once_the_label_is_another(project, wrong, reviewer, look):
    look()
    say_right(Suspicion.objects.get(), True, by=reviewer)
    name(project, wrong, "Ana")
    look()
    assert not Suspicion.objects.exists()
    name(project, wrong, "Cem")
    look()
    assert suspected(project) == [(wrong.pk, "outlier")]


def test_called_right_and_saved_again_unchanged_it_stays_settled(project, wrong, reviewer, look):
    look()
    say_right(Suspicion.objects.get(), True, by=reviewer)
    Face.objects.filter(pk=wrong.pk).update(version=wrong.version + 1)
    look()
    assert suspected(project) == []


def test_a_suspicion_is_gone_as_soon_as_the_label_changes(project, wrong, look):
    look()
    name(project, wrong, "Ana")
    assert suspected(project) == []


def test_running_again_changes_nothing(project, wrong, look):
    look()
    before = list(Suspicion.objects.values("pk", "face", "score", "detail"))
    look()
    assert list(Suspicion.objects.values("pk", "face", "score", "detail")) == before


def test_faces_that_nobody_named_are_nobodys_error(project, named, add_faces, look):
    face = add_faces("unknown", ((ANA, 40), None)).faces.get()
    Face.objects.filter(pk=face.pk).update(state=FaceState.CONFIRMED, who=Who.UNKNOWN)
    look()
    assert not Suspicion.objects.exists()


def test_among_very_many_names_the_faces_take_turns(project, wrong, look, monkeypatch):
    monkeypatch.setattr("recognition.suspicions.PROBES", 4)
    for _ in range(8):
        look()
    assert suspected(project) == [(wrong.pk, "outlier")]


def test_labels_are_looked_over_after_names_were_given(project, wrong, named, work_off):
    name(project, named[ANA][0], "Ana")
    work_off(project, "suggest")
    (job,) = work_off(project, "suspect")
    assert (job.queue, job.result["suspicions"]) == (Queue.BULK, 1)


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────


def url(project) -> str:
    return reverse("review-suspicions", args=[project.slug])


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


def test_the_page_gives_the_reason_in_words(project, wrong, look, reviewer, client_for):
    look()
    page = text_of(client_for(reviewer).get(url(project)))
    assert "Looks like Ana (" in page and "rather than like other photos of Ben (" in page
    assert "It is Ana" in page and reverse("crop", args=[wrong.pk, wrong.box_key]) in page
    assert "Looks like Ana" not in text_of(client_for(reviewer).get(url(project), {"kind": "box"}))


def test_without_suspicions_the_page_says_so(project, reviewer, client_for):
    assert "No label looks wrong" in text_of(client_for(reviewer).get(url(project)))


def test_names_on_the_page_are_never_markup(project, named, add_faces, look, reviewer, client_for):
    hostile = "<script>alert(1)</script>"
    add_faces("hostile", ((ANA, 9), hostile))
    add_faces("hostile-2", ((7, 1), hostile))
    look()
    page = client_for(reviewer).get(url(project)).content.decode()
    assert hostile not in page and "&lt;script&gt;" in page


def test_annotators_are_kept_out(project, annotator, client_for):
    assert client_for(annotator).get(url(project)).status_code == 403


def test_a_reviewer_has_the_labels_looked_over_now(project, reviewer, client_for):
    client = client_for(reviewer)
    assert "looked over again" in text_of(client.post(url(project), follow=True))
    client.post(url(project))
    job = Job.objects.get(kind="suspect")
    assert (job.queue, job.created_by) == (Queue.INTERACTIVE, reviewer)


def test_a_reviewers_word_over_the_api_holds_and_can_be_taken_back(
    project, wrong, look, reviewer, annotator, stranger, api_for
):
    look()
    address = reverse("api-suspicion", args=[Suspicion.objects.get().pk])
    assert api_for(stranger).post(address, {"is_right": True}, format="json").status_code == 404
    assert api_for(annotator).post(address, {"is_right": True}, format="json").status_code == 403
    assert api_for(reviewer).post(address, {}, format="json").status_code == 400
    assert api_for(reviewer).post(address, {"is_right": True}, format="json").status_code == 200
    assert suspected(project) == []
    assert api_for(reviewer).post(address, {"is_right": False}, format="json").status_code == 200
    assert suspected(project) == [(wrong.pk, "outlier")]


def test_the_page_asks_as_many_queries_for_many_as_for_few(
    project, named, add_faces, look, reviewer, client_for, django_assert_max_num_queries
):
    for photo in range(4):
        add_faces(f"wrong-{photo}", ((ANA, 50 + photo), "Ben" if photo % 2 else "Cem"))
    look()
    client = client_for(reviewer)
    assert len(suspected(project)) >= 3
    with django_assert_max_num_queries(16):
        client.get(url(project))
