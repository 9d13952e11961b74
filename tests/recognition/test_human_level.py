"""The human level of an evaluation comes from blind opinions, and is missing where there are none."""

import pytest

from labelling.models import Opinion
from recognition.human_level import human_level


def said(*people: str) -> list[dict]:
    return [
        {"key": str(x), "face": None, "box": [50 * x, 0, 20, 20], "state": "confirmed", "who": name, "identity": None,
         "name": None}
        for x, name in enumerate(people)
    ]  # fmt: skip


def test_nobody_labelled_twice_so_nothing_is_said(project, make_image, annotator):
    Opinion.objects.create(project=project, image=make_image(), user=annotator, faces=said("unknown"))
    assert human_level(project) is None


def test_it_is_the_share_of_faces_given_the_same_name(project, make_image, annotator, reviewer):
    image = make_image()
    Opinion.objects.create(project=project, image=image, user=annotator, faces=said("unknown", "ignored", "unknown"))
    Opinion.objects.create(project=project, image=image, user=reviewer, faces=said("unknown", "unknown", "unknown"))
    level = human_level(project)
    assert (level["faces"], level["photos"]) == (3, 1)
    assert level["value"] == pytest.approx(2 / 3)
    assert level["low"] < 2 / 3 < level["high"]
