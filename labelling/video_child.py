"""The process that decodes clips: `python -m labelling.video_child SAMPLING LIMITS`, in JSON, the clip on its input.

As in `photo_child.py`, what a stranger made is decoded in a process without database, store and secrets, with little
memory. Only the containers and codecs that cameras and browsers write are opened, and nothing that a clip points to.
Answers go out one after the other, a line of JSON with its length before it; after a frame's line come its JPEG bytes.
"""

import errno
import io
import json
import math
import resource
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import IO

import av
import numpy as np
from av.sidedata.sidedata import Type
from PIL import Image

from labelling.clip_sampling import Limits, Sampling, clock
from labelling.photo_child import LENGTH
from labelling.photos import perceptual_hash

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif"
CODECS = "h264,hevc,mpeg4,mjpeg,mpeg2video,vp8,vp9,libdav1d,av1,gif,prores,h263,msmpeg4v2,msmpeg4v3,rawvideo"
OPTIONS = {"format_whitelist": CONTAINERS, "codec_whitelist": CODECS, "protocol_whitelist": "none"}
JPEG_QUALITY = 95
# Frames that differ in no more bits of their hashes show the same.
SAME_BITS = 2
# Mean difference of grey values, of 255, from which on the picture is another one.
ANOTHER_SCENE = 5.0
SMALL = (32, 24)
BEAT_S = 1.0
BAD_PACKETS = 100
DAMAGE = (av.FFmpegError, ValueError, OSError)
NO_CLIP = "This is not a clip Facet reads. Convert it to MP4, MOV, MKV, WebM or AVI."
DAMAGED = "The clip is damaged from {at} on; frames before that were taken. Export it again to have the rest."

# How the display matrix (a, b, c, d) of a clip turns its frames: x' = a x + c y, y' = b x + d y, y pointing down.
TURNS = {
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}


class BadClip(ValueError):
    """The clip cannot be read, or not any further. The message is a sentence for people."""


def main(sampling: Sampling, limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _go_on(limits)
    # FFmpeg's messages stay off, as PyAV has them: its threads would wait for this one to hear them while it waits for
    # them to end.
    try:
        _say(end=_read(sys.stdin.buffer, sampling, limits))
    except BadClip as error:
        _say(bad=str(error))
    except MemoryError:
        _say(bad="Decoding this clip takes more memory than there is. Export it with a smaller picture.")


def _read(file: IO[bytes], sampling: Sampling, limits: Limits) -> str:
    """Say all that is wanted of the clip; the answer is what else people should know, mostly nothing."""
    with _opened(file) as clip:
        if not clip.streams.video:
            raise BadClip("There is no picture in this clip, only sound or text.")
        stream = clip.streams.video[0]
        _must_be_readable(stream, limits)
        _say(made=_made_at(clip, stream))
        chosen, number, beaten = _Chooser(sampling, limits, stream.sample_aspect_ratio), 0, time.monotonic()
        for at, frame in _frames(clip, stream):
            if at > limits.seconds:
                return f"Only the first {limits.seconds / 60:.0f} minutes were read. Cut the clip to have the rest."
            if picture := chosen.picture(at, frame):
                if number == sampling.most:
                    return f"Reading stopped at {clock(at)}, after {number:,} frames, as asked."
                number += 1
                _say(picture, frame=at)
            if time.monotonic() - beaten > BEAT_S:
                _say(at=at)
                _go_on(limits)
                beaten = time.monotonic()
    return ""


def _go_on(limits: Limits) -> None:
    """The system ends this process when it works on for so long without getting any further.

    Of processor time, because on a busy machine the clock says nothing about who stands still.
    """
    used = math.ceil(time.process_time())
    soft = min(used + limits.silent_cpu_seconds, limits.cpu_seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, limits.cpu_seconds))


def _opened(file):
    try:
        return av.open(file, options=OPTIONS)
    except DAMAGE as error:
        _must_have_memory(error)
        raise BadClip(NO_CLIP) from None


def _must_be_readable(stream, limits: Limits) -> None:
    codec = stream.codec_context
    if codec is None or codec.name not in CODECS.split(","):
        raise BadClip("The picture of this clip is coded in a way Facet does not read. Convert it to H.264 in MP4.")
    if codec.width * codec.height > limits.pixels:
        raise BadClip(f"{codec.width} × {codec.height}: more than {limits.pixels // 1_000_000} megapixels a frame.")
    codec.thread_type, codec.thread_count = "AUTO", 2


