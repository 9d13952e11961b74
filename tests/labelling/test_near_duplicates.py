"""Photos that are nearly the same are found, kept in groups, and shown."""

import os
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image as Picture

import labelling.near_duplicates as near_duplicates
from jobs.enqueue import enqueue
from jobs.errors import LostLease, TryLater
from jobs.models import Job, State
from jobs.work import perform
from labelling.hash_pairs import BITS, Groups, alike
from labelling.ingest import ingest_photo
from labelling.models import Image
from labelling.near_duplicates import KIND, LEAST_SHARPNESS, group_near_duplicates
from labelling.photos import read_photo
from labelling.projects import create_project
from tests.conftest import picture_bytes
from tests.labelling.test_photos import encoded

REPO = Path(__file__).resolve().parents[2]
FACES = Path(os.environ.get("FACET_DATA") or REPO.parent / "shared" / "data") / "faces"


def hashes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def flipped(value: int, *bits: int) -> int:
    for bit in bits:
        value ^= 1 << bit
    return value


def pairs(values: np.ndarray, asked=None) -> set[tuple[int, int]]:
    asked = np.arange(len(values)) if asked is None else np.array(asked)
    return {tuple(sorted(pair)) for one, other in alike(values, asked) for pair in zip(one, other, strict=True)}


def signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


@pytest.fixture
def add(project):
    """Photos with these hashes; their bytes play no part here."""
    import labelling.tasks  # noqa: F401  (registers the handlers)

    def make(*values: int, project=project, sharpness: float = 100.0) -> list[int]:
        rows = [
            Image(
                project=project, sha256=uuid4().hex * 2, name="a.jpg", byte_size=1, format="JPEG", width=4, height=3,
                phash=signed(int(value)), sharpness=sharpness, brightness=0,
            )
            for value in values
        ]  # fmt: skip
        return [image.pk for image in Image.objects.bulk_create(rows)]

    return make


def one_round(project) -> Job:
    job = enqueue(KIND, title="x", project_id=project.pk)
    perform(job.pk)
    job.refresh_from_db()
    assert job.state == State.DONE, job.message
    return job


def groups_of(project) -> dict[int, int | None]:
    return dict(Image.objects.filter(project=project).values_list("pk", "near_group"))


def test_all_pairs_within_the_limit_are_found_wherever_their_bits_differ():
    values = hashes(300)
    rng = np.random.default_rng(1)
    for place in range(0, 200, 2):
        bits = rng.choice(64, size=int(rng.integers(0, 7)), replace=False)
        values[place + 1] = flipped(int(values[place]), *map(int, bits))
    wanted = {
        (one, other)
        for one in range(len(values))
        for other in range(one + 1, len(values))
        if int(values[one] ^ values[other]).bit_count() <= BITS
    }
    assert len(wanted) > 50
    assert pairs(values) == wanted
    asked = [3, 100, 101, 299]
    assert pairs(values, asked) == {pair for pair in wanted if set(pair) & set(asked)}


def test_few_are_compared_at_a_time(monkeypatch):
    values = np.repeat(hashes(2), 40)
    whole = pairs(values)
    monkeypatch.setattr("labelling.hash_pairs.BLOCK", 50)
    assert pairs(values) == whole
    assert pairs(hashes(0)) == set()


def test_groups_are_named_by_their_smallest_member_however_they_were_joined():
    groups = Groups(1000)
    order = np.random.default_rng(2).permutation(499)
    for some in np.array_split(order, 7):
        groups.join(some * 2 + 2, some * 2)  # all even places, one to the next
    groups.join(np.array([1, 3, 3, 5]), np.array([3, 1, 5, 7]))
    names = groups.names()
    assert set(names[::2]) == {0}
    assert list(names[1:9:2]) == [1, 1, 1, 1]
    assert names[9] == 9


def test_photos_that_are_nearly_the_same_make_a_group(project, add):
    value, other = map(int, hashes(2))
    first, second, third, alone = add(value, flipped(value, 0, 20), flipped(value, 0, 20, 40, 63, 62), other)
    result = one_round(project).result
    assert groups_of(project) == {first: first, second: first, third: first, alone: None}
    assert result["photos"] == 3


