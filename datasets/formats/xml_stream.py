"""XML files of any size, an element at a time: what is held is one element and a little of the file around it.

Nothing may be declared in them: entities are how small files become large ones.
"""

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from datasets.given import BadLabels

CHUNK = 64 * 1024
# One photo that takes more of the file than this is none.
MOST_BYTES = 64 * 1024 * 1024


def elements(file: BinaryIO, name: str, tags: set[str]) -> Iterator[Element]:
    """The outermost element first, of which only the tag is known then; after it each of these tags right inside it.

    Raises BadLabels for what is no XML, or declares something.
    """
    builder = _Builder(name, tags)
    parser = ElementTree.XMLParser(target=builder)  # noqa: S314 (the builder refuses declarations)
    since = 0
    try:
        while data := file.read(CHUNK):
            parser.feed(data)
            found = builder.taken()
            since = 0 if found else since + len(data)
            if since > MOST_BYTES:
                raise BadLabels(f"{name} has {MOST_BYTES // 1024**2} MB without the end of any “{min(tags)}”.")
            yield from found
        parser.close()
        yield from builder.taken()
    except (ElementTree.ParseError, UnicodeError, ValueError, LookupError) as error:
        if isinstance(error, BadLabels):
            raise
        raise BadLabels(f"{name} is no XML: {error}.") from None


class _Builder(ElementTree.TreeBuilder):
    """Lets go of what is behind: the outermost element keeps no children."""

    def __init__(self, name: str, tags: set[str]) -> None:
        super().__init__()
        self._name, self._tags = name, tags
        self._depth, self._root = 0, None
        self._found: list[Element] = []

    def doctype(self, *_) -> None:
        raise BadLabels(f"{self._name} declares a document type, which no file of labels needs.")

    def start(self, tag, attributes):
        element = super().start(tag, attributes)
        self._depth += 1
        if self._root is None:
            self._root = element
            self._found.append(element)
        return element

    def end(self, tag):
        element = super().end(tag)
        self._depth -= 1
        if self._depth == 1:
            if element.tag in self._tags:
                self._found.append(element)
            self._root.clear()
        return element

    def taken(self) -> list[Element]:
        found, self._found = self._found, []
        return found
