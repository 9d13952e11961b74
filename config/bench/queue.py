"""facet bench queue: twenty annotators at 100,000 photos and 500,000 faces, over HTTP through the real web server.

FACET_BENCH_SCALE makes it smaller, FACET_BENCH_WORKERS=0 leaves the workers out.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain

from django.contrib.auth import get_user_model

from config.bench._queue_pages import measure_pages, percentile_ms
from config.bench._queue_seed import ANNOTATORS, annotator_tokens, seeded_project
from config.bench._web import running_web
from config.embedded.folders import REPOSITORY
from config.embedded.workers import running_workers
from labelling.models import Event, Face, Image, ImageState, Project, Verb

PORT = 8119
# Workers that were just started read their models meanwhile, as they do once a day and not while people label.
WARM_UP_S, PACED_S, CLOSED_S = 20, 60, 25


def run(say: Callable[[str], None]) -> dict:
    scale = float(os.environ.get("FACET_BENCH_SCALE", "1"))
    project = seeded_project(scale, say)
    tokens = annotator_tokens()
    with ExitStack() as stack:
        port = stack.enter_context(running_web(PORT))
        if os.environ.get("FACET_BENCH_WORKERS") != "0":
            stack.enter_context(running_workers())
        say(f"{ANNOTATORS} annotators decide once a second, then without a pause …")
        phases = [("warm_up", WARM_UP_S, 1), ("paced", _at(scale, PACED_S), 1), ("closed", _at(scale, CLOSED_S), 0)]
        seen = _load({"port": port, "slug": project.slug, "tokens": tokens, "phases": phases})
        say(f"{json.dumps(_figures(seen))}\nOpening every list …")
        pages = measure_pages(project, get_user_model().objects.get(username="bench-owner"), port)
    return {**_figures(seen), **_kept(project, seen), "pages": pages, **_worst(pages)}


def _at(scale: float, seconds: int) -> float:
    return seconds if scale >= 1 else max(5, seconds / 6)


def _load(orders: dict) -> dict:
    command = [sys.executable, "-m", "config.bench._queue_load"]
    done = subprocess.run(
        command, cwd=REPOSITORY, input=json.dumps(orders), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def _figures(seen: dict) -> dict:
    paced, closed = seen["paced"], seen["closed"]
    return {
        "next_p50_ms": percentile_ms(paced["next_s"], 50),
        "next_p95_ms": percentile_ms(paced["next_s"], 95),
        "submit_p95_ms": percentile_ms(paced["submit_s"], 95),
        "paced_loops_per_s": round(paced["loops_per_s"], 1),
        "closed_loops_per_s": round(closed["loops_per_s"], 1),
        "closed_next_p95_ms": percentile_ms(closed["next_s"], 95),
        "closed_submit_p95_ms": percentile_ms(closed["submit_s"], 95),
        "refused": list(chain.from_iterable(phase["refused"] for phase in seen.values()))[:5],
    }


def _kept(project: Project, seen: dict) -> dict:
    """Every acknowledged submit must be in history and in the faces, exactly once."""
    acknowledged = list(chain.from_iterable(phase["acknowledged"] for phase in seen.values()))
    images = [word["image"] for word in acknowledged]
    events = dict(Event.objects.filter(pk__in=[word["event"] for word in acknowledged]).values_list("pk", "image_id"))
    submits = list(Event.objects.filter(image__in=images, verb=Verb.SUBMIT).values_list("image_id", flat=True))
    settled = set(Image.objects.filter(pk__in=images, state=ImageState.LABELLED).values_list("pk", flat=True))
    faces = {face.pk: face for face in Face.objects.filter(image__in=images)}
    by_name = {str(pk): image for pk, image in events.items()}
    lost = sum(
        by_name.get(word["event"]) != word["image"]
        or word["image"] not in settled
        or any(_differs(faces.get(said["id"]), said) for said in word["faces"])
        for word in acknowledged
    )
    twice = len(submits) - len(set(submits))
    duplicates = sum(phase["duplicates"] for phase in seen.values()) + twice + len(images) - len(set(images))
    return {"submits": len(acknowledged), "duplicates": duplicates, "lost": lost}


def _differs(face: Face | None, said: dict) -> bool:
    return face is None or (face.state, face.who, face.identity_id) != (said["state"], said["who"], said["identity"])


def _worst(pages: dict[str, dict]) -> dict:
    slowest = max(pages, key=lambda name: pages[name]["p95_ms"])
    return {
        "slowest_page": slowest,
        "pages_p95_ms": pages[slowest]["p95_ms"],
        "pages_most_queries": max(page["queries"] for page in pages.values()),
    }