def test_six_bits_are_another_photo(project, add):
    value = int(hashes(1)[0])
    add(value, flipped(value, 1, 12, 25, 38, 51, 60))
    one_round(project)
    assert set(groups_of(project).values()) == {None}


def test_a_photo_between_two_groups_makes_one_of_them(project, add):
    value = int(hashes(1)[0])
    far = flipped(value, 1, 2, 3, 4, 5, 6)
    left, right = add(value, value), add(far, far)
    one_round(project)
    assert set(groups_of(project).values()) == {left[0], right[0]}
    (between,) = add(flipped(value, 1, 2, 3))
    one_round(project)
    assert groups_of(project) == dict.fromkeys([*left, *right, between], left[0])


def test_pictures_of_one_colour_are_no_group(project):
    for number, colour in enumerate(["black", "black", "white", "#808080", "#818181", "red"]):
        size = (80 + number, 60)
        assert ingest_photo(project, "flat.png", encoded(Picture.new("RGB", size, colour), "PNG")).status == "created"
    assert all(sharpness < LEAST_SHARPNESS for sharpness in Image.objects.values_list("sharpness", flat=True))
    one_round(project)
    assert set(groups_of(project).values()) == {None}


def test_projects_know_nothing_of_each_others_photos(project, owner, add):
    other = create_project("Another house", by=owner)
    value = int(hashes(1)[0])
    add(value), add(value, project=other)
    one_round(project), one_round(other)
    assert set(Image.objects.values_list("near_group", flat=True)) == {None}


def test_only_new_photos_are_compared(project, add, monkeypatch):
    monkeypatch.setattr(near_duplicates, "SETTLED_AFTER", near_duplicates.SETTLED_AFTER * 0)
    compared = []

    def counting(values, asked):
        compared.append(len(asked))
        return alike(values, asked)

    monkeypatch.setattr(near_duplicates, "alike", counting)
    values = hashes(30)
    add(*values[:20])
    one_round(project)
    last = add(*values[20:], flipped(int(values[3]), 5))[-1]
    job = one_round(project)
    assert compared == [20, 11]
    assert job.result["upto"] == last
    assert groups_of(project)[last] == Image.objects.order_by("pk")[3].pk


def test_a_photo_whose_row_showed_up_late_is_still_compared(project, add):
    """Numbers are drawn before rows are seen: the newest ones are looked at again."""
    value = int(hashes(1)[0])
    first, late, last = add(value, value, int(hashes(2)[1]))
    Image.objects.filter(pk=late).delete()
    one_round(project)
    image = Image.objects.get(pk=first)
    image.pk, image.sha256 = late, "f" * 64
    image.save(force_insert=True)
    one_round(project)
    assert groups_of(project) == {first: first, late: first, last: None}


def test_what_a_killed_round_wrote_is_finished_by_the_next(project, add, monkeypatch):
    value = int(hashes(1)[0])
    far = flipped(value, 1, 2, 3, 4, 5, 6)
    left, right = add(value, value), add(far, far, far, far)
    one_round(project)
    add(flipped(value, 1, 2, 3))
    monkeypatch.setattr(near_duplicates, "WRITTEN_AT_ONCE", 2)
    write, calls = near_duplicates._write, []

    def killed(*args):
        calls.append(args)
        if len(calls) > 1:
            raise LostLease
        write(*args)

    monkeypatch.setattr(near_duplicates, "_write", killed)
    perform(enqueue(KIND, title="x", project_id=project.pk).pk)
    assert len(set(groups_of(project).values())) > 1
    monkeypatch.setattr(near_duplicates, "_write", write)
    Image.objects.filter(near_group=None).update(phash=int(hashes(1, seed=5)[0] >> np.uint64(1)))  # the link is gone
    one_round(project)
    assert {groups_of(project)[pk] for pk in [*left, *right]} == {left[0]}


