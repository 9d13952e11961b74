"""Named sets of waiting photos, given to one person: the queue gives them to nobody else."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from labelling.errors import Refused
from labelling.models import Batch, Image, ImageState, Project, Remark, RemarkKind
from labelling.queue import queue_order

MOST = 10_000
_ORM_ORDERS = {"oldest": ("id",), "doubtful": ("-doubt", "id"), "needed": ("-need", "id"), "sampled": ("lot", "id")}


@dataclass(frozen=True)
class Choice:
    """Which waiting photos a batch takes: at most `count`, of a session or with a name that holds `q`, if given."""

    count: int
    session: str = ""
    q: str = ""


@transaction.atomic
def make_batch(project: Project, name: str, choice: Choice, *, by, assigned_to=None) -> Batch:
    """Put the first waiting photos that are in no batch and in nobody's hands into a new one.

    Raises Refused when there are none, or when the name is taken.
    """
    name = " ".join(name.split())
    if not name:
        raise Refused("A batch needs a name.", fields={"name": ["Write a name."]})
    try:
        with transaction.atomic():
            batch = Batch.objects.create(project=project, name=name, assigned_to=assigned_to, created_by=by)
    except IntegrityError:
        raise Refused(f"There is already a batch called “{name}”.", fields={"name": ["Taken."]}) from None
    chosen = (
        _free_photos(project, choice).select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
    )
    taken = list(chosen[: min(choice.count, MOST)])
    if not taken:
        raise Refused("No such photo waits without being in a batch already; nothing was made.")
    Image.objects.filter(pk__in=taken).update(batch=batch, assigned_to=assigned_to)
    return batch


@transaction.atomic
def assign_batch(batch: Batch, user) -> None:
    """Give what is left of the batch to `user`, or to everybody when that is None."""
    Batch.objects.filter(pk=batch.pk).update(assigned_to=user)
    _waiting(batch).update(assigned_to=user)


@transaction.atomic
def give_back(batch: Batch) -> int:
    """End the batch: photos of it that wait go back to everybody. Returns how many."""
    left = _waiting(batch).update(assigned_to=None)
    batch.delete()
    return left


def give_back_all(project: Project, user) -> None:
    """Whoever leaves a project leaves their photos to the others."""
    Batch.objects.filter(project=project, assigned_to=user).update(assigned_to=None)
    Image.objects.filter(project=project, assigned_to=user).update(assigned_to=None)


def batches_of(project: Project) -> QuerySet:
    """Newest first, each with `total` photos, `left` of them that wait, and those that are `done`."""
    left = Count("images", filter=Q(images__state=ImageState.PROPOSED))
    batches = project.batches.select_related("assigned_to").annotate(total=Count("images"), left=left)
    return batches.annotate(done=F("total") - F("left")).order_by("-id")


def _free_photos(project: Project, choice: Choice) -> QuerySet:
    images = Image.objects.filter(project=project, state=ImageState.PROPOSED, batch=None, assigned_to=None).free_for(
        None
    )
    if choice.session:
        images = images.filter(session=choice.session)
    if choice.q:
        images = images.filter(name__icontains=choice.q)
    return images.order_by(*_ORM_ORDERS[queue_order(project)])


def _waiting(batch: Batch) -> QuerySet:
    """Without those returned to somebody: they go to whoever has to correct them, batch or not."""
    returned = Remark.objects.filter(image=OuterRef("pk"), kind=RemarkKind.RETURN, resolved_at=None)
    return Image.objects.filter(~Exists(returned), batch=batch, state=ImageState.PROPOSED)
