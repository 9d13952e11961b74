"""Photos that say more than their pixels: where they were taken, by whom, with what, and what they showed before.

Every word of that has PRIVATE in it, so that a byte of it is found wherever it goes.
"""

import io
import struct

from PIL import Image as Picture
from PIL import PngImagePlugin

from tests.conftest import picture_bytes

SECRET = b"PRIVATE"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>PRIVATE-XMP exif:GPSLatitude="48,51.5N"</rdf:RDF></x:xmpmeta>'
# What a JPEG of pixels alone consists of: its head, tables, one frame of any kind, scans.
BARE = {0xE0, 0xDB, 0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDD}


def private_photo(seed: int = 0, format: str = "JPEG") -> bytes:
    picture = Picture.open(io.BytesIO(picture_bytes(seed, (320, 240), "PNG")))
    out = io.BytesIO()
    if format == "JPEG":
        picture.save(out, "JPEG", quality=90)
        return _with_segments(out.getvalue())
    said: dict = {"exif": b"Exif\0\0" + _exif()}
    if format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Author", "PRIVATE-AUTHOR")
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        said["pnginfo"] = text
    elif format == "GIF":
        said = {"comment": b"PRIVATE-COMMENT"}
    elif format == "TIFF":
        said = {"tiffinfo": {270: "PRIVATE-DESCRIPTION", 315: "PRIVATE-ARTIST", 700: XMP}}
    else:  # WEBP and HEIF
        said["xmp"] = XMP
    picture.save(out, format, **said)
    assert SECRET in out.getvalue()
    return out.getvalue()


def bare_jpeg(data: bytes) -> bool:
    """Whether nothing is in it but what its pixels need."""
    place = 2
    while data[place : place + 1] == b"\xff":
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker not in BARE or (marker == 0xE0 and length != 16):
            return False
        if marker == 0xDA:
            return True
        place += 2 + length
    return False


def _with_segments(jpeg: bytes) -> bytes:
    segments = [
        (0xE1, b"Exif\0\0" + _exif()),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        (0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\x16" + b"\x1c\x02\x5a\0\x0dPRIVATE-IPTC."),
        (0xFE, b"PRIVATE-COMMENT"),
    ]
    written = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments)
    return jpeg[:2] + written + jpeg[2:]


def _exif() -> bytes:
    """Artist, maker's note, serial number, a position in Paris, and the thumbnail of another picture."""
    thumbnail = picture_bytes(999, (16, 16), comment=b"PRIVATE-THUMBNAIL")
    inner = [
        (0x927C, 7, b"PRIVATE-MAKER-NOTE"),
        (0xA431, 2, b"PRIVATE-SERIAL\0"),
        (0x9003, 2, b"2021:05:03 14:05:09\0"),
    ]
    position = [
        (1, 2, b"N\0\0\0"),
        (2, 5, struct.pack(">6I", 48, 1, 51, 1, 30, 1)),
        (3, 2, b"E\0\0\0"),
        (4, 5, struct.pack(">6I", 2, 1, 17, 1, 40, 1)),
        (0x1B, 7, b"ASCII\0\0\0PRIVATE-METHOD"),
    ]
    outer_at = 8
    outer_size = len(_table([(0x13B, 2, b"PRIVATE-ARTIST\0"), (0x8769, 4, bytes(4)), (0x8825, 4, bytes(4))], 0))
    inner_at = outer_at + outer_size
    position_at = inner_at + len(_table(inner, 0))
    second_at = position_at + len(_table(position, 0))
    second_size = len(_table([(0x201, 4, bytes(4)), (0x202, 4, bytes(4))], 0))
    outer = [
        (0x13B, 2, b"PRIVATE-ARTIST\0"),
        (0x8769, 4, struct.pack(">I", inner_at)),
        (0x8825, 4, struct.pack(">I", position_at)),
    ]
    second = [
        (0x201, 4, struct.pack(">I", second_at + second_size)),
        (0x202, 4, struct.pack(">I", len(thumbnail))),
    ]
    return b"".join(
        [
            b"MM\0*\0\0\0\x08",
            _table(outer, outer_at, second_at),
            _table(inner, inner_at),
            _table(position, position_at),
            _table(second, second_at),
            thumbnail,
        ]
    )


def _table(entries: list[tuple[int, int, bytes]], place: int, following: int = 0) -> bytes:
    """A TIFF table that begins at `place`; values longer than four bytes lie behind it."""
    rows, behind = struct.pack(">H", len(entries)), b""
    after = place + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        count = len(value) // {2: 1, 4: 4, 5: 8, 7: 1}[kind]
        rows += struct.pack(">HHI", tag, kind, count)
        if len(value) <= 4:
            rows += value.ljust(4, b"\0")
        else:
            rows += struct.pack(">I", after + len(behind))
            behind += value + b"\0" * (len(value) % 2)
    return rows + struct.pack(">I", following) + behind
