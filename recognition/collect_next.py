"""Of whom more should be collected next: who has too few faces, who is recognised badly, and what would help most."""

from dataclasses import dataclass

import numpy as np
from django.db.models import Count
from django.utils import timezone

from datasets.models import Version, VersionState
from labelling.models import Face, FaceState, Identity, Project, Suggestion, Who
from labelling.recently import recently
from recognition.metrics.learning_curve import LearningCurve, fit_learning_curve
from recognition.models import IdentityMetric, Run, RunKind, RunState
from recognition.photo_ratings import wanted_by_default

# The same effort for everybody, so that people can be held against each other.
MORE = 10
LIKELY = 0.5
LARGE = 2_000


@dataclass(frozen=True)
class Needed:
    """A person, and what would be gained. ap, gain: None where no evaluation speaks of them."""

    identity: int
    name: str
    class_id: int
    faces: int
    wanted: int
    sessions: int | None
    test: int | None
    ap: float | None
    gain: float | None
    taken_for: str
    may_be_collected: bool

    @property
    def missing(self) -> int:
        return max(0, self.wanted - self.faces)


@dataclass(frozen=True)
class CollectPlan:
    """people: everybody still to be collected, most worth it first. run: the evaluation that gains are read from."""

    people: list[Needed]
    wanted: int
    run: Run | None
    version: Version | None
    curve: LearningCurve | None

    @property
    def below(self) -> int:
        return sum(person.missing > 0 for person in self.people)


def collect_plan(project: Project) -> CollectPlan:
    """A handful of queries, however many people there are."""
    counts = _face_counts(project)
    wanted = wanted_by_default(project, np.array(list(counts.values())))
    version = _newest(Version.objects.filter(project=project, state=VersionState.READY))
    done = Run.objects.filter(project=project, kind=RunKind.EVALUATE, state=RunState.DONE).as_usual()
    run = _newest(done.defer("curves"))
    measured = {row.class_id: row for row in IdentityMetric.objects.filter(run=run)} if run else {}
    curve = _curve(measured) if run else None
    frozen = {row["class_id"]: row for row in version.statistics["people"]} if version else {}
    today = timezone.now().date()
    people = [
        _needed(person, counts.get(person.pk, 0), wanted, frozen, measured.get(person.class_id), curve, today)
        for person in Identity.objects.in_project(project).filter(merged_into=None)
    ]
    return CollectPlan(sorted(people, key=_most_worth_first), wanted, run, version, curve)


def waiting_photos(people: list[Needed]) -> dict[int, int]:
    """How many photos wait in which somebody of these is likely, by person."""
    likely = Suggestion.objects.filter(
        identity__in=[person.identity for person in people], probability__gte=LIKELY, face__state=FaceState.PROPOSED
    )
    counted = likely.order_by().values("identity").annotate(photos=Count("face__image", distinct=True))
    return dict(counted.values_list("identity", "photos"))


def advice(person: Needed, waiting: int) -> str:
    """What to do for this person, in one sentence."""
    if not person.may_be_collected:
        return "Consent has ended: collect nothing more."
    parts = []
    if waiting:
        parts.append(f"label {waiting:,} waiting photo{'s' if waiting > 1 else ''} that may show them")
    if person.missing > waiting:
        parts.append(f"take {person.missing - waiting:,} more")
    if person.sessions == 1:
        parts.append("in another session than the one there is")
    if person.taken_for:
        parts.append(f"look at why they are taken for {person.taken_for}")
    if not parts:
        parts.append("more variety: other days, light and poses" if person.gain else "nothing for now")
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _needed(person, faces: int, wanted: int, frozen: dict, metric, curve: LearningCurve | None, today) -> Needed:
    row = frozen.get(person.class_id)
    own = metric.ap if metric else None
    gain = None
    if curve is not None:
        enrolled = metric.gallery if metric else 0
        gain = curve.gain(enrolled, MORE, None if own is None else 1 - own)
    return Needed(
        identity=person.pk,
        name=person.name,
        class_id=person.class_id,
        faces=faces,
        wanted=wanted if person.target_count is None else person.target_count,
        sessions=row.get("sessions") if row else None,
        test=row["test"] if row else None,
        ap=own,
        gain=gain,
        taken_for=metric.confusions[0]["name"] if metric and metric.confusions else "",
        may_be_collected=person.consent_expiry is None or person.consent_expiry >= today,
    )


def _most_worth_first(person: Needed) -> tuple:
    """By gain where it is known, else by the share that is missing; those who may not be collected come last."""
    missing = person.missing / person.wanted if person.wanted else 0.0
    return (not person.may_be_collected, -(person.gain or 0.0), -missing, person.name.casefold())


def _curve(measured: dict[int, IdentityMetric]) -> LearningCurve:
    rows = [row for row in measured.values() if row.ap is not None and row.gallery and row.probes]
    return fit_learning_curve(*(np.array([getattr(row, name) for row in rows]) for name in ("gallery", "ap", "probes")))


def _face_counts(project: Project) -> dict[int, int]:
    """By identity; those of a large project may be some seconds old."""
    counted = recently(
        f"faces-of-people:{project.pk}",
        lambda: list(
            Face.objects.filter(project=project, who=Who.ASSIGNED)
            .order_by().values("identity").annotate(faces=Count("*")).values_list("identity", "faces")
        ),
        is_large=lambda rows: len(rows) > LARGE,
    )  # fmt: skip
    return {identity: faces for identity, faces in counted}


def _newest(rows):
    return rows.order_by("-id").first()
