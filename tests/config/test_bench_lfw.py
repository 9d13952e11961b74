"""`facet bench lfw`: lists of pairs as LFW writes them, what is skipped and named, and which protocol was used."""

import io

import pytest
from PIL import Image as Picture

from config.bench import lfw
from config.bench._lfw_pairs import read_pairs
from jobs.errors import JobFailed
from recognition.drawing import draw_portrait


@pytest.fixture
def list_of(tmp_path):
    def write(text):
        path = tmp_path / "pairs.txt"
        path.write_text(text)
        return path

    return write


def test_two_numbers_are_folds_and_pairs_of_each_kind(list_of):
    listed = read_pairs(list_of("2 1\nAna\t1\t2\nAna\t1\tBen\t3\nBen\t1\t2\nBen\t2\tAna\t1\n"))
    assert [(pair.first, pair.second, pair.same, pair.fold) for pair in listed.pairs] == [
        ("Ana/Ana_0001.jpg", "Ana/Ana_0002.jpg", True, 0),
        ("Ana/Ana_0001.jpg", "Ben/Ben_0003.jpg", False, 0),
        ("Ben/Ben_0001.jpg", "Ben/Ben_0002.jpg", True, 1),
        ("Ben/Ben_0002.jpg", "Ana/Ana_0001.jpg", False, 1),
    ]
    assert listed.protocol.startswith("the list's own 2 folds of 2 pairs")


def test_one_number_is_cut_into_ten_folds_with_as_many_of_each_kind(list_of):
    same = "".join(f"P{n}\t1\t2\n" for n in range(20))
    other = "".join(f"P{n}\t1\tQ{n}\t1\n" for n in range(20))
    listed = read_pairs(list_of(f"20\n{same}{other}"))
    for fold in range(10):
        kinds = [pair.same for pair in listed.pairs if pair.fold == fold]
        assert kinds == [True, True, False, False]
    assert listed.protocol.startswith("10 folds cut from the list")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "first line"),
        ("many\n", "first line"),
        ("2\nAna\t1\t2\n", "should hold 4 pairs"),
        ("2\nAna\t1\t2\nAna\t1\t3\nAna\t1\tBen\t1\nAna\t1\n", "line 5"),
        ("2\nAna\t1\t2\n../Ana\t1\t3\nAna\t1\tBen\t1\nAna\t1\tBen\t2\n", "no name of a folder"),
        ("1\nAna\t1\t2\nAna\t1\tBen\t1\n", "too few pairs"),
    ],
)
def test_what_is_no_list_of_pairs_is_told(list_of, text, sentence):
    with pytest.raises(JobFailed, match=sentence):
        read_pairs(list_of(text))


def test_photos_that_are_not_there_are_counted_and_named_and_a_second_run_describes_nothing(
    tmp_path, monkeypatch, list_of
):
    monkeypatch.setenv("FACET_VAR", str(tmp_path / "var"))
    for person in (1, 2, 3):
        for photo in (1, 2):
            folder = tmp_path / "faces" / f"P{person}"
            folder.mkdir(parents=True, exist_ok=True)
            out = io.BytesIO()
            Picture.fromarray(draw_portrait(person, photo, (240, 240)).image).save(out, "JPEG", quality=92)
            (folder / f"P{person}_{photo:04d}.jpg").write_bytes(out.getvalue())
    (tmp_path / "faces" / "P3" / "P3_0002.jpg").write_bytes(b"no photo")
    pairs = list_of(
        "4\nP1\t1\t2\nP2\t1\t2\nP3\t1\t2\nP1\t2\t1\nP1\t1\tP2\t1\nP2\t2\tP3\t1\nP1\t2\tP4\t1\nP3\t1\tP1\t2\n"
    )
    said = []
    answer = lfw.run(said.append, path=str(tmp_path), pairs=str(pairs), embedder=None)
    assert (answer["pairs"], answer["skipped"]) == (6, 2)
    assert answer["skipped_pairs"] == [
        "P3_0001 – P3_0002: P3/P3_0002.jpg cannot be read",
        "P1_0002 – P4_0001: P4/P4_0001.jpg is not there",
    ]
    assert answer["accuracy"] == 1.0 and answer["auc"] == 1.0 and answer["eer"] == 0.0 and answer["std"] == 0.0
    assert any("Describing 6 photos" in line for line in said)
    again = []
    assert lfw.run(again.append, path=str(tmp_path), pairs=str(pairs), embedder=None) == answer
    assert not any("Describing" in line for line in again)
