"""The Label screen by keyboard and pointer: what a person does there, and what the database has afterwards."""

import statistics

import pytest
from playwright.sync_api import expect

from tests.browser import label_seeds, seeds
from tests.browser.label_hand import at_photo, draw, saved, stage_point

ADA, BO = "Ada Ek", "Bo Lind"


@pytest.fixture
def lobby(house, request):
    """Three photos of two faces each: of Ada for sure, then of Bo."""
    return house.inside(seeds.make_project, request.node.name, photos=3, faces=2, people=[ADA, BO])


@pytest.fixture
def label(house, open_page):
    def open_label(project, image=None, **options):
        page = open_page(house, **options)
        page.goto(f"{house.url}/p/{project['slug']}/label/" + (f"?image={image}" if image else ""))
        expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
        return page

    return open_label


def test_photos_are_sent_taken_back_and_sent_again_by_keyboard(house, label, lobby):
    first, second, third = (image["id"] for image in lobby["images"])
    page = label(lobby)
    at_photo(page, first)
    page.keyboard.press("Tab")
    page.keyboard.press("u")  # the second face is nobody we know
    page.keyboard.press("Enter")
    at_photo(page, second)
    page.keyboard.press("Enter")
    at_photo(page, third)
    saved(page)

    page.keyboard.press("z")
    at_photo(page, second)
    page.keyboard.press("z")
    at_photo(page, first)
    expect(page.locator("[data-face]").nth(1)).to_contain_text("Nobody we know")  # as it stood at Enter
    expect(page.locator("[data-face]").nth(0)).to_contain_text("proposed")
    page.keyboard.press("Shift+z")
    at_photo(page, second)
    page.keyboard.press("Shift+z")
    at_photo(page, third)
    saved(page)

    rows = house.inside(seeds.faces, lobby["slug"])
    said = {
        image: [(row["who"], row["identity__name"]) for row in rows if row["image_id"] == image]
        for image in (first, second)
    }
    assert said[first] == [("assigned", ADA), ("unknown", None)]
    assert said[second] == [("assigned", ADA), ("assigned", BO)]
    verbs = [event["verb"] for event in house.inside(seeds.events, lobby["slug"])]
    assert verbs.count("submit") == 4 and verbs.count("undo") == 2


def test_the_rest_of_a_photo_is_ignored_with_one_key_and_undone_with_one(house, label, lobby):
    first, second, _ = (image["id"] for image in lobby["images"])
    page = label(lobby)
    page.keyboard.press("1")
    page.keyboard.press("Control+i")
    expect(page.locator("[data-region=status]")).to_contain_text("1 face is ignored")
    page.keyboard.press("z")
    expect(page.locator("[data-face]").nth(1)).to_contain_text("proposed")
    page.keyboard.press("Control+i")
    page.keyboard.press("Enter")
    at_photo(page, second)
    saved(page)
    rows = [row for row in house.inside(seeds.faces, lobby["slug"]) if row["image_id"] == first]
    assert [(row["who"], row["identity__name"]) for row in rows] == [("assigned", ADA), ("ignored", None)]


