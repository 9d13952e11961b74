"""Whatever falls while somebody labels, each decision reaches the database once, and the badge says how it stands."""

import os
import re
import signal
from contextlib import contextmanager

import psycopg2
import pytest
from playwright.sync_api import expect

from tests.browser import seeds
from tests.together import wait_until

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


def test_the_page_is_closed_while_offline_and_opened_again(house, lobby, at_work):
    page = at_work()
    page.context.set_offline(True)
    photo = accept(page)
    expect_badge(page, "offline")
    page.close()
    assert labelled(house, lobby) == []
    page.context.set_offline(False)
    page = page.context.new_page()
    open_label(page, house, lobby)
    expect_badge(page, "saved")
    assert_named_once(house, lobby, [photo])


def test_the_browser_dies_with_changes_that_were_not_sent(house, lobby, at_work):
    page = at_work()
    photo = page.locator("#label").get_attribute("data-image-id")
    page.keyboard.press("u")
    expect_badge(page, "pending", "Changes not sent yet")
    house.inside(seeds.end_leases, lobby["slug"])  # it took its time
    page.close()
    page = page.context.new_page()
    open_label(page, house, lobby)
    expect(page.locator("#label")).to_have_attribute("data-image-id", photo)
    expect(page.locator("[data-face]").first).to_contain_text("unknown")
    accept(page)
    expect_badge(page, "saved")
    assert labelled(house, lobby) == [int(photo)]


def test_unsent_changes_to_a_photo_that_others_changed_lie_over_it(house, lobby, at_work):
    page = at_work()
    photo = lobby["images"][0]
    page.keyboard.press("u")
    expect_badge(page, "pending", "Changes not sent yet")
    page.close()
    house.inside(seeds.decide, photo["faces"][0], "ignored")
    page = page.context.new_page()
    open_label(page, house, lobby)
    expect(page.locator("#label")).to_have_attribute("data-image-id", str(photo["id"]))
    face = page.locator("[data-face]").first
    expect(face).to_contain_text("unknown")
    expect(page.locator("#toasts")).to_contain_text("This photo was changed since.")
    page.keyboard.press("z")
    expect(face).to_contain_text("ignored")
    page.keyboard.press("Shift+Z")
    expect(face).to_contain_text("unknown")
    accept(page)
    expect_badge(page, "saved")
    assert [event["verb"] for event in house.inside(seeds.events, lobby["slug"])] == ["decide", "submit"]
    assert house.inside(seeds.faces, lobby["slug"])[0]["who"] == "unknown"


PICTURES = """(wanted) => performance.getEntriesByType("resource")
  .filter(({ name, responseEnd }) => name.includes("/media/images/") && responseEnd > 0).length >= wanted"""


def test_a_photo_taken_back_while_offline_comes_back_with_its_decisions(house, lobby, at_work):
    page = at_work()
    page.wait_for_function(PICTURES, arg=3)  # the next two are at hand
    page.context.set_offline(True)
    first = accept(page)
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
    page.keyboard.press("u")
    expect(page.locator("[data-face]").first).to_contain_text("unknown")
    second = accept(page)
    expect(page.locator("#label")).not_to_have_attribute("data-phase", "loading")
    page.keyboard.press("z")
    expect_badge(page, "offline", "Offline – 1 kept on this computer")
    page.context.set_offline(False)
    expect(page.locator("#label")).to_have_attribute("data-image-id", str(second))
    expect(page.locator("[data-face]").first).to_contain_text("unknown")
    assert accept(page) == second
    expect_badge(page, "saved")
    assert labelled(house, lobby) == [first, second]
    faces = house.inside(seeds.faces, lobby["slug"])
    assert [face["who"] for face in faces[:2]] == ["assigned", "unknown"]


@pytest.mark.parametrize("what", ["its processes", "all of it"])
def test_the_web_server_is_killed_between_two_submits(house, lobby, at_work, what):
    page = at_work()
    accept(page)
    expect_badge(page, "saved")
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
    if what == "all of it":
        house.kill_web()
        accept(page)
        expect_badge(page, "offline", "Offline – 1 kept on this computer")
        house.start_web()
    else:
        for process in house.web_processes():
            os.kill(process, signal.SIGKILL)
        accept(page)
    expect_badge(page, "saved")
    accept_the_rest(page)
    expect_badge(page, "saved")
    assert_named_once(house, lobby, all_photos(lobby))


