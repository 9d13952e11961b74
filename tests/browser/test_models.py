"""An engineer's way through the registry: look at the gate, promote, overrule it, roll back."""

from playwright.sync_api import expect

from tests.browser import registry_seeds


def test_a_model_is_promoted_another_forced_in_and_taken_back(page, house):
    made = house.inside(registry_seeds.make_models, "Registry", [(0.86, 0.80), (0.70, 0.80)])
    good, bad = made["models"]
    page.goto(f"{house.url}/p/{made['slug']}/models/")
    expect(page.get_by_text("No model is in production")).to_be_visible()
    page.goto(f"{house.url}/p/{made['slug']}/models/{good}/")
    page.get_by_role("button", name="Promote to production").click()
    expect(page.get_by_text("is in production. Waiting faces are compared anew.")).to_be_visible()
    assert house.inside(registry_seeds.stages, made["slug"]) == ["production", "candidate"]

    page.goto(f"{house.url}/p/{made['slug']}/models/{bad}/")
    expect(page.get_by_text("below it by more than the interval")).to_be_visible()
    page.get_by_label("Why it should go into production").fill("A trial with the new cameras.")
    page.get_by_role("button", name="Overrule the gate").click()
    expect(page.get_by_role("button", name=f"Roll back to model {good}")).to_be_visible()
    assert house.inside(registry_seeds.stages, made["slug"]) == ["archived", "production"]

    page.goto(f"{house.url}/p/{made['slug']}/models/")
    page.get_by_role("button", name=f"Roll back to model {good}").click()
    expect(page.get_by_text("serves again. Waiting faces are compared anew.")).to_be_visible()
    assert house.inside(registry_seeds.stages, made["slug"]) == ["production", "archived"]
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("A trial with the new cameras.")).to_be_visible()


def test_a_threshold_is_tried_out_and_stored(page, house):
    made = house.inside(registry_seeds.make_models, "Thresholds", [(0.86, 0.80)])
    page.goto(f"{house.url}/p/{made['slug']}/runs/{made['runs'][0]}/")
    figure = page.locator("#threshold-chooser [data-figure=threshold]")
    page.get_by_label("Share of pairs of different people").fill("0.0000001")
    expect(page.locator("#threshold-chooser [data-region=refusal]")).to_contain_text("at least 30,000,000 are needed")
    page.get_by_label("A false accept costs as much").fill("1000")
    expect(page.get_by_label("By what errors cost")).to_be_checked()
    shown = figure.text_content()
    accepted = page.locator("#threshold-chooser [data-figure=fp]").text_content()
    page.get_by_role("button", name="Store with model").click()
    expect(page.get_by_text(f"The threshold {shown} is stored")).to_be_visible()
    stored = house.inside(registry_seeds.threshold, made["models"][0])
    assert (f"{stored['threshold']:.4f}", f"{stored['fp']:,}") == (shown, accepted)
