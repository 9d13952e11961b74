"""A page calls for the person who opened it, whoever is logged in at that computer by then."""

from django.urls import reverse


def test_calls_of_another_persons_page_are_refused_as_a_login_that_ended(project, owner, annotator, api_for):
    client = api_for(annotator)
    answer = client.post(reverse("api-queue-next", args=[project.slug]), headers={"X-Facet-User": str(owner.pk)})
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert error["code"] == "other_login"
    assert "logged in as anna now" in error["message"]


def test_ones_own_page_may_call(project, annotator, api_for):
    client = api_for(annotator)
    answer = client.get(reverse("api-project", args=[project.slug]), headers={"X-Facet-User": str(annotator.pk)})
    assert answer.status_code == 200


def test_a_page_says_whose_it_is(project, annotator, client_for):
    page = client_for(annotator).get(reverse("label", args=[project.slug]))
    assert f'<meta name="facet-user" content="{annotator.pk}">' in page.text
