"""CVAT for images 1.1: a face is a box of the label “face”; who it is, an attribute that `meta` declares."""

from collections.abc import Iterator
from pathlib import Path

from datasets.formats.tables import box_of, counted, file_name, hash_in
from datasets.formats.xml_file import Element, add, parsed, written
from datasets.given import BadLabels, GivenFace, GivenPhoto
from labelling.models import Who

TITLE = "CVAT for images 1.1 (one XML file)"
SUFFIX = "xml"
LABEL = "face"


def write(files: dict[str, bytes], info: dict, counts: dict) -> Iterator[bytes]:
    """The file piece by piece; fills `counts` with what was really written."""
    yield b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    yield written(_meta(info))
    for number, (image, mine) in enumerate(counted(files, counts)):
        yield written(_image(number, image, mine))
    yield b"</annotations>\n"


def _meta(info: dict) -> Element:
    """Attributes that are not declared are dropped by CVAT when it reads the file."""
    root = Element("meta")
    task = add(root, "task")
    add(task, "name", info["description"])
    label = add(add(task, "labels"), "label")
    add(label, "name", LABEL)
    attributes = add(label, "attributes")
    for name, kind, values in (("identity", "text", ""), ("who", "select", "\n".join(Who.values))):
        attribute = add(attributes, "attribute")
        add(attribute, "name", name)
        add(attribute, "mutable", "False")
        add(attribute, "input_type", kind)
        add(attribute, "default_value", "" if kind == "text" else Who.UNASSIGNED)
        add(attribute, "values", values)
    return root


def _image(number: int, image: dict, faces: list[dict]) -> Element:
    root = Element("image", id=str(number), name=file_name(image))
    root.set("width", str(image["width"]))
    root.set("height", str(image["height"]))
    root.set("subset", image["split"])
    root.set("original_name", image["name"])
    for face in faces:
        x, y, w, h = box_of(face)
        corners = {"xtl": x, "ytl": y, "xbr": round(x + w, 2), "ybr": round(y + h, 2)}
        box = add(root, "box", label=LABEL, occluded=0, source="manual", z_order=0, **corners)
        add(box, "attribute", face["identity"] or "", name="identity")
        add(box, "attribute", face["who"], name="who")
    return root


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos in their order, each with its faces. Raises BadLabels, which says what is wrong where."""
    root = parsed(path.read_bytes(), path.name)
    if root.tag != "annotations":
        raise BadLabels(f"{path.name} is no CVAT file: it begins with “{root.tag}”.")
    for number, image in enumerate(root.iter("image"), start=1):
        try:
            yield _given_photo(image)
        except (KeyError, TypeError, ValueError) as error:
            raise BadLabels(f"Image {number} of {path.name} cannot be read: {error}.") from None


def _given_photo(image: Element) -> GivenPhoto:
    file = image.attrib["name"]
    sha256 = hash_in(file)
    sides = int(image.attrib["width"]), int(image.attrib["height"])
    faces = tuple(_given(box) for box in image.iter("box"))
    return GivenPhoto(sha256, image.get("original_name") or file, *sides, faces)


def _given(box: Element) -> GivenFace:
    left, top, right, bottom = (float(box.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr"))
    corners = tuple(round(side, 2) for side in (left, top, right - left, bottom - top))
    said = {attribute.get("name"): attribute.text or "" for attribute in box.iter("attribute")}
    name = said.get("identity") or ("" if box.attrib["label"].casefold() == LABEL else box.attrib["label"])
    who = Who(said["who"]) if said.get("who") else Who.ASSIGNED if name else Who.UNASSIGNED
    return GivenFace(corners, who, name if who == Who.ASSIGNED else None)
