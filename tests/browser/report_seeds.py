"""A version of drawn people with made-up vectors, some under a wrong name, evaluated; and what workers would do."""

PEOPLE = ("Ada Ek", "Bo Li", "Cy Poe")
PHOTOS = 10


def make_report(name: str, runs: int = 1) -> dict:
    """Each fifth face is called by somebody else's name. `right`: who the first mistake of the report really shows."""
    from django.contrib.auth import get_user_model

    from datasets.freeze import start_freeze
    from datasets.splits import SplitPolicy
    from labelling.identities import create_identity
    from labelling.projects import create_project
    from recognition.runs import start_evaluation

    project = create_project(name, by=get_user_model().objects.get(username="admin"))
    people = [create_identity(project, person) for person in PEOPLE]
    for photo in range(PHOTOS):
        for place in range(len(PEOPLE)):
            called = people[(place + (photo % 5 == place)) % len(PEOPLE)]
            _add_face(project, place, photo, called)
    version = start_freeze(project, policy=SplitPolicy(train=0.5, val=0.1, test=0.4))
    work_off(project.slug)
    version.refresh_from_db()
    assert version.state == "ready", version.message
    made = []
    for _ in range(runs):
        run = start_evaluation(version, None)
        work_off(project.slug)
        run.refresh_from_db()
        assert run.state == "done", run.message
        made.append(run.pk)
    first = run.curves["mistakes"][0]
    return {"slug": project.slug, "runs": made, "mistake": first, "right": first["predicted"]}


def work_off(slug: str) -> None:
    """Do the waiting jobs that evaluations and freezes are made of."""
    import datasets.tasks  # noqa: F401  (both register handlers)
    import recognition.tasks  # noqa: F401
    from jobs.models import Job, State
    from jobs.work import perform
    from labelling.models import Project

    waiting = Job.objects.in_project(Project.objects.get(slug=slug).pk).filter(
        kind__in=("freeze", "evaluate", "rescore"), state=State.QUEUED
    )
    while job := waiting.order_by("pk").first():
        perform(job.pk)


def flags(slug: str) -> list[str]:
    from labelling.models import Remark

    return list(Remark.objects.filter(project__slug=slug).values_list("text", flat=True))


def _add_face(project, person: int, photo: int, called) -> None:
    from pgvector import HalfVector

    from labelling.ingest import ingest_photo
    from labelling.models import Face, FaceState, Image, ImageState, Origin, Who
    from recognition.models import Embedding
    from tests.recognition.conftest import looks, portrait

    outcome = ingest_photo(project, f"{person}_{photo}.jpg", portrait(1 + person, 1 + photo))
    image = Image.objects.get(pk=outcome.id)
    box = dict(zip("xywh", (60.0, 60.0, 110.0, 120.0), strict=True))
    face = Face.objects.create(
        project=project, image=image, **box, image_w=image.width, image_h=image.height, origin=Origin.HUMAN,
        identity=called, who=Who.ASSIGNED, state=FaceState.CONFIRMED,
    )  # fmt: skip
    vector = HalfVector(looks(person, photo, spread=1.1))
    Embedding.objects.create(face=face, embedder="dlib", **box, vector=vector)
    Image.objects.filter(pk=image.pk).update(state=ImageState.LABELLED)
