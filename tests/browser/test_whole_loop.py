"""One newcomer's way through the whole loop: photos in, labels by keyboard, a version, a model, a report."""

import re

from playwright.sync_api import expect

from recognition.drawing import write_sample


def upload(page, photos):
    page.set_input_files("[data-region=files]", [str(photo) for photo in photos])
    expect(page.locator("[data-region=created]")).to_have_text(str(len(photos)))
    expect(page.locator("[data-region=rejected]")).to_have_text("0")


def name_by_keyboard(page, name):
    """Type the name of the selected face, confirm it, and go on; the next photo has to appear."""
    label = page.locator("#label")
    before = label.get_attribute("data-image-id")
    page.keyboard.type(name)
    expect(page.locator("[role=listbox] [role=option]").first).to_contain_text(name)
    page.keyboard.press("Enter")
    expect(page.locator("[data-face]").first).to_contain_text(name)
    page.keyboard.press("Enter")
    expect(label).not_to_have_attribute("data-image-id", before)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")


def test_photos_become_a_report(page, facet_up, tmp_path):
    write_sample(tmp_path, identities=2, photos=4, scenes=0)
    first, second = sorted(folder.name.replace("_", " ") for folder in tmp_path.iterdir() if folder.is_dir())
    photos = sorted(tmp_path.glob("*/*.jpg"))

    page.goto(f"{facet_up.url}/projects/new/")
    page.fill("[name=name]", "Journey")
    page.press("[name=name]", "Enter")
    page.wait_for_url("**/p/journey/ingest/")
    upload(page, photos)

    page.goto(f"{facet_up.url}/p/journey/label/")
    label = page.locator("#label")
    expect(label).to_have_attribute("data-image-id", re.compile(r"\d+"))
    expect(label).to_have_attribute("data-face-count", "1")
    for name in [first] * 4 + [second] * 4:  # in the order they were taken in
        name_by_keyboard(page, name)
    expect(label).to_have_attribute("data-phase", "empty")

    page.goto(f"{facet_up.url}/p/journey/identities/")
    expect(page.locator("main")).to_contain_text(first)
    expect(page.locator("main")).to_contain_text(second)

    page.goto(f"{facet_up.url}/p/journey/versions/")
    page.get_by_role("button", name="Freeze 8 faces").click()
    page.get_by_role("button", name="Train", exact=True).click()  # there once the version is ready
    page.get_by_role("link", name="Open the report").click()
    expect(page.locator("main")).to_contain_text("Recognition rate")
    expect(page.locator("main")).to_contain_text(first)
