"""What one does on the Label screen, as journeys do it: by pointer and by waiting for what it shows."""

from playwright.sync_api import expect


def at_photo(page, image):
    expect(page.locator("#label")).to_have_attribute("data-image-id", str(image))
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")


def saved(page):
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")


def stage_point(page, image_size, x, y):
    """Where a point of the photo lies in the window, while the whole photo is shown."""
    frame = page.locator("#stage").bounding_box()
    wide, high = image_size
    scale = min((frame["width"] - 32) / wide, (frame["height"] - 32) / high, 3)
    return (
        frame["x"] + (frame["width"] - wide * scale) / 2 + x * scale,
        frame["y"] + (frame["height"] - high * scale) / 2 + y * scale,
    )


def draw(page, size, box):
    x, y, w, h = box
    page.keyboard.press("n")
    page.mouse.move(*stage_point(page, size, x, y))
    page.mouse.down()
    page.mouse.move(*stage_point(page, size, x + w / 2, y + h / 2))
    page.mouse.move(*stage_point(page, size, x + w, y + h))
    page.mouse.up()
