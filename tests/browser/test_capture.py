"""Photos from the camera of the browser: Chromium's own fake one, which shows a moving picture."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import seeds
from tests.browser.accessibility import findings_in_both_themes
from tests.browser.conftest import FLAGS

# Few pictures a second: without a graphics card each is drawn by the processor.
FAKE_CAMERA = ["--use-fake-device-for-media-stream=fps=5"]
SAYS_YES = ["--use-fake-ui-for-media-stream"]


@pytest.fixture(scope="module")
def browser(browser, chromium):
    """With a camera that anybody may use."""
    own = browser.browser_type.launch(executable_path=str(chromium), args=[*FLAGS, *FAKE_CAMERA, *SAYS_YES])
    yield own
    own.close()


@pytest.fixture
def made(house, request):
    return house.inside(seeds.make_project, f"Camera {request.node.name}", photos=0)


# The fake camera has eight megapixels, which take a second each without a graphics card.
SMALLER = """() => {
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = ({ video }) => ask({ video: { ...video, width: 640, height: 480 } });
}"""


def open_camera(page, house, made, *, in_full=False):
    """Allowed once, the camera starts by itself."""
    if not in_full:
        page.add_init_script(f"({SMALLER})()")
    page.goto(f"{house.url}/p/{made['slug']}/capture/")
    expect(page.locator("#capture")).to_have_attribute("data-phase", "live")


def shots(page, outcome):
    return page.locator(f".shot[data-outcome={outcome}]")


def stored(slug: str) -> list[dict]:
    """What the project has of each photo, oldest first."""
    from labelling.models import Image

    fields = ("name", "session", "claimed_identity__name", "camera", "taken_at", "width", "height")
    return list(Image.objects.filter(project__slug=slug).order_by("id").values(*fields))


def average_rows(slug: str) -> list[list[int]]:
    """The grey columns of the first photo's small picture, averaged into eight."""
    import io

    from PIL import Image as Picture

    from labelling import storage
    from labelling.models import Image

    image = Image.objects.filter(project__slug=slug).earliest("id")
    small = Picture.open(io.BytesIO(storage.get(storage.picture_key(image.project_id, image.sha256, "small"))))
    return list(small.convert("L").resize((8, 6)).tobytes())


# The same eight by six of what the video shows, as the camera sees it.
SEEN = """() => {
  const video = document.querySelector("video");
  const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 6 });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(video, 0, 0, 8, 6);
  const { data } = pen.getImageData(0, 0, 8, 6);
  return Array.from({ length: 48 }, (_, i) => 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]);
}"""


def test_a_burst_arrives_as_photos_of_the_project(house, page, made):
    open_camera(page, house, made, in_full=True)
    page.fill("[data-region=session]", "lobby")
    page.fill("[data-region=identity]", "Ada Ek")
    page.fill("[data-region=burst-count]", "5")
    page.fill("[data-region=burst-interval]", "0.1")
    page.get_by_role("button", name="Burst of 5").click()
    expect(shots(page, "held")).to_have_count(5)
    assert house.inside(stored, made["slug"]) == []  # nothing is sent before somebody says so

    page.get_by_role("button", name="Send 5 photos").click()
    expect(shots(page, "created")).to_have_count(5)
    expect(page.get_by_role("link", name="Go on to Label")).to_be_visible()
    photos = house.inside(stored, made["slug"])
    size = page.locator("video").evaluate("video => [video.videoWidth, video.videoHeight]")
    assert [(p["session"], p["claimed_identity__name"]) for p in photos] == [("lobby", "Ada Ek")] * 5
    assert [[p["width"], p["height"]] for p in photos] == [size] * 5
    numbers = [re.fullmatch(r"camera_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_(\d{3})\.jpg", p["name"]).group(1) for p in photos]
    assert sorted(numbers) == ["001", "002", "003", "004", "005"]
    assert all("fake" in p["camera"] for p in photos)
    assert all(p["taken_at"] for p in photos)


