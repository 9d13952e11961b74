"""What workers do while somebody looks on.

The whole loop as a newcomer goes it; boxes drawn by hand; people renamed, split, merged after a look, and restored.
"""

import re
import zipfile

from playwright.sync_api import expect

from recognition.drawing import write_sample
from tests.browser import label_seeds, seeds
from tests.browser.label_hand import draw, saved
from tests.labelling.drawn_clips import drawn_clip


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


def test_photos_become_a_report_and_a_pipeline_makes_the_next(facet_up, open_page, tmp_path):
    page = open_page(facet_up, facet_up.name)  # the account that `facet up` printed
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
    for name in [second] + [first] * 3 + [second] * 4:  # in the order they were taken in; the first one is wrong
        name_by_keyboard(page, name)
    expect(label).to_have_attribute("data-phase", "empty")

    page.goto(f"{facet_up.url}/p/journey/identities/")
    expect(page.locator("main")).to_contain_text(first)
    expect(page.locator("main")).to_contain_text(second)

    page.goto(f"{facet_up.url}/p/journey/versions/")
    page.get_by_role("button", name="Freeze", exact=True).click()
    page.get_by_role("button", name="Train", exact=True).click()  # there once the version is ready
    expect(page.locator("#curves summary").last).to_contain_text(re.compile(r"\d+ epochs as a table"))
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.get_by_role("link", name="Open the report").click()
    expect(page.locator("main")).to_contain_text("Recognition rate")
    expect(page.locator("main")).to_contain_text(first)
    put_right_in_label(page, wrong=second, right=first)

    page.goto(f"{facet_up.url}/p/journey/automation/")
    page.get_by_role("button", name="Run now").click()
    pipeline = page.locator("[data-pipeline-state]")  # it asks for itself until it has ended
    expect(pipeline).to_have_attribute("data-pipeline-state", "done", timeout=120_000)
    expect(pipeline.locator("[data-step=freeze]")).to_contain_text("version 2")
    expect(pipeline.locator("[data-step=gate]")).to_contain_text(re.compile("open|closed"))
    pipeline.locator("[data-step=evaluate] a").click()
    expect(page.locator("main")).to_contain_text("Recognition rate")


def put_right_in_label(page, *, wrong, right):
    """The label that is most in doubt leads to Label; once it is changed, the report has figures for today's labels."""
    report = page.url
    page.get_by_text("Labels most in doubt").click()
    doubted = page.locator(".mistake").filter(has_text="looks like").first
    expect(doubted).to_contain_text(wrong)
    doubted.locator("a.crop").first.click()
    face = page.locator("[data-face]").first
    expect(face).to_contain_text(wrong)
    page.keyboard.type(right)
    expect(page.locator("[role=listbox] [role=option]").first).to_contain_text(right)
    page.keyboard.press("Enter")
    expect(face).to_contain_text(right)
    page.keyboard.press("Enter")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")
    page.goto(report)
    today = page.locator("#today")
    expect(today).to_contain_text("With today’s labels")
    expect(today).to_contain_text("1 face has another name")


def test_a_drawn_box_gets_landmarks_and_names_while_the_photo_is_open(facet_up, open_page):
    people = facet_up.inside(label_seeds.make_people, "Drawn by hand")
    page = open_page(facet_up, facet_up.name)
    page.goto(f"{facet_up.url}/p/{people['slug']}/label/?image={people['image']}")
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
    draw(page, (240, 240), people["box"])
    page.evaluate("window.drawnAt = performance.now()")
    first = page.locator(".pick").first
    expect(first).to_contain_text("Ada Ek")
    print("from drawing to suggestions:", round(page.evaluate("performance.now() - window.drawnAt")), "ms")
    expect(page.locator("[data-part=reason]").first).to_contain_text("Nearest confirmed face")
    expect(page.locator(".face__nearest img").first).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator(".landmark").first).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    saved(page)
    row = facet_up.inside(seeds.faces, people["slug"])[-1]
    assert (row["identity__name"], row["state"]) == ("Ada Ek", "confirmed")


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


def pack(folder, archive):
    """All photos of the folder in a zip, in folders named after people."""
    with zipfile.ZipFile(archive, "w") as packed:
        for photo in sorted(folder.glob("*/*.jpg")):
            packed.write(photo, photo.relative_to(folder).as_posix())
    return archive


