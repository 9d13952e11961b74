"""facet diff PROJECT A B: what it prints, and what it ends with when there is nothing to compare."""

import json
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from labelling import storage
from labelling.identities import rename_identity
from labelling.merge import merge_people
from labelling.models import Face, Identity


@pytest.fixture
def two_versions(small_set, freeze_now, owner):
    """Between the two Ben was merged into Ana, Cem was renamed, and a box of Cem's made smaller."""
    freeze_now(small_set)
    ana, ben, cem = (Identity.objects.get(project=small_set, name=name) for name in ("Ana", "Ben", "Cem"))
    merge_people(ben, ana, by=owner, event_id=uuid4(), allow_twice=True)
    rename_identity(cem, "Cem Ay", by=owner, event_id=uuid4())
    Face.objects.filter(pk=cem.faces.first().pk).update(w=20)
    freeze_now(small_set)
    return small_set


def said(capsys, *arguments) -> str:
    call_command("diff", *map(str, arguments))
    return capsys.readouterr().out


def test_it_reads_well_in_a_terminal(two_versions, capsys):
    text = said(capsys, two_versions.slug, 1, 2)
    assert "lobby-cameras: from version 1 to version 2" in text
    assert "people                    3          2  -1" in text
    assert "People merged: 1\n  Ben → Ana (5 faces)" in text
    assert "People renamed: 1\n  Cem → Cem Ay (2 faces)" in text
    assert "Faces that are somebody else: 5\n  Ben → Ana · " in text
    assert "Boxes changed: 1 (IoU 0.500 on average, 0.500 at least)\n  Cem Ay, IoU 0.500 · Cem-" in text


def test_json_comes_last_and_counts_are_exact_whatever_is_listed(two_versions, capsys):
    answer = json.loads(said(capsys, two_versions.slug, 1, 2, "--json", "--limit", 2).splitlines()[-1])
    assert answer["counts"]["face_moved"] == 5
    assert len(answer["changes"]["face_moved"]) == 2
    first = answer["changes"]["face_moved"][0]
    assert (first["old"]["name"], first["new"]["name"]) == ("Ben", "Ana")
    assert answer["imbalance"]["old"]["people"] == 3
    assert answer["imbalance"]["new"]["people"] == 2
    assert answer["is_equal"] is False


def test_equal_versions_are_told_without_being_read(small_set, freeze_now, capsys):
    first, second = freeze_now(small_set), freeze_now(small_set)
    assert first.content_hash == second.content_hash
    storage.delete(first.key("faces"))
    assert "No difference: both versions have the same content hash." in said(capsys, small_set.slug, 1, 2)


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("nowhere", 1, 2), "There is no project “nowhere”", 2),
        (("lobby-cameras", 1, 9), "“lobby-cameras” has no version 9.", 2),
        (("lobby-cameras", 1, 1), "Version 1 is compared with itself", 1),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(small_set, freeze_now, arguments, words, code):
    freeze_now(small_set)
    with pytest.raises(CommandError, match=words) as refused:
        call_command("diff", *map(str, arguments))
    assert refused.value.returncode == code


def test_a_damaged_version_is_said(two_versions):
    storage.put(two_versions.versions.get(number=1).key("faces"), b"something else")
    with pytest.raises(CommandError, match=r"is not the file that was frozen\. Nothing was compared"):
        call_command("diff", two_versions.slug, "1", "2")
