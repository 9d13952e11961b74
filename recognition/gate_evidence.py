"""What the gate is asked about: read from stored evaluations. What is missing can be asked for."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from labelling.errors import Refused
from labelling.models import Project
from recognition.gate import FROZEN, Bounds, Evaluated, Person, Verdict, judge
from recognition.models import IdentityMetric, Model, Run, RunKind, RunState, Stage
from recognition.runs import start_evaluation
from recognition.serving import why_unfit


@dataclass(frozen=True, eq=False)
class Evidence:
    """own, other: the evaluations compared, None where missing; served: the model in production, if any."""

    model: Model
    served: Model | None
    own: Run | None
    other: Run | None
    verdict: Verdict

    @property
    def missing(self) -> list[Model]:
        """Models that have to be evaluated before the gate can compare."""
        if self.own is None:
            return [self.model]
        return [self.served] if self.served and self.other is None else []

    def as_dict(self) -> dict:
        return {
            **self.verdict.as_dict(),
            "served": self.served.pk if self.served else None,
            "evaluation": self.own.pk if self.own else None,
            "served_evaluation": self.other.pk if self.other else None,
        }


def production_of(project: Project | int) -> Model | None:
    return Model.objects.filter(project=project, stage=Stage.PRODUCTION).select_related("version").first()


def weigh(model: Model, *, look_at_file: bool = True) -> Evidence:
    """The model against what serves its project now. Starts nothing. `model` comes with its project.

    Without `look_at_file` the artifact is taken for what it should be: a page need not fetch it.
    """
    served = production_of(model.project_id)
    if served is not None and served.pk == model.pk:
        served = None  # held against the embedding it stands on
    own = _newest(model)
    other = _newest(served, version=own.version_id) if served and own else None
    held_against = _evaluated(other) if served else own and _baseline(own)
    settings = model.project.settings
    verdict = judge(
        _evaluated(own),
        held_against,
        served_name=f"“{served.name}” (model {served.pk})" if served else FROZEN,
        bounds=Bounds(settings.gate_min_probes, settings.gate_max_fall, settings.gate_max_ms),
        preflight=_preflight(model),
        latency=(own.environment or {}).get("latency") if own else None,
        fits=why_unfit(model, look_at_file=look_at_file),
        erased=model.erased_at is not None,
    )
    return Evidence(model, served, own, other, verdict)


def start_missing(evidence: Evidence, *, by=None) -> list[Run]:
    """Evaluations that the gate waits for: those under way, and those started now. Refused where none can be made."""
    runs = []
    for model in evidence.missing:
        version = evidence.own.version if evidence.own else model.version
        waiting = _evaluations(model).filter(version=version, state=RunState.WAITING).first()
        runs.append(waiting or start_evaluation(version, model, by=by))
    return runs


def under_way(evidence: Evidence) -> list[Run]:
    version = evidence.own.version_id if evidence.own else None
    runs = Run.objects.filter(kind=RunKind.EVALUATE, model__in=evidence.missing, state=RunState.WAITING)
    return list(runs.filter(version=version) if version else runs)


def could_start(evidence: Evidence) -> str:
    """Why the missing evaluation cannot be made; empty when it can."""
    version = evidence.own.version if evidence.own else evidence.model.version
    if any(person["test"] for person in version.statistics.get("people", [])):
        return ""
    return f"Version {version.number} has no named test faces to evaluate on; name more and freeze again."


def _evaluations(model: Model) -> QuerySet[Run]:
    runs = Run.objects.filter(kind=RunKind.EVALUATE, model=model).as_usual().defer("curves")
    return runs.select_related("version__project").order_by("-id")


def _newest(model: Model | None, *, version: int | None = None) -> Run | None:
    """Of the model's finished evaluations the newest; one on photos it learned from only where there is no other."""
    runs = _evaluations(model).filter(state=RunState.DONE)
    if version is not None:
        runs = runs.filter(version=version)
    unsaid = Q(metrics__test_photos_seen_in_training__isnull=True)
    clean = runs.filter(unsaid | Q(metrics__test_photos_seen_in_training=0))
    return clean.first() or runs.first()


def _evaluated(run: Run | None) -> Evaluated | None:
    if run is None:
        return None
    mean_ap = run.metrics.get("map") or {}
    return Evaluated(
        version=run.version.number,
        mean_ap=mean_ap.get("macro"),
        low=mean_ap.get("low"),
        high=mean_ap.get("high"),
        people=_people(run, "ap"),
        seen=run.metrics.get("test_photos_seen_in_training") or 0,
    )


def _baseline(run: Run) -> Evaluated:
    """The frozen embedding, which each evaluation measures beside its model."""
    mean_ap = (run.metrics.get("baseline") or {}).get("map") or {}
    return Evaluated(
        version=run.version.number, mean_ap=mean_ap.get("macro"), low=mean_ap.get("low"), high=mean_ap.get("high"),
        people=_people(run, "baseline_ap"),
    )  # fmt: skip


def _people(run: Run, figure: str) -> dict[int, Person]:
    rows = IdentityMetric.objects.filter(run=run).values_list("class_id", "identity_name", "probes", figure)
    return {number: Person(name, probes, ap) for number, name, probes, ap in rows}


def _preflight(model: Model) -> dict | None:
    training = Run.objects.filter(kind=RunKind.TRAIN, model=model, state=RunState.DONE).defer("curves").first()
    if training is None or not training.preflight:
        return None
    return {"passed": all(check["passed"] for check in training.preflight), "checks": training.preflight}


def must_pass(evidence: Evidence) -> None:
    """Raises Refused with what failed; the verdict goes along."""
    if not evidence.verdict.passed:
        failed = " ".join(one.said for one in evidence.verdict.failed)
        raise GateClosed(f"The gate is closed. {failed} To promote it all the same, say why.", gate=evidence.as_dict())


class GateClosed(Refused):
    """A model that may not go into production as things stand."""

    code = "gate_closed"
    status = 409
