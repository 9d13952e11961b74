"""Files from the world that are odd, broken or hostile: each goes in, or is refused with a sentence."""

import os
from pathlib import Path

import pytest

from labelling.ingest import Arrival, ingest_photos
from labelling.models import Image

ODD = Path(os.environ.get("FACET_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data") / "odd"
# What these may not be refused for: good pixels behind a broken or unusual wrapping.
SOUND = ("exif_orientation", "formats", "gps", "heic", "tiny")

pytestmark = pytest.mark.skipif(not ODD.is_dir(), reason="no real photos here")


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ODD / folder).iterdir()) if path.suffix != ".json"]


def taken_in(project, paths: list[Path]) -> dict[str, object]:
    outcomes = ingest_photos(project, [Arrival(path.name, path.read_bytes()) for path in paths])
    return {path.relative_to(ODD).as_posix(): outcome for path, outcome in zip(paths, outcomes, strict=True)}


def test_every_file_is_created_or_rejected_with_a_sentence(project):
    outcomes = taken_in(project, files("corrupt", "hostile", "clips"))
    for name, outcome in outcomes.items():
        assert outcome.status in {"created", "rejected", "duplicate"}, name
        if outcome.status == "rejected":
            assert outcome.reason.endswith("."), name
    assert {name for name, outcome in outcomes.items() if outcome.status == "created"} >= {
        "corrupt/invalid-exif.jpg",
        "corrupt/broken_exif_dpi.jpg",
        "clips/classroom.gif",
    }
    assert all(outcomes[name].status == "rejected" for name in outcomes if name.startswith("hostile"))
    created = [outcome for outcome in outcomes.values() if outcome.status == "created"]
    assert Image.objects.in_project(project).count() == len(created)


def test_unusual_but_sound_files_go_in(project):
    outcomes = taken_in(project, files(*SOUND))
    refused = {name: outcome.reason for name, outcome in outcomes.items() if outcome.status == "rejected"}
    assert refused == {}
