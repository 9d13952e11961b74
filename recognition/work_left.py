"""Sees to it that new photos get proposals, new boxes embeddings, and new names better suggestions.

Listens to what labelling announces and asks for jobs; one waiting job of a kind is enough, because the
work left is a query. Web processes import this, so nothing here touches a model.
"""

from datetime import timedelta

from jobs.enqueue import enqueue_unless_waiting
from jobs.models import Job, Queue
from jobs.prepared import Prepared
from labelling.models import Face, Image, Project
from labelling.signals import clusters_wanted, faces_boxed, images_added, names_changed

SUGGEST_PAUSE = timedelta(seconds=1)
EVERYWHERE_PAUSE = timedelta(minutes=3)
SUSPECT_PAUSE = timedelta(minutes=5)
RANK_PAUSE = timedelta(seconds=0.5)
CLUSTER_PAUSE = timedelta(seconds=2)
FEW_FACES = 3_000
FEW_PHOTOS = 8  # a run's chunk: about a second's work
ALIKE_PAUSE = timedelta(minutes=2)
# Asked after every submit.
CLUSTERED = Prepared("""
-- clustered
SELECT 1 FROM labelling_clusterrun WHERE project_id = %(project)s LIMIT 1
""")


def propose_soon(project_id: int, **kwargs) -> None:
    """A few new photos are searched while somebody waits for them; many are bulk work, and a bulk run takes all."""
    enqueue_unless_waiting(
        "propose",
        title="Find faces in new photos",
        project_id=project_id,
        queue=Queue.INTERACTIVE if _are_few(project_id) else Queue.BULK,
        result_url=_label_url(project_id),
    )


def propose_rest(project_id: int) -> None:
    """What a run in the quick queue left, or what came at its very end."""
    if Image.objects.filter(project=project_id).without_proposals().exists():
        propose_soon(project_id)


def _are_few(project_id: int) -> bool:
    new = Image.objects.filter(project=project_id).without_proposals().order_by("pk")[: FEW_PHOTOS + 1]
    in_bulk = Job.objects.in_project(project_id).filter(kind="propose", queue=Queue.BULK).active()
    return new.count() <= FEW_PHOTOS and not in_bulk.exists()


def embed_soon(project_id: int, queue: Queue = Queue.INTERACTIVE, **kwargs) -> None:
    enqueue_unless_waiting("embed", title="Describe new faces", project_id=project_id, queue=queue)


def suggest_soon(project_id: int, **kwargs) -> None:
    """The first name after a quiet moment counts at once, further ones a second later together."""
    enqueue_unless_waiting(
        "suggest", title="Suggest names", project_id=project_id, queue=Queue.INTERACTIVE, pause=SUGGEST_PAUSE
    )


def suggest_everywhere_soon(project_id: int, **kwargs) -> None:
    enqueue_unless_waiting(
        "suggest_everywhere",
        title="Suggest names in all waiting photos",
        project_id=project_id,
        queue=Queue.BULK,
        pause=EVERYWHERE_PAUSE,
    )


def serve_anew(project_id: int) -> None:
    """Another model serves from now on: first the photos that come next, then all others, and the groups."""
    suggest_soon(project_id)
    enqueue_unless_waiting(  # one that waits for its pause would come minutes later
        "suggest_everywhere",
        title="Suggest names anew in all waiting photos",
        project_id=project_id,
        params={"served": True},
        queue=Queue.BULK,
    )
    if CLUSTERED.first(project=project_id):
        cluster_soon(project_id)


def suspect_soon(project_id: int, **kwargs) -> None:
    """Asked for by workers when names have changed, so that a submit need not."""
    enqueue_unless_waiting(
        "suspect", title="Look for labels that may be wrong", project_id=project_id, pause=SUSPECT_PAUSE
    )


def suspect_now(project_id: int, *, by) -> None:
    """Somebody waits for it: before long work, and at once."""
    enqueue_unless_waiting(
        "suspect",
        title="Look over all labels",
        project_id=project_id,
        params={"asked": True},
        queue=Queue.INTERACTIVE,
        by=by,
    )


def rank_soon(project_id: int, **kwargs) -> None:
    """Only where there is something to sort. The first decision counts at once, those right after it together."""
    if CLUSTERED.first(project=project_id):
        enqueue_unless_waiting(
            "rank_clusters",
            title="Put groups in order",
            project_id=project_id,
            queue=Queue.INTERACTIVE,
            pause=RANK_PAUSE,
        )


def cluster_soon(project_id: int, **kwargs) -> None:
    """Few faces are put together while somebody waits; many keep the quick workers from what is quicker."""
    are_many = Face.objects.in_project(project_id).more_wait_than(FEW_FACES)
    queue = Queue.BULK if are_many else Queue.INTERACTIVE
    enqueue_unless_waiting(
        "cluster", title="Put like faces together", project_id=project_id, queue=queue, pause=CLUSTER_PAUSE
    )


def look_alikes_soon(project_id: int, **kwargs) -> None:
    """Asked for by workers when names have changed, so that a submit need not."""
    enqueue_unless_waiting("look_alikes", title="Find look-alikes", project_id=project_id, pause=ALIKE_PAUSE)


def look_alikes_now(project_id: int, *, by) -> None:
    enqueue_unless_waiting(
        "look_alikes", title="Find look-alikes", project_id=project_id, params={"asked": True}, by=by
    )


def _label_url(project_id: int) -> str:
    slug = Project.objects.values_list("slug", flat=True).get(pk=project_id)
    return f"/p/{slug}/label/"


def listen() -> None:
    images_added.connect(_on_images_added, dispatch_uid="propose")
    faces_boxed.connect(_on_faces_boxed, dispatch_uid="embed")
    names_changed.connect(_on_names_changed, dispatch_uid="suggest")
    clusters_wanted.connect(_on_clusters_wanted, dispatch_uid="cluster")


def _on_images_added(sender, project_id: int, **kwargs) -> None:
    propose_soon(project_id)


def _on_faces_boxed(sender, project_id: int, **kwargs) -> None:
    embed_soon(project_id)


def _on_clusters_wanted(sender, project_id: int, **kwargs) -> None:
    cluster_soon(project_id)


def _on_names_changed(sender, project_id: int, **kwargs) -> None:
    rank_soon(project_id)
    suggest_soon(project_id)
