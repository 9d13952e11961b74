"""Frames of a clip as photos: a source of files to take in."""

import contextlib
import math
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import PurePosixPath

from labelling import storage
from labelling.clip_sampling import Sampling, clock
from labelling.clips import BadClip, Clip
from labelling.errors import Refused
from labelling.models import Intake, IntakeSource
from labelling.taking_in import BrokenSource, SourceFile, source

BY = ("time", "scene")
SHORTEST_S, LONGEST_S = 0.02, 3600.0
MOST_FRAMES = 20_000
GONE = "The clip that was sent is not in the object store any more. Send it again."


@source(IntakeSource.VIDEO)
def frames_of(intake: Intake) -> Iterator[SourceFile]:
    """Raises BrokenSource, in words, when the clip is none or cannot be read on."""
    sampling = sampling_asked(intake.options)
    stem = PurePosixPath(intake.name).stem[:100] or "clip"
    if not intake.session:
        intake.session = stem
        intake.save(update_fields=["session"])
    with tempfile.TemporaryFile() as file:
        try:
            storage.download_to(intake.options["key"], file)
        except storage.ObjectMissing as error:
            raise BrokenSource(GONE) from error
        clip = Clip(file, sampling)
        with contextlib.closing(clip.frames()) as frames:
            try:
                for at, data in frames:
                    taken_at = clip.made_at and clip.made_at + timedelta(seconds=at)
                    yield SourceFile(f"{stem}_{clock(at)}.jpg", lambda data=data: data, taken_at=taken_at)
            except BadClip as error:
                raise BrokenSource(str(error)) from error
    if clip.note:
        Intake.objects.filter(pk=intake.pk).update(note=clip.note)


def sampling_asked(options: Mapping) -> Sampling:
    """From what somebody sent: names to text or numbers. Raises Refused, in words, for what makes no sense."""
    by = str(options.get("by") or BY[0])
    if by not in BY:
        raise Refused(f"“{by}” is no way to choose frames; use one of {', '.join(BY)}.", fields={"by": [by]})
    every_s = _number(options, "every_s", float, Sampling.every_s, SHORTEST_S, LONGEST_S)
    return Sampling(by, every_s, _number(options, "most", int, Sampling.most, 1, MOST_FRAMES))


def _number(options: Mapping, name: str, kind: type, usual: float, least: float, most: float):
    said = options.get(name)
    try:
        number = kind(said) if said not in (None, "") else usual
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not least <= number <= most:
        message = f"“{name}” must be a number from {least:,} to {most:,}."
        raise Refused(message, fields={name: [message]})
    return number
