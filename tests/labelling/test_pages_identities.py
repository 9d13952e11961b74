"""People: the list with its order, one person with faces and suggestions, and what reviewers may change."""

import json
from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.assign import assign_faces
from labelling.identities import create_identity
from labelling.models import Event, Face, Suggestion, Verb
from labelling.views import identities as pages


@pytest.fixture
def client(client_for, annotator):
    return client_for(annotator)


@pytest.fixture
def ana(project):
    return create_identity(project, "Ana")


@pytest.fixture
def name_faces(project, owner, make_image):
    """Gives a person that many confirmed faces, each in a photo of its own."""
    seeds = iter(range(100, 200))

    def give(identity, count: int) -> list[Face]:
        faces = [make_image(seed=next(seeds), faces=1).faces.get() for _ in range(count)]
        assign_faces(project, [face.pk for face in faces], identity, by=owner, event_id=uuid4())
        return faces

    return give


def listed(client, project, **asked) -> list[str]:
    return [person.name for person in client.get(reverse("identities", args=[project.slug]), asked).context["people"]]


def page_of(client, project, identity):
    return client.get(reverse("identity", args=[project.slug, identity.pk]))


def test_people_are_listed_by_name_or_by_faces(client, project, ana, name_faces):
    ben, cem = create_identity(project, "Ben"), create_identity(project, "Cem")
    name_faces(ben, 2)
    name_faces(cem, 1)
    assert listed(client, project) == ["Ana", "Ben", "Cem"]
    assert listed(client, project, sort="-name") == ["Cem", "Ben", "Ana"]
    assert listed(client, project, sort="faces") == ["Ana", "Cem", "Ben"]
    assert listed(client, project, sort="-faces") == ["Ben", "Cem", "Ana"]
    assert listed(client, project, sort="created_by__password") == ["Ana", "Ben", "Cem"]


def test_letter_case_does_not_part_the_list(client, project):
    for name in ("dora", "Ana", "Zoe", "ben"):
        create_identity(project, name)
    assert listed(client, project) == ["Ana", "ben", "dora", "Zoe"]


@pytest.mark.parametrize("sort", ["name", "-name", "faces", "-faces"])
def test_every_order_pages_through_everyone_once(client, project, monkeypatch, name_faces, sort):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    for name in ("Ana", "Ben", "Cem", "Dora", "Eva"):
        create_identity(project, name)
    name_faces(project.identities.get(name="Cem"), 1)
    names, url = [], f"?sort={sort}"
    while url:
        context = client.get(reverse("identities", args=[project.slug]) + url).context
        names += [person.name for person in context["people"]]
        url = context["next_url"]
    assert sorted(names) == ["Ana", "Ben", "Cem", "Dora", "Eva"]
    assert names == listed_in_one_page(client, project, monkeypatch, sort)


def listed_in_one_page(client, project, monkeypatch, sort) -> list[str]:
    monkeypatch.setattr(pages, "PAGE_SIZE", 100)
    return listed(client, project, sort=sort)


def test_people_are_found_by_part_of_a_name_or_an_alias(client, project, ana):
    ben = create_identity(project, "Ben")
    ben.aliases = ["Benjamin Süß"]
    ben.save()
    assert listed(client, project, q="JAMIN") == ["Ben"]
    assert listed(client, project, q="SÜß") == ["Ben"]
    assert listed(client, project, q="an") == ["Ana"]
    assert listed(client, project, q="%") == []
    assert client.get(reverse("identities", args=[project.slug]), {"q": "\0"}).status_code == 200


def test_nobody_named_yet_says_what_to_do(client, project):
    text = client.get(reverse("identities", args=[project.slug])).text
    assert "Nobody is named yet" in text
    assert reverse("label", args=[project.slug]) in text


def test_a_person_shows_their_faces_each_leading_to_its_photo(client, project, ana, name_faces):
    faces = name_faces(ana, 2)
    answer = page_of(client, project, ana)
    assert [face.pk for face in answer.context["faces"]] == [faces[1].pk, faces[0].pk]
    assert f"{reverse('label', args=[project.slug])}?image={faces[0].image_id}" in answer.text
    assert reverse("crop", args=[faces[0].pk, faces[0].box_key]) in answer.text


