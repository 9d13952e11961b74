"""Whatever falls while somebody labels, each decision reaches the database once, and the badge says how it stands."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import seeds

ADA = "Ada Ek"


@pytest.fixture
def lobby(house, request):
    """A project of this test: five photos of one face each, all of which Enter names."""
    return house.inside(seeds.make_project, request.node.name, photos=5, people=[ADA])


@pytest.fixture
def at_work(house, lobby, open_page):
    """Label as somebody sees it who has just opened it."""

    def sit_down(user="admin", image=None):
        page = open_page(house, user, faults=True)
        open_label(page, house, lobby, image)
        return page

    return sit_down


def open_label(page, house, project, image=None):
    page.goto(f"{house.url}/p/{project['slug']}/label/" + (f"?image={image}" if image else ""))
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")


def accept(page) -> int:
    """Press Enter, and wait until the photo has made way; its id."""
    label = page.locator("#label")
    expect(label).to_have_attribute("data-phase", "ready")
    photo = label.get_attribute("data-image-id")
    page.keyboard.press("Enter")
    expect(label).not_to_have_attribute("data-image-id", photo)
    return int(photo)


def accept_the_rest(page) -> list[int]:
    """Go on to the last photo, in the page as it stands."""
    label = page.locator("#label")
    accepted = []
    while True:
        expect(label).to_have_attribute("data-phase", re.compile("ready|empty"))
        if label.get_attribute("data-phase") == "empty":
            return accepted
        accepted.append(accept(page))


def expect_badge(page, state, words=None):
    badge = page.locator("[data-save-state]")
    expect(badge).to_have_attribute("data-save-state", state)
    if words:
        expect(badge).to_have_text(words)


def labelled(house, project) -> list[int]:
    """The photos that were submitted, in that order, one entry for each time."""
    return [event["image_id"] for event in house.inside(seeds.events, project["slug"]) if event["verb"] == "submit"]


def assert_named_once(house, project, photos, actor="admin"):
    """Every one of `photos` was submitted once, by `actor`, and its face changed once; nothing else happened."""
    events = house.inside(seeds.events, project["slug"])
    assert sorted(event["image_id"] for event in events) == sorted(photos)
    assert {(event["verb"], event["actor__username"]) for event in events} <= {("submit", actor)}
    for face in house.inside(seeds.faces, project["slug"]):
        was_named = (face["state"], face["identity__name"], face["version"]) == ("confirmed", ADA, 2)
        assert was_named == (face["image_id"] in photos), face


def all_photos(project) -> list[int]:
    return [image["id"] for image in project["images"]]


def test_the_network_is_cut_while_labelling(house, lobby, at_work):
    page = at_work()
    done = [accept(page)]
    expect_badge(page, "saved")
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
    page.context.set_offline(True)
    done += [accept(page)]
    expect_badge(page, "offline", "Offline – 1 kept on this computer")
    assert labelled(house, lobby) == done[:1]
    page.context.set_offline(False)
    expect_badge(page, "saved")
    done += accept_the_rest(page)
    expect_badge(page, "saved")
    assert_named_once(house, lobby, all_photos(lobby))
