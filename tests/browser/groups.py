"""Groups of faces for the Sort screen, made and read inside a Facet that is up; see seeds.py for how to call these.

They are written as workers would write them. Where no workers run they stay as they are.
"""

from tests.browser.seeds import make_project


def make_groups(name: str, groups: list[dict], questions: list[tuple[int, int, int]] = ()) -> dict:
    """A project whose faces, one a photo, wait in `groups`, shown in that order.

    A group: {"size": 4, "doubtful": 1, "person": "Ada Ek", "others": ["Bo Ny"], "beside": 1, "kind": "leftovers"};
    all but the size may be left out, `beside` is the place of its neighbour. Everybody named has one confirmed
    face. A question is (place of a group, place of another, faces that a yes brings together).
    """
    from django.utils import timezone

    from labelling.models import Cluster, ClusterRun, PairQuestion, Project

    sizes = [group["size"] + group.get("doubtful", 0) for group in groups]
    people = sorted({name for group in groups for name in [group.get("person"), *group.get("others", [])] if name})
    made = make_project(name, photos=sum(sizes) + len(people))
    project = Project.objects.get(slug=made["slug"])
    waiting = [image["faces"][0] for image in made["images"]]
    known = {person: _name(project, waiting.pop(), person) for person in people}
    run = ClusterRun.objects.create(project=project, number=1, embedder="seed", finished_at=timezone.now())
    rows = [_add_group(run, place, group, waiting, known) for place, group in enumerate(groups)]
    for group, row in zip(groups, rows, strict=True):
        if "beside" in group:
            Cluster.objects.filter(pk=row["id"]).update(neighbour=rows[group["beside"]]["id"], neighbour_similarity=0.7)
    for first, second, decides in questions:
        face, other = sorted((rows[first]["faces"][0], rows[second]["faces"][0]))
        chance = {"similarity": 0.5, "probability": 0.5, "decides": decides}
        PairQuestion.objects.create(run=run, face_id=face, other_id=other, **chance)
    return {**made, "groups": rows}


def _name(project, face_id: int, name: str):
    from uuid import uuid4

    from labelling.assign import assign_faces
    from labelling.models import Face

    assign_faces(project, [face_id], name, by=None, event_id=uuid4())
    return Face.objects.select_related("identity").get(pk=face_id)


def _add_group(run, place: int, group: dict, waiting: list[int], known: dict) -> dict:
    from labelling.models import Cluster, ClusterFace, Suggestion

    doubtful = group.get("doubtful", 0)
    size = group["size"] + doubtful
    faces = [waiting.pop(0) for _ in range(size)]
    shown = known.get(group.get("person"))
    row = Cluster.objects.create(
        run=run, kind=group.get("kind", "person"), rank=place + 1, waiting=size, certainty=0.9, nearest_face=shown,
        identity=shown and shown.identity, probability=0.95 if shown else 0,
    )  # fmt: skip
    ClusterFace.objects.bulk_create(
        ClusterFace(cluster=row, face_id=face, position=at, likeness=0.9 - 0.01 * at, doubtful=at >= group["size"])
        for at, face in enumerate(faces)
    )
    Suggestion.objects.bulk_create(
        Suggestion(face_id=face, rank=5 + at, identity=known[name].identity, probability=0.2, model_name="seed")
        for face in faces
        for at, name in enumerate(group.get("others", []))
    )
    return {"id": row.pk, "faces": faces}


def describe_faces(slug: str, done: int, total: int) -> None:
    """A worker is so far with describing the project's faces."""
    from jobs.models import Job
    from labelling.models import Project

    project = Project.objects.get(slug=slug)
    Job.objects.in_project(project.pk).delete()
    Job.objects.create(kind="embed", title="Describe new faces", project_id=project.pk, done=done, total=total)


def names(slug: str) -> dict[str, str]:
    """What was said of each face by its id: a name, or a word in brackets."""
    from labelling.models import Face

    rows = Face.objects.filter(project__slug=slug).select_related("identity")
    return {str(face.pk): face.identity.name if face.identity else f"({_word(face)})" for face in rows}


def _word(face) -> str:
    return face.state if face.state == "rejected" else face.who


def constraints(slug: str) -> list[dict]:
    from labelling.models import Constraint

    rows = Constraint.objects.filter(project__slug=slug).order_by("id")
    return list(rows.values("bond", "face", "other", "identity__name"))


def somebody_names(slug: str, faces: list[int], name: str) -> None:
    """As another annotator would, meanwhile."""
    from uuid import uuid4

    from labelling.assign import assign_faces
    from labelling.models import Project

    assign_faces(Project.objects.get(slug=slug), faces, name, by=None, event_id=uuid4())
