"""XML in and out. What comes in may declare nothing: entities are how small files become large ones."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from datasets.given import BadLabels

__all__ = ["Element", "SubElement", "add", "parsed", "written"]


def add(parent: Element, tag: str, text: object = None, **attributes: object) -> Element:
    child = SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})
    if text is not None:
        child.text = str(text)
    return child


def written(root: Element) -> bytes:
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode").encode() + b"\n"


def parsed(data: bytes, name: str) -> Element:
    """Raises BadLabels for what is no XML, or declares something."""
    try:
        text = data.decode("utf-8-sig")  # in another encoding a declaration might hide
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise BadLabels(f"{name} declares a document type, which no file of labels needs.")
        return ElementTree.fromstring(text)  # noqa: S314 (nothing is declared in it)
    except (ElementTree.ParseError, UnicodeError) as error:
        raise BadLabels(f"{name} is no XML: {error}.") from None
