"""A threshold chosen from a report: numbers from the stored curve, kept with the model."""

import numpy as np
import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from recognition.metrics.roc import roc_curve
from recognition.metrics.thresholds import threshold_for_cost, threshold_for_max_fpr
from recognition.models import Run, RunKind
from recognition.operating import NoThreshold, at_cost, at_max_fpr, operating_points

# Genuine at .9 .8 .7 .3; a hundred impostors, of which one lies at .75 and five at .5.
GENUINE = [0.9, 0.8, 0.7, 0.3]
IMPOSTOR = [0.75, *[0.5] * 5, *[0.1] * 94]


@pytest.fixture
def points():
    return operating_points(roc_curve(GENUINE, IMPOSTOR))


@pytest.fixture
def report(make_version, make_model, make_report, points):
    version = make_version()
    run = make_report(version, model=make_model(version))
    run.curves["operating"] = points
    run.save()
    return run


def test_counts_are_those_of_hand(points):
    chosen = at_max_fpr(points, 0.03)
    assert (chosen["threshold"], chosen["tp"], chosen["fp"], chosen["fn"], chosen["tn"]) == (0.7, 3, 1, 1, 99)
    assert (chosen["tpr"], chosen["fpr"], chosen["precision"]) == (0.75, 0.01, 0.75)


def test_a_rate_that_the_pairs_cannot_support_gives_no_threshold(points):
    with pytest.raises(NoThreshold, match="at least 300 are needed"):
        at_max_fpr(points, 0.01)


def test_the_cheapest_threshold_follows_the_costs(points):
    assert at_cost(points, 2.0, 0.5)["threshold"] == 0.3
    assert at_cost(points, 10.0, 0.5)["threshold"] == 0.7
    assert at_cost(points, 1000.0, 0.5)["threshold"] == 0.8
    assert at_cost(points, 0.0)["threshold"] == 0.3
    with pytest.raises(NoThreshold, match="accept nobody"):
        at_cost(operating_points(roc_curve([0.3], [0.9] * 50)), 10.0, 0.5)  # strangers come before any genuine pair


def test_an_evaluation_without_pairs_or_points_gives_none():
    assert operating_points(roc_curve([], [0.1])) is None
    with pytest.raises(NoThreshold, match="Evaluate again"):
        at_max_fpr(None, 0.1)


def test_a_thinned_curve_never_accepts_more_than_it_says_and_stays_close_to_the_exact_one():
    rng = np.random.default_rng(3)
    curve = roc_curve(rng.normal(1.5, 1, 20_000), rng.normal(0, 1, 50_000))
    stored = operating_points(curve)
    assert len(stored["thresholds"]) <= 600
    for limit in (0.1, 0.01, 0.001, 0.00321):
        chosen, exact = at_max_fpr(stored, limit), threshold_for_max_fpr(curve, limit).point
        assert chosen["fpr"] <= limit
        assert exact.counts.tpr - 0.01 <= chosen["tpr"] <= exact.counts.tpr
    cheapest = threshold_for_cost(curve, false_accept_cost=7, false_reject_cost=1).counts
    chosen = at_cost(stored, 7)
    cost = 7 * cheapest.fp + cheapest.fn
    assert cost <= 7 * chosen["fp"] + chosen["fn"] <= 1.005 * cost


def test_the_api_stores_the_threshold_with_the_model(report, engineer, api_for):
    answer = api_for(engineer).post(f"/api/v1/runs/{report.pk}/threshold/", {"max_fpr": 0.03}, format="json")
    assert answer.status_code == 200, answer.data
    report.model.refresh_from_db()
    stored = report.model.threshold
    assert stored == answer.data and (stored["threshold"], stored["run"], stored["by"]) == (0.7, report.pk, "emil")
    detail = api_for(engineer).get(f"/api/v1/models/{report.model_id}/").data
    assert detail["threshold"]["fp"] == 1


@pytest.mark.parametrize(
    "asked", [{}, {"max_fpr": 0.03, "cost": 2}, {"max_fpr": 0}, {"max_fpr": 2}, {"cost": -1}, {"max_fpr": 1e-6}]
)
def test_what_makes_no_sense_stores_nothing(report, engineer, api_for, asked):
    answer = api_for(engineer).post(f"/api/v1/runs/{report.pk}/threshold/", asked, format="json")
    assert answer.status_code == 400
    report.model.refresh_from_db()
    assert report.model.threshold is None


def test_choosing_needs_an_engineer(report, reviewer, api_for, client_for, project):
    assert api_for(reviewer).post(f"/api/v1/runs/{report.pk}/threshold/", {"max_fpr": 0.03}).status_code == 403
    url = reverse("run-threshold", args=[project.slug, report.pk])
    assert client_for(reviewer).post(url, {"by": "max_fpr", "max_fpr": "0.03"}).status_code == 403


def test_reports_of_the_embedding_and_trainings_keep_no_threshold(report, engineer, api_for):
    Run.objects.filter(pk=report.pk).update(model=None)
    answer = api_for(engineer).post(f"/api/v1/runs/{report.pk}/threshold/", {"max_fpr": 0.03}, format="json")
    assert answer.status_code == 400 and "no model" in answer.data["error"]["message"]
    Run.objects.filter(pk=report.pk).update(kind=RunKind.TRAIN)
    assert api_for(engineer).post(f"/api/v1/runs/{report.pk}/threshold/", {"max_fpr": 0.03}).status_code == 400


def test_the_page_has_a_chooser_that_stores(report, engineer, reviewer, client_for, project):
    url, store = (reverse(name, args=[project.slug, report.pk]) for name in ("run", "run-threshold"))
    assert "Store with model" in client_for(engineer).get(url).content.decode()
    seen = client_for(reviewer).get(url).content.decode()
    assert "Choose a threshold" in seen and "Store with model" not in seen
    client_for(engineer).post(store, {"by": "cost", "max_fpr": "", "cost": "1000", "genuine_share": "0.5"})
    report.model.refresh_from_db()
    assert report.model.threshold["threshold"] == 0.8
    model = client_for(reviewer).get(reverse("model", args=[project.slug, report.model_id])).content.decode()
    assert "0.8000" in model
    answer = client_for(engineer).post(store, {"by": "max_fpr", "max_fpr": "x"})
    assert "No threshold was stored" in str(*get_messages(answer.wsgi_request))


def test_an_older_report_says_why_there_is_no_chooser(make_report, engineer, client_for, project):
    run = make_report()
    page = client_for(engineer).get(reverse("run", args=[project.slug, run.pk])).content.decode()
    assert "kept no points to choose from" in page
