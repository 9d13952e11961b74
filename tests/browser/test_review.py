"""A reviewer's way through Review by keyboard: accept, return, take back, decide between annotators."""

from playwright.sync_api import expect

from tests.browser import review_seeds, seeds


def open_photo(page, made: dict, place: int):
    """The photo of that place is open, and everything before it is on the server."""
    expect(page.locator("[data-image-id]")).to_have_attribute("data-image-id", str(made["images"][place]["id"]))
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")


def test_labelled_photos_are_accepted_returned_and_taken_back(page, house):
    made = house.inside(seeds.make_project, "Second looks", photos=4, people=["Ada Ek"])
    house.inside(seeds.make_member, made["slug"], "anton")
    house.inside(review_seeds.label_photos, made, "anton", "Ada Ek")
    progress = page.locator("[data-region=progress]")

    page.goto(f"{house.url}/p/{made['slug']}/review/")
    open_photo(page, made, 0)
    expect(progress).to_have_text("0 of 4 reviewed")
    expect(page.locator("[data-region=faces]")).to_contain_text("Ada Ek")
    page.keyboard.press("g")
    expect(page.locator("[data-command=gold]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("a")
    open_photo(page, made, 1)
    expect(progress).to_have_text("1 of 4 reviewed")

    page.keyboard.press("r")
    page.keyboard.type("Who stands behind her?")
    page.keyboard.press("Control+Enter")
    open_photo(page, made, 2)
    expect(progress).to_have_text("1 of 3 reviewed")

    page.keyboard.press("a")
    open_photo(page, made, 3)
    page.keyboard.press("z")
    open_photo(page, made, 2)
    expect(progress).to_have_text("1 of 3 reviewed")
    page.keyboard.press("ArrowRight")
    open_photo(page, made, 3)
    page.keyboard.press("a")
    expect(page.locator("#review")).to_have_attribute("data-phase", "empty")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")

    assert house.inside(review_seeds.reviews, made["slug"]) == [
        ["labelled", "admin", None, True],
        ["proposed", None, "anton", False],
        ["labelled", None, None, False],
        ["labelled", "admin", None, False],
    ]
    assert house.inside(review_seeds.remarks, made["slug"]) == [["return", "Who stands behind her?", "anton", None]]

    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    open_photo(page, made, 2)
    page.keyboard.press("e")
    page.wait_for_url(f"**/label/?image={made['images'][2]['id']}")


def test_a_reviewer_decides_between_annotators(page, house):
    made = house.inside(seeds.make_project, "Two minds", photos=2, faces=3, people=["Ada Ek", "Bo Dahl"])
    for name in ("astrid", "birger"):
        house.inside(seeds.make_member, made["slug"], name)
    said = {"astrid": ["Ada Ek", "Bo Dahl", "Ada Ek"], "birger": ["Ada Ek", "Ada Ek", None]}
    house.inside(review_seeds.label_blindly, made, said)

    page.goto(f"{house.url}/p/{made['slug']}/review/disputes/")
    open_photo(page, made, 0)
    places = page.locator("[data-place]")
    expect(places).to_have_count(3)
    expect(page.locator("[data-region=about]")).to_have_text("2 faces in dispute, 1 face agreed")
    page.keyboard.press("2")  # of the second face, what Birger said
    expect(places.nth(0).locator("[aria-pressed=true]")).to_contain_text("Ada Ek")
    page.keyboard.press("Enter")
    expect(places.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("ArrowRight")
    expect(places.nth(1).locator("[aria-pressed=true]")).to_contain_text("not a face")
    page.keyboard.press("Enter")
    open_photo(page, made, 1)

    page.keyboard.press("z")
    open_photo(page, made, 0)
    page.keyboard.press("n")
    open_photo(page, made, 1)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#disputes")).to_have_attribute("data-phase", "empty")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")

    states = [image["state"] for image in house.inside(seeds.images, made["slug"])]
    assert states == ["disputed", "labelled"]
    names = [face["identity__name"] for face in house.inside(seeds.faces, made["slug"])]
    assert names == [None, None, None, "Ada Ek", "Bo Dahl", "Ada Ek"]


def test_a_flag_is_settled_and_opened_again(page, house):
    made = house.inside(seeds.make_project, "Odd ones", photos=1)
    page.goto(f"{house.url}/p/{made['slug']}/review/flags/")
    expect(page.locator("main")).to_contain_text("Nothing is flagged")
    house.inside(review_seeds.flag_photo, made["images"][0]["id"], "Is this a poster?")
    page.reload()
    expect(page.locator("[data-remark]")).to_contain_text("Is this a poster?")
    page.get_by_role("button", name="Settled").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-remark]")).to_be_hidden()
    assert house.inside(review_seeds.remarks, made["slug"]) == [["flag", "Is this a poster?", None, "admin"]]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-remark]")).to_be_visible()
    assert house.inside(review_seeds.remarks, made["slug"]) == [["flag", "Is this a poster?", None, None]]
