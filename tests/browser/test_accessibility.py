"""Every page can be used by everybody: with any eyes, in both themes, without a mouse."""

import pytest
from playwright.sync_api import expect

from tests.browser import accessibility, groups, review_seeds, seeds
from tests.browser.accessibility import findings_in_both_themes

MOST_STOPS = 400
# On these Tab goes from face to face; Escape leads out of them.
WORK_SCREENS = ("label", "sort")


@pytest.fixture(scope="module")
def pages(running_house):
    """Every page of a project with something of everything in it, by route."""
    return running_house.inside(accessibility.make_pages, "Everything")


@pytest.fixture
def page(house, open_page):
    return open_page(house, faults=True)  # some are refused on purpose


def test_a_refusal_is_accessible_too(house, page):
    page.goto(f"{house.url}/p/nowhere/")
    assert findings_in_both_themes(page) == []


def test_what_label_shows_while_one_works_is_accessible(house, page):
    made = house.inside(seeds.make_project, "Label states", photos=2, faces=3, people=["Ada Ek", "Bo Li"])
    page.goto(f"{house.url}/p/{made['slug']}/label/?image={made['images'][0]['id']}")
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
    found = {"a face is selected": findings_in_both_themes(page)}
    page.keyboard.press("/")
    page.keyboard.type("b")
    expect(page.locator("[role=listbox] [role=option]").first).to_contain_text("Bo Li")
    found["a name is searched"] = findings_in_both_themes(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("[data-region=keys]")).to_be_visible()
    found["the keys are shown"] = findings_in_both_themes(page)
    page.keyboard.press("?")
    house.inside(seeds.decide, made["images"][0]["faces"][0], "unknown")
    page.keyboard.press("Enter")
    expect(page.locator("[data-region=conflict]")).to_be_visible()
    found["a conflict"] = findings_in_both_themes(page)
    page.get_by_role("button", name="Keep theirs").click()
    house.inside(seeds.log_out_everybody)
    page.keyboard.press("Enter")
    expect(page.locator("[data-region=login]")).to_be_visible()
    found["the login has ended"] = findings_in_both_themes(page)
    assert found == {state: [] for state in found}


def test_what_sort_shows_while_one_works_is_accessible(house, page):
    groups_of = [{"size": 4, "doubtful": 1, "person": "Ada Ek", "others": ["Bo Li"], "beside": 1}, {"size": 3}]
    made = house.inside(groups.make_groups, "Sort states", groups_of, [(0, 1, 3)])
    first = made["groups"][0]
    page.goto(f"{house.url}/p/{made['slug']}/sort/")
    expect(page.locator("#sort")).to_have_attribute("data-group", str(first["id"]))
    found = {"a group": findings_in_both_themes(page)}
    page.keyboard.press("Space")
    expect(page.locator("#sort")).to_have_attribute("data-kept", "4")
    found["a face is knocked out"] = findings_in_both_themes(page)
    page.keyboard.type("B")
    expect(page.locator("[role=option][data-index]").first).to_contain_text("Bo Li")
    found["a name is searched"] = findings_in_both_themes(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("[data-region=keys]")).to_be_visible()
    found["the keys are shown"] = findings_in_both_themes(page)
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.locator("#sort")).to_have_attribute("data-mode", "pair")
    found["same or different"] = findings_in_both_themes(page)
    page.keyboard.press("Escape")
    assert found == {state: [] for state in found}


def test_what_review_shows_while_one_works_is_accessible(house, page):
    made = house.inside(seeds.make_project, "Review states", photos=2, people=["Ada Ek"])
    house.inside(seeds.make_member, made["slug"], "anton")
    house.inside(review_seeds.label_photos, made, "anton", "Ada Ek")
    page.goto(f"{house.url}/p/{made['slug']}/review/")
    expect(page.locator("#review")).to_have_attribute("data-phase", "ready")
    found = {"a photo": findings_in_both_themes(page)}
    page.keyboard.press("r")
    expect(page.locator("[data-region=reason]")).to_be_visible()
    found["a reason is asked for"] = findings_in_both_themes(page)
    page.keyboard.type("Who is it?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-region=progress]")).to_have_text("0 of 1 reviewed")
    page.keyboard.press("a")
    expect(page.locator("#review")).to_have_attribute("data-phase", "empty")
    found["nothing is left"] = findings_in_both_themes(page)
    assert found == {state: [] for state in found}


# What the focus is on: whether it can be seen, and where the way through the page has come to.
STOP = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at === document.documentElement) return null;
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const shown = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none";
  const seen = window.seenStops ??= new Set();
  const isBack = seen.has(at);
  seen.add(at);
  const name = at.tagName + " " + (at.id || at.name || at.className || "") + " " + at.textContent.trim().slice(0, 30);
  return { name, isBack, isVisible: shown && box.width > 0 && box.height > 0 };
}"""


def way_through(page) -> list[str]:
    """Press Tab until everything was passed and the page begins anew; what is wrong with the way."""
    wrong, rounds = [], 0
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None or stop["isBack"]:
            rounds += 1  # the first one may have begun in the middle, in a field that wants to be filled in
            if page.evaluate("() => window.seenStops?.has(document.querySelector('.skip-link'))"):
                return wrong
            if rounds == 2:
                return [*wrong, f"caught at {stop}"]
        elif not stop["isVisible"]:
            wrong.append(f"no sign of the focus on {stop['name']}")
    return [*wrong, f"no way out after {MOST_STOPS} stops"]


def test_every_page_has_no_serious_finding_in_light_or_dark_and_tab_leads_through_it(house, pages, page, open_page):
    visitor = open_page(house, None)
    found, wrong = {}, {}
    for route, path in pages.items():
        who = visitor if route == "login" else page
        who.goto(house.url + path)
        # Twice before it counts: pages that follow a job change under axe's eyes.
        if findings_in_both_themes(who) and (left := findings_in_both_themes(who)):
            found[path] = left
        if route not in WORK_SCREENS and (problems := way_through(who)):
            wrong[path] = problems
    assert (found, wrong) == ({}, {})


def test_the_first_stop_leads_past_the_menu(house, page):
    page.goto(f"{house.url}/tokens/")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    expect(page.locator(".skip-link")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_escape_leads_out_of_the_faces_to_the_buttons_of_label(house, page):
    made = house.inside(seeds.make_project, "Way out", photos=1, faces=2)
    page.goto(f"{house.url}/p/{made['slug']}/label/")
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
    expect(page.locator("[data-face]").first).to_be_focused()
    page.keyboard.press("Escape")  # nothing is selected
    page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar").get_by_role("button").first).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("() => !document.querySelector('#label').contains(document.activeElement)")
