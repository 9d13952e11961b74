"""Pascal VOC: an XML for each photo, and a list of the photos of each split.

`bndbox` counts as VOC does: whole pixels, the first is 1, the last belongs to the box. So xmin = x + 1, xmax = x + w,
rounded outwards. That loses parts of a pixel, and VOC has no word for who a face is: an object also has `facet`, which
other readers pass by. `name` is the person, or `face`; with people as an attribute it is always `face`, and `facet`
says who it is. Archives of others may have folders around, or none.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path

from datasets.formats.labels import meant_by
from datasets.formats.tables import box_of, counted, file_name, hash_in
from datasets.formats.xml_file import Element, add, parsed, written
from datasets.formats.zipped import member, names_in, opened, zip_pieces
from datasets.given import BadLabels, GivenFace, GivenPhoto
from datasets.splits import SPLITS
from labelling.models import Who

TITLE = "Pascal VOC (an XML a photo, zipped)"
SUFFIX = "zip"
CONTENTS = ("labels", "images")
PEOPLE = ("classes", "attribute")
ANYBODY = "face"
ANNOTATION = re.compile(r"(?:.*/)?Annotations/(?:.*/)?[^/]+\.xml")
MOST_BYTES = 16 * 1024 * 1024


def write(files: dict[str, bytes], info: dict, counts: dict, people: str = "classes") -> Iterator[bytes]:
    """A zip, piece by piece; fills `counts` with what was really written."""
    yield from zip_pieces(entries(files, info, counts, people))


def entries(files: dict[str, bytes], info: dict, counts: dict, people: str) -> Iterator[tuple[str, bytes]]:
    lists: dict[str, list[str]] = {split: [] for split in SPLITS}
    for image, mine in counted(files, counts):
        lists[image["split"]].append(image["image_sha256"])
        yield f"Annotations/{image['image_sha256']}.xml", written(_annotation(image, mine, info, people))
    for split, shas in lists.items():
        yield f"ImageSets/Main/{split}.txt", "".join(f"{sha256}\n" for sha256 in shas).encode()


def picture_name(image: dict) -> str:
    return f"JPEGImages/{file_name(image)}"


def _annotation(image: dict, faces: list[dict], info: dict, people: str) -> Element:
    root = Element("annotation")
    add(root, "folder", "JPEGImages")
    add(root, "filename", file_name(image))
    source = add(root, "source")
    add(source, "database", info["description"])
    add(source, "image", image["name"])
    size = add(root, "size")
    for name, value in (("width", image["width"]), ("height", image["height"]), ("depth", 3)):
        add(size, name, value)
    add(root, "segmented", 0)
    for face in faces:
        _object(root, image, face, people)
    return root


def _object(root: Element, image: dict, face: dict, people: str) -> None:
    x, y, w, h = box_of(face)
    found = add(root, "object")
    add(found, "name", (face["identity"] if people == "classes" else None) or ANYBODY)
    add(found, "pose", "Unspecified")
    add(found, "truncated", 0)
    add(found, "difficult", int(face["who"] == Who.IGNORED))
    box = add(found, "bndbox")
    add(box, "xmin", math.floor(x) + 1)
    add(box, "ymin", math.floor(y) + 1)
    add(box, "xmax", min(math.ceil(round(x + w, 2)), image["width"]))
    add(box, "ymax", min(math.ceil(round(y + h, 2)), image["height"]))
    named = {"identity": face["identity"]} if people != "classes" and face["identity"] else {}
    add(found, "facet", x=x, y=y, w=w, h=h, who=face["who"], **named)


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos in order of their names, each with its faces. Raises BadLabels, which says what is wrong where."""
    with opened(path) as archive:
        texts = [name for name in names_in(archive) if name.endswith(".xml")]
        names = [name for name in texts if ANNOTATION.fullmatch(name)] or texts
        if not names:
            raise BadLabels(f"{path.name} is no VOC export: it has no Annotations/….xml.")
        for name in names:
            root = parsed(member(archive, name, MOST_BYTES), name)
            if root.tag != "annotation":
                raise BadLabels(f"{name} is no VOC file: it begins with “{root.tag}”.")
            try:
                yield _given_photo(root)
            except (TypeError, ValueError) as error:
                raise BadLabels(f"{name} cannot be read: {error}.") from None


def _given_photo(root: Element) -> GivenPhoto:
    file = _text(root, "filename")
    sha256 = hash_in(file)
    name = root.findtext("source/image") if sha256 else file
    sides = (int(_text(root, "size/width")), int(_text(root, "size/height")))
    return GivenPhoto(sha256, name or file, *sides, tuple(_given(found) for found in root.findall("object")))


def _given(found: Element) -> GivenFace:
    name, exact = _text(found, "name"), found.find("facet")
    if exact is not None:
        who = Who(exact.get("who"))
        box = tuple(float(exact.get(side)) for side in "xywh")
        return GivenFace(box, who, (exact.get("identity") or name) if who == Who.ASSIGNED else None)
    left, top, right, bottom = (float(_text(found, f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax"))
    box = (left - 1, top - 1, right - left + 1, bottom - top + 1)
    who, name = meant_by(name)
    if who == Who.UNASSIGNED and (found.findtext("difficult") or "").strip() == "1":
        who = Who.IGNORED
    return GivenFace(box, who, name)


def _text(element: Element, path: str) -> str:
    text = element.findtext(path)
    if not text:
        raise ValueError(f"it has no “{path}”")
    return text