def test_what_is_stored_is_not_mirrored(house, page, made):
    open_camera(page, house, made)
    expect(page.locator("video")).to_have_css("transform", "matrix(-1, 0, 0, 1, 0, 0)")
    seen = page.evaluate(SEEN)
    page.keyboard.press("Space")
    expect(shots(page, "held")).to_have_count(1)
    page.get_by_role("button", name="Send 1 photo").click()
    expect(shots(page, "created")).to_have_count(1)
    kept = house.inside(average_rows, made["slug"])
    mirrored = [kept[8 * (i // 8) + 7 - i % 8] for i in range(48)]

    def distance(ours):
        return sum(abs(a - b) for a, b in zip(ours, seen, strict=True))

    assert distance(kept) < distance(mirrored)


def test_space_and_enter_take_a_photo_but_not_while_one_writes(house, page, made):
    open_camera(page, house, made)
    page.locator("[data-region=identity]").press_sequentially("Bo Li")
    page.keyboard.press("Enter")
    expect(shots(page, "held")).to_have_count(0)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    expect(shots(page, "held")).to_have_count(1)
    page.keyboard.press("Space")
    expect(shots(page, "held")).to_have_count(2)


def test_escape_ends_a_burst_and_keeps_what_was_taken(house, page, made):
    open_camera(page, house, made)
    page.fill("[data-region=burst-count]", "100")
    page.fill("[data-region=burst-interval]", "0.2")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("b")
    expect(shots(page, "held").nth(2)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#capture")).to_have_attribute("data-shutter", "ready")
    taken = shots(page, "held").count()
    assert 3 <= taken < 100
    expect(page.locator("[data-region=status]")).to_have_text(f"{taken} photos taken.")


def test_escape_ends_a_countdown_before_any_photo(house, page, made):
    open_camera(page, house, made)
    page.select_option("[data-region=countdown]", "10")
    page.get_by_role("button", name="Take a photo").click()
    expect(page.locator("[data-region=countdown-left]")).to_have_text(re.compile(r"10|9"))
    page.keyboard.press("Escape")
    expect(page.locator("#capture")).to_have_attribute("data-shutter", "ready")
    expect(page.locator("[data-region=status]")).to_have_text("0 photos taken.")
    expect(page.locator(".shot")).to_have_count(0)


def test_a_countdown_takes_the_photo_when_it_is_over(house, page, made):
    open_camera(page, house, made)
    page.select_option("[data-region=countdown]", "3")
    page.get_by_role("button", name="Take a photo").click()
    expect(page.locator("[data-region=countdown-left]")).to_have_text("1")
    expect(shots(page, "held")).to_have_count(1)


def test_a_discarded_photo_is_never_sent(house, page, made):
    open_camera(page, house, made)
    for count in (1, 2):
        page.keyboard.press("Space")
        expect(shots(page, "held")).to_have_count(count)
        expect(page.locator("#capture")).to_have_attribute("data-shutter", "ready")
    page.get_by_role("button", name=re.compile(r"Discard camera_.*_001\.jpg")).click()
    page.get_by_role("button", name="Send 1 photo").click()
    expect(shots(page, "created")).to_have_count(1)
    assert [photo["name"][-7:-4] for photo in house.inside(stored, made["slug"])] == ["002"]


def test_photos_taken_without_a_network_arrive_once_it_is_back(house, open_page, made):
    page = open_page(house, faults=True)
    open_camera(page, house, made)
    page.context.set_offline(True)
    page.keyboard.press("Space")
    page.get_by_role("button", name="Send 1 photo").click()
    expect(page.locator("[data-region=trouble]")).to_contain_text("Nothing is lost")
    page.context.set_offline(False)
    expect(shots(page, "created")).to_have_count(1)
    assert len(house.inside(stored, made["slug"])) == 1


def test_photos_whose_sending_was_cancelled_can_be_sent_again(house, open_page, made):
    page = open_page(house, faults=True)
    open_camera(page, house, made)
    page.keyboard.press("Space")
    expect(shots(page, "held")).to_have_count(1)
    requests = []

    def answer_all_but_the_first(route):  # taking the route away would let the first one pass after all
        requests.append(route)
        if len(requests) > 1:
            route.continue_()

    page.route("**/api/v1/projects/*/images/", answer_all_but_the_first)
    page.get_by_role("button", name="Send 1 photo").click()
    page.get_by_role("button", name="Cancel sending").click()
    expect(shots(page, "held")).to_have_count(1)
    page.get_by_role("button", name="Send 1 photo").click()
    expect(shots(page, "created")).to_have_count(1)
    assert len(house.inside(stored, made["slug"])) == 1


def test_the_camera_is_off_while_nobody_looks_and_when_switched_off(house, page, made):
    open_camera(page, house, made)
    page.evaluate("window.track = document.querySelector('video').srcObject.getVideoTracks()[0]")
    set_hidden(page, True)
    expect(page.locator("#capture")).to_have_attribute("data-phase", "off")
    assert page.evaluate("[window.track.readyState, document.querySelector('video').srcObject]") == ["ended", None]
    set_hidden(page, False)
    expect(page.locator("#capture")).to_have_attribute("data-phase", "live")
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("button", name="Switch the camera on")).to_be_visible()
    assert page.evaluate("document.querySelector('video').srcObject") is None


def set_hidden(page, is_hidden):
    page.evaluate(
        "(is) => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => is });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        is_hidden,
    )


def test_a_refused_permission_is_said_and_can_be_given_afterwards(house, browser, chromium, made, open_page):
    careful = browser.browser_type.launch(executable_path=str(chromium), args=[*FLAGS, *FAKE_CAMERA])
    context = careful.new_context()
    try:
        cookie = house.inside(seeds.log_in, "admin")
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": house.url}])
        page = context.new_page()
        page.goto(f"{house.url}/p/{made['slug']}/capture/")
        page.get_by_role("button", name="Switch the camera on").click()
        expect(page.locator("[data-message=trouble]")).to_contain_text("This page may not use the camera.")
        context.grant_permissions(["camera"])
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#capture")).to_have_attribute("data-phase", "live")
    finally:
        careful.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotFoundError", "There is no camera."),
        ("NotReadableError", "Another program or tab may be using it"),
        ("OverconstrainedError", "not there any more"),
    ],
)
def test_why_a_camera_gives_no_picture_is_said_in_words(house, page, made, name, words):
    page.add_init_script(
        f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('not now', '{name}'))"
    )
    page.goto(f"{house.url}/p/{made['slug']}/capture/")
    page.locator("[data-switch-on]:visible").click()
    expect(page.locator("[data-message=trouble]")).to_contain_text(words)


