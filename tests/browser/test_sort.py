"""Sorting by keyboard alone: groups become people, questions are answered, and nothing is lost or done twice."""

from collections import Counter

import pytest
from playwright.sync_api import expect

from tests.browser import groups, seeds

ADA, BO = "Ada Ek", "Bo Ny"


@pytest.fixture
def sort(house, request, open_page):
    """Opens Sort on a project made of these groups: the page and what was made."""

    def sit_down(made_of, questions=(), **options):
        made = house.inside(groups.make_groups, request.node.name[:60], made_of, questions)
        page = open_page(house, "admin", **options)
        page.goto(f"{house.url}/p/{made['slug']}/sort/")
        return page, made

    return sit_down


def is_open(page, group) -> None:
    expect(page.locator("#sort")).to_have_attribute("data-group", str(group["id"]))
    expect(page.locator("[role=listbox][aria-label^='Faces']")).to_be_focused()


def keeps(page, count: int) -> None:
    expect(page.locator("#sort")).to_have_attribute("data-kept", str(count))


def press(page, *keys: str) -> None:
    """Once the pictures are there: before, nobody may decide."""
    page.wait_for_function("() => [...document.querySelectorAll('.sort-face img')].every((image) => image.complete)")
    for key in keys:
        page.keyboard.press(key)


def saved(page) -> None:
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")


def said_of(house, made, group) -> Counter:
    names = house.inside(groups.names, made["slug"])
    return Counter(names[str(face)] for face in group["faces"])


def decisions(house, made) -> list[str]:
    return [event["verb"] for event in house.inside(seeds.events, made["slug"]) if event["actor__username"]]


def test_all_faces_are_sorted_by_keyboard_alone(sort, house):
    page, made = sort(
        [
            {"size": 5, "doubtful": 1, "person": ADA, "beside": 1},
            {"size": 3},
            {"size": 4},
            {"size": 3, "person": ADA, "others": [BO]},
            {"size": 3, "kind": "leftovers"},
        ],
        questions=[(2, 3, 4)],
    )
    ada, beside, new, other, leftovers = made["groups"]

    is_open(page, ada)
    expect(page.locator("[data-region=title]")).to_have_text(f"{ADA}?")
    press(page, "ArrowRight", "Space")
    keeps(page, 5)
    press(page, "ArrowDown", "Space")  # the doubtful one, in a line of its own
    keeps(page, 4)
    press(page, "z", "z")
    keeps(page, 6)
    press(page, "m")
    keeps(page, 9)
    press(page, "Enter")

    is_open(page, new)
    page.keyboard.type("Cleo")
    expect(page.locator("[role=option][data-index]").first).to_contain_text("Cleo")
    page.keyboard.press("Enter")

    expect(page.locator("#sort")).to_have_attribute("data-mode", "pair")  # it decides more than the next group holds
    press(page, "n")

    is_open(page, other)
    press(page, "2")

    is_open(page, leftovers)
    press(page, "Enter")
    expect(page.locator("[data-region=status]")).to_contain_text("Nobody is proposed")
    press(page, "ArrowRight", "Space", "k")
    keeps(page, 1)
    press(page, "z", "z")
    keeps(page, 3)
    press(page, "u")

    expect(page.locator("#sort")).to_have_attribute("data-phase", "empty")
    saved(page)
    assert said_of(house, made, ada) == {ADA: 6}
    assert said_of(house, made, beside) == {ADA: 3}
    assert said_of(house, made, new) == {"Cleo": 4}
    assert said_of(house, made, other) == {BO: 3}
    assert said_of(house, made, leftovers) == {"(unknown)": 3}
    assert decisions(house, made) == ["assign", "assign", "link", "assign", "decide"]
    (pair,) = [row for row in house.inside(groups.constraints, made["slug"]) if row["other"]]
    assert pair["bond"] == "cannot"


