"""The hash of a version's content against the same, written down line by line as the docs have it."""

import hashlib
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import datasets.manifest
from datasets.manifest import FACES, IMAGES, content_hash
from datasets.splits import SPLITS
from labelling.models import Who

SHAS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(4)]
hundredths = st.integers(0, 700_000).map(lambda number: number / 100)
# What a box may be that no code of ours has stored: halves of hundredths, a negative zero, any float.
sides = st.one_of(hundredths, st.sampled_from([0.0, -0.0, 0.125, 1.005, 1.115, 0.285]), st.floats(0, 5000))
names = st.one_of(st.none(), st.text(min_size=1, max_size=6))
faces = st.tuples(st.sampled_from(SHAS), sides, sides, sides, sides, st.sampled_from(Who.values), names)


def plainly(images: list[tuple], faces: list[tuple]) -> str:
    lines = [f"image {sha256} {width} {height} {split}\n" for sha256, width, height, split in images]
    by_photo: dict[str, list[str]] = {}
    for sha256, x, y, w, h, who, name, split in faces:
        box = " ".join(f"{side + 0.0:.2f}" for side in (x, y, w, h))
        by_photo.setdefault(sha256, []).append(f"face {sha256} {box} {who} {json.dumps(name)} {split}\n")
    for sha256 in sorted(by_photo):
        lines += sorted(by_photo[sha256])
    return hashlib.sha256(b"facet version 1\n" + "".join(lines).encode()).hexdigest()


def table(rows: list[tuple], columns: tuple, schema: pa.Schema) -> pa.Table:
    whole = {name: [None] * len(rows) for name in schema.names}
    whole |= {name: [row[place] for row in rows] for place, name in enumerate(columns)}
    return pa.table([pa.array(whole[field.name], field.type) for field in schema], schema=schema)


@pytest.mark.parametrize("lines_at_once", [1, 3, 50_000])
@given(data=st.lists(faces, max_size=12))
def test_the_hash_is_that_of_the_lines(lines_at_once, data):
    images = [(sha256, 640, 480, SPLITS[place % 3]) for place, sha256 in enumerate(sorted(SHAS))]
    split_of = {image[0]: image[3] for image in images}
    rows = [(*face, split_of[face[0]]) for face in sorted(data, key=lambda face: face[0])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.manifest, "LINES_AT_ONCE", lines_at_once)
        found = content_hash(
            table(images, ("image_sha256", "width", "height", "split"), IMAGES),
            table(rows, ("image_sha256", "x", "y", "w", "h", "who", "identity", "split"), FACES),
        )
    assert found == plainly(images, rows)
