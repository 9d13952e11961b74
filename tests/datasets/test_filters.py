"""Freezing only some of it: what passes, what is counted as left out, and that nothing asked for changes nothing."""

import json
from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from datasets.filters import Filters, in_words, left_out, read_filters, what_passes
from datasets.freeze import start_freeze
from datasets.manifest import read_table
from datasets.models import Version
from labelling.errors import Refused
from labelling.identities import get_or_create_identity
from labelling.models import Face, Identity, Image, ImageState, Who

TODAY = date(2026, 5, 20)


@pytest.fixture
def mixed(project, add_photo):
    """Ana and Ben in two sessions, a stranger, faces without a name, a photo without faces."""
    for number in range(3):
        add_photo(project, f"ana-{number}", ["Ana"], session="hall")
        add_photo(project, f"ben-{number}", ["Ben"], session="yard")
    add_photo(project, "both", ["Ana", "Ben"], session="hall")
    add_photo(project, "stranger", [None], who=Who.UNKNOWN)
    add_photo(project, "unnamed", [None, "Ana"])
    add_photo(project, "empty")
    return project


@pytest.fixture
def frozen(mixed, freeze_now):
    """Names of the photos, and people of the faces, that a version with these filters holds."""

    def freeze(**asked):
        version = freeze_now(mixed, filters=read_filters(mixed, asked, today=TODAY))
        names = read_table(version, "images")["name"].to_pylist()
        people = read_table(version, "faces")["identity"].to_pylist()
        _adds_up(mixed, version)
        return sorted(name.removesuffix(".jpg") for name in names), sorted(str(person) for person in people)

    return freeze


def _adds_up(project, version) -> None:
    """All that was confirmed is in the version, or counted once as left out; and the preview had said so."""
    figures, filters = version.statistics, Filters.from_dict(version.filters)
    rows = figures["left_out"].get("filters", [])
    assert figures["faces"] + sum(row["faces"] for row in rows) == Face.objects.filter(project=project).count()
    assert figures["images"] + sum(row["photos"] for row in rows) == Image.objects.filter(project=project).count()
    counts = {"faces": figures["faces"], "photos": figures["images"], "people": figures["identities"]}
    assert what_passes(project.pk, filters) == counts


def test_nothing_asked_for_gives_the_same_bytes_and_hash(mixed, freeze_now):
    plain, asked = freeze_now(mixed), freeze_now(mixed, filters=read_filters(mixed, {"who": []}, today=TODAY))
    assert asked.filters == {}
    assert (asked.content_hash, asked.faces_sha256) == (plain.content_hash, plain.faces_sha256)
    assert asked.statistics == plain.statistics


def test_only_some_people_bring_only_their_photos(frozen):
    assert frozen(people=["ben"]) == (["ben-0", "ben-1", "ben-2", "both"], ["Ben"] * 4)


def test_a_photo_of_which_no_face_is_left_is_left_out(frozen):
    photos, people = frozen(not_people=["Ana"])
    assert photos == ["ben-0", "ben-1", "ben-2", "both", "empty", "stranger", "unnamed"]
    assert people == ["Ben"] * 4 + ["None"] * 2


def test_only_some_kinds_of_faces(frozen):
    photos, people = frozen(who=["assigned"])
    assert "stranger" not in photos
    assert "empty" in photos
    assert people == ["Ana"] * 5 + ["Ben"] * 4


def test_sessions_wanted_and_left_out(frozen):
    assert frozen(sessions=["hall"])[0] == ["ana-0", "ana-1", "ana-2", "both"]
    assert frozen(not_sessions=["hall"])[0] == ["ben-0", "ben-1", "ben-2", "empty", "stranger", "unnamed"]


def test_days_are_included_on_both_sides_and_photos_without_a_date_are_not(mixed, frozen):
    moments = ["2026-05-01T23:59:59", "2026-05-02T00:00:00", "2026-05-03T23:59:59", "2026-05-04T00:00:00"]
    for name, moment in zip(("ana-0", "ana-1", "ben-1", "ben-2"), moments, strict=True):
        taken = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        Image.objects.filter(name=f"{name}.jpg").update(taken_at=taken)
    assert frozen(taken_from=date(2026, 5, 2), taken_to=date(2026, 5, 3))[0] == ["ana-1", "ben-1"]
    assert frozen(taken_from=date(2026, 5, 2))[0] == ["ana-1", "ben-1", "ben-2"]
    assert frozen(taken_to=date(2026, 5, 1))[0] == ["ana-0"]


def test_quality_of_photos_and_faces(mixed, frozen):
    Image.objects.filter(name="ana-0.jpg").update(sharpness=0.5, brightness=20)
    Image.objects.filter(name="ana-1.jpg").update(brightness=240)
    Face.objects.filter(image__name="ben-0.jpg").update(h=19.5)
    assert "ana-0" not in frozen(min_sharpness=0.6)[0]
    photos = frozen(min_brightness=30.0, max_brightness=200.0)[0]
    assert not {"ana-0", "ana-1"} & set(photos)
    assert "ben-0" not in frozen(min_face=19.6)[0]
    assert "ben-0" in frozen(min_face=19.5)[0]


