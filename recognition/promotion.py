"""Which model serves: promotion through the gate or over it, and the way back. Each change is kept.

A rollback goes back to what served before, as often as there is something: promotions are put on a pile, rollbacks
take from it.
"""

from collections.abc import Iterable

from django.db import transaction

from datasets.tags import hold
from labelling.errors import Refused, Stale
from labelling.models import Project
from labelling.storage import StoreAway
from recognition.gate_evidence import Evidence, could_start, must_pass, production_of, start_missing, weigh
from recognition.models import Model, Move, PromotionEvent, Stage
from recognition.work_left import serve_anew

ANY = object()  # whoever does not say what they saw is not held against it


def promote(model: Model, *, by=None, reason: str = "") -> PromotionEvent | None:
    """Put the model into production; None when it is there already.

    With a closed gate it needs a `reason`. Where the gate cannot compare, the missing evaluation is started and the
    model has to be promoted once more when that is done. Raises GateClosed, CannotCompareYet, Refused.
    """
    reason = reason.strip()
    if len(reason) > 500:
        raise Refused("A reason may have 500 letters.", fields={"reason": ["Too long."]})
    if Model.objects.filter(pk=model.pk, stage=Stage.PRODUCTION).exists():
        return None
    try:
        evidence = weigh(model)
    except StoreAway as error:
        raise NotNow("The object store does not answer, so the model's file cannot be checked. Try again.") from error
    if unfit := next((one for one in evidence.verdict.failed if one.name == "serves"), None):
        raise Refused(f"This model cannot serve, whatever the reason. {unfit.said}")
    if evidence.missing and not reason:
        _start_what_is_missing(evidence, by)
    if not reason:
        must_pass(evidence)
    return _promote(model, evidence, by=by, reason=reason)


class NotNow(Refused):
    """Something outside is away; nothing was changed."""

    code = "store_away"
    status = 503


class CannotCompareYet(Refused):
    """The gate waits for evaluations, which have been started."""

    code = "cannot_compare_yet"
    status = 409


def _start_what_is_missing(evidence: Evidence, by) -> None:
    if why := could_start(evidence):
        raise CannotCompareYet(f"The gate cannot compare. {why} To promote it all the same, say why.")
    runs = start_missing(evidence, by=by)
    names = " and ".join(f"evaluation {run.pk}" for run in runs)
    waiting = " and ".join(f"“{model.name}” (model {model.pk})" for model in evidence.missing)
    raise CannotCompareYet(
        f"The gate cannot compare yet: {waiting} was not evaluated on version {runs[0].version.number}. "
        f"{names[:1].upper()}{names[1:]} is under way; promote the model when it is done.",
        runs=[run.pk for run in runs],
    )


@transaction.atomic
def _promote(model: Model, evidence: Evidence, *, by, reason: str) -> PromotionEvent | None:
    hold(model.project)
    served = production_of(model.project_id)
    if served and served.pk == model.pk:
        return None
    if (served and served.pk) != (evidence.served and evidence.served.pk):
        raise Stale("Another model went into production this very moment. Look at the gate again.")
    return _change(model.project, Move.PROMOTE, served, model, by=by, reason=reason, verdict=evidence.as_dict())


@transaction.atomic
def roll_back(project: Project, *, by=None, reason: str = "", seen: int | object = ANY) -> PromotionEvent:
    """Bring back what served before the model in production. seen: id of the model that the person saw there.

    Raises Refused when nothing is in production, Stale when it is not what was seen.
    """
    hold(project)
    served = production_of(project)
    if served is None:
        raise Refused("No model is in production: the frozen embedding serves, and there is nothing to roll back.")
    if seen is not ANY and seen != served.pk:
        raise Stale(f"“{served.name}” (model {served.pk}) is in production by now. Look again before you roll back.")
    before = before_now(project)
    return _change(project, Move.ROLLBACK, served, before, by=by, reason=reason.strip()[:500], verdict={})


def before_now(project: Project) -> Model | None:
    """What a rollback would bring back; None for the frozen embedding."""
    moves = PromotionEvent.objects.filter(project=project).order_by("id").values_list("move", "new")
    pile = pile_of(moves)
    return Model.objects.get(pk=pile[-2]) if len(pile) > 1 and pile[-2] else None


def pile_of(moves: Iterable[tuple[str, int | None]]) -> list[int | None]:
    """Models that served, the present one last, from all moves in order; None at the bottom is the embedding."""
    pile: list[int | None] = [None]
    for move, new in moves:
        if move == Move.PROMOTE:
            pile.append(new)
        elif len(pile) > 1:
            pile.pop()
    return pile


def _change(project, move: Move, old: Model | None, new: Model | None, *, by, reason, verdict) -> PromotionEvent:
    # First out, then in: one model is in production at most.
    if old is not None:
        Model.objects.filter(pk=old.pk).update(stage=Stage.ARCHIVED)
    if new is not None:
        Model.objects.filter(pk=new.pk).update(stage=Stage.PRODUCTION)
    event = PromotionEvent.objects.create(
        project=project, move=move, old=old, new=new, by=by, reason=reason, verdict=verdict
    )
    serve_anew(project.pk)
    return event
