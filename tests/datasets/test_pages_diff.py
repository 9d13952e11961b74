"""The page about what changed between two versions: every state it can be in, and who sees it."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from datasets.comparisons import comparison_of
from datasets.models import Comparison, Version
from jobs.work import perform
from labelling import storage
from labelling.identities import rename_identity
from labelling.loop import loop_steps
from labelling.merge import merge_people
from labelling.models import Face, Identity, Image
from labelling.split import split_person


@pytest.fixture
def two(project, add_photo, freeze_now, owner):
    """Ben was merged into Ana, Dana split off from Cem, Eva renamed; a box grew, a photo went and one came."""
    for name, count in (("Ana", 4), ("Ben", 3), ("Cem", 4), ("Eva", 2)):
        for number in range(count):
            add_photo(project, f"{name}-{number}", [name])
    old = freeze_now(project)
    ana, ben, cem, eva = (Identity.objects.get(project=project, name=name) for name in ("Ana", "Ben", "Cem", "Eva"))
    merge_people(ben, ana, by=owner, event_id=uuid4())
    split_person(cem, [face.pk for face in cem.faces.all()[:2]], to="Dana", by=owner, event_id=uuid4())
    rename_identity(eva, "Eva <b>Ek</b>", by=owner, event_id=uuid4())
    Face.objects.filter(pk=ana.faces.first().pk).update(h=100)
    Image.objects.get(project=project, name="Cem-3.jpg").delete()
    add_photo(project, "late", ["Ana", None])
    return old, freeze_now(project)


@pytest.fixture
def compared(two):
    perform(comparison_of(*two).job_id)
    return Comparison.objects.get()


def url_of(old: Version, new: Version) -> str:
    return reverse("version-diff", args=[new.project.slug, new.number, old.number])


def words(answer) -> str:
    return " ".join(answer.content.decode().split())


def shown(answer) -> list[tuple]:
    return [(item.old_words, item.new_words) for item in answer.context["items"]]


def test_first_it_shows_progress_and_then_what_changed(two, annotator, client_for):
    client, url = client_for(annotator), url_of(*two)
    waiting = client.get(url)
    assert "Compare version 2 with 1" in words(waiting)
    assert "reload_when_done.js" in words(waiting)
    client.get(url)
    perform(Comparison.objects.get().job_id)
    done = client.get(url)
    assert "What changed from version 1 to version 2" in words(done)
    assert done.context["kind"] == "person_merged"
    assert shown(done) == [("Ben", "Ana")]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("person_split", {("Cem", "Dana")}),
        ("person_renamed", {("Eva", "Eva <b>Ek</b>")}),
        ("person_gone", {("Ben", "")}),
        ("face_moved", {("Ben", "Ana"), ("Cem", "Dana")}),
        ("face_added", {("", "Ana"), ("", "not named yet")}),
        ("face_removed", {("Cem", "")}),
        ("box_changed", {("Ana", "Ana")}),
    ],
)
def test_each_kind_has_its_list(kind, expected, compared, two, annotator, client_for):
    answer = client_for(annotator).get(url_of(*two), {"kind": kind})
    assert set(shown(answer)) == expected
    assert len(shown(answer)) == compared.summary["counts"][kind]
    assert "<b>Ek" not in answer.content.decode()


def test_faces_come_as_crops_that_open_in_label_and_gone_ones_as_a_placeholder(compared, two, annotator, client_for):
    client, url = client_for(annotator), url_of(*two)
    moved = client.get(url, {"kind": "face_moved"})
    face = moved.context["items"][0].face
    assert reverse("crop", args=[face.pk, face.box_key]) in words(moved)
    assert f"{reverse('label', args=[two[0].project.slug])}?image={face.image_id}" in words(moved)
    removed = words(client.get(url, {"kind": "face_removed"}))
    assert "gone from the project" in removed
    assert "Cem-3.jpg" in removed
    assert "/label/?image=" not in removed
    photos = words(client.get(url, {"kind": "photo_removed"}))
    assert "gone from the project" in photos


def test_a_changed_box_is_drawn_as_it_was_and_as_it_is(compared, two, annotator, client_for):
    page = words(client_for(annotator).get(url_of(*two), {"kind": "box_changed"}))
    assert 'width="40.00" height="50.75"' in page
    assert 'width="40.00" height="100.00"' in page
    assert "IoU 0.508" in page  # 50.75 of 100 in height


def test_figures_stand_side_by_side(compared, two, annotator, client_for):
    page = words(client_for(annotator).get(url_of(*two)))
    assert '<th scope="row">People</th> <td class="num">4</td> <td class="num">4</td>' in page
    assert '<th scope="row">Most faces</th> <td class="num">4</td> <td class="num">8</td>' in page


def test_one_person_can_be_looked_at_alone(compared, two, annotator, client_for):
    client, url = client_for(annotator), url_of(*two)
    cem = client.get(url, {"identity": "cem"})
    assert cem.context["kind"] == "person_split"
    counts = {tile.kind: tile.count for group in cem.context["tiles"].values() for tile in group}
    assert (counts["face_moved"], counts["face_removed"], counts["person_merged"]) == (2, 1, 0)
    assert "?kind=face_moved&amp;identity=cem" in words(cem)
    assert set(shown(client.get(url, {"identity": "Cem", "kind": "face_moved"}))) == {("Cem", "Dana")}
    assert "No such change about “Cem”" in words(client.get(url, {"identity": "Cem", "kind": "person_merged"}))
    nobody = client.get(url, {"identity": "<i>Zoe</i>"})
    assert "Nobody is called “&lt;i&gt;Zoe&lt;/i&gt;” in either version." in words(nobody)


def test_long_lists_come_in_pages(compared, two, annotator, client_for, monkeypatch):
    monkeypatch.setattr("datasets.diff_views.PAGE_SIZE", 2)
    client, url = client_for(annotator), url_of(*two)
    pages = [client.get(url, {"kind": "face_moved", "page": number}) for number in (1, 2, 3)]
    assert [page.context["slice"].shown for page in pages] == ["1–2 of 5", "3–4 of 5", "5–5 of 5"]
    faces = [item.row["face_id"] for page in pages for item in page.context["items"]]
    assert len(set(faces)) == 5
    assert pages[0].context["slice"].next_url == "?kind=face_moved&page=2"


def test_what_makes_no_sense_falls_back_to_the_start(compared, two, annotator, client_for):
    answer = client_for(annotator).get(url_of(*two), {"kind": "x; drop", "page": "-1", "identity": "\0"})
    assert answer.status_code == 200
    assert shown(answer) == [("Ben", "Ana")]


def test_the_number_of_questions_is_fixed(compared, two, annotator, client_for, project):
    client, url = client_for(annotator), url_of(*two)

    def queries(**asked) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url, asked).status_code == 200
        return len(captured)

    with CaptureQueriesContext(connection) as strip:
        loop_steps(project)
    # Session, user, project, versions, their tags, and the comparison, with a transaction around it; then the photos
    # and faces of the page, or the people and their portraits.
    found = {kind: queries(kind=kind) - len(strip) for kind in compared.summary["counts"]}
    assert {kind: number for kind, number in found.items() if number > 10} == {}


def test_equal_versions_say_so(project, add_photo, freeze_now, annotator, client_for):
    add_photo(project, "a", ["Ana"])
    page = words(client_for(annotator).get(url_of(freeze_now(project), freeze_now(project))))
    assert "the same content hash" in page
    assert "Before and after" in page


def test_a_broken_version_is_said_and_compared_again_by_a_button(two, annotator, client_for):
    old, new = two
    client, url = client_for(annotator), url_of(old, new)
    frozen = storage.get(old.key("images"))
    storage.put(old.key("images"), b"damaged")
    client.get(url)
    perform(Comparison.objects.get().job_id)
    assert "images.parquet of version 1 of Lobby cameras is not the file that was frozen." in words(client.get(url))
    storage.put(old.key("images"), frozen)
    assert client.post(url).status_code == 302
    perform(Comparison.objects.get().job_id)
    assert client.get(url).context["kind"] == "person_merged"


def test_a_lost_list_is_said_and_worked_out_anew(compared, two, annotator, client_for):
    storage.delete(compared.key)
    client, url = client_for(annotator), url_of(*two)
    assert "The list of what changed is gone from the object store." in words(client.get(url))
    client.post(url)
    perform(Comparison.objects.get().job_id)
    assert shown(client.get(url)) == [("Ben", "Ana")]


def test_a_version_that_is_not_ready_is_said(two, annotator, client_for):
    old, new = two
    late = Version.objects.create(project=new.project, number=3, parent=new)
    page = words(client_for(annotator).get(url_of(old, late)))
    assert "Version 3 is being frozen; compare it once it is ready." in page
    assert not Comparison.objects.exists()


def test_strangers_and_guests_see_nothing(compared, two, stranger, client, client_for):
    url, choose = url_of(*two), reverse("version-compare", args=[two[1].project.slug, 2])
    for address in (url, choose):
        assert client_for(stranger).get(address).status_code == 404
        assert client.get(address).status_code == 302
    assert client_for(stranger).post(url).status_code == 404
    assert client_for(stranger).get(reverse("version-diff", args=[two[1].project.slug, 2, 9])).status_code == 404


def test_a_version_leads_to_its_comparison_with_any_other(two, owner, client_for):
    old, new = two
    client, slug = client_for(owner), new.project.slug
    page = words(client.get(reverse("version", args=[slug, 2])))
    assert '<option value="1" selected>version 1</option>' in page
    choose = reverse("version-compare", args=[slug, 2])
    assert client.get(choose, {"against": 1})["Location"] == url_of(old, new)
    assert client.get(choose)["Location"] == url_of(old, new)
    assert client.get(reverse("version-compare", args=[slug, 1]))["Location"] == reverse("version", args=[slug, 1])
    assert client.get(reverse("version-compare", args=[slug, 9])).status_code == 404
    assert url_of(old, new) in words(client.get(reverse("versions", args=[slug])))