def _made_at(clip, stream) -> str:
    names = ("com.apple.quicktime.creationdate", "creation_time")
    return next((found[name] for name in names for found in (clip.metadata, stream.metadata) if name in found), "")


def _frames(clip, stream) -> Iterator[tuple[float, av.VideoFrame]]:
    """Each frame with its time since the first one. A damaged packet is passed by; many in a row end the clip."""
    first, at, bad, count = None, 0.0, 0, 0
    try:
        for packet in clip.demux(stream):
            frames = _decoded(packet)
            bad = bad + 1 if frames is None else 0
            if bad > BAD_PACKETS:
                break
            for frame in frames or ():
                if frame.time is None:  # some containers tell no times; then frames come as evenly as the clip says
                    at = count / float(stream.average_rate or 25)
                else:
                    first = frame.time if first is None else first
                    at = max(at, frame.time - first)
                count += 1
                yield at, frame
    except DAMAGE as error:
        _must_have_memory(error)
        bad = BAD_PACKETS + 1
    if not count:
        raise BadClip("Not one picture in this clip can be decoded. Export it again.")
    if bad > BAD_PACKETS:
        raise BadClip(DAMAGED.format(at=clock(at)))


def _decoded(packet: av.Packet) -> list[av.VideoFrame] | None:
    try:
        return packet.decode()
    except DAMAGE as error:
        _must_have_memory(error)
        return None


def _must_have_memory(error: Exception) -> None:
    """FFmpeg tells a lack of memory by a number, as it tells everything."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        raise MemoryError from error


class _Chooser:
    """Which frames are worth a photo, and their JPEG bytes."""

    def __init__(self, sampling: Sampling, limits: Limits, pixel_shape: Fraction | None):
        self._by_scene, self._every_s = sampling.by == "scene", sampling.every_s
        self._most_pixels = limits.pixels
        self._pixel_shape = Fraction(pixel_shape or 1)
        self._due = 0.0
        self._hash: int | None = None
        self._small: np.ndarray | None = None

    def picture(self, at: float, frame: av.VideoFrame) -> bytes | None:
        if at + 1e-6 < self._due:
            return None
        small = frame.reformat(*SMALL, format="gray").to_ndarray().astype(np.int16)
        if self._by_scene and self._small is not None and np.abs(small - self._small).mean() < ANOTHER_SCENE:
            return None
        # By time, the beat goes on from the clip's beginning, however late a frame came.
        every = self._every_s
        self._due = at + every if self._by_scene else (math.floor(at / every + 1e-6) + 1) * every
        if frame.width * frame.height > self._most_pixels:
            return None
        picture = _upright(frame, self._pixel_shape)
        look = perceptual_hash(picture)
        if self._hash is not None and (look ^ self._hash).bit_count() <= SAME_BITS:
            return None
        self._hash, self._small = look, small
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=JPEG_QUALITY)
        return out.getvalue()


def _upright(frame: av.VideoFrame, pixel_shape: Fraction) -> Image.Image:
    """As a player shows it: turned as the clip says, its pixels square."""
    picture = frame.to_image()
    if pixel_shape != 1 and Fraction(1, 4) <= pixel_shape <= 4:
        width = max(1, round(picture.width * pixel_shape))
        picture = picture.resize((width, picture.height), Image.Resampling.BICUBIC)
    turn = TURNS.get(_matrix(frame))
    return picture.transpose(turn) if turn is not None else picture


def _matrix(frame: av.VideoFrame) -> tuple[int, ...]:
    found = frame.side_data.get(Type.DISPLAYMATRIX)
    if found is None:
        return (1, 0, 0, 1)
    a, b, _, c, d = np.frombuffer(bytes(found), dtype=np.int32, count=5) / 65536
    return tuple(round(max(-1.0, min(1.0, part))) for part in (a, b, c, d))


def _say(picture: bytes = b"", **said) -> None:
    line = json.dumps({**said, "bytes": len(picture)}).encode()
    for part in (LENGTH.pack(len(line)), line, picture):
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Sampling(**json.loads(sys.argv[1])), Limits(**json.loads(sys.argv[2])))
