"""People over the API: listed by name in pages, found by any part of it, made once."""

import pytest
from django.urls import reverse

from labelling.identities import create_identity
from labelling.models import FaceState, Identity, Who


@pytest.fixture
def api(api_for, annotator):
    return api_for(annotator)


@pytest.fixture
def people_url(project):
    return reverse("api-identities", args=[project.slug])


def names(answer) -> list[str]:
    return [person["name"] for person in answer.json()["results"]]


def test_a_new_person_is_answered_whole(api, people_url):
    answer = api.post(people_url, {"name": "  Ann   Lee "}, format="json")
    assert answer.status_code == 201
    person = answer.json()
    assert (person["name"], person["class_id"], person["faces"], person["crop"]) == ("Ann Lee", 0, 0, None)
    assert Identity.objects.get().pk == person["id"]


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": None}, {"name": "\u200b"}, {"name": "x" * 600}, {"name": []}]
)
def test_a_person_without_a_proper_name_is_refused(api, people_url, body):
    answer = api.post(people_url, body, format="json")
    assert answer.status_code == 400
    assert "name" in answer.json()["error"]["fields"]
    assert not Identity.objects.exists()


def test_a_name_in_use_is_refused(api, people_url, project):
    create_identity(project, "Élodie")
    answer = api.post(people_url, {"name": "éLODIE"}, format="json")
    assert answer.status_code == 400
    assert "already a person" in answer.json()["error"]["message"]


def test_people_are_found_by_any_part_of_the_name(api, people_url, project):
    for name in ("Élodie Durand", "Paul Durand", "Zoe"):
        create_identity(project, name)
    assert names(api.get(people_url, {"q": "dur"})) == ["Paul Durand", "Élodie Durand"]
    assert names(api.get(people_url, {"q": "éLO"})) == ["Élodie Durand"]
    assert names(api.get(people_url, {"q": "%"})) == []


def test_people_come_in_pages_that_do_not_shift(api, people_url, project):
    for name in ("Bo", "Cy", "Di", "Eve", "Fay"):
        create_identity(project, name)
    first = api.get(people_url, {"limit": 2})
    create_identity(project, "Ann")  # before the first page: later pages stay as they were
    second = api.get(first.json()["next"])
    third = api.get(second.json()["next"])
    assert names(first) + names(second) + names(third) == ["Bo", "Cy", "Di", "Eve", "Fay"]
    assert third.json()["next"] is None


def test_counts_and_portraits_are_of_faces_that_people_named(api, people_url, project, make_image):
    ann = create_identity(project, "Ann")
    make_image(faces=3).faces.update(state=FaceState.CONFIRMED, who=Who.ASSIGNED, identity=ann)
    (person,) = api.get(people_url).json()["results"]
    assert person["faces"] == 3
    assert api.get(person["crop"]).status_code == 200


def test_a_list_costs_the_same_number_of_queries_whatever_its_length(api, people_url, project, make_image,
                                                                     django_assert_max_num_queries):  # fmt: skip
    for seed, name in enumerate(("Ann", "Bo", "Cy", "Di")):
        make_image(seed).faces.update(
            state=FaceState.CONFIRMED, who=Who.ASSIGNED, identity=create_identity(project, name)
        )
    with django_assert_max_num_queries(8):
        assert len(api.get(people_url).json()["results"]) == 4


def test_people_of_other_projects_are_not_listed(api_for, stranger, people_url, project):
    from labelling.projects import create_project

    create_identity(project, "Ann")
    elsewhere = create_project("Elsewhere", by=stranger)
    assert names(api_for(stranger).get(reverse("api-identities", args=[elsewhere.slug]))) == []
    assert api_for(stranger).get(people_url).status_code == 404


def test_aliases_find_people_too_and_beginnings_come_first(api, people_url, project):
    for name in ("Dana Ann", "Hannah", "Anna", "Ann", "Zoe", "Joanna"):
        create_identity(project, name)
    project.identities.filter(name="Zoe").update(aliases=["Bo", "Annabel"])
    found = names(api.get(people_url, {"q": "ann"}))
    assert found == ["Ann", "Anna", "Dana Ann", "Zoe", "Hannah", "Joanna"]
    assert names(api.get(people_url, {"q": "nabe"})) == ["Zoe"]


def test_found_people_come_in_pages_whatever_finds_them(api, people_url, project):
    for name in ("Dana Ann", "Hannah", "Anna", "Ann", "Joanna"):
        create_identity(project, name)
    found, url = [], f"{people_url}?q=ann&limit=2"
    while url:
        answer = api.get(url)
        found += names(answer)
        url = answer.json()["next"]
    assert found == ["Ann", "Anna", "Dana Ann", "Hannah", "Joanna"]
