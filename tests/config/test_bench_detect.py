"""What `facet bench detect` counts, and that it runs where there are no real photos."""

import pytest

from config.bench import detect
from config.bench._detect_sides import Found

FACE, SMALL, UNCLEAR = (10, 10, 40, 40), (100, 10, 15, 30), (200, 200, 30, 30)


def found(*boxes):
    return Found(list(boxes), [0.9] * len(boxes), 0.1)


def test_small_faces_and_unclear_regions_count_neither_way():
    truth = ([FACE, SMALL], [UNCLEAR])
    missed_both = detect.quality([truth], [found(FACE)])
    found_both = detect.quality([truth], [found(FACE, SMALL, UNCLEAR)])
    assert missed_both == found_both == {"faces": 1, "recall50": 1.0, "ap50": 1.0}


def test_a_face_that_is_not_there_lowers_ap_and_a_missed_one_recall():
    truth = ([FACE, (100, 100, 50, 50)], [])
    seen = Found([(300, 300, 40, 40), FACE], [0.99, 0.9], 0.1)
    assert detect.quality([truth], [seen])["recall50"] == 0.5
    assert 0 < detect.quality([truth], [seen])["ap50"] < detect.quality([truth], [found(FACE)])["ap50"]


def test_without_real_photos_it_draws_scenes_and_both_ways_search_them(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_DATA", str(tmp_path))
    monkeypatch.setenv("FACET_BENCH_SCALE", "0.05")
    said = []
    answer = detect.run(said.append)
    assert (answer["photos_are"], answer["photos"], answer["faces"]) == ("drawn", 2, 5)
    assert answer["recall50"] >= answer["naive_recall50"] > 0.5
    assert answer["ratio"] == pytest.approx(answer["images_per_s"] / answer["naive_images_per_s"], rel=0.1)
    assert answer["naive_run_as"]["processes"] == 1 and answer["run_as"]["torch_threads_each"] == 1
