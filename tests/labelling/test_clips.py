"""Frames of a clip: chosen by time or by scene, upright, and nothing harmed by what is no clip."""

import io
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from labelling.clip_sampling import Limits, Sampling, clock
from labelling.clips import BadClip, Clip
from labelling.photos import perceptual_hash
from tests.labelling.drawn_clips import CODECS, SIZE, drawn_clip, drawn_sound, scene

REPO = Path(__file__).resolve().parents[2]
CLIPS = Path(os.environ.get("FACET_DATA") or REPO.parent / "shared" / "data") / "odd" / "clips"


@pytest.fixture
def opened(tmp_path):
    """A clip's bytes as the file that is given to its process."""
    files = []

    def make(data: bytes):
        path = tmp_path / f"clip{len(files)}"
        path.write_bytes(data)
        files.append(path.open("rb"))
        return files[-1]

    yield make
    for file in files:
        file.close()


@pytest.fixture
def frames(opened):
    def make(data: bytes, **sampling) -> list[tuple[float, bytes]]:
        return list(Clip(opened(data), Sampling(**sampling)).frames())

    return make


def times(found: list[tuple[float, bytes]]) -> list[float]:
    return [round(at, 2) for at, _ in found]


def shows(data: bytes, seed: int) -> bool:
    seen, drawn = (perceptual_hash(picture) for picture in (Picture.open(io.BytesIO(data)), scene(seed)))
    return (seen ^ drawn).bit_count() <= 6


@pytest.mark.parametrize("format", list(CODECS))
def test_clips_of_every_kind_give_their_scenes(frames, format):
    found = frames(drawn_clip(format), every_s=0.5)
    assert times(found) == [0, 1, 2]  # the frame half a second later shows the same, and is left out
    for (_, data), seed in zip(found, (1, 2, 3), strict=True):
        picture = Picture.open(io.BytesIO(data))
        assert (picture.format, picture.size) == ("JPEG", SIZE)
        assert shows(data, seed)


def test_by_time_a_frame_comes_at_each_beat(frames):
    clip = drawn_clip(seeds=range(10), seconds_each=0.2)
    assert times(frames(clip, every_s=0.4)) == [0, 0.4, 0.8, 1.2, 1.6]
    assert times(frames(clip, every_s=0.35)) == [0, 0.4, 0.7, 1.1, 1.4, 1.8]


def test_by_scene_a_frame_comes_when_the_picture_changes(frames):
    clip = drawn_clip(seeds=[1, 2, 2, 1, 3], seconds_each=0.7)
    assert times(frames(clip, by="scene", every_s=0.1)) == [0, 0.7, 2.1, 2.8]
    assert times(frames(clip, by="scene", every_s=1.5)) == [0, 1.5, 3]


def test_no_more_frames_come_than_asked_and_that_is_said(opened):
    clip = Clip(opened(drawn_clip(seeds=range(10), seconds_each=0.2)), Sampling(every_s=0.2, most=3))
    assert times(clip.frames()) == [0, 0.2, 0.4]
    assert clip.note == "Reading stopped at 00m00.600s, after 3 frames, as asked."


def test_a_long_clip_is_read_to_the_limit_and_that_is_said(opened, settings):
    settings.CLIP_SECONDS = 60
    clip = Clip(opened(drawn_clip(seeds=[1, 2], seconds_each=62)), Sampling(every_s=30))
    assert times(clip.frames()) == [0]
    assert clip.note == "Only the first 1 minutes were read. Cut the clip to have the rest."


TURNED = {
    "upright": (1, 0, 0, 1), "a quarter right": (0, 1, -1, 0), "on its head": (-1, 0, 0, -1),
    "a quarter left": (0, -1, 1, 0), "mirrored": (-1, 0, 0, 1), "upside down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0), "transversed": (0, -1, -1, 0),
}  # fmt: skip


@pytest.mark.parametrize("turn", TURNED)
def test_a_clip_stands_upright_whatever_its_matrix_says(frames, turn):
    a, b, c, d = TURNED[turn]
    one = 1 << 16
    ((_, data),) = frames(
        drawn_clip("mov", seeds=[1], matrix=[a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30])
    )
    stored = np.asarray(scene(1)).astype(int)
    y, x = np.mgrid[: stored.shape[0], : stored.shape[1]]
    to_x, to_y = a * x + c * y, b * x + d * y  # where the matrix puts each pixel
    wanted = np.zeros((np.ptp(to_y) + 1, np.ptp(to_x) + 1, 3))
    wanted[to_y - to_y.min(), to_x - to_x.min()] = stored
    shown = np.asarray(Picture.open(io.BytesIO(data))).astype(int)
    assert shown.shape == wanted.shape
    assert np.abs(shown - wanted).mean() < 12


