"""Clusterings are numbered and written whole; decisions thin them out and put them in order, and stay."""

import uuid
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job, State
from jobs.work import claim
from labelling.assign import assign_faces, decide_faces
from labelling.clusters import in_line, newest_run, questions, shown
from labelling.constraints import link_faces
from labelling.identities import get_or_create_identity
from labelling.models import Cluster, ClusterFace, ClusterKind, ClusterRun, Face, Image
from labelling.undo import undo_event
from recognition import cluster_ranks, clusters
from recognition.clusters import KEPT_RUNS, make_clusters


@pytest.fixture
def cluster(project, ask_again, work_off):
    def run() -> ClusterRun:
        ask_again(project, "cluster")
        (*_, job) = work_off(project, "cluster")
        assert job.state == State.DONE, job.message
        return newest_run(project)

    return run


@pytest.fixture
def rank(project, ask_again, work_off):
    def run() -> dict:
        ask_again(project, "rank_clusters")
        (*_, job) = work_off(project, "rank_clusters")
        assert job.state == State.DONE, job.message
        return job.result

    return run


@pytest.fixture
def people(add_faces):
    """Three people in photos of their own: Ann is named in two of seven, Bo in one of five, nobody knows the third.
    And three strangers."""
    for number in range(7):
        add_faces(f"ann {number}", ((1, number), "Ann" if number < 2 else None))
    for number in range(5):
        add_faces(f"bo {number}", ((2, number), "Bo" if number < 1 else None))
    for number in range(4):
        add_faces(f"new {number}", ((3, number), None))
    for number in range(3):
        add_faces(f"stranger {number}", ((50 + number, 0), None))


def faces_of(*names: str) -> list[int]:
    """Waiting faces in the photos of those names, e.g. “ann”."""
    waiting = Face.objects.waiting().order_by("pk")
    return [face.pk for face in waiting.select_related("image") if face.image.name.split()[0] in names]


def content(run: ClusterRun) -> list[tuple]:
    """Person, kind and waiting faces of each cluster in its order."""
    views = shown(run.project, in_line(run, limit=100))
    return [
        (view.cluster.identity and view.cluster.identity.name, view.cluster.kind, {m.face_id for m in view.faces})
        for view in views
    ]


def test_like_faces_are_gathered_around_the_person_they_show(people, cluster):
    run = cluster()
    assert content(run) == [
        ("Ann", ClusterKind.PERSON, set(faces_of("ann"))),
        ("Bo", ClusterKind.PERSON, set(faces_of("bo"))),
        (None, ClusterKind.PERSON, set(faces_of("new"))),
        (None, ClusterKind.LEFTOVERS, set(faces_of("stranger"))),
    ]
    first = Cluster.objects.filter(run=run).order_by("rank").first()
    assert first.probability > 0.9
    assert first.certainty > 0.7
    assert first.nearest_face.identity.name == "Ann"
    assert (run.number, run.faces, run.clusters, run.embedder) == (1, 16, 4, "dlib")
    assert run.params["named"] == 3


def test_each_clustering_is_a_new_number_and_old_numbers_stay(people, cluster):
    first = cluster()
    for _ in range(KEPT_RUNS + 1):
        last = cluster()
    assert last.number == KEPT_RUNS + 2
    assert content(last) == content(newest_run(last.project))
    assert ClusterRun.objects.count() == KEPT_RUNS + 2
    assert not Cluster.objects.filter(run=first).exists()
    assert Cluster.objects.values("run").distinct().count() == KEPT_RUNS


