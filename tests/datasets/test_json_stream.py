"""JSON an element at a time gives what JSON at once gives, wherever the pieces of the file are cut."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.formats import json_stream
from datasets.formats.json_stream import BEGIN, elements
from datasets.given import BadLabels

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def flat(content):
    if isinstance(content, list):
        return [("", element) for element in content]
    lists = {key: [BEGIN, *value] if isinstance(value, list) else [value] for key, value in content.items()}
    return [(key, one) for key, value in lists.items() for one in value]


@given(st.lists(VALUES) | st.dictionaries(st.text(), VALUES), st.integers(1, 9), st.sampled_from([None, 2]))
def test_in_pieces_as_at_once(content, chunk, indent):
    data = json.dumps(content, ensure_ascii=False, indent=indent).encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK", chunk)
        assert list(elements(io.BytesIO(data), "file")) == flat(content)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"   ", b"1", b'"text"', b"[1, 2", b"[1 2]", b"[1,]", b'{"a" 1}', b'{"a": }', b"{1: 2}", b"[] []",
        b"\xff[]", b"[NaN]", b"[-Infinity]", b'{"a": [1, {"b": Infinity}]}', b"[" * 100_000,
        b'{"a":' * 100_000, b"[tru]", b"[" + b"9" * 10_000 + b"]",
    ],
)  # fmt: skip
def test_what_is_no_json_is_said(data):
    with pytest.raises(BadLabels, match="file is no JSON"):
        list(elements(io.BytesIO(data), "file"))


def test_an_element_without_an_end_is_given_up(monkeypatch):
    monkeypatch.setattr(json_stream, "MOST_LETTERS", 10_000)
    monkeypatch.setattr(json_stream, "CHUNK", 100)
    with pytest.raises(BadLabels, match=r"more than 10,000 letters"):
        list(elements(io.BytesIO(b'["' + b"x" * 1_000_000), "file"))
