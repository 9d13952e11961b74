"""A watched folder gives each photo once, and only when it is whole."""

import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command

from labelling.models import Image
from labelling.watch import WatchedFolder
from tests.conftest import picture_bytes


def names(found) -> list[str]:
    return [photo.name for photo in found]


def test_a_photo_counts_once_it_no_longer_grows(tmp_path):
    watched = WatchedFolder(tmp_path)
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"half")
    assert watched.look() == [] and watched.is_waiting
    photo.write_bytes(b"half and more")
    assert watched.look() == []
    assert names(watched.look()) == ["a.jpg"]
    assert watched.look() == [] and not watched.is_waiting


def test_a_photo_that_changed_counts_again_and_one_that_went_does_not(tmp_path):
    watched = WatchedFolder(tmp_path)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    watched.look()
    assert names(watched.look()) == ["a.jpg", "b.jpg"]
    (tmp_path / "a.jpg").write_bytes(b"another")
    (tmp_path / "b.jpg").unlink()
    watched.look()
    assert names(watched.look()) == ["a.jpg"]


def test_links_hidden_files_and_other_files_are_passed_over(tmp_path):
    outside = tmp_path.parent / "outside.jpg"
    outside.write_bytes(b"x")
    watched = WatchedFolder(tmp_path)
    (tmp_path / "link.jpg").symlink_to(outside)
    for name in (".part.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    watched.look()
    assert watched.look() == []
    with pytest.raises(FileNotFoundError, match="no folder"):
        WatchedFolder(Path(tmp_path, "none"))


def test_the_command_takes_in_what_is_there_with_its_people(project, tmp_path, capsys):
    (tmp_path / "Ana_Weiss").mkdir()
    (tmp_path / "Ana_Weiss" / "1.jpg").write_bytes(picture_bytes(1))
    (tmp_path / "2.jpg").write_bytes(picture_bytes(2))
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    os.utime(tmp_path / "2.jpg", (1, 1))
    call_command("watch", project.slug, tmp_path, "--once", "--every=0.01", "--identity-from-folder", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told == {"project": project.slug, "created": 2, "duplicate": 0, "rejected": 1}
    claimed = dict(Image.objects.in_project(project).values_list("name", "claimed_identity__name"))
    assert claimed == {"1.jpg": "Ana Weiss", "2.jpg": None}
    call_command("watch", project.slug, tmp_path, "--once", "--every=0.01", "--json")
    assert json.loads(capsys.readouterr().out)["duplicate"] == 2