def test_a_clustering_that_breaks_off_leaves_nothing(people, project, cluster, ask_again, monkeypatch):
    before = cluster()
    job = ask_again(project, "cluster")
    work = claim(job.pk)
    bulk_create = ClusterFace.objects.bulk_create

    def fall(*args, **kwargs):
        bulk_create(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(type(ClusterFace.objects), "bulk_create", fall)
    with pytest.raises((KeyboardInterrupt, TypeError)):
        make_clusters(project, work)
    assert newest_run(project) == before
    assert ClusterRun.objects.count() == 1


def test_faces_are_locked_before_the_project_as_by_those_who_name_somebody_new(people, project, ask_again):
    """The other way round, a clustering and a new name at once would wait for each other for ever."""
    work = claim(ask_again(project, "cluster").pk)
    with CaptureQueriesContext(connection) as asked:
        make_clusters(project, work)
    locks = [query["sql"] for query in asked if "FOR NO KEY UPDATE" in query["sql"]]
    assert [next(name for name in ("labelling_face", "labelling_project") if name in sql) for sql in locks] == [
        "labelling_face",
        "labelling_project",
    ]


def test_nothing_that_people_said_is_touched(people, project, cluster, rank):
    assign_faces(project, faces_of("bo")[:1], "Ann", by=None, event_id=uuid.uuid4())  # however unlikely
    before = list(Face.objects.order_by("pk").values())
    cluster()
    rank()
    assert list(Face.objects.order_by("pk").values()) == before


def test_those_knocked_out_never_come_back_to_that_person(people, project, cluster):
    ann, stray = faces_of("ann"), faces_of("ann")[-1]
    assign_faces(project, ann[:2], "Ann", by=None, event_id=uuid.uuid4(), strangers=[stray])
    for person, _, faces in content(cluster()):
        assert person != "Ann" or stray not in faces


def test_an_answer_about_two_faces_is_obeyed(people, project, cluster):
    new, bo = faces_of("new"), faces_of("bo")
    link_faces(project, new[0], new[1], same=False, by=None, event_id=uuid.uuid4())
    link_faces(project, faces_of("stranger")[0], bo[0], same=True, by=None, event_id=uuid.uuid4())
    found = content(cluster())
    assert not any({new[0], new[1]} <= faces for _, _, faces in found)
    assert any({faces_of("stranger")[0], bo[0]} <= faces for _, _, faces in found)


def test_two_faces_of_one_photo_are_two_people(add_faces, project, cluster):
    add_faces("named", ((1, 0), "Ann"))
    photo = add_faces("twins", ((1, 1), None), ((1, 2), None))
    add_faces("beside", ((1, 3), "Ann"), ((1, 4), None))
    twins = set(photo.faces.values_list("pk", flat=True))
    beside = Image.objects.get(name="beside.jpg").faces.waiting().get().pk
    for person, kind, faces in content(cluster()):
        if kind == ClusterKind.PERSON:
            assert not twins <= faces
        assert not (person == "Ann" and beside in faces)


def test_photos_that_are_labelled_blindly_are_not_sorted(people, project, cluster, rank):
    run = cluster()
    project.stored_settings = {"overlap": 2}
    project.save()
    rank()
    assert content(cluster()) == content(run) == []
    photo = Image.objects.get(name="ann 3.jpg")
    Image.objects.filter(pk=photo.pk).update(assigned_to=project.created_by)
    assert [faces for *_, faces in content(cluster())] == [{photo.faces.get().pk}]


# Put in order again


def test_decided_faces_leave_and_clusters_keep_their_ids_and_places(people, project, cluster, rank):
    run = cluster()
    ids = [row.pk for row in in_line(run, limit=10)]
    places = list(ClusterFace.objects.filter(cluster=ids[1]).values_list("face", "position"))
    assign_faces(project, faces_of("ann"), "Ann", by=None, event_id=uuid.uuid4())
    decide_faces(project, faces_of("bo")[:1], "ignored", by=None, event_id=uuid.uuid4())
    rank()
    run.refresh_from_db()
    assert newest_run(project) == run
    assert [row.pk for row in in_line(run, limit=10)] == ids[1:] or set(ids[1:]) == {
        row.pk for row in in_line(run, limit=10)
    }
    assert Cluster.objects.get(pk=ids[0]).waiting == 0
    assert Cluster.objects.get(pk=ids[1]).waiting == 3
    assert list(ClusterFace.objects.filter(cluster=ids[1]).values_list("face", "position")) == places
    assert run.ranked_at > run.finished_at


def test_what_was_taken_back_waits_again(people, project, cluster, rank, owner):
    run = cluster()
    before = content(run)
    event = assign_faces(project, faces_of("ann"), "Ann", by=owner, event_id=uuid.uuid4())
    rank()
    undo_event(event, by=owner)
    rank()
    assert content(run) == before


def test_an_answer_asks_for_a_new_clustering(people, project, cluster, rank):
    cluster()
    new = faces_of("new")
    link_faces(project, new[0], new[1], same=False, by=None, event_id=uuid.uuid4())
    assert rank()["fresh"] is True


def test_a_new_name_becomes_a_proposal(people, project, cluster, rank):
    run = cluster()
    new = faces_of("new")
    assign_faces(project, new[:2], "Cy", by=None, event_id=uuid.uuid4())
    rank()
    assert ("Cy", ClusterKind.PERSON, set(new[2:])) in content(run)


def test_who_was_knocked_out_is_proposed_as_somebody_else_or_nobody(people, project, cluster, rank):
    run = cluster()
    ann = faces_of("ann")
    assign_faces(project, ann[:3], "Ann", by=None, event_id=uuid.uuid4(), strangers=ann[3:])
    assert content(run)[0][0] != "Ann" or shown(project, in_line(run))[0].identity is None
    rank()
    (left,) = [(person, faces) for person, _, faces in content(run) if set(ann[3:]) == faces]
    assert left[0] is None


def test_a_face_whose_photo_shows_that_person_by_now_leaves_the_others(add_faces, people, project, cluster, rank):
    photo = add_faces("ann 99", ((1, 99), None), ((1, 98), None))  # a sister, say
    run = cluster()
    (ann,) = [faces for person, _, faces in content(run) if person == "Ann"]
    both = set(photo.faces.values_list("pk", flat=True))
    (like,) = both & ann
    assign_faces(project, both - {like}, "Ann", by=None, event_id=uuid.uuid4())
    rank()
    (ann,) = [faces for person, _, faces in content(run) if person == "Ann"]
    assert ann == set(faces_of("ann")) - {like}


def test_enough_scattered_faces_ask_for_a_new_clustering(people, project, cluster, rank, add_faces):
    cluster()
    assert rank()["fresh"] is False
    for number in range(12):
        add_faces(f"late {number}", ((4, number), None))
    Job.objects.all().delete()
    assert rank()["fresh"] is True
    assert Job.objects.filter(kind="cluster", state=State.QUEUED).count() == 1


def test_leftovers_somebody_kept_come_back_one_by_one(people, project, cluster):
    cluster()
    strangers = faces_of("stranger")
    decide_faces(project, strangers[:2], "unknown", by=None, event_id=uuid.uuid4())
    for _ in range(2):  # remembered from one clustering to the next
        assert content(cluster())[-1][1:] == (ClusterKind.PERSON, {strangers[2]})


def test_a_name_given_elsewhere_leaves_a_page_of_leftovers_together(people, project, cluster):
    cluster()
    strangers = faces_of("stranger")
    assign_faces(project, strangers[:1], "Zoe", by=None, event_id=uuid.uuid4())
    assert content(cluster())[-1][1:] == (ClusterKind.LEFTOVERS, set(strangers[1:]))


def test_more_faces_than_can_be_compared_come_in_turns(people, project, cluster, rank, monkeypatch):
    for module in (clusters, cluster_ranks):
        monkeypatch.setattr(module, "MOST_FACES", 10)
    run = cluster()
    first = set(Face.objects.waiting().order_by("pk").values_list("pk", flat=True)[:10])
    assert set().union(*(faces for *_, faces in content(run))) == first
    assert rank()["fresh"] is False
    decide_faces(project, first, "ignored", by=None, event_id=uuid.uuid4())
    assert rank()["fresh"] is True


def test_a_person_who_lacks_faces_is_first(people, project, cluster, rank):
    run = cluster()
    bo = get_or_create_identity(project, "Bo")
    bo.target_count = 10
    bo.save()
    rank()
    assert [person for person, *_ in content(run)][:2] == ["Bo", "Ann"]
    assert [person for person, *_ in content(cluster())][:2] == ["Bo", "Ann"]


def test_when_nothing_waits_there_is_nothing_to_cluster(project, add_faces, work_off, ask_again):
    add_faces("named", ((1, 0), "Ann"))
    ask_again(project, "cluster")
    ask_again(project, "rank_clusters")
    ended = work_off(project, "cluster", "rank_clusters")
    assert [job.state for job in ended] == [State.DONE, State.DONE]
    assert not ClusterRun.objects.exists()


def test_names_and_new_vectors_ask_for_the_work(project, people, django_capture_on_commit_callbacks):
    Job.objects.all().delete()
    ClusterRun.objects.create(project=project, number=1, embedder="dlib")
    with django_capture_on_commit_callbacks(execute=True):
        assign_faces(project, faces_of("ann")[:1], "Ann", by=None, event_id=uuid.uuid4())
    assert Job.objects.filter(kind="rank_clusters", queue="interactive").count() == 1


def test_drawn_people_come_apart(project, add_portrait, work_off):
    """From pixels to clusters: the faces of a cluster are nearly always one person's."""
    owner = {add_portrait(person, photo).pk: person for person in range(1, 7) for photo in range(1, 5)}
    work_off(project, "propose", "embed")
    firsts = Face.objects.filter(image__in=[pk for pk in owner if pk == min(p for p in owner if owner[p] == owner[pk])])
    for face in firsts:
        assign_faces(project, [face.pk], f"Person {owner[face.image_id]}", by=None, event_id=uuid.uuid4())
    ended = work_off(project, "cluster")
    assert ended[-1].state == State.DONE
    right = total = 0
    for person, kind, faces in content(newest_run(project)):
        if kind == ClusterKind.PERSON:
            truth = Counter(f"Person {owner[face.image_id]}" for face in Face.objects.filter(pk__in=faces))
            right += truth[person] if person else truth.most_common(1)[0][1]
            total += len(faces)
    assert total >= 8
    assert right / total >= 0.9


def test_questions_are_about_faces_of_the_run(people, cluster):
    run = cluster()
    faces = set(Face.objects.values_list("pk", flat=True))
    assert all({one.face_id, one.other_id} <= faces for one in questions(run))
