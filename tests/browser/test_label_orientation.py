"""However a camera was held, Label draws a face's box where the face is."""

import io

from PIL import Image as Picture
from playwright.sync_api import expect

from tests.browser.label_hand import at_photo, stage_point

SIZE = (400, 300)
BOX = (40, 30, 80, 60)  # of the one red thing, high on the left


def make_eight(name: str) -> dict:
    """A project with one picture as eight cameras would save it, and the box of what is red in it."""
    from django.contrib.auth import get_user_model
    from PIL import ImageDraw

    from labelling.ingest import ingest_photo
    from labelling.projects import create_project
    from labelling.proposals import ProposedFace, record_proposals
    from tests.orientations import all_eight

    upright = Picture.new("RGB", SIZE, (90, 140, 90))
    x, y, w, h = BOX
    ImageDraw.Draw(upright).rectangle((x, y, x + w - 1, y + h - 1), (230, 20, 20))
    project = create_project(name, by=get_user_model().objects.get(username="admin"))
    images = {}
    for held, data in all_eight(upright).items():
        images[held] = ingest_photo(project, f"held_{held}.jpg", data).id
        record_proposals(images[held], [ProposedFace(BOX, 0.99, None)], detector={"name": "truth"})
    return {"slug": project.slug, "images": images}


def is_red(colour) -> bool:
    return colour[0] > 180 and colour[1] < 80 and colour[2] < 80


def screen(page) -> Picture.Image:
    return Picture.open(io.BytesIO(page.screenshot())).convert("RGB")


def test_the_box_lies_on_the_same_pixels_for_all_eight_orientations(house, page):
    made = house.inside(make_eight, "Eight cameras")
    x, y, w, h = BOX
    wide, high = SIZE
    corners = [(x + fx * w, y + fy * h) for fx in (0.25, 0.75) for fy in (0.25, 0.75)]
    elsewhere = [(wide - px, py) for px, py in corners] + [(px, high - py) for px, py in corners]
    beside = [(x - 8, y + h / 2), (x + w + 8, y + h / 2), (x + w / 2, y - 8), (x + w / 2, y + h + 8)]
    for held, image in made["images"].items():
        page.goto(f"{house.url}/p/{made['slug']}/label/?image={image}")
        at_photo(page, image)
        expect(page.locator("#label")).to_have_attribute("data-face-count", "1")
        photo = page.locator("#stage img").first
        shown = photo.evaluate("img => img.decode().then(() => [img.naturalWidth, img.naturalHeight])")
        assert shown == list(SIZE), held
        crop = page.locator("[data-face] [data-part=crop] img").first
        crop.evaluate("img => img.decode()")
        seen = screen(page)

        def colour(point, seen=seen):
            return seen.getpixel(tuple(round(at) for at in stage_point(page, SIZE, *point)))

        assert all(is_red(colour(point)) for point in corners), held
        assert not any(is_red(colour(point)) for point in [*elsewhere, *beside]), held
        # What is held by its handles is the box of the red thing, corner by corner.
        drawn = page.locator("[data-region=overlay] .box__line").bounding_box()
        left, top = stage_point(page, SIZE, x, y)
        right, bottom = stage_point(page, SIZE, x + w, y + h)
        assert abs(drawn["x"] - left) < 4 and abs(drawn["y"] - top) < 4, held
        assert abs(drawn["x"] + drawn["width"] - right) < 4 and abs(drawn["y"] + drawn["height"] - bottom) < 4, held
        frame = crop.bounding_box()
        assert is_red(
            seen.getpixel((round(frame["x"] + frame["width"] / 2), round(frame["y"] + frame["height"] / 2)))
        ), held
