"""Labels come in whole or not at all, twice is as once, and what people said here stands unless asked otherwise."""

import json
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from datasets.exports import OF_LABELS as FORMATS
from datasets.exports import start_export
from datasets.given import BadLabels, GivenFace, GivenPhoto
from datasets.imports import import_labels
from datasets.models import Export
from jobs.models import Job
from jobs.work import perform
from labelling import storage
from labelling.describe import describe_person
from labelling.errors import Refused
from labelling.identities import create_identity, get_or_create_identity
from labelling.models import Event, Face, FaceState, Image, ImageState, Origin, Verb, Who
from labelling.projects import create_project
from labelling.undo import undo_event

BOX = (10.25, 20.5, 40, 50.75)  # of the first face that `add_photo` makes
ELSEWHERE = (300, 200, 50, 50)


@pytest.fixture
def file_of(tmp_path):
    """A version's export as a file."""

    def write(version, format_name):
        export = start_export(version, format_name)
        perform(export.job_id)
        export = Export.objects.get(pk=export.pk)
        path = tmp_path / f"{version.pk}.{FORMATS[format_name].SUFFIX}"
        path.write_bytes(storage.get(export.key))
        return path

    return write


@pytest.fixture
def elsewhere(owner, transactional_db):
    return create_project("Elsewhere", by=owner)


def photo_of(image, *faces, **other):
    fields = {"sha256": image.sha256, "name": image.name, "width": image.width, "height": image.height}
    return GivenPhoto(**{**fields, **other}, faces=faces)


def named(name, box=BOX):
    return GivenFace(box, Who.ASSIGNED, name)


def labels(project):
    rows = Face.objects.in_project(project).order_by("image__sha256", "x", "y")
    return list(rows.values_list("image__sha256", "x", "y", "w", "h", "state", "who", "identity__name"))


def copy_photos(source, target):
    for image in Image.objects.in_project(source):
        image.pk, image.project, image.state = None, target, ImageState.NEW
        image.save(force_insert=True)


@pytest.mark.parametrize("format_name", FORMATS)
def test_what_was_exported_comes_back_as_it_was(small_set, freeze_now, file_of, elsewhere, format_name):
    image = Image.objects.in_project(small_set).first()
    for place, who in enumerate((Who.UNKNOWN, Who.IGNORED, Who.UNASSIGNED)):
        Face.objects.create(
            project=small_set, image=image, x=400 + 30 * place, y=300, w=20.01, h=20, image_w=640, image_h=480,
            origin=Origin.HUMAN, state=FaceState.CONFIRMED, who=who,
        )  # fmt: skip
    version = freeze_now(small_set)
    copy_photos(small_set, elsewhere)
    report = import_labels(elsewhere, FORMATS[format_name].read(file_of(version, format_name)))
    assert labels(elsewhere) == labels(small_set)
    assert freeze_now(elsewhere).content_hash == version.content_hash
    counted = report.as_dict()
    assert (counted["photos"], counted["faces"], counted["new"]) == (
        version.statistics["images"], version.statistics["faces"], version.statistics["faces"],
    )  # fmt: skip
    assert set(Face.objects.in_project(elsewhere).values_list("origin", flat=True)) == {Origin.IMPORT}


@pytest.mark.parametrize("format_name", FORMATS)
def test_doing_it_again_changes_nothing(small_set, freeze_now, file_of, format_name):
    version = freeze_now(small_set)
    before, events = labels(small_set), Event.objects.count()
    report = import_labels(small_set, FORMATS[format_name].read(file_of(version, format_name))).as_dict()
    assert (report["same"], report["new"], report["new_people"]) == (version.statistics["faces"], 0, 0)
    assert (labels(small_set), Event.objects.count()) == (before, events)


def test_landmarks_and_scores_come_along_where_the_format_has_them(small_set, freeze_now, file_of, elsewhere):
    face = Face.objects.in_project(small_set).first()
    points = [float(number) for number in range(10)]
    Face.objects.filter(pk=face.pk).update(landmarks=points, score=0.5)
    version = freeze_now(small_set)
    copy_photos(small_set, elsewhere)
    import_labels(elsewhere, FORMATS["parquet"].read(file_of(version, "parquet")))
    there = Face.objects.get(project=elsewhere, image__sha256=face.image.sha256, x=face.x)
    assert (there.landmarks, there.score) == (points, 0.5)


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(project, add_photo):
    image = add_photo(project, "a")
    before = labels(project)
    report = import_labels(project, [photo_of(image, named("Ann"))], dry_run=True).as_dict()
    assert (report["new"], report["new_people_first"]) == (1, ["Ann"])
    assert labels(project) == before and not Event.objects.exists() and not project.identities.exists()
    assert not Job.objects.filter(project_id=project.pk).exists()


