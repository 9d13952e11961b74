"""Freezing: what goes in, what stays out, and that it stays what it is."""

import io
from collections import defaultdict

import pyarrow.parquet as pq
import pytest
from django.db import IntegrityError

import datasets.label_tables
import datasets.manifest
from datasets.freeze import freeze, start_freeze
from datasets.manifest import ManifestBroken, read_table
from datasets.models import Version, VersionState
from datasets.outlook import outlook
from datasets.splits import SplitPolicy
from jobs.models import Job
from jobs.models import State as JobState
from jobs.steer import request_cancel
from jobs.work import perform
from labelling import storage
from labelling.errors import Refused
from labelling.identities import get_or_create_identity
from labelling.models import Face, FaceState, Identity, Image, ImageState, Who
from labelling.projects import create_project


def splits_by(version: Version, column: str) -> dict[str, set]:
    """The splits that each value of an images column lies in."""
    images = read_table(version, "images")
    found = defaultdict(set)
    for value, split in zip(images[column].to_pylist(), images["split"].to_pylist(), strict=True):
        found[value].add(split)
    return found


def test_a_version_holds_what_people_confirmed(small_set, freeze_now):
    version = freeze_now(small_set)
    assert version.state == VersionState.READY
    assert version.statistics["images"] == 14
    assert version.statistics["faces"] == 14
    assert version.statistics["identities"] == 3
    assert [(person["name"], person["faces"]) for person in version.statistics["people"]] == [
        ("Ana", 7), ("Ben", 5), ("Cem", 2),
    ]  # fmt: skip
    assert version.statistics["imbalance"]["ratio"] == 3.5
    assert version.job.result["content_hash"] == version.content_hash
    assert read_table(version, "faces").num_rows == 14
    assert read_table(version, "images").num_rows == 14


def test_counts_per_split_and_person_add_up(small_set, freeze_now):
    statistics = freeze_now(small_set).statistics
    assert sum(split["faces"] for split in statistics["splits"].values()) == statistics["faces"]
    assert sum(split["images"] for split in statistics["splits"].values()) == statistics["images"]
    for person in statistics["people"]:
        assert person["train"] + person["val"] + person["test"] == person["faces"]


def test_proposed_and_rejected_faces_are_left_out_and_counted(project, add_photo, freeze_now):
    add_photo(project, "a", ["Ana"])
    half = add_photo(project, "b", ["Ben"], state=ImageState.PROPOSED)
    for state, x in ((FaceState.PROPOSED, 200), (FaceState.REJECTED, 300)):
        Face.objects.create(
            project=project, image=half, x=x, y=1, w=9, h=9, image_w=640, image_h=480, origin="model", state=state
        )
    add_photo(project, "c", [None], face_state=FaceState.PROPOSED, state=ImageState.PROPOSED)
    add_photo(project, "d", [None], face_state=FaceState.REJECTED)
    statistics = freeze_now(project).statistics
    assert statistics["faces"] == 2
    assert statistics["left_out"] == {"proposed_faces": 2, "unnamed_faces": 0}
    assert statistics["images"] == 3  # c waits for a person still; d was looked at, and holds no face


def test_faces_without_a_name_are_frozen_as_boxes(project, add_photo, freeze_now):
    add_photo(project, "a", ["Ana", None])
    add_photo(project, "b", [None], who=Who.UNKNOWN)
    add_photo(project, "c", [None], who=Who.IGNORED)
    version = freeze_now(project)
    assert version.statistics["who"] == {"assigned": 1, "ignored": 1, "unassigned": 1, "unknown": 1}
    assert version.statistics["left_out"]["unnamed_faces"] == 1
    assert read_table(version, "faces")["identity"].to_pylist().count(None) == 3


def test_images_without_faces_are_in_once_labelled(project, add_photo, freeze_now):
    add_photo(project, "a", ["Ana"])
    add_photo(project, "empty")
    add_photo(project, "fresh", state=ImageState.NEW)
    names = read_table(freeze_now(project), "images")["name"].to_pylist()
    assert sorted(names) == ["a.jpg", "empty.jpg"]


