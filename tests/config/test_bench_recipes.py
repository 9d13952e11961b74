"""`facet bench recipes` on drawn people: every recipe, and simple ways in the order that is to be expected."""

import pytest

from config.bench import recipes
from recognition.recipe_list import ALL

pytestmark = pytest.mark.django_db(transaction=True)


def test_drawn_people_put_recipes_in_the_order_to_be_expected(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_DATA", str(tmp_path))
    monkeypatch.setenv("FACET_BENCH_SCALE", "0.15")
    monkeypatch.delenv("FACET_FACENET_WEIGHTS", raising=False)
    answer = recipes.run(lambda line: None)
    assert answer["photos_are"] == "drawn" and answer["fewest_gallery_faces"] >= 3
    assert answer["left_out"] == ["facenet_tuned"]
    assert [row["recipe"] for row in answer["recipes"]] == [r.name for r in ALL if r.name != "facenet_tuned"]
    rows = {row["recipe"]: row for row in answer["recipes"]}
    for row in rows.values():
        for figure in ("recognition_rate", "map"):
            assert row[figure]["low"] <= row[figure]["value"] <= row[figure]["high"], row
    assert answer["order"]["holds"]
    opencv = max(rows[name]["map"]["value"] for name in ("lbph", "eigenfaces"))
    assert rows["chance"]["map"]["high"] < opencv < rows["nearest_mean"]["map"]["value"]
    for name in ("arcface_head", "cosface_head", "subcenter_head", "triplet_head", "supcon_head"):
        assert rows[name]["map"]["value"] >= rows["nearest_mean"]["map"]["value"] - 1e-9, name
