"""What journeys need in a Facet that is up, made and read there: call these through `inside(…)`.

made = facet_up.inside(seeds.make_project, "Lobby", photos=3, people=["Ada Ek"])
assert facet_up.inside(seeds.events, made["slug"]) == []
"""

from tests.conftest import picture_bytes


def make_project(
    name: str, photos: int = 3, faces: int = 1, people: list[str] = (), probability: float = 0.97, first_seed: int = 0
) -> dict:
    """A project of small pictures with `faces` proposed boxes each, in the order the queue gives them.

    `people` are suggested for the faces in turn, as surely as `probability` says. Where workers run, they go
    on from here: the suggestions that stay are theirs.
    """
    from django.contrib.auth import get_user_model

    from labelling.projects import create_project

    project = create_project(name, by=get_user_model().objects.get(username="admin"))
    images = add_photos(project, photos, faces, people, probability, first_seed)
    people = {person.name: person.pk for person in project.identities.all()}
    return {"slug": project.slug, "id": project.pk, "images": images, "people": people}


def add_photos(
    project, photos: int, faces: int = 1, people: list[str] = (), probability: float = 0.97, first_seed: int = 0
) -> list[dict]:
    from labelling.identities import create_identity

    known = [create_identity(project, person) for person in people]
    return [_add_photo(project, first_seed + place, faces, known, probability) for place in range(photos)]


def _add_photo(project, seed: int, faces: int, people: list, probability: float) -> dict:
    from django.db import transaction

    from labelling.ingest import ingest_photo
    from labelling.models import Suggestion
    from labelling.proposals import ProposedFace, record_proposals

    boxes = [ProposedFace((10 + 40 * (i % 3), 10 + 50 * (i // 3), 24, 30), 0.99, None) for i in range(faces)]
    with transaction.atomic():  # whole before anybody hears of it: no worker looks for faces of its own
        outcome = ingest_photo(project, f"photo_{seed}.jpg", picture_bytes(seed))
        made = record_proposals(outcome.id, boxes, detector={"name": "seed", "min_score": 0.8})
        Suggestion.objects.bulk_create(
            Suggestion(
                face=face, rank=1, identity=people[place % len(people)], probability=probability, model_name="seed"
            )
            for place, face in enumerate(made)
            if people
        )
    return {"id": outcome.id, "name": f"photo_{seed}.jpg", "faces": [face.pk for face in made]}


def make_bucket() -> None:
    from labelling import storage

    storage.ensure_bucket()


def make_admin() -> None:
    """The account that `facet up` makes by itself."""
    from django.contrib.auth import get_user_model

    get_user_model().objects.create_superuser("admin", password="admin-password-9")


def make_member(slug: str, name: str, role: str = "annotator") -> dict:
    """Somebody of that role in the project, with a password that the login form takes."""
    from django.contrib.auth import get_user_model

    from labelling.models import Project, Role
    from labelling.projects import set_member

    users = get_user_model().objects
    password = f"{name}-password-9"
    user = users.filter(username=name).first() or users.create_user(name, password=password)
    set_member(Project.objects.get(slug=slug), user, Role[role.upper()])
    return {"name": name, "password": password}


def decide(face_id: int, decision: str) -> None:
    """Somebody else's word on one face, from another screen."""
    import uuid

    from labelling.assign import decide_faces
    from labelling.models import Face

    face = Face.objects.get(pk=face_id)
    decide_faces(face.project, [face.pk], decision, by=None, event_id=uuid.uuid4())


def log_in(name: str) -> str:
    """A session of that account: the value of its cookie."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.get(username=name))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def log_out_everybody() -> int:
    """End every session there is, as when they have expired; how many there were."""
    from django.contrib.sessions.models import Session

    return Session.objects.all().delete()[0]


def events(slug: str) -> list[dict]:
    """Every event of the project, oldest first."""
    from labelling.models import Event

    fields = ("id", "verb", "actor__username", "image_id", "undoes_id")
    return list(Event.objects.filter(project__slug=slug).order_by("created_at", "id").values(*fields))


def faces(slug: str) -> list[dict]:
    """Every face of the project as people left it, oldest first."""
    from labelling.models import Face

    fields = ("id", "uid", "image_id", "x", "y", "w", "h", "state", "who", "identity__name", "version")
    return list(Face.objects.filter(project__slug=slug).order_by("id").values(*fields))


def images(slug: str) -> list[dict]:
    from labelling.models import Image

    return list(Image.objects.filter(project__slug=slug).order_by("id").values("id", "name", "state", "version"))


def leases(slug: str) -> list[dict]:
    from labelling.models import Lease

    return list(Lease.objects.filter(image__project__slug=slug).values("image_id", "user__username"))


def end_leases(slug: str) -> int:
    """Let every lease run out, as after a night; how many there were."""
    from django.utils import timezone

    from labelling.models import Lease

    return Lease.objects.filter(image__project__slug=slug).update(until=timezone.now())


def told_jobs() -> list[str]:
    """Each job in a line, oldest first: when it was asked for, begun and ended, and how."""
    from jobs.models import Job

    return [
        f"{job.pk} {job.kind} ({job.queue}): {job.state}, asked for {job.created_at:%T.%f}, begun "
        f"{job.started_at or 'never'}, ended {job.finished_at or 'never'}, not before {job.not_before or 'any time'}, "
        f"woken {job.woken_at or 'never'}. {job.message}"
        for job in Job.objects.order_by("pk")
    ]