def test_a_photo_with_two_people_never_crosses(project, add_photo, freeze_now):
    for number in range(12):
        add_photo(project, number, ["Ana", "Ben", f"Guest {number}"])
    version = freeze_now(project)
    faces = read_table(version, "faces")
    found = defaultdict(set)
    for sha256, split in zip(faces["image_sha256"].to_pylist(), faces["split"].to_pylist(), strict=True):
        found[sha256].add(split)
    assert {len(splits) for splits in found.values()} == {1}
    assert splits_by(version, "image_sha256") == found


def test_a_session_never_crosses_unless_asked(project, add_photo, freeze_now):
    for number in range(24):
        add_photo(project, number, ["Ana"], session=f"day {number % 4}")
    by_session = splits_by(freeze_now(project), "session")
    assert {len(splits) for splits in by_session.values()} == {1}
    assert len(set.union(*by_session.values())) > 1
    loose = splits_by(freeze_now(project, policy=SplitPolicy(by_session=False, sticky=False)), "session")
    assert max(len(splits) for splits in loose.values()) > 1


def test_photos_that_are_nearly_the_same_never_cross_unless_asked(project, add_photo, freeze_now):
    """Also those that came a moment ago: freezing compares them first."""
    for number in range(24):
        image = add_photo(project, number, ["Ana"], name=f"burst {number % 4}")
        Image.objects.filter(pk=image.pk).update(phash=0x5A17_0C3D << 7 * (number % 4), sharpness=50)
    by_burst = splits_by(freeze_now(project), "name")
    assert {len(splits) for splits in by_burst.values()} == {1}
    assert len(set.union(*by_burst.values())) > 1
    loose = splits_by(freeze_now(project, policy=SplitPolicy(by_likeness=False, sticky=False)), "name")
    assert max(len(splits) for splits in loose.values()) > 1


def test_near_duplicates_found_in_another_order_split_alike(project, owner, add_photo, freeze_now):
    """Groups are numbered by this database; what they are called in a split is their content."""
    other = create_project("Another house", by=owner)
    for where, numbers in ((project, range(24)), (other, reversed(range(24)))):
        for number in numbers:
            image = add_photo(where, number, ["Ana", f"Guest {number % 3}"])
            Image.objects.filter(pk=image.pk).update(phash=0x5A17_0C3D << 7 * (number % 4), sharpness=50)
    assert freeze_now(project).content_hash == freeze_now(other).content_hash


def test_equal_labels_in_two_projects_have_one_hash(small_set, owner, add_photo, freeze_now):
    """Made in another order, so with other ids and other class numbers, under other file names."""
    other = create_project("Another house", by=owner)
    get_or_create_identity(other, "Somebody not seen")
    add_photo(other, "nobody", name="x.jpg")
    add_photo(other, "both", ["Ana", "Ben"], name="y.jpg")
    for person, count in (("Cem", 2), ("Ben", 4), ("Ana", 6)):
        for number in reversed(range(count)):
            add_photo(other, f"{person}-{number}", [person])
    first, second = freeze_now(small_set), freeze_now(other)
    assert first.statistics["people"] != second.statistics["people"]  # the class numbers are not the same
    assert first.content_hash == second.content_hash
    assert first.statistics["splits"] == second.statistics["splits"]


def test_a_session_by_another_name_may_split_otherwise_but_is_no_label(project, add_photo, freeze_now):
    add_photo(project, "a", ["Ana"], session="one")
    before = freeze_now(project)
    Image.objects.update(session="two")
    assert freeze_now(project).content_hash == before.content_hash


def test_faces_at_the_same_place_hash_alike_in_any_order(project, owner, add_photo, freeze_now):
    other = create_project("Another house", by=owner)
    for where, people in ((project, ("Ana", "Ben")), (other, ("Ben", "Ana"))):
        add_photo(where, "twins", people)
        Face.objects.filter(project=where).update(x=10)
    assert freeze_now(project).content_hash == freeze_now(other).content_hash