def test_a_proposal_that_the_file_knows_is_confirmed_with_its_box(project, add_photo):
    image = add_photo(project, "a", [None], face_state=FaceState.PROPOSED, state=ImageState.PROPOSED)
    box = (12, 21, 41, 50)
    report = import_labels(project, [photo_of(image, named("Ann", box))]).as_dict()
    face = image.faces.get()
    assert (report["confirmed"], report["new"]) == (1, 0)
    assert (face.box, face.state, face.identity.name) == (box, FaceState.CONFIRMED, "Ann")
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED


def test_proposals_that_the_file_does_not_know_wait_for_somebody(project, add_photo):
    image = add_photo(project, "a", [None], face_state=FaceState.PROPOSED, state=ImageState.PROPOSED)
    report = import_labels(project, [photo_of(image, named("Ann", ELSEWHERE))]).as_dict()
    image.refresh_from_db()
    assert (report["proposals_left"], image.state) == (1, ImageState.PROPOSED)


def test_a_photo_without_faces_is_done_once_the_file_says_so(project, add_photo):
    image = add_photo(project, "a", state=ImageState.NEW)
    import_labels(project, [photo_of(image)])
    image.refresh_from_db()
    assert image.state == ImageState.LABELLED


def test_what_people_said_here_stands(project, add_photo):
    image = add_photo(project, "a", ["Ann"])
    report = import_labels(project, [photo_of(image, named("Bo"))]).as_dict()
    assert (report["kept"], image.faces.get().identity.name) == (1, "Ann")


def test_asked_to_the_file_is_believed(project, add_photo):
    image = add_photo(project, "a", ["Ann"])
    report = import_labels(project, [photo_of(image, named("Bo"))], take_theirs=True).as_dict()
    assert (report["replaced"], image.faces.get().identity.name) == (1, "Bo")


def test_what_people_said_is_no_face_stays_none(project, add_photo):
    image = add_photo(project, "a", [None], face_state=FaceState.REJECTED)
    report = import_labels(project, [photo_of(image, named("Bo"))]).as_dict()
    assert (report["kept"], image.faces.get().state) == (1, FaceState.REJECTED)


def test_a_box_without_a_name_gets_the_name_and_keeps_its_box(project, add_photo):
    image = add_photo(project, "a", [None])
    report = import_labels(project, [photo_of(image, named("Ann", (11, 21, 40, 50)))]).as_dict()
    face = image.faces.get()
    assert (report["named"], face.identity.name, face.box) == (1, "Ann", BOX)


def test_names_are_matched_whatever_their_letter_case_and_by_alias(project, reviewer, add_photo):
    image = add_photo(project, "a")
    ann, bo = create_identity(project, "Ann Weiss"), create_identity(project, "Bo")
    describe_person(bo, {"aliases": ["Robert"]}, by=reviewer, event_id=uuid4())
    report = import_labels(project, [photo_of(image, named("ANN  weiss"), named("robert", ELSEWHERE))]).as_dict()
    assert report["new_people"] == 0
    assert set(image.faces.values_list("identity", flat=True)) == {ann.pk, bo.pk}


def test_an_import_is_in_the_history_and_can_be_taken_back(project, reviewer, add_photo):
    image = add_photo(project, "a")
    import_labels(project, [photo_of(image, named("Ann"))], by=reviewer)
    event = Event.objects.get()
    assert (event.verb, event.actor, event.images) == (Verb.IMPORT, reviewer, [image.pk])
    undo_event(event, by=reviewer)
    assert not image.faces.exists()


def test_new_boxes_are_told_to_those_who_describe_faces(project, add_photo):
    import_labels(project, [photo_of(add_photo(project, "a"), named("Ann"))])
    assert Job.objects.filter(project_id=project.pk, kind="embed").exists()


# Photos that cannot be labelled


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"sha256": "f" * 64}, "no photo has its bytes"),
        ({"sha256": "", "name": "b.jpg"}, "“b.jpg” is not in this project"),
        ({"width": 480, "height": 640}, "stands upright"),
        ({"width": 641}, "belong to a photo of 641 × 480"),
    ],
)
def test_a_photo_that_is_not_here_or_does_not_fit_is_a_reason_to_refuse_all(project, add_photo, other, sentence):
    fine, image = add_photo(project, "fine"), add_photo(project, "a")
    given = [photo_of(fine, named("Ann")), photo_of(image, named("Bo"), **other)]
    with pytest.raises(Refused, match=sentence):
        import_labels(project, given)
    assert labels(project) == [] and not project.identities.exists()
    report = import_labels(project, given, partly=True).as_dict()
    assert (report["new"], report["left_out"], report["problems"]) == (1, 1, 1)
    assert [row[-1] for row in labels(project)] == ["Ann"]


def test_a_box_outside_of_its_photo_is_named(project, add_photo):
    image = add_photo(project, "a")
    with pytest.raises(Refused, match=r"Face 2 of “a\.jpg”"):
        import_labels(project, [photo_of(image, named("Ann"), named("Bo", (700, 10, 20, 20)))])