@pytest.mark.parametrize(
    ("consent", "is_in"),
    [
        ({}, False),
        ({"consent_basis": "signed"}, True),
        ({"consent_date": TODAY}, True),
        ({"consent_date": date(2026, 5, 21)}, False),
        ({"consent_basis": "signed", "consent_expiry": TODAY}, True),
        ({"consent_basis": "signed", "consent_expiry": date(2026, 5, 19)}, False),
    ],
)
def test_only_people_whose_consent_runs(consent, is_in, mixed, frozen):
    Identity.objects.filter(name="Ana").update(consent_basis="form 12")
    Identity.objects.filter(name="Ben").update(**consent)
    people = frozen(consent=True)[1]
    assert ("Ben" in people) is is_in
    assert "None" not in people


def test_what_several_filters_leave_out_is_counted_once_under_the_first(mixed):
    counted = left_out(mixed.pk, read_filters(mixed, {"sessions": ["hall"], "people": ["Ana"]}, today=TODAY))
    rows = {row["filter"]: (row["faces"], row["photos"]) for row in counted["filters"]}
    assert rows == {"sessions": (6, 6), "people": (1, 0)}
    assert counted["filtered_people"] == 1


def test_no_face_left_is_refused_before_a_version_is_made(mixed):
    with pytest.raises(Refused, match="No confirmed face passes"):
        start_freeze(mixed, filters=Filters(min_face=500))
    assert not Version.objects.exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"people": ["Zoe"]}, "Nobody is called “Zoe”"),
        ({"sessions": ["attic"]}, "no capture session “attic”"),
        ({"people": ["Ana"], "not_people": ["ANA"]}, "“Ana” is both"),
        ({"sessions": ["hall"], "not_sessions": ["hall"]}, "session “hall” is both"),
        ({"min_brightness": 9, "max_brightness": 8}, "above the most"),
        ({"taken_from": date(2026, 1, 2), "taken_to": date(2026, 1, 1)}, "is after"),
        ({"people": [str(number) for number in range(501)]}, "At most 500"),
    ],
)
def test_filters_that_make_no_sense_are_refused_in_words(asked, words, mixed):
    with pytest.raises(Refused, match=words):
        read_filters(mixed, asked, today=TODAY)


def test_people_are_kept_by_class_id_and_told_by_name(mixed):
    ana = get_or_create_identity(mixed, "Ana")
    filters = read_filters(mixed, {"people": [str(ana.class_id)], "taken_from": TODAY}, today=TODAY)
    assert filters.as_dict() == {
        "people": [ana.class_id], "names": {str(ana.class_id): "Ana"}, "taken_from": "2026-05-20",
    }  # fmt: skip
    assert Filters.from_dict(json.loads(json.dumps(filters.as_dict()))) == filters
    assert in_words(filters) == ["only Ana", "taken on 2026-05-20 or later"]


def test_a_photo_that_nobody_is_done_with_comes_by_its_confirmed_faces_alone(mixed, frozen):
    Image.objects.filter(name__in=["ana-0.jpg", "empty.jpg"]).update(state=ImageState.PROPOSED)
    Image.objects.filter(name="empty.jpg").delete()
    assert "ana-0" in frozen(people=["Ana"])[0]


def test_filters_over_the_api(mixed, engineer, api_for):
    api, url = api_for(engineer), f"/api/v1/projects/{mixed.slug}/versions/"
    made = api.post(url, {"filters": {"people": ["Ana"], "who": ["assigned"]}}, format="json").json()
    assert made["filters"]["who"] == ["assigned"]
    assert list(made["filters"]["names"].values()) == ["Ana"]
    for wrong in ({"peple": ["Ana"]}, {"people": ["Zoe"]}, {"min_face": -1}, {"who": ["nobody"]}):
        assert api.post(url, {"filters": wrong}, format="json").status_code == 400
    assert Version.objects.count() == 1


def test_filters_of_the_command(mixed):
    for words, what in (
        (["--only-person", "Zoe"], "Nobody is called “Zoe”"),
        (["--min-face", "500"], "No confirmed face passes"),
        (["--who", "nobody"], "invalid choice"),
    ):
        with pytest.raises(CommandError, match=what):
            call_command("freeze", mixed.slug, *words)
    assert not Version.objects.exists()


def test_the_form_previews_what_would_be_in(mixed, engineer, reviewer, client_for):
    url = reverse("freeze-preview", args=[mixed.slug])

    def preview(**asked) -> str:
        return " ".join(client_for(engineer).get(url, asked).content.decode().replace("strong>", ">").split())

    assert "4</> faces in <>4</> photos of <>1</> person would be in" in preview(people="Ben")
    assert "other people (7 faces, 1 photo)" in preview(people="Ben")
    assert "Nobody is called “Zoe”" in preview(people="Ben\nZoe")
    assert "Least face, pixels: Ensure this value" in preview(min_face="-1")
    assert "No face passes" in preview(min_face="900")
    assert client_for(reviewer).get(url).status_code == 403


def test_the_page_says_what_was_left_out_by_which_filter(mixed, freeze_now, engineer, client_for):
    version = freeze_now(mixed, filters=read_filters(mixed, {"people": ["Ben"], "min_face": 5.0}, today=TODAY))
    page = " ".join(client_for(engineer).get(reverse("version", args=[mixed.slug, version.number])).text.split())
    assert "faces of 5 pixels or more; only Ben." in page
    assert "1 person is in no face of this version" in page


def test_a_form_that_was_refused_shows_its_filters_again(mixed, engineer, client_for):
    asked = {"train": 60, "val": 20, "test": 20, "seed": 1, "people": "Zoe"}
    page = client_for(engineer).post(reverse("versions", args=[mixed.slug]), asked).text
    assert "<details open>" in page
    assert "Nobody is called “Zoe”" in page
    assert not Version.objects.exists()