@contextmanager
def held(house, photo):
    """Whoever wants to change that photo has to wait, for the length of a `with` block."""
    with psycopg2.connect(house.environment["DATABASE_URL"]) as database, database.cursor() as cursor:
        cursor.execute("SELECT 1 FROM labelling_image WHERE id = %s FOR UPDATE", [photo])

        def someone_waits():
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return cursor.fetchone()[0]

        yield someone_waits
    database.close()


def test_the_web_server_is_killed_in_the_middle_of_a_submit(house, lobby, at_work):
    page = at_work()
    with held(house, page.locator("#label").get_attribute("data-image-id")) as someone_waits:
        photo = accept(page)
        wait_until(someone_waits, "the submit is under way")
        house.kill_web()
        expect_badge(page, "offline")
    house.start_web()
    expect_badge(page, "saved")
    assert_named_once(house, lobby, [photo])


def lose_the_answer(route):
    """The server hears the request and does as asked; the browser never learns."""
    route.fetch()
    route.abort("connectionreset")


def test_an_answer_is_lost_on_its_way_back(house, lobby, at_work):
    page = at_work()
    page.route("**/submit/", lose_the_answer, times=1)
    photo = accept(page)
    expect_badge(page, "offline")
    assert labelled(house, lobby) == [photo]  # stored, but nobody could know
    expect_badge(page, "saved")
    assert_named_once(house, lobby, [photo])


def test_a_photo_decided_while_the_next_was_asked_for_does_not_come_back(house, request, open_page):
    """The server was asked before it knew of the decision, and its answer comes after: it would be the same photo."""
    alone = house.inside(seeds.make_project, request.node.name, photos=1, people=[ADA])
    page = open_page(house, faults=True)
    open_label(page, house, alone)
    page.wait_for_load_state("networkidle")
    answers = []

    def answer_late(route):
        if answers:
            return route.continue_()
        answers.append(route.fetch())
        page.unroute_all(behavior="ignoreErrors")
        expect_badge(page, "saved")
        route.fulfill(response=answers[0])

    page.route("**/submit/", lambda route: route.abort("connectionreset"))
    page.route("**/queue/next/", answer_late)
    photo = accept(page)
    expect(page.locator("#label")).to_have_attribute("data-phase", "empty")
    assert answers[0].json()["image"]["id"] == photo
    assert_named_once(house, alone, [photo])


@pytest.mark.parametrize("how", ["stop_database", "kill_database"])
def test_the_database_is_restarted(house, lobby, at_work, how):
    page = at_work()
    accept(page)
    expect_badge(page, "saved")
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
    getattr(house, how)()
    accept(page)
    expect_badge(page, "pending", "1 pending")
    house.start_database()
    expect_badge(page, "saved")
    accept_the_rest(page)
    expect_badge(page, "saved")
    assert_named_once(house, lobby, all_photos(lobby))


def log_in_again(page, name, password):
    """Follow the page's own way to the login, which opens a second tab, and back to the page."""
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Log in in a new tab").click()
    tab = opened.value
    tab.wait_for_load_state()
    if not tab.url.endswith("/login/"):  # somebody is logged in already
        tab.locator("details.menu summary").click()
        tab.get_by_role("button", name="Log out").click()
    tab.fill("[name=username]", name)
    tab.fill("[name=password]", password)
    tab.press("[name=password]", "Enter")
    tab.wait_for_url(re.compile(r"/$"))
    tab.close()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # headless tabs never hide one another


def test_the_login_ends_while_labelling(house, lobby, at_work):
    page = at_work()
    house.inside(seeds.log_out_everybody)
    photo = accept(page)
    expect_badge(page, "login", "Login ended – 1 kept on this computer")
    expect(page.locator("[data-region=login]")).to_contain_text("Photos that wait on this computer: 1.")
    assert labelled(house, lobby) == []
    log_in_again(page, "admin", "admin-password-9")
    expect_badge(page, "saved")
    expect(page.locator("[data-region=login]")).to_be_hidden()
    done = [photo, *accept_the_rest(page)]
    expect_badge(page, "saved")
    assert sorted(done) == all_photos(lobby)
    assert_named_once(house, lobby, done)


