"""Tags: where they stand, that they move with a reason, and that nothing moves in passing."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from datasets.freeze import start_freeze
from datasets.models import Tag, TagMove, Version, VersionState
from datasets.tags import NoSuchVersion, move_tag, take_off, version_named
from jobs.steer import request_cancel
from jobs.work import perform
from labelling.errors import Refused
from labelling.projects import create_project


def history(name: str) -> list[tuple]:
    """From and to of each move, oldest first."""
    return list(TagMove.objects.filter(name=name).order_by("pk").values_list("old__number", "new__number"))


def test_latest_moves_by_itself_to_what_is_ready(small_set, freeze_now):
    first = freeze_now(small_set)
    assert version_named(small_set, "latest") == first
    waiting = start_freeze(small_set)
    assert version_named(small_set, "latest") == first
    perform(waiting.job_id)
    assert version_named(small_set, "latest").number == 2
    assert history("latest") == [(None, 1), (1, 2)]


def test_latest_never_goes_back_to_an_earlier_version(small_set):
    slow, quick = start_freeze(small_set), start_freeze(small_set)
    perform(quick.job_id)
    perform(slow.job_id)
    assert Version.objects.get(pk=slow.pk).state == VersionState.READY
    assert version_named(small_set, "latest") == quick


def test_a_tag_moves_with_who_and_why(small_set, freeze_now, engineer):
    first, second = freeze_now(small_set, tag="spring"), freeze_now(small_set)
    move_tag(second, "spring", by=engineer, reason="Fewer doubtful labels.")
    assert version_named(small_set, "spring") == second
    assert first.tag == ""
    assert second.tag == "spring"
    move = TagMove.objects.filter(name="spring").first()
    assert (move.old, move.new, move.by, move.reason) == (first, second, engineer, "Fewer doubtful labels.")


def test_a_tag_that_stands_there_already_does_not_move_again(small_set, freeze_now, engineer):
    version = freeze_now(small_set)
    assert move_tag(version, "best", by=engineer, reason="The first.")
    assert not move_tag(version, "best", by=engineer, reason="The first.")
    assert history("best") == [(None, 1)]


def test_a_version_may_have_several_tags(small_set, freeze_now, engineer):
    version = freeze_now(small_set, tag="spring")
    move_tag(version, "a-name", by=engineer, reason="Both.")
    assert Version.objects.get(pk=version.pk).tag_names == ["a-name", "spring", "latest"]
    assert Version.objects.get(pk=version.pk).tag == "a-name"


def test_a_tag_taken_off_keeps_its_history(small_set, freeze_now, engineer):
    first, second = freeze_now(small_set, tag="spring"), freeze_now(small_set)
    with pytest.raises(Refused, match="does not stand on version 2 any more"):
        take_off(second, "spring", by=engineer)
    take_off(first, "spring", by=engineer)
    assert history("spring") == [(None, 1), (1, None)]
    with pytest.raises(NoSuchVersion, match="no tag “spring”"):
        version_named(small_set, "spring")


def test_a_version_that_was_not_frozen_gives_its_tag_back(small_set, owner):
    version = start_freeze(small_set, tag="spring", by=owner)
    request_cancel(version.job)
    assert not Tag.objects.filter(name="spring").exists()
    assert TagMove.objects.filter(name="spring").first().reason == "It was not frozen."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("12", "needs a letter"),
        ("latest", "by itself"),
        ("Latest", "by itself"),
        ("a@b", "letters, digits"),
        ("../x", "letters, digits"),
        ("a  b", "letters, digits"),
        ("", "letters, digits"),
        ("x" * 61, "60 letters"),
    ],
)
def test_a_name_that_cannot_be_a_tag_is_refused_in_words(name, words, small_set, freeze_now, engineer):
    version = freeze_now(small_set)
    with pytest.raises(Refused, match=words):
        move_tag(version, name, by=engineer, reason="Because.")
    assert history(name) == ([(None, 1)] if name == "latest" else [])


def test_a_move_needs_a_reason_and_a_ready_version(small_set, freeze_now, engineer):
    version = freeze_now(small_set)
    with pytest.raises(Refused, match="Say why"):
        move_tag(version, "best", by=engineer, reason=" ")
    with pytest.raises(Refused, match="once it is ready"):
        move_tag(start_freeze(small_set), "best", by=engineer, reason="Because.")
    assert not Tag.objects.filter(name="best").exists()


def test_tags_of_two_projects_have_nothing_to_do_with_each_other(small_set, freeze_now, add_photo, owner):
    other = create_project("Another house", by=owner)
    add_photo(other, "a", ["Ana"])
    mine, theirs = freeze_now(small_set, tag="spring"), freeze_now(other, tag="spring")
    assert version_named(small_set, "spring") == mine
    assert version_named(other, "spring") == theirs
    with pytest.raises(NoSuchVersion, match="no version 2"):
        version_named(other, 2)


def test_commands_take_a_tag_for_a_version(small_set, freeze_now, capsys):
    freeze_now(small_set)
    freeze_now(small_set, tag="spring")
    call_command("verify", small_set.slug, "spring", tables_only=True, json=True)
    assert '"version": 2' in capsys.readouterr().out
    call_command("diff", small_set.slug, "1", "latest", json=True)
    assert '"new": ' in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"no tag “autumn”\. There are: latest, spring") as caught:
        call_command("verify", small_set.slug, "autumn")
    assert caught.value.returncode == 2


def test_tags_over_the_api(small_set, freeze_now, engineer, annotator, api_for):
    url, api = f"/api/v1/projects/{small_set.slug}/tags/", api_for(engineer)
    freeze_now(small_set, tag="spring")
    freeze_now(small_set)
    assert api_for(annotator).get(url).json()["results"] == [
        {"name": "latest", "version": 2}, {"name": "spring", "version": 1},
    ]  # fmt: skip
    body = {"tag": "spring", "version": "latest", "reason": "Better."}
    assert api_for(annotator).post(url, body, format="json").status_code == 403
    assert api.post(url, body, format="json").json() == {"name": "spring", "version": 2}
    assert api.post(url, body | {"version": 9}, format="json").status_code == 404
    assert api.post(url, body | {"version": 1, "reason": ""}, format="json").status_code == 400
    version = api.get(f"/api/v1/projects/{small_set.slug}/versions/2/").json()
    assert (version["tag"], version["tags"]) == ("spring", ["spring", "latest"])
    moves = api.get(url + "moves/?tag=spring").json()["results"]
    assert [(move["old"], move["new"], move["reason"], move["by"]) for move in moves] == [
        (1, 2, "Better.", "emil"), (None, 1, "Frozen under this name.", None),
    ]  # fmt: skip
    assert api.post(url, body | {"take_off": True}, format="json").status_code == 204
    assert [tag["name"] for tag in api.get(url).json()["results"]] == ["latest"]


def test_a_tag_asked_for_over_the_api_is_on_the_new_version(small_set, engineer, api_for):
    api, url = api_for(engineer), f"/api/v1/projects/{small_set.slug}/versions/"
    assert api.post(url, {"tag": "first", "note": "n"}, format="json").json()["tag"] == "first"
    assert api.get(url).json()["results"][0]["tag"] == "first"
    refused = api.post(url, {"tag": "first"}, format="json")
    assert refused.status_code == 400
    assert refused.json()["error"]["fields"]["tag"] == ["Taken."]
    assert Version.objects.count() == 1


def test_an_engineer_moves_a_tag_on_the_page(small_set, freeze_now, engineer, reviewer, client_for):
    version = freeze_now(small_set)
    url, client = reverse("version-tag", args=[small_set.slug, 1]), client_for(engineer)
    assert client_for(reviewer).post(url, {"tag": "best", "reason": "x"}).status_code == 403
    assert "This field is required" in client.post(url, {"tag": "best"}).content.decode()
    assert "needs a letter" in client.post(url, {"tag": "12", "reason": "x"}).content.decode()
    page = client.post(url, {"tag": "best", "reason": "All were looked at twice."}, follow=True).content.decode()
    assert "“best” stands on version 1." in page
    assert "All were looked at twice." in page
    assert f"{small_set.slug}@best" in page
    client.post(url, {"take_off": "best"})
    assert Version.objects.get(pk=version.pk).tag == ""


def test_names_that_versions_had_before_become_tags(small_set, freeze_now, owner):
    """The migration itself, there and back."""
    first, second = freeze_now(small_set, by=owner, tag="spring"), freeze_now(small_set)
    call_command("migrate", "datasets", "0003", verbosity=0)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT number, tag FROM datasets_version ORDER BY number")
            assert cursor.fetchall() == [(1, "spring"), (2, "")]
    finally:
        call_command("migrate", verbosity=0)  # what stood on it went back too
    assert version_named(small_set, "spring") == first
    assert version_named(small_set, "latest") == second
    assert TagMove.objects.get(name="spring").by == owner
