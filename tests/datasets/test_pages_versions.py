"""Pages about versions: who may do what, what they say, and that they stay quick."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from datasets.imbalance import imbalance
from datasets.models import Export, Tag, TagMove, Version, VersionState
from jobs.models import Job
from labelling.loop import loop_steps
from labelling.models import Face, FaceState, Image, ImageState
from labelling.projects import create_project

HX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "people"}


@pytest.fixture
def make_version(project):
    """A ready version as its row alone: pages read nothing else."""

    def make(people=(("Ana", 6, 2, 2), ("Ben", 1, 0, 1)), project=project, tag="", **fields):
        rows = [
            {
                "name": name,
                "class_id": number,
                "faces": sum(counts),
                **dict(zip(("train", "val", "test"), counts, strict=True)),
            }
            for number, (name, *counts) in enumerate(people)
        ]
        faces = {split: sum(row[split] for row in rows) for split in ("train", "val", "test")}
        total = sum(faces.values())
        statistics = {
            "images": total + 1,
            "faces": total,
            "identities": len(rows),
            "who": {"assigned": total},
            "splits": {split: {"images": count, "faces": count} for split, count in faces.items()},
            "imbalance": imbalance([row["faces"] for row in rows]),
            "people": rows,
            "left_out": {"proposed_faces": 3, "unnamed_faces": 0},
        }
        number = Version.objects.filter(project=project).count() + 1
        ready = {
            "state": VersionState.READY, "content_hash": f"{number:064x}", "statistics": statistics,
            "split_policy": {"train": 0.6, "val": 0.2, "test": 0.2, "seed": 1, "by_session": True},
            "frozen_at": timezone.now(),
        }  # fmt: skip
        version = Version.objects.create(project=project, number=number, **(ready | fields))
        if tag:
            Tag.objects.create(project=project, name=tag, version=version)
        return version

    return make


@pytest.fixture
def confirmed(project):
    """One photo with a confirmed face and a proposed one."""
    image = Image.objects.create(
        project=project, sha256="a" * 64, name="a.jpg", byte_size=1, format="JPEG", width=100, height=100, phash=0,
        sharpness=1, brightness=1, state=ImageState.PROPOSED,
    )  # fmt: skip
    for x, state in ((1, FaceState.CONFIRMED), (50, FaceState.PROPOSED)):
        Face.objects.create(
            project=project, image=image, x=x, y=1, w=20, h=20, image_w=100, image_h=100, origin="human", state=state
        )
    return image


def list_url(project):
    return reverse("versions", args=[project.slug])


def page_url(version):
    return reverse("version", args=[version.project.slug, version.number])


FREEZE = {
    "note": "first",
    "tag": "",
    "train": 70,
    "val": 10,
    "test": 20,
    "seed": 5,
    "by_session": "on",
    "by_likeness": "on",
    "sticky": "on",
}


def test_an_engineer_freezes_from_the_page(confirmed, project, engineer, client_for):
    answer = client_for(engineer).post(list_url(project), FREEZE)
    version = Version.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == page_url(version)
    assert version.split_policy == {
        "train": 0.7, "val": 0.1, "test": 0.2, "seed": 5, "by_session": True, "by_likeness": True, "sticky": True,
    }  # fmt: skip
    assert (version.note, version.created_by) == ("first", engineer)
    assert version.job.kind == "freeze"


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_members_below_engineer_look_and_are_told_why_not_more(role, confirmed, make_version, request, client_for):
    version = make_version()
    client = client_for(request.getfixturevalue(role))
    page = client.get(list_url(version.project)).content.decode()
    assert f"{role} here. Freezing is for engineers and owners" in page
    assert 'name="seed"' not in page
    assert client.post(list_url(version.project), FREEZE).status_code == 403
    assert client.get(page_url(version)).status_code == 200
    assert client.post(page_url(version) + "export/", {"format": "coco"}).status_code == 403
    assert not Export.objects.exists()
    assert Version.objects.count() == 1


def test_strangers_see_nothing_and_guests_log_in_first(make_version, stranger, client, client_for):
    version = make_version()
    theirs = create_project("Another house", by=stranger)
    for url in (list_url(version.project), page_url(version)):
        assert client_for(stranger).get(url).status_code == 404
        assert client.get(url).status_code == 302
    assert client_for(stranger).post(list_url(version.project), FREEZE).status_code == 404
    assert client_for(stranger).post(page_url(version) + "export/", {"format": "coco"}).status_code == 404
    assert client_for(stranger).get(reverse("version", args=[theirs.slug, version.number])).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"test": 30}, "add up to 100 %; these add up to 110 %"),
        ({"train": "x"}, "Enter a whole number"),
        ({"seed": ""}, "This field is required"),
        ({"tag": "spring"}, "“spring” is in use"),
        ({"tag": "x" * 61}, "at most 60 characters"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_in_words(wrong, words, confirmed, make_version, engineer, client_for):
    version = make_version(tag="spring")
    page = client_for(engineer).post(list_url(version.project), FREEZE | wrong).content.decode()
    assert words in page
    assert Version.objects.count() == 1


def test_nothing_to_freeze_is_said_and_no_form_is_shown(project, engineer, client_for):
    client = client_for(engineer)
    page = client.get(list_url(project)).content.decode()
    assert "Nothing to freeze yet" in page
    assert 'name="seed"' not in page
    assert "confirm some faces first" in client.post(list_url(project), FREEZE).content.decode()
    assert not Version.objects.exists()


def test_the_list_says_what_would_be_frozen_and_what_left_out(confirmed, project, annotator, client_for):
    page = client_for(annotator).get(list_url(project)).content.decode()
    assert "1 proposed face would be left out" in " ".join(page.split())
    assert "No version yet" in page


def test_versions_in_every_state_are_listed(make_version, engineer, client_for):
    job = Job.objects.create(kind="freeze", title="Freeze version 2", project_id=make_version().project_id)
    make_version(state=VersionState.FREEZING, statistics={}, content_hash="", job=job)
    make_version(state=VersionState.FAILED, statistics={}, content_hash="", message="The disk was full.")
    page = client_for(engineer).get(list_url(Version.objects.first().project)).content.decode()
    assert "Freeze version 2" in page
    assert "The disk was full." in page
    assert f"{1:064x}"[:8] in page


def test_a_page_of_versions_asks_a_fixed_number_of_questions(make_version, project, engineer, client_for):
    client = client_for(engineer)

    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    version, _ = make_version(), make_version()
    with CaptureQueriesContext(connection) as strip:
        loop_steps(project)
    few = queries(list_url(project)), queries(page_url(version))
    for number in range(4):
        TagMove.objects.create(project=project, name="tag", new=make_version(tag=f"tag {number}"), by=engineer)
        TagMove.objects.create(project=project, name="golden", old=version, reason="Because.", by=engineer)
        Export.objects.create(version=version, format="coco")
    assert (queries(list_url(project)), queries(page_url(version))) == few
    # Session, user, project, role asked for and role held; then the versions, three counts, tags and their moves, or
    # the version, those it can be compared with, tags of both, all tags, their moves, its exports, pulls and pairs.
    assert [number - len(strip) for number in few] == [9, 12]


def test_a_version_that_is_being_frozen_shows_its_progress(make_version, engineer, client_for):
    job = Job.objects.create(kind="freeze", title="Freeze version 1", message="Splitting")
    version = make_version(state=VersionState.FREEZING, statistics={}, content_hash="", job=job)
    page = client_for(engineer).get(page_url(version)).content.decode()
    assert "Splitting" in page
    assert "reload_when_done.js" in page


def test_a_version_that_failed_says_why(make_version, engineer, client_for):
    version = make_version(state=VersionState.FAILED, statistics={}, content_hash="", message="The disk was full.")
    page = client_for(engineer).get(page_url(version)).content.decode()
    assert "was not frozen" in page
    assert "The disk was full." in page


def test_the_page_of_a_version_says_what_is_in_it(make_version, engineer, client_for):
    version = make_version()
    page = " ".join(client_for(engineer).get(page_url(version)).content.decode().split())
    assert version.content_hash in page
    assert "3 proposed faces that nobody had confirmed were left out." in page
    assert "5 : 1" in page  # ten faces to two
    assert "The person with most faces has 10, the one with fewest 2." in page
    assert reverse("version-train", args=[version.project.slug, 1]) in page
    assert "pd.read_parquet" in page
    assert version.key("faces") in page


def test_a_version_without_names_has_no_figures_about_people(make_version, engineer, client_for):
    page = client_for(engineer).get(page_url(make_version(people=()))).content.decode()
    assert "Nobody is named in this version." in page
    assert "spread-data" not in page


def test_names_are_never_markup(make_version, engineer, client_for):
    version = make_version(people=[("<script>alert(1)</script>", 3, 1, 1)], note="<b>note</b>")
    for url in (page_url(version), list_url(version.project), page_url(version) + "?q=<script>"):
        page = client_for(engineer).get(url).content.decode()
        assert "<script>alert" not in page
        assert "<b>note" not in page
    assert "&lt;script&gt;alert(1)" in client_for(engineer).get(page_url(version)).content.decode()


@pytest.fixture
def many(make_version):
    return make_version(people=[(f"Person {number:03}", number + 1, 0, number % 3) for number in range(60)])


def names_on(answer) -> list[str]:
    return [person["name"] for person in answer.context["people"].rows]


def test_people_come_in_pages_most_faces_first(many, annotator, client_for):
    client = client_for(annotator)
    first = client.get(page_url(many))
    assert names_on(first)[0] == "Person 059"
    assert first.context["people"].slice.shown == "1–25 of 60"
    last = client.get(page_url(many), {"page": 3})
    assert len(names_on(last)) == 10
    assert last.context["people"].slice.next_url == ""
    assert client.get(page_url(many), {"page": "-4"}).context["people"].slice.start == 0
    assert client.get(page_url(many), {"page": "99999999999"}).context["people"].slice.start == 0
    assert client.get(page_url(many), {"page": "999"}).context["people"].slice.start == 50


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("name", "Person 000"),
        ("-name", "Person 059"),
        ("faces", "Person 000"),
        ("-test", "Person 002"),
        ("x; drop", "Person 059"),
    ],
)
def test_people_are_sorted_as_asked(sort, first, many, annotator, client_for):
    assert names_on(client_for(annotator).get(page_url(many), {"sort": sort}))[0] == first


def test_a_search_answers_with_the_part_that_changes(many, annotator, client_for):
    answer = client_for(annotator).get(page_url(many), {"q": "SON 04"}, **HX)
    page = answer.content.decode()
    assert len(names_on(answer)) == 10
    assert page.lstrip().startswith('<div id="people"')
    assert "<html" not in page
    assert "HX-Request" in answer["Vary"]
    assert "Nobody in this version" in client_for(annotator).get(page_url(many), {"q": "zzz"}, **HX).content.decode()


def test_turning_the_page_keeps_search_and_order(many, annotator, client_for):
    table = client_for(annotator).get(page_url(many), {"q": "person", "sort": "name"}).context["people"]
    assert table.slice.next_url == "?q=person&sort=name&page=2"
    assert [head.direction for head in table.heads][:2] == ["ascending", ""]
    assert table.heads[0].url == "?q=person&sort=-name"
    assert table.heads[1].url == "?q=person&sort=-faces"


def test_an_engineer_exports_from_the_page(make_version, engineer, client_for):
    version = make_version()
    client = client_for(engineer)
    answer = client.post(page_url(version) + "export/", {"format": "coco"}, follow=True)
    assert "The export is being made" in answer.content.decode()
    assert Export.objects.get().created_by == engineer
    assert client.get(page_url(version) + "export/").status_code == 405


def test_exports_that_cannot_be_made_are_refused_in_words(make_version, engineer, client_for):
    version = make_version()
    failed = make_version(state=VersionState.FAILED, statistics={}, content_hash="")
    client = client_for(engineer)
    wrong = client.post(page_url(version) + "export/", {"format": "pickle"}, follow=True)
    assert "Choose one of the formats" in wrong.content.decode()
    unfinished = client.post(page_url(failed) + "export/", {"format": "coco"}, follow=True)
    assert "export it once it is ready" in unfinished.content.decode()
    assert not Export.objects.exists()


def test_only_those_who_may_export_are_shown_the_way_to_the_file(make_version, engineer, annotator, client_for):
    version = make_version()
    export = Export.objects.create(
        version=version, format="coco", state="done", sha256="f" * 64, counts={"images": 13, "faces": 12}
    )
    url = reverse("api-export-download", args=[export.pk])
    assert url in client_for(engineer).get(page_url(version)).content.decode()
    page = client_for(annotator).get(page_url(version)).content.decode()
    assert url not in page
    assert "f" * 16 in page


def test_options_are_asked_on_the_page_and_told_in_the_list(make_version, engineer, client_for):
    version = make_version()
    client = client_for(engineer)
    asked = {"format": "imagefolder", "size": "96", "alignment": "box", "splits": ["train"], "anonymous": "on"}
    client.post(page_url(version) + "export/", asked)
    export = Export.objects.get()
    assert export.options == {"size": 96, "alignment": "box", "splits": ["train"], "anonymous": True}
    Export.objects.filter(pk=export.pk).update(
        state="done", sha256="f" * 64, key="x.zip", counts={"images": 13, "faces": 12},
        files=[{"name": "one.zip", "key": "x.zip", "sha256": "f" * 64, "byte_size": 7, "role": "data"}],
    )  # fmt: skip
    page = client.get(page_url(version)).content.decode()
    assert "only train, pseudonyms, cut out as they lie, 96 px" in page
    assert reverse("api-export-file", args=[export.pk, 0]) in page
    assert "one.zip" in page


def test_an_option_that_a_format_cannot_is_said_beside_what_was_chosen(make_version, engineer, client_for):
    version = make_version()
    answer = client_for(engineer).post(page_url(version) + "export/", {"format": "csv", "people": "classes"})
    page = answer.content.decode()
    assert "csv gives people as attribute" in page
    assert '<option value="csv" selected>' in page
    assert "<details open><summary>Options" in page
    assert not Export.objects.exists()