@pytest.mark.parametrize(
    "change",
    [
        lambda face: face.update(x=11.25),
        lambda face: face.update(who=Who.UNKNOWN, identity=None),
        lambda face: face.update(identity=Identity.objects.get(name="Ben")),
        lambda face: face.update(state=FaceState.REJECTED, who=Who.UNASSIGNED, identity=None),
    ],
    ids=["box", "who", "identity", "not a face"],
)
def test_a_changed_label_changes_the_hash(change, small_set, freeze_now):
    before = freeze_now(small_set)
    change(Face.objects.filter(pk=Face.objects.filter(identity__name="Cem").first().pk))
    after = freeze_now(small_set)
    assert after.content_hash != before.content_hash
    assert after.parent_id == before.pk


def test_renaming_files_or_making_labels_anew_keeps_the_hash(small_set, freeze_now):
    before = freeze_now(small_set)
    Image.objects.filter(project=small_set).update(name="renamed.jpg")
    for face in list(Face.objects.filter(project=small_set)):
        face.pk, face.uid = None, None
        fields = {name: getattr(face, name) for name in ("image", "x", "y", "w", "h", "who", "identity", "state")}
        Face.objects.filter(image=face.image, x=face.x).delete()
        Face.objects.create(project=small_set, image_w=640, image_h=480, origin="import", **fields)
    assert freeze_now(small_set).content_hash == before.content_hash


def test_tables_of_many_blocks_come_back_whole(small_set, freeze_now, monkeypatch):
    whole = freeze_now(small_set)
    monkeypatch.setattr(datasets.label_tables, "BLOCK", 400)
    monkeypatch.setattr(datasets.manifest, "LINES_AT_ONCE", 3)
    pieces = freeze_now(small_set)
    assert pieces.content_hash == whole.content_hash
    assert read_table(pieces, "faces").equals(read_table(whole, "faces"))


def test_a_repeated_job_makes_one_version(small_set, freeze_now):
    version = freeze_now(small_set)
    Job.objects.filter(pk=version.job_id).update(state=JobState.QUEUED)
    perform(version.job_id)
    again = Version.objects.get()
    assert again.frozen_at == version.frozen_at
    assert again.content_hash == version.content_hash


class SilentWork:
    """A worker that does not know it has lost the job."""

    def progress(self, **kwargs):
        pass


def test_a_worker_that_lost_the_job_cannot_replace_what_was_frozen(small_set):
    late = start_freeze(small_set)
    perform(late.job_id)
    frozen = Version.objects.get(pk=late.pk)
    Face.objects.filter(identity__name="Cem").update(who=Who.UNKNOWN, identity=None)

    class Late(SilentWork):
        def chunk(self):
            raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        freeze(late, Late())  # its copy of the row still says “being frozen”
    assert read_table(frozen, "faces")["identity"].to_pylist().count("Cem") == 2


@pytest.mark.parametrize("field", ["content_hash", "faces_sha256", "images_sha256", "split_policy", "statistics"])
def test_a_ready_version_cannot_be_changed(field, small_set, freeze_now):
    version = freeze_now(small_set)
    value = {"changed": True} if field in {"split_policy", "statistics"} else "0" * 64
    with pytest.raises(IntegrityError, match="is frozen"):
        Version.objects.filter(pk=version.pk).update(**{field: value})


def test_a_ready_version_cannot_be_opened_again(small_set, freeze_now):
    version = freeze_now(small_set)
    with pytest.raises(IntegrityError, match="is frozen"):
        Version.objects.filter(pk=version.pk).update(state=VersionState.FREEZING)
    Version.objects.filter(pk=version.pk).update(note="better words")  # what describes it may change


def test_nothing_confirmed_is_refused(project, add_photo):
    add_photo(project, "a", [None], face_state=FaceState.PROPOSED)
    with pytest.raises(Refused, match="confirm some faces first"):
        start_freeze(project)
    assert not Version.objects.exists()
    assert not Job.objects.filter(kind="freeze").exists()


