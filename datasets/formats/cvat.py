"""CVAT for images 1.1: a face is a box of the label “face”; who it is, an attribute that `meta` declares.

Of files that others wrote, the label is the person unless it says what every face is. CVAT's own exports are archives
with an `annotations.xml`.
"""

from collections.abc import Iterator
from pathlib import Path

from datasets.formats.labels import meant_by
from datasets.formats.tables import box_of, counted, file_name, hash_in
from datasets.formats.xml_file import Element, add, written
from datasets.formats.xml_stream import elements
from datasets.formats.zipped import documents, last
from datasets.given import BadLabels, GivenFace, GivenPhoto
from datasets.selection import people_of
from labelling.models import Who

TITLE = "CVAT for images 1.1 (one XML file)"
SUFFIX = "xml"
LABELS_NAME = "annotations"
CONTENTS = ("labels", "images")
PEOPLE = ("attribute", "classes")
LABEL = "face"


def write(files: dict[str, bytes], info: dict, counts: dict, people: str = "attribute") -> Iterator[bytes]:
    """The file piece by piece; fills `counts` with what was really written."""
    yield b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    labels = [LABEL] if people == "attribute" else [LABEL, *(person["name"] for person in people_of(files))]
    yield written(_meta(info, labels))
    for number, (image, mine) in enumerate(counted(files, counts)):
        yield written(_image(number, image, mine, people))
    yield b"</annotations>\n"


def picture_name(image: dict) -> str:
    return f"images/{file_name(image)}"


def _meta(info: dict, names: list[str]) -> Element:
    """Labels and attributes that are not declared are dropped by CVAT when it reads the file."""
    root = Element("meta")
    task = add(root, "task")
    add(task, "name", info["description"])
    labels = add(task, "labels")
    for name in names:
        label = add(labels, "label")
        add(label, "name", name)
        _declare(add(label, "attributes"))
    return root


def _declare(attributes: Element) -> None:
    for name, kind, values in (("identity", "text", ""), ("who", "select", "\n".join(Who.values))):
        attribute = add(attributes, "attribute")
        add(attribute, "name", name)
        add(attribute, "mutable", "False")
        add(attribute, "input_type", kind)
        add(attribute, "default_value", "" if kind == "text" else Who.UNASSIGNED)
        add(attribute, "values", values)


def _image(number: int, image: dict, faces: list[dict], people: str) -> Element:
    root = Element("image", id=str(number), name=file_name(image))
    root.set("width", str(image["width"]))
    root.set("height", str(image["height"]))
    root.set("subset", image["split"])
    root.set("original_name", image["name"])
    for face in faces:
        x, y, w, h = box_of(face)
        corners = {"xtl": x, "ytl": y, "xbr": round(x + w, 2), "ybr": round(y + h, 2)}
        label = (face["identity"] if people == "classes" else None) or LABEL
        box = add(root, "box", label=label, occluded=0, source="manual", z_order=0, **corners)
        add(box, "attribute", face["identity"] or "", name="identity")
        add(box, "attribute", face["who"], name="who")
    return root


TURNED = "Boxes that are turned cannot be taken: a box lies straight here."
NO_BOX = "“{}” is no box and cannot be taken: only boxes of faces can."
OTHERS = {"polygon", "polyline", "points", "ellipse", "mask", "cuboid", "skeleton"}


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos in their order, each with its faces. Raises BadLabels, which says what is wrong where."""
    for name, file in documents(path, _annotations):
        found = elements(file, name, {"image", "track"})
        root = next(found, None)
        if root is None or root.tag != "annotations":
            raise BadLabels(f"{name} is no CVAT file: it begins with “{'' if root is None else root.tag}”.")
        for number, image in enumerate(found, start=1):
            if image.tag == "track":
                raise BadLabels(f"{name} is of a clip. Export it from CVAT as “CVAT for images”.")
            try:
                yield _given_photo(image)
            except (KeyError, TypeError, ValueError) as error:
                why = f"it has no “{error.args[0]}”" if isinstance(error, KeyError) else error
                raise BadLabels(f"Image {number} of {name} cannot be read: {why}.") from None


def _annotations(names: list[str]) -> list[str]:
    return [name for name in names if last(name) == "annotations.xml"]


def _given_photo(image: Element) -> GivenPhoto:
    file = image.attrib["name"]
    sha256 = hash_in(file)
    sides = int(image.attrib["width"]), int(image.attrib["height"])
    boxes = image.findall("box")
    straight = [box for box in boxes if not float(box.get("rotation", 0)) % 360]
    left_out = [TURNED] * (len(boxes) - len(straight))
    left_out += [NO_BOX.format(other.tag) for other in image if other.tag in OTHERS]
    return GivenPhoto(
        sha256, image.get("original_name") or file, *sides, tuple(map(_given, straight)), remarks=tuple(left_out),
        is_whole=not left_out,
    )  # fmt: skip


def _given(box: Element) -> GivenFace:
    left, top, right, bottom = (float(box.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr"))
    corners = tuple(round(side, 2) for side in (left, top, right - left, bottom - top))
    said = {attribute.get("name"): attribute.text or "" for attribute in box.iter("attribute")}
    if said.get("who") in Who.values:  # as Facet writes it
        who = Who(said["who"])
        return GivenFace(corners, who, said["identity"] if who == Who.ASSIGNED else None)
    named = next((said[field] for field in ("identity", "name", "person", "who") if said.get(field)), None)
    return GivenFace(corners, *meant_by(named or box.attrib["label"]))
