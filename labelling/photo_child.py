"""The process that decodes photos: `python -m labelling.photo_child BYTES PIXELS MEMORY SECONDS`.

What a stranger made is decoded here and nowhere first. The process has no database, no store and no secret, and little
memory. A photo that takes more processor time than it may ends it; the clock would blame a photo for what else the
machine has to do. Lengths of 8 bytes go before all that
is sent: one photo in, one answer out, a line of JSON and the pictures it tells the sizes of.
"""

import json
import math
import resource
import struct
import sys
from datetime import datetime

from django.conf import settings

LENGTH = struct.Struct(">Q")


def main(most_bytes: int, most_pixels: int, memory: int, seconds: int) -> None:
    settings.configure(INGEST_MAX_BYTES=most_bytes, INGEST_MAX_PIXELS=most_pixels)
    from labelling.photos import read_photo  # reads the settings

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while header := asked.read(LENGTH.size):
        _allow(seconds)
        said, pictures = _answer(read_photo, asked.read(*LENGTH.unpack(header)))
        line = json.dumps(said).encode()
        for part in (LENGTH.pack(len(line)), line, *pictures):
            answers.write(part)
        answers.flush()


def _allow(seconds: int) -> None:
    """So much processor time from now on; beyond, the system ends this process with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def _answer(read_photo, data: bytes) -> tuple[dict, list[bytes]]:
    from labelling.photos import BadPhoto

    try:
        photo = read_photo(data)
    except BadPhoto as error:
        return {"bad": str(error)}, []
    fields = {**vars(photo), "taken_at": photo.taken_at and photo.taken_at.isoformat()}
    fields["pictures"] = [[size, len(picture)] for size, picture in photo.pictures.items()]
    return {"photo": fields}, list(photo.pictures.values())


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