def test_two_rounds_that_meet_write_nothing_wrong(project, add):
    value = int(hashes(1)[0])
    first, second = add(value, value)
    ids = np.array([first, second])
    Image.objects.filter(pk=second).update(near_group=second)
    with pytest.raises(TryLater):
        near_duplicates._write(ids, np.array([0, 0]), ids)
    assert groups_of(project) == {first: None, second: second}


def test_new_photos_ask_for_a_round(project, photo_bytes):
    ingest_photo(project, "a.jpg", photo_bytes(1))
    assert Job.objects.filter(kind=KIND, project_id=project.pk, state=State.QUEUED).count() == 1


def test_one_photo_saved_twice_is_nearly_the_same(project):
    import labelling.tasks  # noqa: F401

    for name, data in {"a": picture_bytes(1), "b": picture_bytes(1, quality=40), "c": picture_bytes(2)}.items():
        ingest_photo(project, f"{name}.jpg", data)
    one_round(project)
    groups = list(Image.objects.order_by("pk").values_list("near_group", flat=True))
    assert groups[0] is not None
    assert groups == [groups[0], groups[0], None]


@pytest.mark.skipif(not FACES.is_dir(), reason="FACET_DATA names no folder of real photos")
def test_of_real_portraits_only_those_of_one_moment_are_nearly_the_same():
    twice = [
        ("Ari_Fleischer", 6, 11),
        ("George_W_Bush", 130, 206),
        ("Serena_Williams", 29, 31),
        ("Ron_Dittemore", 2, 4),
    ]
    for person, one, other in twice:
        first, second = (read(person, number) for number in (one, other))
        assert (first ^ second).bit_count() <= BITS, person
    portraits = [read("George_W_Bush", number) for number in range(1, 61)]
    near = {
        (one + 1, other + 1)
        for one in range(60)
        for other in range(one + 1, 60)
        if (portraits[one] ^ portraits[other]).bit_count() <= BITS
    }
    assert near == {(16, 39)}


def read(person: str, number: int) -> int:
    return read_photo((FACES / person / f"{person}_{number:04}.jpg").read_bytes()).phash & (2**64 - 1)


def test_the_list_narrows_to_photos_that_are_nearly_the_same(project, annotator, stranger, client_for, api_for, add):
    value, other = map(int, hashes(2))
    first, second, alone = add(value, value, other)
    one_round(project)
    client, url = client_for(annotator), reverse("images", args=[project.slug])
    text = client.get(url).text
    assert text.count("near-duplicate</span>") == 2
    assert shown(client.get(url, {"near": "any"})) == [second, first]
    assert shown(client.get(url, {"near": first})) == [second, first]
    assert shown(client.get(url, {"near": alone})) == []
    assert "field__error" in client.get(url, {"near": "²"}).text
    listed = api_for(annotator).get(reverse("api-images", args=[project.slug]), {"near": second}).json()["results"]
    assert {image["id"] for image in listed} == {first, second}
    assert api_for(annotator).get(reverse("api-images", args=[project.slug]), {"near": "x"}).status_code == 400
    page = client.get(reverse("image-history", args=[project.slug, first])).text
    assert "1 photo nearly the same" in page
    assert "nearly the same" not in client.get(reverse("image-history", args=[project.slug, alone])).text


def shown(answer) -> list[int]:
    return [image.pk for image in answer.context["images"]]


def test_photos_of_another_project_are_no_way_in(project, owner, stranger, client_for, add):
    value = int(hashes(1)[0])
    first, _ = add(value, value)
    one_round(project)
    mine = create_project("Mine", by=stranger)
    add(value, value, project=mine)
    answer = client_for(stranger).get(reverse("images", args=[mine.slug]), {"near": first})
    assert shown(answer) == []


def test_the_round_asks_few_questions(project, add, django_assert_max_num_queries):
    value = int(hashes(1)[0])
    add(*hashes(500), value)
    job = enqueue(KIND, title="x", project_id=project.pk)
    from jobs.work import claim

    work = claim(job.pk)
    with django_assert_max_num_queries(25):
        group_near_duplicates(project.pk, work)