def test_who_is_knocked_out_is_a_stranger_until_it_is_undone(sort, house):
    page, made = sort([{"size": 4, "doubtful": 1, "person": ADA}, {"size": 2}])
    first, second = made["groups"]
    is_open(page, first)
    press(page, "ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
    keeps(page, 2)
    press(page, "Enter")
    is_open(page, second)
    saved(page)
    assert said_of(house, made, first) == {ADA: 2, "(unassigned)": 3}
    strangers = [row for row in house.inside(groups.constraints, made["slug"]) if row["identity__name"] == ADA]
    assert {row["face"] for row in strangers} == set(first["faces"][2:])

    press(page, "z")
    is_open(page, first)
    keeps(page, 2)
    assert said_of(house, made, first) == {"(unassigned)": 5}
    assert house.inside(groups.constraints, made["slug"]) == []

    press(page, "Shift+Z")
    is_open(page, second)
    saved(page)
    assert said_of(house, made, first) == {ADA: 2, "(unassigned)": 3}


def test_what_is_skipped_comes_back_and_a_reload_keeps_the_place(sort, house):
    page, made = sort([{"size": 3, "person": ADA}, {"size": 3}, {"size": 2}])
    first, second, third = made["groups"]
    is_open(page, first)
    press(page, "s")
    is_open(page, second)
    press(page, "ArrowRight", "Space")
    keeps(page, 2)
    page.reload()
    is_open(page, second)
    keeps(page, 2)
    press(page, "i")
    is_open(page, third)
    press(page, "x")
    is_open(page, second)  # with the face that was knocked out
    keeps(page, 1)
    press(page, "u")
    is_open(page, first)
    press(page, "Enter")
    expect(page.locator("#sort")).to_have_attribute("data-phase", "empty")
    saved(page)
    assert said_of(house, made, first) == {ADA: 3}
    assert said_of(house, made, second) == {"(ignored)": 2, "(unknown)": 1}
    assert said_of(house, made, third) == {"(rejected)": 2}


def test_what_is_decided_without_a_network_is_stored_once_it_is_back(sort, house):
    page, made = sort([{"size": 3, "person": ADA}, {"size": 2, "person": BO}, {"size": 2}], faults=True)
    first, second, third = made["groups"]
    is_open(page, first)
    page.wait_for_load_state("networkidle")  # what comes next is fetched ahead
    page.context.set_offline(True)
    press(page, "Enter")
    is_open(page, second)
    press(page, "Enter")
    is_open(page, third)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "offline")
    press(page, "z")  # never sent: taken back without a trace
    is_open(page, second)
    press(page, "Enter")
    is_open(page, third)
    assert said_of(house, made, first) == {"(unassigned)": 3}
    page.context.set_offline(False)
    saved(page)
    assert said_of(house, made, first) == {ADA: 3}
    assert said_of(house, made, second) == {BO: 2}
    assert decisions(house, made) == ["assign", "assign"]


def test_what_others_said_meanwhile_is_shown_and_the_person_chooses(sort, house):
    page, made = sort([{"size": 4, "person": ADA}, {"size": 2}], faults=True)
    first, second = made["groups"]
    is_open(page, first)
    house.inside(groups.somebody_names, made["slug"], first["faces"][:1], "Dora")
    press(page, "Enter")
    is_open(page, second)
    panel = page.locator("[data-region=conflict]")
    expect(panel).to_contain_text("Dora")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "conflict")
    panel.get_by_role("button", name="Send mine for the other 3").press("Enter")
    saved(page)
    expect(panel).to_be_hidden()
    is_open(page, second)
    assert said_of(house, made, first) == {"Dora": 1, ADA: 3}


def test_how_far_workers_are_is_shown_until_there_are_groups(house, request, open_page):
    made = house.inside(seeds.make_project, request.node.name[:60], photos=1)
    house.inside(groups.describe_faces, made["slug"], 12, 40)
    page = open_page(house)
    page.goto(f"{house.url}/p/{made['slug']}/sort/")
    expect(page.locator("[data-region=work-done]")).to_have_text("Describe new faces: 12 of 40")
    house.inside(groups.describe_faces, made["slug"], 30, 40)
    expect(page.locator("[data-region=work-done]")).to_have_text("Describe new faces: 30 of 40")


def test_a_key_that_is_taken_is_refused(sort):
    page, made = sort([{"size": 2}])
    is_open(page, made["groups"][0])
    press(page, "?")
    page.get_by_role("button", name="Change the key for: Skip").press("Enter")
    page.keyboard.press("m")
    expect(page.locator("[data-keys-note]")).to_contain_text("already does")
    page.get_by_role("button", name="Change the key for: Skip").press("Enter")
    page.keyboard.press("w")
    expect(page.locator("[data-keys-note]")).to_contain_text("is now W")
    expect(page.locator("[data-key-for=skip]").first).to_have_text("W")
