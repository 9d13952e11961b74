"""What the Sort screen asks for: waiting clusters in their order, pairs, and decisions about many faces."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from labelling.assign import assign_faces
from labelling.identities import create_identity
from labelling.models import Bond, Cluster, ClusterFace, ClusterRun, Constraint, Face, PairQuestion, Suggestion, Who
from labelling.signals import clusters_wanted


@pytest.fixture
def api(api_for, annotator):
    return api_for(annotator)


@pytest.fixture
def make_run(project):
    def make(number=1, *, done=True):
        now = timezone.now() if done else None
        return ClusterRun.objects.create(
            project=project, number=number, embedder="dlib", finished_at=now, ranked_at=now
        )

    return make


@pytest.fixture
def run(make_run):
    return make_run()


@pytest.fixture
def faces(make_image):
    return [make_image(seed=seed).faces.get() for seed in range(1, 9)]


def put_together(run, rank, *faces, **fields) -> Cluster:
    cluster = Cluster.objects.create(run=run, rank=rank, waiting=len(faces), **fields)
    ClusterFace.objects.bulk_create(
        ClusterFace(cluster=cluster, face=face, position=place, likeness=1 - place / 100, doubtful=place == len(faces))
        for place, face in enumerate(faces, start=1)
    )
    return cluster


@pytest.fixture
def clusters_url(project):
    return reverse("api-clusters", args=[project.slug])


def listed(api, url, **asked) -> list[int]:
    return [cluster["id"] for cluster in api.get(url, asked).json()["results"]]


# Clusters


def test_a_cluster_comes_with_all_that_its_grid_shows(api, clusters_url, project, run, faces, owner):
    ann, bo, cy = (create_identity(project, name) for name in ("Ann", "Bo", "Cy"))
    ann.target_count = 20
    ann.save()
    assign_faces(project, [faces[0].pk, faces[1].pk], ann, by=owner, event_id=uuid4())
    assign_faces(project, [faces[7].pk], bo, by=owner, event_id=uuid4())
    beside = put_together(run, 2, *faces[5:7], identity=bo, probability=0.5)
    put_together(
        run, 1, *faces[2:5], identity=ann, probability=0.9, certainty=0.8, nearest_face=faces[1],
        neighbour=beside, neighbour_similarity=0.93,
    )  # fmt: skip
    for face in faces[2:5]:
        Suggestion.objects.create(face=face, rank=1, identity=ann, probability=0.9, similarity=0.95, model_name="dlib")
    Suggestion.objects.create(
        face=faces[2], rank=2, identity=bo, probability=0.3, nearest_face=faces[7], model_name="dlib"
    )
    Suggestion.objects.create(face=faces[3], rank=2, identity=cy, probability=0.06, model_name="dlib")
    Constraint.objects.create(project=project, bond=Bond.CANNOT, face=faces[3], identity=cy)
    answer = api.get(clusters_url).json()
    assert (answer["run"], answer["state"], answer["waiting_faces"], answer["waiting_clusters"]) == (1, "ready", 5, 2)
    (cluster,) = answer["results"]
    assert [face["id"] for face in cluster["faces"]] == [face.pk for face in faces[2:5]]
    assert [face["doubtful"] for face in cluster["faces"]] == [False, False, True]
    assert set(cluster["faces"][0]) == {"id", "version", "image", "crop", "box", "likeness", "doubtful"}
    assert cluster["identity"] == {"id": ann.pk, "name": "Ann"}
    assert (cluster["size"], cluster["kind"], cluster["probability"], cluster["certainty"]) == (3, "person", 0.9, 0.8)
    assert cluster["reason"] == "Nearest confirmed face: similarity 0.95."
    assert cluster["target"] == {"have": 2, "want": 20}
    assert cluster["portraits"][0].startswith(f"/media/faces/{faces[1].pk}/")
    assert len(cluster["portraits"]) == 2
    assert [other["identity"]["name"] for other in cluster["alternatives"]] == ["Bo", "Cy"]
    assert cluster["alternatives"][0]["probability"] == pytest.approx(0.1)
    assert cluster["alternatives"][0]["crop"].startswith(f"/media/faces/{faces[7].pk}/")
    beside_it = cluster["neighbour"]
    assert (beside_it["id"], beside_it["size"], beside_it["similarity"]) == (beside.pk, 2, 0.93)
    assert [face["id"] for face in beside_it["faces"]] == [face.pk for face in faces[5:7]]


def test_nobody_is_offered_whom_every_face_was_said_not_to_be(api, clusters_url, project, run, faces):
    bo = create_identity(project, "Bo")
    put_together(run, 1, *faces[:2])
    Suggestion.objects.create(face=faces[0], rank=1, identity=bo, probability=0.3, model_name="dlib")
    Constraint.objects.bulk_create(
        Constraint(project=project, bond=Bond.CANNOT, face=face, identity=bo) for face in faces[:2]
    )
    assert api.get(clusters_url).json()["results"][0]["alternatives"] == []


def test_clusters_come_in_their_order_without_those_the_client_has(api, clusters_url, run, faces):
    third, first, second = (
        put_together(run, 3, faces[0]),
        put_together(run, 1, faces[1]),
        put_together(run, 2, faces[2]),
    )
    assert listed(api, clusters_url) == [first.pk]
    assert listed(api, clusters_url, limit=5) == [first.pk, second.pk, third.pk]
    assert listed(api, clusters_url, limit=5, **{"not": f"{first.pk},{third.pk},x,"}) == [second.pk]


def test_two_people_are_given_different_clusters_as_long_as_there_are_any(
    api, api_for, reviewer, clusters_url, run, faces
):
    first, second = put_together(run, 1, faces[0]), put_together(run, 2, faces[1])
    other = api_for(reviewer)
    assert listed(api, clusters_url) == [first.pk]
    assert listed(other, clusters_url) == [second.pk]
    assert listed(api, clusters_url) == [first.pk]  # asked again, it is still theirs
    assert listed(other, clusters_url, **{"not": second.pk}) == [first.pk]  # better than nothing


def test_what_was_decided_a_moment_ago_is_gone(api, clusters_url, project, run, faces, owner):
    first, second = put_together(run, 1, *faces[:2]), put_together(run, 2, *faces[2:4])
    assign_faces(project, [faces[0].pk, faces[1].pk, faces[2].pk], "Ann", by=owner, event_id=uuid4())
    assert listed(api, clusters_url, limit=5) == [second.pk]
    answer = api.get(clusters_url).json()["results"][0]
    assert ([face["id"] for face in answer["faces"]], answer["size"]) == ([faces[3].pk], 1)
    assert api.get(reverse("api-cluster", args=[first.pk])).status_code == 404


def test_only_the_newest_finished_clustering_is_shown(api, clusters_url, make_run, faces):
    old = put_together(make_run(1), 1, faces[0])
    new = put_together(make_run(2), 1, faces[0])
    put_together(make_run(3, done=False), 1, faces[0])
    assert listed(api, clusters_url) == [new.pk]
    assert api.get(clusters_url).json()["run"] == 2
    assert api.get(reverse("api-cluster", args=[old.pk])).status_code == 404
    assert api.get(reverse("api-cluster", args=[new.pk])).json()["id"] == new.pk


def test_a_project_without_clusters_asks_for_them_once(api, clusters_url, project, faces):
    asked = []

    def hear(project_id, **kwargs):
        asked.append(project_id)
        Job.objects.create(kind="cluster", title="Sort", project_id=project_id)

    Job.objects.all().delete()  # the photo's own
    clusters_wanted.connect(hear)
    answers = [api.get(clusters_url).json() for _ in range(2)]
    assert [(answer["state"], answer["run"], answer["results"]) for answer in answers] == [("working", None, [])] * 2
    assert asked == [project.pk]
    assert answers[0]["work"] == {"title": "Put like faces together", "done": 0, "total": 0}


def test_how_far_faces_are_described_is_told_before_there_are_groups(api, clusters_url, project, faces):
    Job.objects.all().delete()  # the photo's own
    Job.objects.create(kind="cluster", title="Put like faces together", project_id=project.pk, state="done")
    Job.objects.create(kind="embed", title="Describe new faces", project_id=project.pk, done=3, total=8)
    answer = api.get(clusters_url).json()
    assert (answer["state"], answer["work"]) == ("working", {"title": "Describe new faces", "done": 3, "total": 8})


def test_a_project_without_faces_has_nothing_to_sort(api, clusters_url):
    assert api.get(clusters_url).json()["state"] == "none"


def test_clusters_ask_the_same_questions_however_many_there_are(api, clusters_url, project, run, faces):
    ann = create_identity(project, "Ann")

    def queries(limit) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert len(api.get(clusters_url, {"limit": limit}).json()["results"]) == limit
        return len(asked)

    before = None
    for rank, face in enumerate(faces, start=1):
        before = put_together(run, rank, face, identity=ann, nearest_face=face, neighbour=before)
        Suggestion.objects.create(face=face, rank=1, identity=ann, probability=0.5, model_name="dlib")
    assert queries(2) == queries(8) == 10


# Pairs


def test_questions_are_asked_until_they_are_answered(api, project, run, faces):
    url = reverse("api-pairs", args=[project.slug])
    small, large = (
        PairQuestion.objects.create(
            run=run, face=faces[place], other=faces[place + 1], similarity=0.9, probability=0.5, decides=decides
        )
        for place, decides in ((0, 3), (2, 14))
    )
    asked = api.get(url).json()["results"]
    assert [question["id"] for question in asked] == [large.pk, small.pk]
    assert (asked[0]["a"]["id"], asked[0]["b"]["id"], asked[0]["decides"]) == (faces[2].pk, faces[3].pk, 14)
    assert [question["id"] for question in api.get(url, {"not": large.pk}).json()["results"]] == [small.pk]
    word = {"a": faces[3].pk, "b": faces[2].pk, "same": True, "event_id": str(uuid4())}
    assert api.post(url, word, format="json").json() == {"event": word["event_id"]}
    assert [question["id"] for question in api.get(url).json()["results"]] == [small.pk]
    Face.objects.filter(pk=faces[0].pk).update(state="confirmed", who=Who.UNKNOWN)
    assert api.get(url).json()["results"] == []


# Decisions


def test_faces_are_named_and_the_others_knocked_out(api, project, faces):
    url = reverse("api-assign", args=[project.slug])
    word = {
        "faces": [faces[0].pk, faces[1].pk], "identity": "Ann", "strangers": [faces[2].pk], "event_id": str(uuid4()),
        "seen": {str(face.pk): 1 for face in faces[:3]}, "source": "sort",
    }  # fmt: skip
    answer = api.post(url, word, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["assigned"] == 2
    assert Constraint.objects.get().face_id == faces[2].pk
    assert api.post(url, word, format="json").json() == answer.json()
    stale = api.post(url, {**word, "event_id": str(uuid4())}, format="json")
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "stale")
    assert [face["id"] for face in stale.json()["current"]] == word["faces"]


def test_a_photo_that_would_show_somebody_twice_is_named(api, project, make_image):
    faces = list(make_image(seed=20, faces=2).faces.values_list("pk", flat=True))
    word = {"faces": faces, "identity": "Ann", "event_id": str(uuid4())}
    answer = api.post(reverse("api-assign", args=[project.slug]), word, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "twice")
    assert answer.json()["twice"][0]["faces"] == faces
    word["allow_twice"] = True
    assert api.post(reverse("api-assign", args=[project.slug]), word, format="json").status_code == 200


def test_faces_are_set_aside(api, project, faces):
    url = reverse("api-decide", args=[project.slug])
    word = {"faces": [face.pk for face in faces], "as": "unknown", "event_id": str(uuid4())}
    assert api.post(url, word, format="json").json() == {"decided": 8, "event": word["event_id"]}
    assert set(Face.objects.values_list("who", flat=True)) == {Who.UNKNOWN}
    undone = api.post(reverse("api-undo", args=[word["event_id"]]))
    assert undone.status_code == 200
    assert set(Face.objects.values_list("who", flat=True)) == {Who.UNASSIGNED}


@pytest.mark.parametrize(
    "wrong", [{"as": "perhaps"}, {"faces": []}, {"seen": {"x": 1}}, {"event_id": "x"}, {"source": "thin air"}]
)
def test_malformed_decisions_are_refused(api, project, faces, wrong):
    word = {"faces": [faces[0].pk], "as": "unknown", "event_id": str(uuid4())} | wrong
    answer = api.post(reverse("api-decide", args=[project.slug]), word, format="json")
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["error"]["fields"]