def open_ingest(facet_up, open_page, name):
    slug = facet_up.inside(seeds.make_project, name, photos=0)["slug"]
    page = open_page(facet_up, facet_up.name)
    page.goto(f"{facet_up.url}/p/{slug}/ingest/")
    return page


def test_an_archive_becomes_photos_and_each_file_has_its_outcome(facet_up, open_page, tmp_path):
    write_sample(tmp_path / "drawn", identities=2, photos=3, scenes=0)
    archive = pack(tmp_path / "drawn", tmp_path / "holiday.zip")
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("notes.txt", "not a photo")
    page = open_ingest(facet_up, open_page, "Archives")
    page.check("[data-region=identity-folder]")
    page.set_input_files("[data-region=files]", str(archive))
    page.get_by_role("link", name="See what becomes of each file").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("holiday.zip")
    expect(page.locator("[data-job-state=done]")).to_be_visible(timeout=60_000)
    expect(page.locator("tbody tr")).to_have_count(7)
    expect(page.locator("tr", has_text="notes.txt")).to_contain_text("Convert it")
    page.get_by_role("link", name="Rejected").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_taking_in_an_archive_can_be_cancelled_and_what_is_in_stays(facet_up, open_page, tmp_path):
    write_sample(tmp_path / "drawn", identities=1, photos=1, scenes=0)
    (photo,) = (tmp_path / "drawn").glob("*/*.jpg")
    archive = tmp_path / "long.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(2_000):  # each is another file: what follows the picture's end is not looked at
            packed.writestr(f"{number}.jpg", photo.read_bytes() + str(number).encode())
    page = open_ingest(facet_up, open_page, "Long archive")
    page.set_input_files("[data-region=files]", str(archive))
    page.get_by_role("link", name="See what becomes of each file").click()
    expect(page.locator(".job__figures").first).to_contain_text("done", timeout=60_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("[data-job-state=cancelled]")).to_be_visible(timeout=30_000)
    page.reload()
    known = int(page.get_by_role("link", name="New").locator("span").inner_text().replace(",", ""))
    assert 0 < known < 2_000


def test_a_dropped_folder_goes_in_with_progress_and_people(facet_up, open_page, tmp_path):
    write_sample(tmp_path / "drawn", identities=2, photos=8, scenes=0)
    page = open_ingest(facet_up, open_page, "Folders")
    page.check("[data-region=identity-folder]")
    page.set_input_files("[data-region=folder]", str(tmp_path / "drawn"))
    expect(page.locator("[data-region=figures]")).to_contain_text("of 17 files")
    expect(page.locator("[data-region=figures]")).to_contain_text("All 17 files are through", timeout=60_000)
    expect(page.locator("[data-region=created]")).to_have_text("16")
    expect(page.locator("[data-region=rejected]")).to_have_text("1")  # the drawer's own truth.json
    people = {folder.name.replace("_", " ") for folder in (tmp_path / "drawn").iterdir() if folder.is_dir()}
    shown = set(page.locator("[data-outcome=created] td:nth-child(2)").all_inner_texts())
    assert shown == people
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/images/") else None)
    page.set_input_files("[data-region=folder]", str(tmp_path / "drawn"))
    expect(page.locator("[data-region=duplicate]")).to_have_text("16")
    expect(page.locator("[data-region=rejected]")).to_have_text("2")
    assert len(sent) == 1  # photos that are here are not sent again, only the file that is none


def test_a_clip_becomes_photos_of_the_moments_asked_for(facet_up, open_page, tmp_path):
    clip = tmp_path / "walk.mp4"
    clip.write_bytes(drawn_clip(seeds=(1, 2, 3, 4)))  # another picture each second
    page = open_ingest(facet_up, open_page, "Clips")
    page.select_option("[data-region=frames]", "1")
    page.set_input_files("[data-region=files]", str(clip))
    page.get_by_role("link", name="See what becomes of each file").click()
    expect(page.locator("[data-job-state=done]")).to_be_visible(timeout=60_000)
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.locator("tbody tr").last).to_contain_text("walk_00m00")
