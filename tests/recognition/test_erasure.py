"""Erasing a person: after it nothing in the project, in rows or objects, speaks of them, and all else is as it was."""

import hashlib
import io
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pgvector import HalfVector
from PIL import Image as Picture

from datasets.comparisons import comparison_of
from datasets.exports import start_export
from datasets.freeze import start_freeze
from datasets.manifest import ManifestBroken, read_table
from datasets.models import Comparison, Export, ExportState, Version
from datasets.verify import verify
from jobs.models import Job, State
from jobs.work import perform
from labelling import fsck, storage
from labelling.describe import describe_person
from labelling.erase import erase_person, preview
from labelling.errors import Refused
from labelling.identities import create_identity, find_identity, get_or_create_identity
from labelling.ingest import ingest_photo
from labelling.merge import merge_people
from labelling.models import ErasedPhoto, Erasure, Event, Face, Identity, Image, Suggestion, Verb
from labelling.remarks import flag
from labelling.submit import FaceWord, submit_image
from labelling.undo import undo_event
from recognition.models import Embedding, IdentityMetric, Model, Pipeline, Rule, Run, RunKind
from recognition.pipelines import Asked
from recognition.recipes.scorer import from_artifact, to_artifact
from tests.conftest import picture_bytes

pytestmark = pytest.mark.usefixtures("transactional_db")
MARKER = "Zenobia Quirk"
NICK = "Zeno"
BOXES = [(10, 20, 24, 30), (60, 20, 24, 30)]


@pytest.fixture(autouse=True)
def handlers(project):
    import datasets.tasks  # noqa: F401  (registers the handlers)
    import labelling.tasks  # noqa: F401
    import recognition.tasks  # noqa: F401

    for stored in list(storage.listed(storage.project_prefix(project.pk))):
        storage.delete(stored.key)


def label(project, image, *names, by):
    words = [FaceWord(uid=uuid4(), box=BOXES[place], identity=name, has_identity=True)
             for place, name in enumerate(names)]  # fmt: skip
    image = Image.objects.select_related("project").get(pk=image)
    return submit_image(image, words, by=by, version=image.version, event_id=uuid4())


def add(project, seed, *names, by, name=""):
    outcome = ingest_photo(project, name or f"photo_{seed}.jpg", picture_bytes(seed))
    label(project, outcome.id, *names, by=by)
    return outcome.id


def freeze(project):
    version = start_freeze(project)
    perform(version.job_id)
    version.refresh_from_db()
    assert version.state == "ready", version.message
    return version


@pytest.fixture
def full(project, owner):
    """A person everywhere: alone, with another, in versions, exports, comparisons, models, figures and texts."""
    person = create_identity(project, MARKER)
    describe_person(person, {"aliases": [NICK], "notes": f"{MARKER} is tall"}, by=owner, event_id=uuid4())
    alone = add(project, 1, MARKER, by=owner, name="Zenobia_Quirk_0001.jpg")
    shared = add(project, 2, MARKER, "Bo Dahl", by=owner, name="group zenobia-quirk.jpg")
    other = add(project, 3, "Bo Dahl", by=owner)
    first = freeze(project)
    add(project, 4, "Bo Dahl", by=owner)
    second = freeze(project)
    for version in (first, second):
        perform(start_export(version, "coco").job_id)
    perform(comparison_of(first, second).job_id)
    flag(Image.objects.get(pk=other), f"Is this {NICK}, or Zenobia  QUIRK?", by=owner, event_id=uuid4())
    classes = {"classes": [MARKER, "Bo Dahl"]}
    arrays = {"weight": np.ones((2, 3), np.float32), "bias": np.ones(2, np.float32)}
    artifact = to_artifact("hog_linear", arrays, classes)
    digest = hashlib.sha256(artifact).hexdigest()
    model = Model.objects.create(
        project=project, name="Head", kind="hog_linear", embedder="dlib", version=second,
        artifact_key=f"projects/{project.pk}/models/{digest}.safetensors", artifact_sha256=digest,
    )  # fmt: skip
    storage.put(model.artifact_key, artifact)
    run = Run.objects.create(
        project=project, version=second, model=model, kind=RunKind.EVALUATE,
        curves={"mistakes": [{"truth": MARKER, "predicted": "Bo Dahl"}, {"truth": "Bo Dahl", "predicted": "X"}]},
    )  # fmt: skip
    asked, fallen = Asked().as_fields(), {"said": f"It falls for 1: {MARKER} from 90% to 50%."}
    Pipeline.objects.create(
        project=project, version=second, why=f"For {NICK}.", message=f"{MARKER} is missing.", state="failed",
        verdict={"passed": False, "conditions": [fallen]}, finished_at=timezone.now(), **asked,
    )  # fmt: skip
    Rule.objects.create(project=project, kind="labels", threshold=5, said=f"Without {MARKER}.", **asked)
    for name, class_id in ((MARKER, person.class_id), ("Bo Dahl", person.class_id + 1)):
        IdentityMetric.objects.create(
            run=run, identity_name=name, class_id=class_id, gallery=1, probes=1,
            confusions=[{"name": MARKER, "count": 2}],
        )  # fmt: skip
    for face in Face.objects.filter(identity=person):
        Embedding.objects.create(
            face=face, embedder="dlib", x=face.x, y=face.y, w=face.w, h=face.h, vector=HalfVector(np.ones(128))
        )
    waiting = ingest_photo(project, "waiting.jpg", picture_bytes(5)).id
    face = Face.objects.create(
        project=project, image_id=waiting, x=10, y=20, w=24, h=30, image_w=160, image_h=120, origin="model"
    )
    Suggestion.objects.create(face=face, rank=1, identity=person, probability=0.9, model_name="test")
    return {"person": person, "alone": alone, "shared": shared, "other": other, "versions": [first, second]}


