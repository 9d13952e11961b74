"""An engineer imports labels: sends a file, looks at what it would do, leaves out what does not fit, imports."""

import json

from playwright.sync_api import expect

from tests.browser import import_seeds, seeds


def their_file(tmp_path, names: list[str]):
    """COCO of others: a face for each photo, of one that is not here too."""
    images = [{"id": n, "file_name": name, "width": 120, "height": 90} for n, name in enumerate(names)]
    faces = [{"id": n, "image_id": n, "category_id": n % 2, "bbox": [10, 10, 24, 30]} for n in range(len(names))]
    categories = [{"id": 0, "name": "Ada Ek"}, {"id": 1, "name": "Bo Dahl"}]
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps({"images": images, "annotations": faces, "categories": categories}))
    return path


def test_a_file_is_checked_looked_at_and_imported(page, house, tmp_path):
    made = house.inside(seeds.make_project, "Labels of others", photos=3, people=["Ada Ek"])
    sides = house.inside(import_seeds.sides, made["slug"])
    names = [image["name"] for image in made["images"]]
    path = their_file(tmp_path, [*names, "elsewhere.jpg"])
    content = json.loads(path.read_text())
    for image in content["images"]:
        image["width"], image["height"] = sides
    path.write_text(json.dumps(content))

    page.goto(f"{house.url}/p/{made['slug']}/imports/")
    page.get_by_label("File of labels").set_input_files(path)
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("Check labels of theirs.json")).to_be_visible()
    house.inside(import_seeds.do_imports, made["slug"])
    page.reload()
    expect(page.get_by_text("1 photo cannot be labelled")).to_be_visible()
    expect(page.get_by_role("button", name="Import 3 faces")).to_have_count(0)

    page.get_by_role("button", name="Check again").click()
    house.inside(import_seeds.do_imports, made["slug"])
    page.reload()
    page.get_by_role("button", name="Import 3 faces").click()
    house.inside(import_seeds.do_imports, made["slug"])
    page.reload()
    expect(page.get_by_text("Imported.", exact=True)).to_be_visible()
    assert house.inside(import_seeds.named, made["slug"]) == [["Ada Ek", 2], ["Bo Dahl", 1]]
