"""What axe-core finds wrong with a page, and every page there is to look at."""

from functools import cache
from uuid import uuid4

from axe_playwright_python.sync_playwright import Axe

from tests.browser import review_seeds, seeds

SERIOUS = ("serious", "critical")
# Only what is wrong comes back from the page: all that axe looked at would be megabytes.
LOOK = """([options, serious]) => axe.run(options).then(({ violations }) => violations
  .filter(({ impact }) => serious.includes(impact))
  .flatMap(({ id, nodes }) => nodes.slice(0, 5).map(({ target, failureSummary }) =>
    `${id}: ${target.join(" ")}: ${failureSummary.split("\\n").at(-1).trim()}`)))"""


# Colours that change smoothly are only half way there in the first frames.
SETTLED = """async () => {
  for (let still = 0; still < 3; still += 1) {
    await new Promise(requestAnimationFrame);
    if (document.getAnimations().some(({ playState }) => playState === "running")) still = 0;
  }
}"""


def findings(page, *, only_colours: bool = False) -> list[str]:
    """Each serious thing that keeps somebody from using this page as it stands: which rule, where, why."""
    rules = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}} if only_colours else {}
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe_core())
    return page.evaluate(LOOK, [{"resultTypes": ["violations"], **rules}, SERIOUS])


@cache
def axe_core() -> str:
    return Axe().axe_script


def findings_in_both_themes(page) -> list[str]:
    """Begins with the theme the page is in: each change of it paints everything anew."""
    is_dark = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    found = []
    for theme in ("dark", "light") if is_dark else ("light", "dark"):
        _show(page, theme)
        said = "dark: " if theme == "dark" else ""
        found += [said + finding for finding in findings(page, only_colours=theme == "dark")]
    return found


def _show(page, theme: str) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.evaluate(SETTLED)


def make_pages(name: str) -> dict[str, str]:
    """The address of every page the routes lead to, by route, of a project with something of everything in it."""
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import reverse

    from labelling.models import Image, Project
    from tests.labelling.test_access import FOREIGN, PERSONAL, one_of_everything

    admin = get_user_model().objects.get(username="admin")
    made = seeds.make_project(name, photos=1)
    project = Project.objects.get(slug=made["slug"])
    things = one_of_everything(project, admin, Image.objects.get(pk=made["images"][0]["id"]))
    version = _fill(project, admin)
    routes = {route: kwargs(things) for route, kwargs in FOREIGN.items()} | {route: {} for route in PERSONAL}
    pages = {
        "login": reverse("login"),
        "frozen version": reverse("version", args=[project.slug, version.number]),
        "compared versions": reverse("version-diff", args=[project.slug, version.number, version.number - 1]),
    }
    client = Client(headers={"host": "localhost"})
    client.force_login(admin)
    for route, kwargs in routes.items():
        if not route.startswith("api-"):
            answer = client.get(reverse(route, kwargs=kwargs))
            if answer.status_code == 200 and b"<html" in answer.getvalue()[:200]:
                pages[route] = answer.request["PATH_INFO"]
    return pages


def _fill(project, admin):
    """Photos that wait and photos that are done, two versions, work that failed, a member, guidelines."""
    import datasets.tasks  # noqa: F401  (registers handlers)
    from datasets.comparisons import comparison_of
    from jobs.models import Job, State
    from jobs.work import perform
    from labelling.assign import assign_faces

    images = seeds.add_photos(project, 6, 2, ["Ada Ek", "Bo Li"], first_seed=10)
    seeds.make_member(project.slug, "anna")
    project.guidelines = "## Whom to name\n\nEverybody *in front*. See [the wiki](https://example.org)."
    project.save()
    for place, person in enumerate(project.identities.filter(name__in=["Ada Ek", "Bo Li"])):
        faces = [image["faces"][place] for image in images[:4]]
        assign_faces(project, faces, person, by=admin, event_id=uuid4())
    review_seeds.label_photos(
        {"images": images[4:5], "people": {person.name: person.pk for person in project.identities.all()}},
        admin.username,
        "Ada Ek",
    )
    failed = {"state": State.FAILED, "message": "The weights are not there."}
    Job.objects.create(kind="embed", title="Describe new faces", project_id=project.pk, **failed)
    first = _frozen(project, admin)
    assign_faces(project, images[0]["faces"][:1], "Bo Li", by=admin, event_id=uuid4(), allow_twice=True)
    version = _frozen(project, admin)
    perform(comparison_of(first, version).job_id)
    return version


def _frozen(project, admin):
    from datasets.freeze import start_freeze
    from datasets.models import Version
    from jobs.work import perform

    version = start_freeze(project, by=admin)
    perform(version.job_id)
    return Version.objects.get(pk=version.pk)