def do(erasure):
    perform(erasure.job_id)
    return Erasure.objects.select_related("job").get(pk=erasure.pk)


def traces(project, *words):
    """Every column of text in the database and every byte of the project's objects that has one of the words."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            for column in (field.column for field in model._meta.local_concrete_fields):
                for word in words:
                    cursor.execute(f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ILIKE %s', [f"%{word}%"])  # noqa: S608
                    if cursor.fetchone()[0]:
                        found.append(f"{table}.{column}: {word}")
    for stored in storage.listed(storage.project_prefix(project.pk)):
        data = storage.get(stored.key)
        if stored.key.endswith(".parquet"):
            import pyarrow.parquet as pq

            data += str(pq.read_table(io.BytesIO(data)).to_pydict()).encode()
        found += [f"{stored.key}: {word}" for word in words if word.casefold().encode() in data.lower()]
    return found


WORDS = ("zenobia", "quirk", NICK.casefold())


def test_before_it_the_name_is_found_everywhere(project, full):
    assert len(traces(project, *WORDS)) > 10


def test_after_it_no_row_and_no_object_has_a_trace(project, owner, full):
    erasure = do(erase_person(full["person"], by=owner, confirm="zenobia  quirk"))
    assert (erasure.state, erasure.job.state) == ("done", State.DONE), erasure.job.message
    assert traces(project, *WORDS) == []
    assert not Face.objects.filter(identity=full["person"]).exists()
    assert list(Embedding.objects.all()) == [] and not Suggestion.objects.exists()
    assert list(fsck.check(project, grace=timedelta(0), sample=None)) == []


def test_what_is_of_others_is_still_there(project, owner, full):
    faces = set(Face.objects.filter(identity__name="Bo Dahl").values_list("pk", flat=True))
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    assert set(Face.objects.filter(identity__name="Bo Dahl").values_list("pk", flat=True)) == faces
    assert [metric.identity_name for metric in IdentityMetric.objects.all()] == ["Bo Dahl"]
    assert len(Run.objects.get().curves["mistakes"]) == 1


def test_a_photo_of_the_person_alone_is_deleted_and_one_with_others_is_painted_over(project, owner, full):
    before = {image.pk: image.sha256 for image in Image.objects.all()}
    old = np.asarray(Picture.open(io.BytesIO(storage.get(storage.original_key(project.pk, before[full["shared"]])))))
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    assert not Image.objects.filter(pk=full["alone"]).exists()
    image = Image.objects.get(pk=full["shared"])
    assert image.sha256 != before[full["shared"]]
    for key in (storage.original_key(project.pk, before[pk]) for pk in (full["alone"], full["shared"])):
        assert not storage.exists(key)
    new = np.asarray(Picture.open(io.BytesIO(storage.get(storage.original_key(project.pk, image.sha256)))))
    assert np.abs(new[20:50, 10:34].astype(int) - 128).max() < 12
    assert np.abs(new[60:, 100:].astype(int) - old[60:, 100:]).mean() < 4
    for size in ("tiny", "small", "large"):
        small = np.asarray(Picture.open(io.BytesIO(storage.get(storage.picture_key(project.pk, image.sha256, size)))))
        part = small[
            small.shape[0] * 25 // 120 : small.shape[0] * 45 // 120,
            small.shape[1] * 14 // 160 : small.shape[1] * 30 // 160,
        ]
        assert np.abs(part.astype(int) - 128).max() < 16
    assert ErasedPhoto.objects.count() == 2


@pytest.mark.parametrize("fate", ["delete", "paint"])
def test_the_owner_chooses_what_becomes_of_photos(project, owner, full, fate):
    do(erase_person(full["person"], by=owner, confirm=MARKER, alone=fate, shared=fate))
    there = set(Image.objects.filter(pk__in=[full["alone"], full["shared"]]).values_list("pk", flat=True))
    assert there == (set() if fate == "delete" else {full["alone"], full["shared"]})
    assert traces(project, *WORDS) == []


def test_the_same_file_is_not_taken_in_again(project, owner, full):
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    for seed in (1, 2):
        outcome = ingest_photo(project, "again.jpg", picture_bytes(seed))
        assert (outcome.status, "was erased" in outcome.reason) == ("rejected", True)
    assert ingest_photo(project, "another.jpg", picture_bytes(9)).status == "created"


def test_versions_still_verify_and_say_what_was_erased(project, owner, full):
    hashes = [version.content_hash for version in full["versions"]]
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    versions = list(Version.objects.order_by("number"))
    assert [version.content_hash for version in versions] == hashes
    for version in versions:
        told = verify(version)
        assert (told["content_hash"], told["problems"]) == (version.content_hash, 0)
        assert "2 faces and 1 photos were erased" in told["erased"][0]
        assert version.statistics["faces"] == read_table(version, "faces").num_rows
        assert [person["name"] for person in version.statistics["people"]] == ["Bo Dahl"]
    perform(start_export(versions[0], "coco").job_id)
    assert Export.objects.latest("pk").state == ExportState.DONE


def test_what_is_changed_after_an_erasure_is_found_by_verify(project, owner, full):
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    version = Version.objects.get(number=1)
    version.erasures[0]["faces"] = 0
    with pytest.raises(ManifestBroken, match="record of what was erased"):
        verify(version)


def test_ready_versions_and_history_can_be_changed_in_no_other_way(project, owner, full):
    version = full["versions"][0]
    for fields in ({"statistics": {}}, {"erasures": [{}]}, {"faces_sha256": "0" * 64}, {"filters": {"x": 1}}):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            Version.objects.filter(pk=version.pk).update(**fields)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        connection.cursor().execute("SET LOCAL facet.erasing = 'on'")
        Version.objects.filter(pk=version.pk).update(content_hash="0" * 64)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.filter(project=project).update(after={})


def test_exports_and_models_are_listed_and_marked(project, owner, full):
    keys = [export.key for export in Export.objects.all()]
    erasure = do(erase_person(full["person"], by=owner, confirm=MARKER))
    assert set(Export.objects.values_list("state", flat=True)) == {ExportState.ERASED}
    assert not any(storage.exists(key) for key in keys)
    assert not Comparison.objects.exists()
    assert [row["version"] for row in erasure.report["versions"]["exports"]] == [1, 2]
    assert [row["model"] for row in erasure.report["recognition"]["models"]] == [Model.objects.get().pk]
    assert Model.objects.get().erased_at and Run.objects.get().erased_at
    assert erasure.report["photos"] == {"deleted": 1, "painted": 1, "not_deletable": []}
    assert erasure.report["before"]["faces"] == 2


def test_a_model_that_knew_the_person_by_name_has_neither_name_nor_numbers(project, owner, full):
    old = Model.objects.get().artifact_key
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    model = Model.objects.get()
    data = storage.get(model.artifact_key)
    notes, arrays = from_artifact("hog_linear", data, "weight", "bias")
    assert (notes["classes"], arrays["weight"].tolist()) == (["(erased)", "Bo Dahl"], [[0, 0, 0], [1, 1, 1]])
    assert arrays["bias"].tolist() == [-1e9, 1]
    assert hashlib.sha256(data).hexdigest() == model.artifact_sha256
    assert old != model.artifact_key and not storage.exists(old)


def test_the_person_is_a_number_that_is_never_given_again(project, owner, full):
    class_id = full["person"].class_id
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    row = Identity.objects.get(pk=full["person"].pk)
    assert (row.class_id, row.aliases, row.notes) == (class_id, [], "")
    assert find_identity(project, row.name) is None
    again = get_or_create_identity(project, MARKER)
    assert again.pk != row.pk and again.class_id > class_id


def test_history_keeps_that_something_was_said_and_cannot_bring_it_back(project, owner, full):
    event = Event.objects.filter(verb=Verb.SUBMIT, images__contains=[full["shared"]]).get()
    count = Event.objects.count()
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    event.refresh_from_db()
    assert (event.erased, event.before, event.after, event.actor) == (True, {}, {}, owner)
    assert Event.objects.count() == count + 1
    with pytest.raises(Refused, match="erased"):
        undo_event(event, by=owner)


def test_who_was_merged_into_the_person_goes_too(project, owner, full):
    merged = create_identity(project, "Zenobia Q. Second")
    merge_people(merged, full["person"], by=owner, event_id=uuid4())
    full["person"].refresh_from_db()
    do(erase_person(full["person"], by=owner, confirm=MARKER))
    assert traces(project, *WORDS) == []


def test_names_of_others_that_contain_the_words_stay(project, owner):
    person, other = create_identity(project, "Ann"), create_identity(project, "Ann Weiss")
    image = add(project, 1, "Ann", by=owner)
    add(project, 2, "Ann Weiss", by=owner)
    remark = flag(
        Image.objects.get(pk=add(project, 3, "Bo", by=owner)), "Ann or Ann Weiss? Annual.", by=owner, event_id=uuid4()
    )
    do(erase_person(person, by=owner, confirm="Ann"))
    other.refresh_from_db()
    remark.refresh_from_db()
    assert (other.name, remark.text) == ("Ann Weiss", "(erased) or Ann Weiss? Annual.")
    assert not Image.objects.filter(pk=image).exists()


def test_it_has_to_be_confirmed_with_the_name(project, owner, full):
    with pytest.raises(Refused, match="Type the person's name"):
        erase_person(full["person"], by=owner, confirm="Bo Dahl")
    assert not Erasure.objects.exists() and find_identity(project, MARKER)


def test_a_preview_says_what_would_go_and_changes_nothing(project, full):
    seen = preview(full["person"])
    assert (seen["faces"], seen["photos_alone"], seen["photos_shared"], seen["suggested_faces"]) == (2, 1, 1, 1)
    assert (seen["versions"], len(seen["exports"])) == ([1, 2], 2)
    assert Face.objects.filter(identity=full["person"]).count() == 2


class Killed(BaseException):
    """As a worker that is gone: nothing catches it."""


@pytest.mark.parametrize("after", [1, 3, 6, 10, 15, 21])
def test_killed_after_any_step_it_goes_on_and_finishes(project, owner, full, monkeypatch, after):
    erasure = erase_person(full["person"], by=owner, confirm=MARKER)
    left = [after]

    def counted(do_it):
        def then(*args, **kwargs):
            answer = do_it(*args, **kwargs)
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return answer

        return then

    with monkeypatch.context() as patch:
        for name in ("delete", "put"):
            patch.setattr(storage, name, counted(getattr(storage, name)))
        patch.setattr(
            "labelling.erase_words.allow_erasing",
            counted(__import__("labelling.erase_words").erase_words.allow_erasing),
        )
        try:
            perform(erasure.job_id)
        except Killed:
            assert Erasure.objects.get(pk=erasure.pk).state == "under_way"
    Job.objects.filter(pk=erasure.job_id, state=State.RUNNING).update(lease_until=erasure.asked_at)
    erasure = do(erasure)
    assert (erasure.state, erasure.job.state) == ("done", State.DONE), erasure.job.message
    assert traces(project, *WORDS) == []
    assert list(fsck.check(project, grace=timedelta(0), sample=None)) == []
    assert all(verify(version)["problems"] == 0 for version in Version.objects.all())
    assert erasure.report["photos"] == {"deleted": 1, "painted": 1, "not_deletable": []}


def test_a_cancelled_one_is_not_done_and_goes_on_when_asked_again(project, owner, full):
    erasure = erase_person(full["person"], by=owner, confirm=MARKER)
    Job.objects.filter(pk=erasure.job_id).update(cancel_requested=True)
    assert do(erasure).state == "under_way"
    again = erase_person(full["person"], by=owner, confirm="")
    assert (again.pk, do(again).state) == (erasure.pk, "done")
