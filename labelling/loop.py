"""The strip under the header: the loop, how far each step is, and where it is stuck."""

from collections.abc import Callable

from django.urls import reverse

from labelling.models import Project
from labelling.progress import Standing, recent_standing

Step = dict
_later_steps: Callable[[Project, Standing], list[Step]] | None = None


def set_later_steps(function: Callable[[Project, Standing], list[Step]]) -> None:
    """Freezing, training and evaluating belong to layers above; they hand their steps in at start."""
    global _later_steps
    _later_steps = function


def loop_strip(request) -> dict:
    """Context processor: `loop` on every page that is about one project."""
    project = getattr(request, "project", None) or _project_by_id(request)
    return {"loop": loop_steps(project), "project": project} if project else {}


def _project_by_id(request) -> Project | None:
    """Pages of the layer below know their project by its number only."""
    number = getattr(request, "project_id", None)
    return Project.objects.filter(pk=number).first() if number else None


def loop_steps(project: Project, now: Standing | None = None) -> list[Step]:
    """All steps. `now` spares the counting where the caller has counted already."""
    now = now or recent_standing(project)
    return [*_first_steps(project, now), *(_later_steps(project, now) if _later_steps else [])]


def step(label: str, count: int, unit: str, url: str, state: str, hint: str) -> Step:
    """One step. `state`: ok, busy (machines work), stuck (people are needed), empty (nothing yet)."""
    unit = unit.removesuffix("s") if count == 1 else unit
    return {"label": label, "count": count, "unit": unit, "url": url, "state": state, "hint": hint}


def _photos_wait(count: int) -> str:
    return "1 photo waits" if count == 1 else f"{count} photos wait"


def _first_steps(project: Project, now: Standing) -> list[Step]:
    ingest, images, label = (reverse(name, args=[project.slug]) for name in ("ingest", "images", "label"))
    has_photos = now.images > 0
    return [
        step("Capture", now.images, "photos", ingest, "ok" if has_photos else "stuck",
             "Photos taken in" if has_photos else "Add photos to begin"),
        step("Propose", now.faces, "faces", images, "busy" if now.images_new else "ok" if has_photos else "empty",
             f"{_photos_wait(now.images_new)} for the detector" if now.images_new else "Faces found and kept"),
        step("Label", now.faces_named, "named", label,
             "stuck" if now.images_waiting else "ok" if has_photos else "empty",
             f"{_photos_wait(now.images_waiting)} for a person" if now.images_waiting else "Nothing waits"),
    ]  # fmt: skip
