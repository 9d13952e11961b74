"""JSON files of any size, an element at a time: what is held is one element and a little of the file around it."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from datasets.given import BadLabels

CHUNK = 1024 * 1024
# One photo or one face that takes more letters than this is neither.
MOST_LETTERS = 64 * 1024 * 1024
_SPACE = re.compile(r"[ \t\n\r]*")
_MAY_GO_ON = {"", *"0123456789.eE+-"}
# Comes before the elements of a list in an object.
BEGIN = object()
_LIST, _OBJECT = "[", "{"


def elements(file: BinaryIO, name: str) -> Iterator[tuple[str, object]]:
    """Of the list that the file is, or of the lists in the object that it is: (key, element), in their order.

    Of a list in an object BEGIN comes first, so that an empty one is seen. Values that are no lists come as they are,
    under their key; of a file that is a list the key is empty. Raises BadLabels for what is no JSON.
    """
    try:
        yield from _Text(file).elements()
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadLabels):
            raise
        raise BadLabels(f"{name} is no JSON: {error}.") from None


def _no_number(word: str):
    raise ValueError(f"“{word}” is no number")


class _Text:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._value = json.JSONDecoder(parse_constant=_no_number).raw_decode
        self._text, self._at, self._is_whole = "", 0, False

    def elements(self) -> Iterator[tuple[str, object]]:
        begin = self._next()
        if begin == _LIST:
            yield from (("", element) for element in self._list())
        elif begin == _OBJECT:
            yield from self._object()
        else:
            raise ValueError("it begins with neither a list nor an object")
        if self._next(may_end=True):
            raise ValueError("something follows after its end")

    def _object(self) -> Iterator[tuple[str, object]]:
        self._take(_OBJECT)
        while self._next() != "}":
            key = self._one()
            if not isinstance(key, str):
                raise ValueError("a key of it is no text")
            self._take(":")
            if self._next() == _LIST:
                yield key, BEGIN
                yield from ((key, element) for element in self._list())
            else:
                yield key, self._one()
            self._comma("}")
        self._take("}")

    def _list(self) -> Iterator[object]:
        self._take(_LIST)
        while self._next() != "]":
            yield self._one()
            self._comma("]")
        self._take("]")

    def _comma(self, end: str) -> None:
        if self._next() == end:
            return
        self._take(",")
        if self._next() == end:
            raise ValueError("a comma has nothing after it")

    def _take(self, sign: str) -> None:
        if self._next() != sign:
            raise ValueError(f"“{sign}” is missing")
        self._at += 1

    def _next(self, *, may_end=False) -> str:
        """The sign that comes next, not taken."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read(CHUNK):
                if may_end:
                    return ""
                raise ValueError("it ends in the middle")

    def _one(self) -> object:
        self._next()
        more = CHUNK
        while True:
            try:
                value, end = self._value(self._text, self._at)
            except json.JSONDecodeError:
                if not self._read(more):
                    raise
            else:
                if not self._goes_on(end) or not self._read(more):
                    self._at = end
                    return value
            if len(self._text) - self._at > MOST_LETTERS:
                raise ValueError(f"one part of it has more than {MOST_LETTERS:,} letters, or it is broken there")
            more *= 2  # so that a large element is not begun again for each piece of it

    def _goes_on(self, end: int) -> bool:
        """Whether what was read up to there may be the beginning of a number."""
        return self._text[end : end + 1] in _MAY_GO_ON

    def _read(self, letters: int) -> bool:
        """More of the file, in place of what was taken. False when there is no more."""
        if self._is_whole:
            return False
        data = self._file.read(letters)
        self._is_whole = not data
        self._text, self._at = self._text[self._at :] + self._decode.decode(data, final=not data), 0
        return True