def test_suggestions_waiting_for_a_person_come_most_probable_first(client, project, ana, make_image, name_faces):
    ben = create_identity(project, "Ben")
    likely, unlikely, second, decided = (make_image(seed=seed, faces=1).faces.get() for seed in range(4))
    for face, rank, probability in ((unlikely, 1, 0.6), (likely, 1, 0.9), (second, 2, 0.3), (decided, 1, 0.99)):
        Suggestion.objects.create(face=face, identity=ana, rank=rank, probability=probability, model_name="test")
    Suggestion.objects.create(face=second, identity=ben, rank=1, probability=0.7, model_name="test")
    Face.objects.filter(pk=decided.pk).update(state="confirmed", who="unknown")
    answer = page_of(client, project, ana)
    assert [suggestion.face_id for suggestion in answer.context["suggestions"]] == [likely.pk, unlikely.pk]
    assert answer.context["suggestion_count"] == 2
    assert "90 % probable" in answer.text


def rename(client, project, identity, name: str, event_id=None, **extra):
    form = {"form": "rename", "name": name, "event_id": str(event_id or uuid4())}
    return client.post(reverse("identity", args=[project.slug, identity.pk]), form, **extra)


def test_annotators_see_a_person_but_change_nothing(client, project, ana):
    assert "Rename…" not in page_of(client, project, ana).text
    assert rename(client, project, ana, "Anna").status_code == 403
    url = reverse("identity", args=[project.slug, ana.pk])
    assert client.post(url, {"form": "details", "notes": "x"}).status_code == 403
    ana.refresh_from_db()
    assert (ana.name, ana.notes) == ("Ana", "")


def test_reviewers_rename_and_history_knows(project, ana, reviewer, client_for):
    client = client_for(reviewer)
    assert rename(client, project, ana, " Anna  Berg ").status_code == 302
    ana.refresh_from_db()
    assert ana.name == "Anna Berg"
    assert Event.objects.get(verb=Verb.RENAME).actor == reviewer


def test_a_rename_in_place_offers_to_take_it_back(project, ana, reviewer, client_for):
    client = client_for(reviewer)
    answer = rename(client, project, ana, "Anna", headers={"HX-Request": "true"})
    toast = json.loads(answer["HX-Trigger"])["facet:toast"]
    assert "<h1>Anna</h1>" in answer.text
    assert "<html" not in answer.text
    assert client.post(toast["undo_url"]).status_code == 200
    ana.refresh_from_db()
    assert ana.name == "Ana"


def test_renaming_to_a_name_in_use_is_refused_and_merges_nobody(project, ana, reviewer, client_for):
    create_identity(project, "Ben")
    for headers in ({}, {"HX-Request": "true"}):
        answer = rename(client_for(reviewer), project, ana, "BEN", headers=headers)
        assert answer.status_code == 200
        assert "Renaming does not merge people" in answer.text
        assert "HX-Trigger" not in answer
    assert project.identities.count() == 2


def test_a_rename_sent_twice_happens_once(project, ana, reviewer, client_for):
    client, event_id = client_for(reviewer), uuid4()
    for _ in range(2):
        assert rename(client, project, ana, "Anna", event_id).status_code == 302
    assert Event.objects.filter(verb=Verb.RENAME).count() == 1


def test_the_id_of_another_change_is_no_rename(project, ana, owner, reviewer, client_for, name_faces):
    name_faces(ana, 1)
    used = Event.objects.get(verb=Verb.ASSIGN)
    answer = rename(client_for(reviewer), project, ana, "Anna", used.pk)
    assert answer.status_code == 200
    assert "was used for something else" in answer.text
    ana.refresh_from_db()
    assert ana.name == "Ana"


def test_reviewers_tend_to_details(project, ana, reviewer, client_for):
    form = {"form": "details", "aliases": "Annie\n\n  A.  Berg \nAnnie", "target_count": "30", "notes": "Glasses."}
    url = reverse("identity", args=[project.slug, ana.pk])
    assert client_for(reviewer).post(url, {**form, "event_id": str(uuid4())}).status_code == 302
    ana.refresh_from_db()
    assert (ana.aliases, ana.target_count, ana.notes) == (["Annie", "A. Berg"], 30, "Glasses.")


@pytest.mark.parametrize(
    ("field", "value"), [("target_count", "-1"), ("target_count", "9" * 12), ("aliases", "x" * 121), ("notes", "\0")]
)
def test_details_that_make_no_sense_are_refused_beside_the_field(project, ana, reviewer, client_for, field, value):
    url = reverse("identity", args=[project.slug, ana.pk])
    answer = client_for(reviewer).post(url, {"form": "details", "event_id": str(uuid4()), field: value})
    assert answer.status_code == 200
    assert answer.context["details_form"].errors.keys() == {field}
