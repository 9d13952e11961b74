"""Of whom to collect more: the order, the reasons, and what the queue makes of it."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from datasets.models import Version, VersionState
from jobs.models import Job
from labelling.identities import get_or_create_identity
from labelling.models import Face, FaceState, Identity, Image, ImageState, Origin, Suggestion, Who
from labelling.queue import queue_order
from recognition.collect_next import collect_plan
from recognition.models import IdentityMetric, Run, RunKind, RunState
from recognition.photo_ratings import missing_shares

PEOPLE = {"Ana": 40, "Ben": 12, "Cem": 3, "Dee": 1}


@pytest.fixture
def add(project, transactional_db):
    """A photo with one face: of somebody, or one that waits and may be somebody."""

    def add(person: str | None, maybe: str | None = None) -> Image:
        number = Image.objects.count()
        image = Image.objects.create(
            project=project, sha256=f"{number:064x}", name=f"{number}.jpg", byte_size=1, format="JPEG", width=100,
            height=100, phash=0, sharpness=0, brightness=0,
            state=ImageState.LABELLED if person else ImageState.PROPOSED,
        )  # fmt: skip
        identity = get_or_create_identity(project, person) if person else None
        face = Face.objects.create(
            project=project, image=image, x=1, y=1, w=50, h=50, image_w=100, image_h=100, origin=Origin.MODEL,
            state=FaceState.CONFIRMED if person else FaceState.PROPOSED, identity=identity,
            who=Who.ASSIGNED if person else Who.UNASSIGNED,
        )  # fmt: skip
        if maybe:
            Suggestion.objects.create(
                face=face, rank=1, identity=get_or_create_identity(project, maybe), probability=0.8, model_name="dlib"
            )
        return image

    return add


@pytest.fixture
def people(add):
    for name, count in PEOPLE.items():
        for _ in range(count):
            add(name)


@pytest.fixture
def evaluated(people, project):
    """Everybody is measured but Dee, who has no test face; Ben is taken for Ana."""
    rows = [
        {"name": person.name, "class_id": person.class_id, "faces": PEOPLE[person.name], "train": 1, "val": 0,
         "test": 0 if person.name == "Dee" else 5, "sessions": 1 if person.name == "Cem" else 3}
        for person in Identity.objects.filter(project=project)
    ]  # fmt: skip
    version = Version.objects.create(
        project=project, number=1, state=VersionState.READY, content_hash="a", statistics={"people": rows}
    )
    run = Run.objects.create(project=project, version=version, kind=RunKind.EVALUATE, state=RunState.DONE)
    for name, ap, gallery in (("Ana", 0.99, 30), ("Ben", 0.5, 8), ("Cem", 0.9, 2), ("Dee", None, 1)):
        person = Identity.objects.get(project=project, name=name)
        IdentityMetric.objects.create(
            run=run, identity_name=name, class_id=person.class_id, gallery=gallery, probes=0 if ap is None else 5,
            ap=ap, confusions=[{"name": "Ana", "count": 2}] if name == "Ben" else [],
        )  # fmt: skip
    return run


def names(plan) -> list[str]:
    return [person.name for person in plan.people]


def test_without_an_evaluation_those_who_lack_most_come_first(people, project):
    plan = collect_plan(project)
    assert plan.wanted == 8  # half of them have 7.5 or more
    assert names(plan) == ["Dee", "Cem", "Ana", "Ben"]
    assert [person.missing for person in plan.people] == [7, 5, 0, 0]
    assert (plan.below, plan.run, {person.gain for person in plan.people}) == (2, None, {None})


def test_after_an_evaluation_those_whom_more_faces_help_most_come_first(evaluated, project):
    plan = collect_plan(project)
    by_name = {person.name: person for person in plan.people}
    assert by_name["Ben"].gain == pytest.approx(0.5 * (1 - (18 / 8) ** -0.5))
    assert by_name["Cem"].gain == pytest.approx(0.1 * (1 - 6**-0.5))
    assert names(plan)[-1] == "Ana"
    assert names(plan) == sorted(by_name, key=lambda name: -by_name[name].gain)
    assert by_name["Dee"].ap is None


def test_whoever_took_their_consent_back_is_not_collected(evaluated, project):
    ben = Identity.objects.get(name="Ben")
    ben.consent_expiry = timezone.now().date() - timedelta(days=1)
    ben.save()
    plan = collect_plan(project)
    assert names(plan)[-1] == "Ben"
    assert not plan.people[-1].may_be_collected


def test_wishes_of_the_project_and_of_a_person_count(people, project, client_for, owner):
    Identity.objects.filter(name="Ana").update(target_count=100)
    answer = client_for(owner).post(reverse("collect", args=[project.slug]), {"target": "20"})
    assert answer.status_code == 302
    project.refresh_from_db()
    plan = collect_plan(project)
    assert {person.name: person.missing for person in plan.people} == {"Ana": 60, "Ben": 8, "Cem": 17, "Dee": 19}
    cem = Identity.objects.get(name="Cem")
    faces = Face.objects.filter(identity__isnull=False).values_list("identity", flat=True)
    assert missing_shares(project, {cem.pk}, list(faces)) == {cem.pk: 17 / 20}


def test_the_page_says_what_helps_each(evaluated, project, add, client_for, owner, annotator):
    for _ in range(2):
        add(None, maybe="Cem")
    page = client_for(annotator).get(reverse("collect", args=[project.slug])).content.decode()
    assert "Label 2 waiting photos that may show them, take 3 more, in another session than the one there is." in page
    assert "look at why they are taken for Ana" in page.lower() or "Look at why they are taken for Ana" in page
    assert "Label their photos first" not in page
    assert "Label their photos first" in client_for(owner).get(reverse("collect", args=[project.slug])).content.decode()


def test_their_photos_come_first_when_an_engineer_wants_it(people, project, client_for, owner, annotator):
    address = reverse("collect", args=[project.slug])
    assert client_for(annotator).post(address, {"first": "1"}).status_code == 403
    client_for(owner).post(address, {"first": "1"})
    project.refresh_from_db()
    assert queue_order(project) == "needed"
    assert Job.objects.filter(kind="suggest_everywhere").exists()


@pytest.mark.parametrize("target", ["0", "-3", "many", "1000000"])
def test_a_target_that_makes_no_sense_changes_nothing(people, project, client_for, owner, target):
    answer = client_for(owner).post(reverse("collect", args=[project.slug]), {"target": target}, follow=True)
    assert "nothing was changed" in answer.content.decode()
    project.refresh_from_db()
    assert project.settings.target_faces == 0


def test_the_list_goes_along_as_a_table_that_is_safe_to_open(evaluated, project, client_for, reviewer, annotator):
    Identity.objects.filter(name="Ben").update(name="=SUM(A1)")
    address = reverse("collect", args=[project.slug]) + "?download=csv"
    assert client_for(annotator).get(address).status_code == 403
    rows = list(csv.DictReader(io.StringIO(client_for(reviewer).get(address).content.decode("utf-8-sig"))))
    assert len(rows) == 4
    assert {row["name"] for row in rows} == {"Ana", "'=SUM(A1)", "Cem", "Dee"}


def test_programs_get_the_list_in_parts(evaluated, project, api_for, owner):
    answer = api_for(owner).get(reverse("api-collect", args=[project.slug])).json()
    assert (answer["found"], answer["below"], answer["run"], answer["next_offset"]) == (4, 2, evaluated.pk, None)
    assert answer["results"][-1]["name"] == "Ana"
    assert (
        api_for(owner).get(reverse("api-collect", args=[project.slug]), {"offset": "3"}).json()["results"][0]["name"]
        == "Ana"
    )


def test_the_page_asks_as_many_questions_of_many_people_as_of_few(evaluated, project, client_for, owner, add):
    client, address = client_for(owner), reverse("collect", args=[project.slug])
    client.get(address)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(address)
        return len(asked)

    few = queries()
    for number in range(30):
        add(f"Person {number}")
    assert queries() == few


def test_nobody_yet_is_said_in_words(project, client_for, owner):
    page = client_for(owner).get(reverse("collect", args=[project.slug])).content.decode()
    assert "Nobody is named yet" in page
