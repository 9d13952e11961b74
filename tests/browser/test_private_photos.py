"""What a browser gets to see of a photo that says where it was taken."""

import re

from playwright.sync_api import expect

from tests.browser import seeds
from tests.private_photos import SECRET, bare_jpeg, private_photo


def propose_one(slug: str) -> int:
    """A face in the only photo of the project."""
    from labelling.models import Image
    from labelling.proposals import ProposedFace, record_proposals

    image = Image.objects.get(project__slug=slug)
    record_proposals(image.pk, [ProposedFace((20, 20, 40, 50), 0.9, None)], detector={"name": "test"})
    return image.pk


def test_an_uploaded_photo_comes_back_without_a_word_of_where_and_by_whom(house, page, tmp_path):
    made = house.inside(seeds.make_project, "Private", photos=0)
    photo = tmp_path / "paris.jpg"
    photo.write_bytes(private_photo())
    asked = set()
    page.on("request", lambda request: asked.add((request.method, request.url)))

    page.goto(f"{house.url}/p/{made['slug']}/ingest/")
    page.set_input_files("[data-region=files]", str(photo))
    expect(page.locator("[data-region=created]")).to_have_text("1")
    image = house.inside(propose_one, made["slug"])
    page.goto(f"{house.url}/p/{made['slug']}/images/")
    expect(page.locator("main img").first).to_be_visible()
    page.goto(f"{house.url}/p/{made['slug']}/label/?image={image}")
    expect(page.locator("#label")).to_have_attribute("data-phase", "ready")
    page.locator("[data-face] [data-part=crop] img").first.evaluate("img => img.decode()")
    page.wait_for_load_state("networkidle")

    # Asked for once more: a browser forgets the bodies of a page it has left.
    ours = sorted(
        url for method, url in asked if method == "GET" and url.startswith(house.url) and "/static/" not in url
    )
    bodies = {url: page.request.get(url).body() for url in ours}
    pictures = [body for url, body in bodies.items() if re.search(r"/media/.*\.jpg", url)]
    assert len(pictures) >= 3  # small, large and a crop
    assert all(bare_jpeg(body) for body in pictures)
    assert not [url for url, body in bodies.items() if SECRET in body]
