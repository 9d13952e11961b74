"""A reviewer's way through a report: follow an error to Label, put it right, and see the figures change."""

import re

from playwright.sync_api import expect

from tests.browser import report_seeds


def test_an_error_is_followed_to_label_and_put_right_and_the_figures_change(page, house):
    made = house.inside(report_seeds.make_report, "Errors")
    report = f"{house.url}/p/{made['slug']}/runs/{made['runs'][0]}/"
    page.goto(report)
    expect(page.locator("#det-chart .main-svg").first).to_be_visible()
    strip = page.locator("#today")
    expect(strip).to_contain_text("Score with today’s labels")
    mistake = page.locator(".mistake").first
    mistake.get_by_role("button", name="The label").first.click()
    expect(mistake).to_contain_text("in Review")
    (remark,) = house.inside(report_seeds.flags, made["slug"])
    assert made["mistake"]["truth"] in remark

    mistake.locator("a.crop").first.click()
    page.wait_for_url("**/label/?image=*")
    expect(page.locator("[data-face]").first).to_contain_text(made["mistake"]["truth"])
    page.keyboard.type(made["right"])
    expect(page.locator("[role=listbox] [role=option]").first).to_contain_text(made["right"])
    page.keyboard.press("Enter")
    expect(page.locator("[data-face]").first).to_contain_text(made["right"])
    page.keyboard.press("Enter")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")

    page.goto(report)  # which asks for the figures by itself
    expect(strip).to_contain_text("the figures are worked out with today’s")
    expect(strip).to_have_attribute("aria-busy", "true")
    house.inside(report_seeds.work_off, made["slug"])
    expect(strip).to_contain_text("1 face has another name since the freeze")
    expect(strip).to_contain_text(re.compile(r"Recognition rate\s*[\d.]+\s%\s→\s[\d.]+\s%"))
    old, new = re.findall(r"([\d.]+)\s%", strip.locator("dd").nth(1).inner_text())[:2]
    assert float(new) > float(old)


def test_ticked_runs_stand_side_by_side(page, house):
    made = house.inside(report_seeds.make_report, "Twice", runs=2)
    page.goto(f"{house.url}/p/{made['slug']}/runs/")
    for run in made["runs"]:
        page.get_by_label(f"Compare evaluation {run}").check()
    page.get_by_role("button", name="Compare the ticked runs").click()
    expect(page.get_by_role("heading", name="2 runs side by side")).to_be_visible()
    expect(page.locator("#compare-roc .main-svg").first).to_be_visible()
    expect(page.get_by_text("Nothing that is written down")).to_be_visible()
