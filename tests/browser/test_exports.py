"""An engineer exports a version from its page: the form offers what the format can, and the files are there."""

import os
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import export_seeds, seeds
from tests.browser.accessibility import findings_in_both_themes

SHOTS = os.environ.get("FACET_SHOTS")


def shot(page, name: str) -> None:
    if SHOTS:
        page.locator("#exports").scroll_into_view_if_needed()
        page.locator("#exports").screenshot(path=Path(SHOTS) / f"{name}.png")


def test_the_form_offers_what_a_format_can_and_its_files_are_listed(page, house):
    made = house.inside(seeds.make_project, "Handed out", photos=1)
    number = house.inside(export_seeds.ready_version, made["slug"])
    page.goto(f"{house.url}/p/{made['slug']}/versions/{number}/")
    shot(page, "empty")
    form = page.locator("#export-form")
    form.get_by_text("Options", exact=True).click()
    contents = form.get_by_label("What goes out")
    expect(form.get_by_label("Pixels a side")).to_be_hidden()
    expect(contents.locator("option:not([disabled])")).to_have_text(
        ["As usual for the format", "Labels alone", "Labels and photos"]
    )
    form.get_by_label("Format").select_option("huggingface")
    contents.select_option("crops")
    form.get_by_label("Pixels a side").fill("96")
    form.get_by_label("train", exact=True).check()
    shot(page, "options")
    assert findings_in_both_themes(page) == []
    form.get_by_label("Format").select_option("lfw")
    expect(contents).to_be_hidden()
    expect(form.get_by_label("Pixels a side")).to_have_value("96")
    form.get_by_role("button", name="Export").click()
    shot(page, "waiting")
    (export,) = house.inside(export_seeds.do_exports, made["slug"])
    assert (export["state"], export["options"]) == ("done", {"size": 96, "splits": ["train"]})
    page.reload()
    page.get_by_text("4 files, each with its checksum").click()
    shot(page, "done")
    assert findings_in_both_themes(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="croissant.json").click()
    assert download.value.suggested_filename == "croissant.json"
    page.emulate_media(color_scheme="dark")
    shot(page, "dark")


def test_what_a_format_cannot_is_said_where_it_was_asked(page, house):
    made = house.inside(seeds.make_project, "Not handed out", photos=1)
    number = house.inside(export_seeds.ready_version, made["slug"])
    page.goto(f"{house.url}/p/{made['slug']}/versions/{number}/")
    form = page.locator("#export-form")
    form.get_by_text("Options", exact=True).click()
    # As without JavaScript, where all is offered.
    page.evaluate("document.querySelector('#id_contents').append(new Option('Crops', 'crops', true, true))")
    form.get_by_role("button", name="Export").click()
    expect(page.get_by_role("alert")).to_contain_text("coco gives contents as labels or images")
    expect(form.get_by_label("Format")).to_have_value("coco")
    shot(page, "error")