def test_a_photo_is_flagged_with_a_comment(house, label, lobby):
    page = label(lobby)
    page.keyboard.type("!")
    form = page.get_by_role("form", name="Flag this photo")
    expect(form.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("Is this a mirror?")
    page.keyboard.press("Enter")
    expect(form).to_be_hidden()
    saved(page)
    (remark,) = house.inside(label_seeds.remarks, lobby["slug"])
    first = lobby["images"][0]
    assert remark == {
        "text": "Is this a mirror?",
        "face_id": first["faces"][0],
        "image_id": first["id"],
        "kind": "flag",
    }
    expect(page.locator("[data-face]").first).to_be_focused()


def test_a_photo_is_skipped_with_a_reason_by_one_digit_or_just_skipped(house, label, lobby):
    first, second, third = (image["id"] for image in lobby["images"])
    page = label(lobby)
    page.keyboard.press("s")
    page.keyboard.press("1")
    at_photo(page, second)
    saved(page)
    assert house.inside(label_seeds.skips, lobby["slug"]) == [{"image_id": first, "reason": "Too dark or blurred"}]
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    at_photo(page, second)
    page.keyboard.press("s")
    page.keyboard.press("s")
    at_photo(page, third)
    assert len(house.inside(label_seeds.skips, lobby["slug"])) == 1


def test_why_a_photo_was_returned_stands_beside_it(house, label, lobby):
    first, second, _ = (image["id"] for image in lobby["images"])
    page = label(lobby)
    page.keyboard.press("Enter")
    at_photo(page, second)
    saved(page)
    house.inside(label_seeds.return_photo, lobby["slug"], first, "The second is Cy, look at the beard.")
    page = label(lobby, first)
    expect(page.get_by_role("list", name="Remarks about this photo")).to_contain_text("look at the beard")


def test_boxes_over_each_other_are_chosen_in_turn_by_click_and_by_key(label, lobby):
    size = (160, 120)
    page = label(lobby)
    draw(page, size, (2, 2, 60, 70))  # around the first proposed box
    cards = page.locator("[data-face]")
    expect(cards).to_have_count(3)
    spot = stage_point(page, size, 22, 25)
    chosen = page.locator("[data-face][aria-current=true]")
    page.keyboard.press("Escape")
    expect(chosen).to_have_count(0)
    page.mouse.click(*spot)
    small = chosen.get_attribute("data-face")
    page.mouse.click(*spot)
    expect(chosen).not_to_have_attribute("data-face", small)
    big = chosen.get_attribute("data-face")
    page.mouse.click(*spot)
    expect(chosen).to_have_attribute("data-face", small)  # the smaller one first, then around
    page.keyboard.press(".")
    expect(chosen).to_have_attribute("data-face", big)
    page.keyboard.press(".")
    expect(chosen).to_have_attribute("data-face", small)


def test_arrows_move_and_resize_the_selected_box(house, label, lobby):
    page = label(lobby)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+Shift+ArrowDown")
    page.keyboard.press("Enter")
    at_photo(page, lobby["images"][1]["id"])
    saved(page)
    (row,) = [row for row in house.inside(seeds.faces, lobby["slug"]) if row["id"] == lobby["images"][0]["faces"][0]]
    assert (row["x"], row["y"], row["w"], row["h"]) == (11, 20, 25, 40)


def test_light_is_for_the_photo_on_the_screen_alone_and_goes_with_it(label, lobby):
    page = label(lobby)
    photo = page.locator("[data-region=photo]")
    page.keyboard.press("]")
    page.keyboard.press("}")
    expect(photo).to_have_css("filter", "brightness(1.2) contrast(1.2)")
    page.keyboard.press("\\")
    expect(photo).to_have_css("filter", "none")
    view = page.locator("[data-region=light] > summary")
    view.click()
    page.get_by_role("slider", name="Contrast").fill("150")
    expect(photo).to_have_css("filter", "brightness(1) contrast(1.5)")
    view.click()
    expect(page.locator("[data-face]").first).to_be_focused()  # the menu has given the keys back
    page.keyboard.press("Enter")
    at_photo(page, lobby["images"][1]["id"])
    expect(photo).to_have_css("filter", "none")


def test_keys_are_remapped_and_clashes_refused(label, lobby):
    page = label(lobby)
    page.keyboard.press("?")
    change = page.get_by_role("button", name="Change the key for: Landmarks")
    change.click()
    page.keyboard.press("g")
    expect(page.locator("[data-keys-note]")).to_contain_text("already does “Guidelines of the project”")
    page.get_by_role("button", name="Change the key for: Landmarks").click()
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect(page.locator("[data-command=landmarks]")).to_have_attribute("aria-pressed", "true")


FRAMES = """async (act) => {
  const stage = document.getElementById("stage");
  stage.setPointerCapture = () => {};
  const point = (name, x, y, button) => stage.dispatchEvent(new PointerEvent(name,
    { bubbles: true, clientX: x, clientY: y, pointerId: 1, pointerType: "mouse", button, buttons: 4 }));
  const wheel = (deltaY) => stage.dispatchEvent(new WheelEvent("wheel",
    { bubbles: true, cancelable: true, deltaY, clientX: 500, clientY: 400 }));
  let touched = 0;
  const watch = new MutationObserver((changes) => { touched += changes.length; });
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  watch.observe(document.getElementById("label"), everything);
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  if (act === "pan") point("pointerdown", 500, 400, 1);
  for (let i = 0; i < 60; i += 1) {
    if (act === "pan") point("pointermove", 500 + 60 * Math.sin(i / 5), 400 + 40 * Math.cos(i / 5), -1);
    else wheel(i < 30 ? -40 : 40);
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  if (act === "pan") point("pointerup", 500, 400, 1);
  watch.disconnect();
  return { frames, touched };
}"""


def test_a_thousand_boxes_stay_fluid(house, label):
    crowd = house.inside(label_seeds.make_crowd, "Crowd", 1000)
    page = label(crowd, crowd["image"])
    expect(page.locator("#label")).to_have_attribute("data-face-count", "1000")
    expect(page.locator("[data-face]")).to_have_count(1000)
    assert page.locator("[data-face] [data-part=picks]").count() < 60, "cards far below are not made yet"
    assert page.locator("#label svg *").count() < 40, "the boxes are pixels, not elements"
    for act in ("pan", "zoom"):
        seen = page.evaluate(FRAMES, act)
        frames = sorted(seen["frames"])
        print(f"{act} with 1,000 boxes: median {statistics.median(frames):.1f} ms a frame, p95 {frames[57]:.1f} ms")
        assert seen["touched"] < 60 * 60, "a frame touches the photo and the selected box, not each of a thousand"
    page.keyboard.press("Control+i")
    expect(page.locator("[data-region=status]")).to_contain_text("1000 faces are ignored")


def test_the_next_photo_is_there_at_once(house, label):
    many = house.inside(seeds.make_project, "Quick", photos=12, faces=1, people=[ADA])
    page = label(many)
    took = []
    for image in many["images"][1:9]:
        page.wait_for_timeout(400)  # somebody looks at the photo; the next ones are fetched meanwhile
        took.append(
            page.evaluate(
                """async () => {
                  const label = document.getElementById("label"), before = label.dataset.imageId;
                  const start = performance.now();
                  const key = { key: "Enter", code: "Enter", bubbles: true, cancelable: true };
                  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", key));
                  while (label.dataset.phase !== "ready" || label.dataset.imageId === before)
                    await new Promise(requestAnimationFrame);
                  await new Promise(requestAnimationFrame);
                  return performance.now() - start;
                }"""
            )
        )
        at_photo(page, image["id"])
    print(f"from Enter to the next photo: median {statistics.median(took):.0f} ms, longest {max(took):.0f} ms")
    saved(page)
    leases = house.inside(seeds.leases, many["slug"])
    assert 1 <= len(leases) <= 5, "the open one and the few fetched ahead"
    page.goto(f"{house.url}/p/{many['slug']}/")
    expect(page.locator("main")).to_be_visible()
    for _ in range(50):
        if not house.inside(seeds.leases, many["slug"]):
            break
        page.wait_for_timeout(100)
    assert house.inside(seeds.leases, many["slug"]) == [], "others get what was fetched ahead"
