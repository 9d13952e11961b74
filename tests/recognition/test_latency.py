"""How long a face takes is measured on the version's own test photos, and told as not measured where there are none."""

import pytest

from labelling import storage
from labelling.claims import accept_claims
from labelling.models import Image
from recognition.labelled_faces import load_faces
from recognition.latency import latency


@pytest.fixture
def version(project, owner, add_portrait, work_off, freeze_now):
    for person, name in ((1, "Ana"), (2, "Ben")):
        for photo in (1, 2, 3, 4):
            add_portrait(person, photo, claim=name)
    work_off(project, "propose", "embed")
    accept_claims(project, by=owner)
    return freeze_now(project)


def test_the_median_of_the_test_faces_is_measured_from_pixels(version):
    faces = load_faces(version, "dlib")
    tested = len(faces.where("test"))
    assert tested
    found = latency(version, "dlib", None, faces.where("train", "val").vectors)
    assert found["faces"] == min(tested, 9) and found["median_ms"] > 0


def test_without_a_readable_photo_there_is_a_reason_and_no_figure(version, project):
    faces = load_faces(version, "dlib")
    for image in Image.objects.filter(project=project):
        storage.delete(storage.original_key(project.pk, image.sha256))
    assert latency(version, "dlib", None, faces.vectors) == {
        "reason": "none of the test photos that were tried can be read"
    }
