"""A version that verifies is what was frozen; one that is not says what is wrong, and what to do."""

import json

import pytest
from django.core.management import CommandError, call_command

from datasets.exports import start_export
from datasets.models import Export, Version
from datasets.verify import verify
from jobs.work import perform
from labelling import storage
from labelling.ingest import ingest_photo
from labelling.models import Face, FaceState, Image, ImageState, Origin


@pytest.fixture
def version(project, photo_bytes, freeze_now):
    """Of three photos with all their objects."""
    for seed in range(3):
        image = Image.objects.get(pk=ingest_photo(project, f"{seed}.jpg", photo_bytes(seed)).id)
        Face.objects.create(
            project=project, image=image, x=10, y=10, w=40, h=40, image_w=image.width, image_h=image.height,
            origin=Origin.HUMAN, state=FaceState.CONFIRMED,
        )  # fmt: skip
    Image.objects.update(state=ImageState.LABELLED)
    return freeze_now(project)


@pytest.fixture
def export(version):
    started = start_export(version, "coco")
    perform(started.job_id)
    return Export.objects.get(pk=started.pk)


def test_a_whole_version_verifies(version, export, capsys):
    answer = verify(version)
    assert (answer["content_hash"], answer["images"], answer["faces"]) == (version.content_hash, 3, 3)
    assert answer["problems"] == 0
    call_command("verify", version.project.slug, "1", "--json")
    assert json.loads(capsys.readouterr().out)["content_hash"] == version.content_hash


def test_a_table_that_was_changed_is_said(version):
    storage.put(version.key("faces"), b"something else")
    with pytest.raises(CommandError, match="not the file that was frozen"):
        call_command("verify", version.project.slug, "1")


def test_a_table_that_was_changed_with_its_checksum_is_said_too(version, freeze_now):
    """Whoever can write into the database as well still has to find another content of the same hash."""
    Face.objects.update(x=12)
    other = freeze_now(version.project)
    forged = Version(pk=version.pk, project=version.project, number=version.number, content_hash=version.content_hash)
    for table in ("images", "faces"):
        setattr(forged, f"{table}_sha256", getattr(other, f"{table}_sha256"))
        storage.put(forged.key(table), storage.get(other.key(table)))
    with pytest.raises(Exception, match="was frozen as"):
        verify(forged)


def test_an_original_that_is_gone_is_said(version):
    image = version.project.images.get(name="1.jpg")
    storage.delete(storage.original_key(version.project_id, image.sha256))
    with pytest.raises(CommandError, match=r"The original of “1\.jpg”"):
        call_command("verify", version.project.slug, "1")
    call_command("verify", version.project.slug, "1", "--tables-only")


@pytest.mark.parametrize("content", [None, b"short"])
def test_an_export_that_is_gone_or_cut_is_said(version, export, content):
    storage.delete(export.key)
    if content is not None:
        storage.put(export.key, content)
    with pytest.raises(CommandError, match=f"of export {export.pk}"):
        call_command("verify", version.project.slug, "1")


def test_a_version_that_is_not_ready_is_not_verified(version):
    Version.objects.create(project=version.project, number=2)
    with pytest.raises(CommandError, match="nothing to verify"):
        call_command("verify", version.project.slug, "2")