def test_labels_that_vanish_before_the_job_runs_fail_it_in_words(small_set):
    version = start_freeze(small_set, tag="spring")
    Face.objects.filter(project=small_set).update(state=FaceState.REJECTED, who=Who.UNASSIGNED, identity=None)
    perform(version.job_id)
    version.refresh_from_db()
    assert version.state == VersionState.FAILED
    assert version.message == "Nothing to freeze: no face is confirmed any more."


def test_a_tag_is_used_once_and_freed_by_a_failed_version(small_set, freeze_now):
    cancelled = start_freeze(small_set, tag="spring")
    with pytest.raises(Refused, match="“spring” is in use"):
        start_freeze(small_set, tag=" spring ")
    request_cancel(cancelled.job)
    cancelled.refresh_from_db()
    assert cancelled.state == VersionState.FAILED
    assert freeze_now(small_set, tag="spring").tag == "spring"


def test_a_tag_too_long_is_refused_in_words(small_set):
    with pytest.raises(Refused, match="60 letters"):
        start_freeze(small_set, tag="x" * 61)


def test_versions_are_numbered_within_their_project(small_set, owner, add_photo, freeze_now):
    other = create_project("Another house", by=owner)
    add_photo(other, "a", ["Ana"])
    assert [freeze_now(small_set).number, freeze_now(other).number, freeze_now(small_set).number] == [1, 1, 2]


def test_a_tampered_table_is_refused(small_set, freeze_now):
    version = freeze_now(small_set)
    data = bytearray(storage.get(version.key("faces")))
    data[len(data) // 2] ^= 1
    storage.put(version.key("faces"), bytes(data))
    with pytest.raises(ManifestBroken, match=r"faces\.parquet of version 1"):
        read_table(version, "faces")
    assert read_table(version, "images").num_rows == 14


def test_a_table_that_is_gone_is_said_to_be(small_set, freeze_now):
    version = freeze_now(small_set)
    version.faces_sha256 = "0" * 64  # leads to an object that was never written
    with pytest.raises(ManifestBroken, match="gone from the object store"):
        read_table(version, "faces")


def test_tables_are_read_by_plain_pyarrow(small_set, freeze_now):
    version = freeze_now(small_set)
    faces = pq.read_table(io.BytesIO(storage.get(version.key("faces"))))
    assert faces.num_rows == 14
    assert set(faces["split"].to_pylist()) == {"train", "val", "test"}
    row = faces.slice(0, 1).to_pylist()[0]
    assert (row["x"], row["y"], row["w"], row["h"]) == (10.25, 20.5, 40.0, 50.75)
    assert row["who"] == "assigned"
    assert b"upright pixels" in faces.schema.metadata[b"facet"]


def test_the_outlook_counts_what_freezing_then_holds(small_set, add_photo, freeze_now):
    add_photo(small_set, "u", [None], who=Who.UNKNOWN)
    add_photo(small_set, "p", [None], face_state=FaceState.PROPOSED, state=ImageState.PROPOSED)
    before = outlook(small_set)
    statistics = freeze_now(small_set).statistics
    assert (before.faces, before.images, before.people) == (
        statistics["faces"], statistics["images"], statistics["identities"],
    )  # fmt: skip
    assert (before.named, before.unknown, before.proposed) == (14, 1, 1)


def test_a_summary_leaves_only_the_people_out(small_set, freeze_now):
    version = freeze_now(small_set)
    row = Version.objects.with_summary().get(pk=version.pk)
    assert row.summary == {name: value for name, value in version.statistics.items() if name != "people"}


PINNED = "8b6196b15358bd34ea23b1e63fd6ead5ebce7ad85c52496ad30401db58bc3ed6"


def test_the_hash_of_known_labels_stays_what_it_is(project, add_photo, freeze_now):
    """Pinned: promised to be the same for ever, on any machine."""
    add_photo(project, "a", ["Ana", None], session="one")
    add_photo(project, "b", ["Ben"])
    add_photo(project, "c")
    assert freeze_now(project).content_hash == PINNED