def test_wide_pixels_are_made_square(frames):
    ((_, data),) = frames(drawn_clip("mp4", seeds=[1], shape=2))
    assert Picture.open(io.BytesIO(data)).size == (2 * SIZE[0], SIZE[1])


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("1904-01-01T00:00:00Z", None),  # a camera without a clock
        ("", None),
    ],
)
def test_a_clip_knows_when_it_was_made_if_its_camera_did(opened, said, known):
    clip = Clip(opened(drawn_clip(seeds=[1], **({"creation_time": said} if said else {}))), Sampling())
    assert len(list(clip.frames())) == 1
    assert clip.made_at == known


PLAYLIST = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
NO_CLIPS = {
    "empty": b"", "text": b"no clip at all\n" * 100, "zeros": bytes(100_000), "playlist": PLAYLIST,
    "script": b"ffconcat version 1.0\nfile /etc/passwd\n", "header only": drawn_clip()[:40],
    "a photo": scene(1).tobytes(),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_CLIPS)
def test_what_is_no_clip_is_refused_in_words(frames, kind):
    with pytest.raises(BadClip, match="Convert it to MP4"):
        frames(NO_CLIPS[kind])


def test_sound_alone_is_refused_in_words(frames):
    with pytest.raises(BadClip, match="no picture in this clip"):
        frames(drawn_sound())


def test_a_clip_cut_short_gives_what_is_there(frames):
    whole = drawn_clip("matroska", seeds=range(8), seconds_each=0.5)
    found = frames(whole[: len(whole) // 2], every_s=0.5)
    assert times(found) == times(frames(whole, every_s=0.5))[: len(found)]
    assert 1 <= len(found) < 8


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_clip_ends_with_frames_or_a_sentence(opened, seed):
    data = np.frombuffer(drawn_clip(list(CODECS)[seed]), dtype=np.uint8).copy()
    rng = np.random.default_rng(seed)
    hit = rng.integers(0, len(data), len(data) // 50)
    data[hit] = rng.integers(0, 256, len(hit))
    try:
        assert all(shows for shows in Clip(opened(data.tobytes()), Sampling(every_s=0.2)).frames())
    except BadClip as error:
        assert str(error).endswith(".")


def test_frames_of_too_many_pixels_are_refused_before_they_are_decoded(frames, settings):
    settings.INGEST_MAX_PIXELS = 10_000
    with pytest.raises(BadClip, match="160 × 120"):
        frames(drawn_clip())


def test_a_process_that_stands_still_is_stopped(frames, monkeypatch):
    monkeypatch.setattr("labelling.clips.PATIENCE", 0.001)  # not even enough to start
    with pytest.raises(BadClip, match="got no further"):
        frames(drawn_clip())


def test_a_process_may_work_only_so_long_without_a_word(settings):
    """Told to the system by the process itself, each time that it got on."""
    limits = Limits(seconds=60, pixels=10**6, memory=2**31, cpu_seconds=60, silent_cpu_seconds=1)
    told = f"import labelling.video_child as child; child._go_on(child.Limits(**{asdict(limits)}))\nwhile True: pass"
    ended = subprocess.run([sys.executable, "-c", told], cwd=settings.BASE_DIR, timeout=300)
    assert ended.returncode == -signal.SIGXCPU


def test_a_process_out_of_memory_harms_nobody(frames, settings):
    settings.DECODE_MEMORY_BYTES = 200 * 2**20
    with pytest.raises(BadClip, match="memory"):
        frames(drawn_clip())


def test_a_process_ends_with_its_reader(opened):
    clip = Clip(opened(drawn_clip(seeds=range(20), seconds_each=0.2)), Sampling(every_s=0.2))
    started = []
    clip._process, start = lambda: started.append(start()) or started[-1], clip._process
    reading = clip.frames()
    next(reading)
    assert started[0].poll() is None
    reading.close()
    assert started[0].poll() is not None


def test_times_are_told_to_a_thousandth():
    assert [clock(at) for at in (0, 3.2, 59.9999, 3725.25)] == ["00m00.000s", "00m03.200s", "01m00.000s", "62m05.250s"]


@pytest.mark.skipif(not CLIPS.is_dir(), reason="FACET_DATA names no folder of real clips")
def test_real_clips_give_frames_and_an_empty_room_gives_one():
    counts = {}
    for path in sorted(CLIPS.iterdir()):
        with path.open("rb") as file:
            clip = Clip(file, Sampling(every_s=0.5))
            found = list(clip.frames())
        counts[path.name] = len(found)
        assert all(Picture.open(io.BytesIO(data)).size[0] >= 480 for _, data in found)
    assert all(1 <= count <= 8 for name, count in counts.items() if "one-by-one" not in name)
    assert 40 <= counts["one-by-one-person-detection.mp4"] <= 140  # 279 beats, most of an empty room
    assert clip.made_at is None


@pytest.mark.skipif(not CLIPS.is_dir(), reason="FACET_DATA names no folder of real clips")
def test_a_real_clip_tells_when_it_was_made():
    with (CLIPS / "one-by-one-person-detection.mp4").open("rb") as file:
        clip = Clip(file, Sampling(most=1))
        assert len(list(clip.frames())) == 1
    assert clip.made_at == datetime(2017, 9, 26, 16, 57, 49, tzinfo=UTC)
