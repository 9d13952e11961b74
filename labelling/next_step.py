"""The next thing worth doing in a project, in plain words and with the way there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.urls import reverse

from labelling.models import Project
from labelling.progress import Standing


@dataclass(frozen=True)
class NextStep:
    title: str
    text: str
    button: str
    url: str


SORTING_PAYS_FROM = 20  # faces in groups; fewer are named as quickly photo by photo


def next_step(
    project: Project, now: Standing, later: Iterable[dict] = (), to_sort: Mapping[str, int] | None = None
) -> NextStep:
    """The first place where the loop waits for people. `later` are steps of `labelling.loop` behind labelling.

    `to_sort`: faces and groups that wait in Sort, of `labelling.clusters.worth_sorting`.
    """
    ingest, label, people = (reverse(name, args=[project.slug]) for name in ("ingest", "label", "identities"))
    if not now.images:
        text = "Drop files or whole folders. Faces in them are found by themselves."
        return NextStep("Add the first photos", text, "Add photos", ingest)
    if to_sort and to_sort["faces"] >= SORTING_PAYS_FROM:
        text = "Each group is named with one key; what is left afterwards is labelled photo by photo."
        title = f"Sort {counted(to_sort['faces'], 'face')} in {counted(to_sort['groups'], 'group')}"
        return NextStep(title, text, "Start sorting", reverse("sort", args=[project.slug]))
    if now.images_waiting:
        text = f"{counted(now.faces_waiting, 'proposed face')} to confirm and name."
        if now.images_new:
            text += f" {counted(now.images_new, 'more photo')} will follow once faces are found in them."
        return NextStep(f"Label {counted(now.images_waiting, 'photo')}", text, "Start labelling", label)
    if now.images_new:
        text = "They come up for labelling by themselves. You can add more meanwhile."
        return NextStep(f"Finding faces in {counted(now.images_new, 'photo')}", text, "Add more photos", ingest)
    stuck = next((step for step in later if step["state"] == "stuck"), None)
    if stuck:
        text = "Every photo so far is labelled."
        return NextStep(stuck["hint"], text, f"Go to {stuck['label'].lower()}", stuck["url"])
    text = "What helps most now is more photos of the people with few faces."
    return NextStep("Every photo is labelled", text, "See who has few faces", f"{people}?sort=faces")


def counted(count: int, thing: str) -> str:
    """“1 photo”, “1,204 photos”."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