def test_a_photo_twice_in_a_file_is_said(project, add_photo):
    image = add_photo(project, "a")
    with pytest.raises(Refused, match="more than once"):
        import_labels(project, [photo_of(image, named("Ann"))] * 2)


def test_a_name_that_two_photos_have_names_neither(project, add_photo):
    image = add_photo(project, "a", name="same.jpg")
    add_photo(project, "b", name="same.jpg")
    with pytest.raises(Refused, match="may be any of 2 photos"):
        import_labels(project, [photo_of(image, named("Ann"), sha256="")])


def test_a_disputed_photo_is_left_to_those_who_decide(project, add_photo):
    image = add_photo(project, "a", state=ImageState.DISPUTED)
    with pytest.raises(Refused, match="disagree"):
        import_labels(project, [photo_of(image, named("Ann"))])


def test_nobody_elses_photos_are_labelled(project, elsewhere, add_photo):
    image = add_photo(elsewhere, "a")
    with pytest.raises(Refused, match="not in this project"):
        import_labels(project, [photo_of(image, named("Ann"))])


# COCO files of others


@pytest.fixture
def coco(tmp_path):
    def write(**content):
        path = tmp_path / "theirs.json"
        path.write_text(json.dumps(content))
        return path

    return write


def coco_image(image, **other):
    return {"id": 1, "file_name": f"photos/{image.name}", "width": 640, "height": 480, **other}


def test_categories_of_others_are_people(project, add_photo, coco):
    image = add_photo(project, "a")
    categories = [{"id": 3, "name": "Ann"}, {"id": 7, "name": "Bo"}]
    annotations = [
        {"id": 1, "image_id": 1, "category_id": 3, "bbox": BOX},
        {"id": 2, "image_id": 1, "category_id": 7, "bbox": ELSEWHERE},
    ]
    path = coco(images=[coco_image(image)], categories=categories, annotations=annotations)
    import_labels(project, FORMATS["coco"].read(path))
    assert set(image.faces.values_list("identity__name", flat=True)) == {"Ann", "Bo"}


@pytest.mark.parametrize("category", ["face", "Person"])
def test_one_category_for_every_face_names_nobody(project, add_photo, coco, category):
    image = add_photo(project, "a")
    annotations = [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": BOX},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": ELSEWHERE, "iscrowd": 1},
    ]
    path = coco(images=[coco_image(image)], categories=[{"id": 1, "name": category}], annotations=annotations)
    import_labels(project, FORMATS["coco"].read(path))
    assert list(image.faces.order_by("x").values_list("who", flat=True)) == [Who.UNASSIGNED, Who.IGNORED]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"annotations": []}, "no list of “images”"),
        ({"images": [{"id": 1}]}, "Image 1 .* no “file_name”"),
        ({"images": [], "annotations": [{"id": 1, "image_id": 9, "bbox": [1, 2, 3, 4]}]}, "an image 9 that is not"),
        ({"images": [], "annotations": [{"id": 1, "image_id": 9, "bbox": [1, 2]}]}, "Annotation 1 "),
        ({"images": [], "annotations": [{"image_id": 9, "bbox": [1, 2, 3, 4], "who": "a god"}]}, "Annotation 1 "),
    ],
)
def test_a_broken_coco_file_is_said_to_be_one(coco, content, sentence):
    with pytest.raises(BadLabels, match=sentence):
        list(FORMATS["coco"].read(coco(**content)))


@pytest.mark.parametrize(("format_name", "data"), [("coco", b"\xff{"), ("parquet", b"PK"), ("parquet", b"")])
def test_what_is_no_such_file_is_said(tmp_path, format_name, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(BadLabels, match="file is no"):
        list(FORMATS[format_name].read(path))


# The command


def test_the_command_imports_and_counts(small_set, freeze_now, file_of, elsewhere, capsys):
    version = freeze_now(small_set)
    copy_photos(small_set, elsewhere)
    path = file_of(version, "coco")
    call_command("import", elsewhere.slug, "coco", str(path), "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out)["new"] == version.statistics["faces"]
    assert labels(elsewhere) == []
    call_command("import", elsewhere.slug, "coco", str(path), "--json")
    assert json.loads(capsys.readouterr().out)["faces"] == version.statistics["faces"]
    assert labels(elsewhere) == labels(small_set)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere", "coco", "x"], "There is no project"),
        (["{slug}", "pickle", "x"], "no format Facet reads"),
        (["{slug}", "coco", "/nowhere.json"], "There is no file"),
    ],
)
def test_the_command_says_what_is_wrong(project, words, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("import", *[word.format(slug=project.slug) for word in words])


def test_people_of_a_file_get_class_ids_of_their_own(project, add_photo):
    get_or_create_identity(project, "Somebody")
    import_labels(project, [photo_of(add_photo(project, "a"), named("Ann"))])
    assert project.identities.get(name="Ann").class_id == project.identities.get(name="Somebody").class_id + 1