def test_another_login_in_the_same_browser_does_not_send_the_first_ones_work(house, lobby, at_work):
    anna = house.inside(seeds.make_member, lobby["slug"], "anna")
    page = at_work("anna")
    ben = house.inside(seeds.make_member, lobby["slug"], "ben")
    house.inside(seeds.log_out_everybody)
    photo = accept(page)
    expect_badge(page, "login")
    log_in_again(page, **ben)
    expect(page.locator("[data-region=login]")).to_contain_text("ben")
    expect_badge(page, "login")
    bens = page.context.new_page()
    open_label(bens, house, lobby)
    expect_badge(bens, "saved")  # nothing of his waits
    bens.close()
    assert labelled(house, lobby) == []
    log_in_again(page, **anna)
    expect_badge(page, "saved")
    assert_named_once(house, lobby, [photo], actor="anna")


def test_two_people_on_one_photo(house, lobby, at_work):
    """The second has to wait; when the first one's hold has ended, nothing is overwritten without a word."""
    for name in ("anna", "ben"):
        house.inside(seeds.make_member, lobby["slug"], name)
    photo = all_photos(lobby)[0]
    annas = at_work("anna", photo)
    bens = at_work("ben")  # is given another one
    expect(bens.locator("#label")).not_to_have_attribute("data-image-id", str(photo))
    bens.goto(f"{house.url}/p/{lobby['slug']}/label/?image={photo}")
    expect(bens.locator("#label")).to_have_attribute("data-phase", "held")
    expect(bens.locator("#label")).to_contain_text("anna is working on this photo right now.")
    house.inside(seeds.end_leases, lobby["slug"])
    bens.get_by_role("button", name="Try again").click()
    expect(bens.locator("#label")).to_have_attribute("data-image-id", str(photo))
    bens.keyboard.press("u")
    accept(bens)
    expect_badge(bens, "saved")
    accept(annas)
    choose(annas, "Send mine again", mine="Ada Ek", theirs="unknown")
    expect_badge(annas, "saved")
    said = [event["actor__username"] for event in house.inside(seeds.events, lobby["slug"])]
    assert said == ["ben", "anna"]
    face = house.inside(seeds.faces, lobby["slug"])[0]
    assert (face["identity__name"], face["version"]) == (ADA, 3)


def choose(page, button, *, mine, theirs):
    """What was refused is shown from both sides; nothing is stored before one of them is chosen."""
    expect_badge(page, "conflict")
    sides = page.locator(".conflict__side")
    expect(sides.nth(0)).to_contain_text(mine)
    expect(sides.nth(1)).to_contain_text(theirs)
    page.get_by_role("button", name=button).click()


def test_one_person_in_two_browsers_on_one_photo(house, lobby, at_work):
    photo = all_photos(lobby)[0]
    one, other = at_work(image=photo), at_work(image=photo)
    other.keyboard.press("u")
    accept(one)
    expect_badge(one, "saved")
    accept(other)
    choose(other, "Keep theirs", mine="unknown", theirs="Ada Ek")
    expect_badge(other, "saved")
    assert_named_once(house, lobby, [photo])


def test_two_tabs_send_what_they_share_once(house, lobby, at_work):
    """The first tab's work got through, but it cannot know; the second sends it too, and then the first again."""
    one = at_work()
    one.route("**/submit/", lose_the_answer)
    photo = accept(one)
    expect_badge(one, "offline")
    other = one.context.new_page()
    open_label(other, house, lobby)
    expect_badge(other, "saved")
    one.unroute_all(behavior="ignoreErrors")  # one more may be on its way
    expect_badge(one, "saved")
    assert_named_once(house, lobby, [photo])


def test_a_tab_that_is_closed_leaves_its_work_to_the_other(house, lobby, at_work):
    one = at_work()
    other = one.context.new_page()
    open_label(other, house, lobby)
    one.route("**/submit/", lambda route: route.abort("connectionreset"))
    photo = accept(one)
    expect_badge(one, "offline")
    one.close()
    other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # the tab comes to the front
    expect_badge(other, "saved")
    wait_until(lambda: labelled(house, lobby) == [photo], "the other tab sends it")
    assert_named_once(house, lobby, [photo])
