"""A reviewer tends to people by keyboard alone: renames, splits off faces, merges after a look, and takes it back."""

import re

from playwright.sync_api import expect

from tests.browser import seeds


def name_everybody(slug: str, names: list[str]) -> None:
    """The photos' faces are named in turn."""
    from uuid import uuid4

    from django.contrib.auth import get_user_model

    from labelling.assign import assign_faces
    from labelling.models import Face, Project

    project, by = Project.objects.get(slug=slug), get_user_model().objects.get(username="admin")
    for face, name in zip(Face.objects.filter(project=project).order_by("pk"), names, strict=True):
        assign_faces(project, [face.pk], name, by=by, event_id=uuid4())


def faces_of_people(slug: str) -> dict[str, int]:
    from labelling.models import Identity

    people = Identity.objects.filter(project__slug=slug, merged_into=None).with_face_counts()
    return dict(people.values_list("name", "face_count"))


def tab_to(page, locator):
    """Press Tab until the thing has the focus."""
    for _ in range(80):
        if locator.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {locator}")


def press_on(page, locator, key="Enter"):
    tab_to(page, locator)
    page.keyboard.press(key)


def test_people_are_renamed_split_merged_and_restored_by_keyboard(facet_up, open_page):
    made = facet_up.inside(seeds.make_project, "People journey", photos=5)
    slug = made["slug"]
    facet_up.inside(name_everybody, slug, ["Ada", "Ada", "Ada", "Ada", "Zoe"])
    page = open_page(facet_up)
    page.goto(f"{facet_up.url}/p/{slug}/identities/")
    press_on(page, page.get_by_role("link", name="Ada"))
    page.wait_for_url(re.compile(r"/identities/\d+/$"))

    press_on(page, page.locator("summary", has_text="Rename…"))
    tab_to(page, page.locator("#identity-head [name=name]"))
    page.keyboard.press("Control+A")
    page.keyboard.type("Ada Ek")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Ada Ek")

    boxes = page.locator("#split [name=faces]")
    tab_to(page, boxes.first)
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(boxes.nth(1)).to_be_checked()
    expect(page.locator("#split [data-choose-count]")).to_have_text("2 chosen")
    tab_to(page, page.locator("#split-to"))
    page.keyboard.type("Bo Lind")
    page.keyboard.press("Enter")
    expect(page.locator(".notice--success")).to_contain_text("2 faces are “Bo Lind” now.")
    assert facet_up.inside(faces_of_people, slug) == {"Ada Ek": 2, "Bo Lind": 2, "Zoe": 1}

    press_on(page, page.get_by_role("link", name="Merge…", exact=True))
    page.wait_for_url("**/merge/")
    expect(page.locator("[name=q]")).to_be_focused()
    page.keyboard.type("zo")
    page.keyboard.press("Enter")
    press_on(page, page.get_by_role("link", name="Compare with Zoe"))
    expect(page.locator("h1")).to_have_text("Merge Ada Ek into Zoe?")
    expect(page.locator("[data-forecast=done], [data-forecast=failed]")).to_be_visible()
    press_on(page, page.get_by_role("button", name="Merge into Zoe"))
    expect(page.locator("h1")).to_have_text("Zoe")
    assert facet_up.inside(faces_of_people, slug) == {"Bo Lind": 2, "Zoe": 3}

    press_on(page, page.locator(".notice--success").get_by_role("button", name="Undo"))
    expect(page.locator(".notice--success")).to_have_count(0)
    assert facet_up.inside(faces_of_people, slug) == {"Ada Ek": 2, "Bo Lind": 2, "Zoe": 1}

    page.goto(f"{facet_up.url}/p/{slug}/history/")
    expect(page.locator("table.history")).to_contain_text("took back: merged “Ada Ek” (2 faces) into “Zoe”")
    press_on(page, page.get_by_role("button", name=re.compile("Undo: moved 2 faces from “Ada Ek” to “Bo Lind”")))
    expect(page.locator("table.history")).to_contain_text("took back: moved 2 faces")
    assert facet_up.inside(faces_of_people, slug) == {"Ada Ek": 4, "Zoe": 1}
