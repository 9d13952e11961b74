"""How the AP of people went from version to version, small enough to stand in a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from recognition.baselines import is_baseline
from recognition.models import IdentityMetric, Run, RunKind, RunState
from recognition.recipe_list import BASELINES

MOST = 10
WIDTH, HEIGHT, MARGIN = 60, 16, 2


@dataclass(frozen=True)
class Trend:
    """points: of an SVG line over the whole range from 0 to 1; last: where it ends; words: the same for ears."""

    points: str
    last: tuple[float, float]
    words: str


def add_trends(run: Run, people: Iterable[IdentityMetric]) -> None:
    """Give each row a `trend`: its AP in the newest usual evaluation of each version up to this run, None where fewer
    than two versions tell. Two queries, however many people. Baselines count for themselves only.
    """
    people = list(people)
    versions = _evaluations(run)
    rows = IdentityMetric.objects.filter(
        run__in=versions, class_id__in=[person.class_id for person in people], ap__isnull=False
    )
    known: dict[int, dict[int, float]] = {}
    for class_id, told_by, ap in rows.values_list("class_id", "run", "ap"):
        known.setdefault(class_id, {})[told_by] = ap
    for person in people:
        of_person = known.get(person.class_id, {})
        person.trend = trend([(number, of_person[pk]) for pk, number in versions.items() if pk in of_person])


def trend(told: list[tuple[int, float]]) -> Trend | None:
    """told: version and AP, the oldest first."""
    if len(told) < 2:
        return None
    step = (WIDTH - 2 * MARGIN) / (len(told) - 1)
    places = [
        (round(MARGIN + step * place, 1), round(MARGIN + (1 - ap) * (HEIGHT - 2 * MARGIN), 1))
        for place, (_, ap) in enumerate(told)
    ]
    said = ", ".join(f"{100 * ap:.1f} % in version {number}" for number, ap in told)
    return Trend(" ".join(f"{x},{y}" for x, y in places), places[-1], f"AP over versions: {said}")


def _evaluations(run: Run) -> dict[int, int]:
    """The run that speaks for each version, with the version's number, the oldest version first."""
    done = Run.objects.filter(project=run.project_id, kind=RunKind.EVALUATE, state=RunState.DONE, pk__lte=run.pk)
    if is_baseline(run):
        done = done.filter(model__kind=run.model.kind)
    else:
        done = done.filter(Q(model=None) | ~Q(model__kind__in=BASELINES))
    newest = done.as_usual().order_by("version__number", "-pk").distinct("version__number")
    rows = [(pk, number) for pk, number in newest.values_list("pk", "version__number") if number < run.version.number]
    return dict([*rows, (run.pk, run.version.number)][-MOST:])
