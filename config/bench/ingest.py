"""facet bench ingest: 2,000 photos through the web server, as the Ingest page sends them, into the object store.

Each is hashed, decoded in a process of its own, turned upright, made smaller in three sizes, measured, stored and
given a row. FACET_BENCH_SCALE makes it fewer.
"""

import io
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from django.contrib.auth import get_user_model
from PIL import Image as Picture

from config.bench._api_client import ApiClient
from config.bench._queue_pages import percentile_ms
from config.bench._web import running_web
from labelling import storage
from labelling.models import Image, Role
from labelling.projects import create_project, set_member
from labelling.tokens import make_token

PORT = 8133
PHOTOS, SIZE = 2_000, (640, 480)
# As static/js/upload.js does it.
A_REQUEST, AT_ONCE = 8, 2
DRAWN = 25


def run(say: Callable[[str], None]) -> dict:
    count = round(PHOTOS * float(os.environ.get("FACET_BENCH_SCALE", "1")))
    owner = get_user_model().objects.get_or_create(username="bench-owner")[0]
    project = create_project(f"Ingest bench {time.time():.0f}", by=owner)
    set_member(project, owner, Role.OWNER)
    token = make_token(owner, "bench", days=1)[0]
    with tempfile.TemporaryDirectory() as folder:
        say(f"Drawing {count:,} photos of {SIZE[0]} × {SIZE[1]} …")
        photos = _photos(Path(folder), count)
        with running_web(PORT) as port:
            path = f"projects/{project.slug}/images/"
            ApiClient(port, token).get(f"projects/{project.slug}/")
            say("Sending them …")
            return _send(photos, path, lambda: ApiClient(port, token), project)


def _photos(folder: Path, count: int) -> list[Path]:
    """Drawn people, each picture in many shades: no two files are the same, and all are as heavy as a camera's."""
    from recognition.drawing.scene import draw_portrait

    random = np.random.default_rng(0)
    drawn = [draw_portrait(person, 1, SIZE).image for person in range(min(DRAWN, count))]
    paths = []
    for number in range(count):
        noise = random.normal(0, 4, (SIZE[1], SIZE[0], 1))
        pixels = np.clip(drawn[number % len(drawn)] + noise, 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Picture.fromarray(pixels).save(out, "JPEG", quality=90)
        paths.append(folder / f"photo_{number:05}.jpg")
        paths[-1].write_bytes(out.getvalue())
    return paths


def _send(photos: list[Path], path: str, client: Callable[[], ApiClient], project) -> dict:
    requests = [photos[start : start + A_REQUEST] for start in range(0, len(photos), A_REQUEST)]
    seconds: list[float] = []
    sizes: list[float] = []
    statuses: list[str] = []

    def send() -> None:
        mine = client()
        while requests:
            batch = requests.pop(0)
            start = time.perf_counter()
            answer = mine.upload(path, batch)
            seconds.append(time.perf_counter() - start)
            statuses.extend(result["status"] for result in answer["results"])

    worked = _processor_s()
    start = time.perf_counter()
    senders = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for sender in senders:
        sender.start()
    while any(sender.is_alive() for sender in senders):
        sizes.append(_memory_mb())
        time.sleep(2)  # looking oftener would take time from what is looked at
    took = time.perf_counter() - start
    worked = {part: seconds - worked.get(part, 0) for part, seconds in _processor_s().items()}
    _must_all_be_there(project, len(photos), statuses)
    return {
        "images": len(photos),
        "image_kb": round(sum(photo.stat().st_size for photo in photos) / len(photos) / 1000, 1),
        "images_per_s": round(len(photos) / took, 1),
        "p95_ms": percentile_ms(seconds, 95),
        "p95_is_of": f"requests of {A_REQUEST} photos",
        "rss_mb": round(max(sizes)),
        "rss_mb_at_a_quarter": round(max(sizes[: max(1, len(sizes) // 4)])),
        "rss_is_of": "the web server and its decoding processes",
        "processor_ms_per_image": {part: round(1000 * s / len(photos), 2) for part, s in sorted(worked.items())},
    }


def _must_all_be_there(project, count: int, statuses: list[str]) -> None:
    shas = list(Image.objects.in_project(project).values_list("sha256", flat=True))
    if statuses.count("created") != count or len(shas) != count:
        raise RuntimeError(f"{count} photos were sent, {len(shas)} are there.")
    for sha in shas[:: max(1, count // 50)]:
        for size in ("large", "small", "tiny"):
            storage.get(storage.picture_key(project.pk, sha, size))


# What the command line of a process says it is; what is not in here is none of ours.
PARTS = {b"photo_child": "decode", b"gunicorn": "web", b"rclone": "store", b"postgres": "database", b"valkey": "broker"}


def _processes() -> list[tuple[Path, str]]:
    """All processes of this house with what they are: those above or below this one."""
    var = os.environ.get("FACET_VAR", "").encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        part = next((part for word, part in PARTS.items() if word in command), "")
        if part and (part == "decode" or var in environment or var in command):
            found.append((folder, part))
    return found


def _memory_mb() -> float:
    """Of the web server and what it starts: proportional, so that shared pages count once."""
    total = 0
    for folder, part in _processes():
        if part in {"web", "decode"}:
            total += _figure(folder / "smaps_rollup", "Pss:")
    return total / 1024


def _processor_s() -> dict[str, float]:
    seconds: dict[str, float] = {"sender": time.process_time()}
    for folder, part in _processes():
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        seconds[part] = seconds.get(part, 0.0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def _figure(file: Path, name: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
