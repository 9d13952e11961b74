"""An engineer's way through Automation: look at the pipelines, write a rule, change it, go on where one failed."""

from playwright.sync_api import expect

from tests.browser import automation_seeds


def test_rules_are_written_and_a_running_pipeline_shows_how_far_it_is(page, house):
    made = house.inside(automation_seeds.make_pipelines, "Automation")
    page.goto(f"{house.url}/p/{made['slug']}/")
    expect(page.get_by_text("is at “train”")).to_be_visible()
    page.goto(f"{house.url}/p/{made['slug']}/automation/")
    running = page.locator(f"#pipeline-{made['running']}")
    expect(running.locator("[data-step=freeze]")).to_contain_text("done")
    expect(running.locator("[data-step=train]")).to_contain_text("running")
    expect(running.locator("[data-step=gate]")).to_contain_text("to come")
    expect(running.get_by_role("progressbar")).to_be_visible()
    rule = page.locator("form", has=page.get_by_role("button", name="Add the rule"))
    expect(rule.get_by_label("Hour, in UTC")).to_be_hidden()
    rule.get_by_label("When").select_option("schedule")
    expect(rule.get_by_label("New labels", exact=False)).to_be_hidden()
    rule.get_by_label("Hour, in UTC").select_option("05:00")
    rule.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_text("The rule is on: every day at 05:00 UTC.")).to_be_visible()
    row = page.get_by_role("row", name="Every day at 05:00 UTC")
    row.get_by_role("button", name="Switch off").click()
    expect(row.get_by_text("off", exact=True)).to_be_visible()
    row.get_by_role("link", name="Change").click()
    page.get_by_label("Hour, in UTC").select_option("06:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Every day at 06:00 UTC")).to_be_visible()
    page.get_by_role("button", name="Cancel the pipeline").click()
    expect(page.get_by_role("button", name="Cancelling…")).to_be_visible()
