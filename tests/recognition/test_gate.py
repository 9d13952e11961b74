"""The gate's conditions, each at its edge. Pure."""

import pytest

from recognition.gate import Bounds, Evaluated, Person, judge

BOUNDS = Bounds(min_probes=5, max_fall=0.1, max_ms=200)


def evaluated(mean_ap=0.9, low=0.87, high=0.93, people=(("Ana", 8, 0.9), ("Ben", 5, 0.8)), seen=0):
    rows = {number: Person(*person) for number, person in enumerate(people)}
    return Evaluated(version=3, mean_ap=mean_ap, low=low, high=high, people=rows, seen=seen)


def ask(own=None, served=None, **more):
    given = {"served_name": "“Old” (model 1)", "bounds": BOUNDS, "preflight": {"passed": True, "checks": []}}
    given |= {"latency": {"median_ms": 40.0, "faces": 9}, "fits": ""} | more
    return judge(own, served, **given)


def answers(verdict) -> dict:
    return {one.name: one.passed for one in verdict.conditions}


def said(verdict, name: str) -> str:
    return next(one.said for one in verdict.conditions if one.name == name)


def test_an_equal_model_passes_everything():
    verdict = ask(evaluated(), evaluated())
    assert verdict.passed and set(answers(verdict).values()) == {True}


@pytest.mark.parametrize(("served", "passed"), [(0.90, True), (0.93, True), (0.9301, False), (0.5, True)])
def test_the_map_may_fall_by_the_interval_and_no_further(served, passed):
    assert answers(ask(evaluated(), evaluated(mean_ap=served)))["mean_ap"] is passed


def test_without_an_interval_the_map_may_not_fall_at_all():
    own = evaluated(low=None, high=None)
    assert answers(ask(own, evaluated(mean_ap=0.9)))["mean_ap"] is True
    assert answers(ask(own, evaluated(mean_ap=0.91)))["mean_ap"] is False


def test_what_was_not_evaluated_on_the_same_version_cannot_be_compared():
    verdict = ask(evaluated(), None)
    assert not verdict.passed
    assert answers(verdict)["mean_ap"] is answers(verdict)["people"] is False
    assert "“Old” (model 1) has not been evaluated on version 3" in said(verdict, "mean_ap")


def test_a_model_without_evaluation_or_map_does_not_pass():
    assert not ask(None, None).passed
    assert not ask(evaluated(mean_ap=None), evaluated()).passed


def test_one_person_who_falls_too_far_closes_the_gate_and_is_named():
    own = evaluated(people=(("Ana", 8, 0.8), ("Ben", 5, 0.6999)))
    verdict = ask(own, evaluated())
    assert answers(verdict)["people"] is False
    assert "Ben from 80.0% to 70.0%" in said(verdict, "people") and "Ana" not in said(verdict, "people")


def test_a_fall_of_exactly_the_bound_is_no_fall_too_far():
    assert answers(ask(evaluated(people=(("Ana", 8, 0.8), ("Ben", 5, 0.7))), evaluated()))["people"] is True


def test_people_with_little_support_or_in_one_evaluation_only_do_not_count():
    own = evaluated(people=(("Ana", 8, 0.9), ("Ben", 4, 0.1), ("Cem", 20, 0.1)))
    assert answers(ask(own, evaluated()))["people"] is True
    nobody = evaluated(people=(("Ana", 4, 0.1),))
    assert answers(ask(nobody, evaluated()))["people"] is None
    assert ask(nobody, evaluated()).passed


def test_figures_on_photos_that_were_learned_from_do_not_count():
    verdict = ask(evaluated(seen=7), evaluated())
    assert not verdict.passed and "7 of the test photos" in said(verdict, "clean_test")


def test_a_served_model_that_saw_the_test_is_told_and_makes_it_no_easier():
    verdict = ask(evaluated(), evaluated(mean_ap=0.99, seen=4))
    assert not verdict.passed and "had 4 of these test photos in training" in said(verdict, "mean_ap")


@pytest.mark.parametrize(("median", "passed"), [(200.0, True), (200.1, False)])
def test_the_time_a_face_takes_has_a_bound(median, passed):
    assert answers(ask(evaluated(), evaluated(), latency={"median_ms": median, "faces": 9}))["latency"] is passed


def test_what_was_never_measured_is_told_and_stops_nobody():
    verdict = ask(evaluated(), evaluated(), latency=None, preflight=None)
    assert answers(verdict)["latency"] is answers(verdict)["preflight"] is None
    assert verdict.passed and said(verdict, "preflight").startswith("Not checked")


def test_a_failed_check_before_training_closes_the_gate_and_is_named():
    checks = [{"name": "finite loss", "passed": False}, {"name": "shapes", "passed": True}]
    verdict = ask(evaluated(), evaluated(), preflight={"passed": False, "checks": checks})
    assert not verdict.passed and "finite loss" in said(verdict, "preflight")


def test_a_model_that_learned_from_somebody_erased_does_not_pass():
    verdict = ask(evaluated(), evaluated(), erased=True)
    assert not verdict.passed and "train anew" in said(verdict, "erased")


def test_a_model_that_cannot_serve_does_not_pass():
    verdict = ask(evaluated(), evaluated(), fits="It stands on another embedder.")
    assert not verdict.passed and said(verdict, "serves") == "It stands on another embedder."
