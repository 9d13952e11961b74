"""Models of a project as people read them: what each was trained on, how well it did at best, and where it stood."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from labelling.models import Project
from recognition.models import Model, PromotionEvent, Run, RunKind, RunState


@dataclass(frozen=True)
class Best:
    """The evaluation of a model with the highest mAP, of those on photos it had not seen where there is one."""

    run: int
    version: int
    mean_ap: dict
    recognition_rate: dict
    seen: int

    def as_dict(self) -> dict:
        return {
            "run": self.run,
            "version": self.version,
            "map": {name: self.mean_ap.get(name) for name in ("macro", "low", "high")},
            "recognition_rate": {name: self.recognition_rate.get(name) for name in ("value", "low", "high")},
            "test_photos_seen_in_training": self.seen,
        }


def models_of(project: Project) -> QuerySet[Model]:
    return Model.objects.filter(project=project).select_related("version").defer("version__statistics")


def with_best(models: Iterable[Model]) -> list[Model]:
    """Tells each model, as `best`, its best evaluation or None. One query for all."""
    models = list(models)
    found: dict[int, Best] = {}
    for model_id, best in _evaluations(models):
        known = found.get(model_id)
        if known is None or _rank(best) > _rank(known):
            found[model_id] = best
    for model in models:
        model.best = found.get(model.pk)
    return models


def _evaluations(models: list[Model]) -> Iterable[tuple[int, Best]]:
    """Newest first, without the curves, which are long."""
    runs = Run.objects.filter(kind=RunKind.EVALUATE, state=RunState.DONE, model__in=models).as_usual().order_by("-id")
    figures = ("metrics__map", "metrics__recognition_rate", "metrics__test_photos_seen_in_training")
    for model_id, run, version, mean_ap, rate, seen in runs.values_list("model", "pk", "version__number", *figures):
        yield model_id, Best(run, version, mean_ap or {}, rate or {}, seen or 0)


def _rank(best: Best) -> tuple[bool, float]:
    value = best.mean_ap.get("macro")
    return (best.seen == 0, -1.0 if value is None else value)


def moves_of(project: Project, model: Model | None = None) -> QuerySet[PromotionEvent]:
    """Promotions and rollbacks, newest first; of one model those that brought it in or took it out."""
    moves = PromotionEvent.objects.filter(project=project).select_related("old", "new", "by")
    return moves.filter(old=model) | moves.filter(new=model) if model else moves


def evaluations_of(model: Model) -> QuerySet[Run]:
    runs = Run.objects.filter(kind=RunKind.EVALUATE, model=model).select_related("version", "job", "created_by")
    return runs.defer("curves", "environment", "version__statistics")


def training_of(model: Model) -> Run | None:
    return Run.objects.filter(kind=RunKind.TRAIN, model=model).defer("curves").order_by("-id").first()
