"""Small clips of drawn pictures, encoded here."""

import io

import av
from PIL import Image as Picture

from tests.conftest import picture_bytes

SIZE = (160, 120)
FPS = 10
CODECS = {"mp4": "libx264", "mov": "mpeg4", "matroska": "libvpx", "webm": "libvpx", "avi": "mpeg4", "gif": "gif"}


def scene(seed: int) -> Picture.Image:
    return Picture.open(io.BytesIO(picture_bytes(seed, SIZE)))


def drawn_clip(
    format: str = "mp4", *, seeds=(1, 2, 3), seconds_each: float = 1.0, matrix=None, shape=None, **metadata: str
) -> bytes:
    """One scene after the other, each standing still. `matrix`: nine numbers, 16.16; `shape`: of a pixel."""
    out = io.BytesIO()
    with av.open(out, "w", format=format) as clip:
        clip.metadata.update(metadata)
        stream = clip.add_stream(CODECS[format], rate=FPS)
        stream.width, stream.height = SIZE
        stream.bit_rate = 2_000_000
        stream.pix_fmt = "rgb8" if format == "gif" else "yuv420p"
        if matrix:
            stream.set_display_matrix(matrix)
        if shape:
            stream.codec_context.sample_aspect_ratio = shape
        for seed in seeds:
            for _ in range(round(seconds_each * FPS)):
                clip.mux(stream.encode(av.VideoFrame.from_image(scene(seed))))
        clip.mux(stream.encode(None))
    return out.getvalue()


def drawn_sound() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as clip:
        stream = clip.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))
    return out.getvalue()