def test_an_address_without_https_is_said_to_be_the_reason(house, page, made):
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.goto(f"{house.url}/p/{made['slug']}/capture/")
    page.locator("[data-switch-on]:visible").click()
    expect(page.locator("[data-message=trouble]")).to_contain_text("begins with https://")


def test_a_camera_that_is_unplugged_is_missed_at_once(house, page, made):
    open_camera(page, house, made)
    page.evaluate("document.querySelector('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator("[data-message=trouble]")).to_contain_text("unplugged")


def test_the_camera_page_is_accessible_while_one_works(house, page, made):
    open_camera(page, house, made)
    found = {"live": findings_in_both_themes(page)}
    page.keyboard.press("Space")
    expect(shots(page, "held")).to_have_count(1)
    found["a photo is held"] = findings_in_both_themes(page)
    page.get_by_role("button", name="Send 1 photo").click()
    expect(shots(page, "created")).to_have_count(1)
    found["it was sent"] = findings_in_both_themes(page)
    page.evaluate("document.querySelector('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator("[data-message=trouble]")).to_be_visible()
    found["no picture"] = findings_in_both_themes(page)
    assert found == {state: [] for state in found}


def test_photos_that_went_well_leave_the_list_and_the_memory_after_a_while(house, page, made):
    open_camera(page, house, made)
    page.fill("[data-region=burst-count]", "70")
    page.fill("[data-region=burst-interval]", "0.1")
    page.get_by_role("button", name="Burst of 70").click()
    expect(shots(page, "held")).to_have_count(70)
    page.get_by_role("button", name="Send 70 photos").click()
    expect(page.locator("[data-region=figures]")).to_have_text("70 new")
    expect(shots(page, "created")).to_have_count(60)
    expect(page.locator("[data-region=hidden]")).to_have_text("10 photos more went well and are not shown.")
    assert len(house.inside(stored, made["slug"])) == 70
