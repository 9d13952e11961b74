"""The page of a training that searched for its parameters."""

from playwright.sync_api import expect

from tests.browser import registry_seeds


def test_the_best_trial_stands_out_in_chart_and_table(page, house):
    made = house.inside(registry_seeds.make_search, "Search")
    page.goto(f"{house.url}/p/{made['slug']}/runs/{made['run']}/")
    chart = page.locator("#trials-chart")
    expect(chart.locator(".scatterlayer .trace")).to_have_count(8)
    for words in ("learning rate", "margin", "scale", "mAP"):
        expect(chart.locator(".xtick").get_by_text(words, exact=True)).to_be_visible()
    table = page.get_by_role("table", name="What each trial of the search tried")
    expect(table.get_by_role("row").filter(has_text="best").filter(has_text="92.7")).to_have_class("is-selected")
    expect(table.get_by_text("not trained")).to_be_visible()
    page.goto(f"{house.url}/p/{made['slug']}/runs/{made['waiting']}/")
    expect(page.get_by_text("No trial has ended yet")).to_be_visible()
