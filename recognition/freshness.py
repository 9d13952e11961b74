"""Which photos' suggestions have to be looked at first when people say who somebody is. Runs in workers only.

The history is the list of what changed. A new name matters to the photos that are opened next, to the other faces
of its photo, to suggestions that rested on it, and to the waiting faces that are most like it.
"""

from datetime import datetime, timedelta
from itertools import chain

import numpy as np
from django.db import connection, transaction
from django.db.models import F

from labelling.models import Event, Face, Image, ImageState, Lease, Project, QueueOrder, Suggestion

AHEAD = 60  # photos at the head of the queue
CHANGED = 300  # photos changed since the last look; what is beyond waits for the round over everything
NAMES = 16  # newly named faces whose likes are looked for
LIKES = 60  # waiting faces looked at for each of them
# A change is stamped when it is made and seen when it commits.
COMMIT_TAKES = timedelta(seconds=5)

_ORDER = {
    QueueOrder.OLDEST: ["id"],
    QueueOrder.DOUBTFUL: ["-doubt", "id"],
    QueueOrder.NEEDED: ["-need", "id"],
    QueueOrder.SAMPLED: ["lot", "id"],
}


def photos_that_matter(
    project: Project, gallery_ids: np.ndarray, vectors: np.ndarray, *, since: datetime | None
) -> list[int]:
    """Ids of the photos to compare now, at most a good thousand."""
    changed = changed_since(project, since)[:CHANGED] if since else []
    named = Face.objects.named().filter(image__in=changed).values_list("pk", flat=True)
    lately = sorted(set(named) & set(gallery_ids.tolist()), reverse=True)[:NAMES]
    return list(
        dict.fromkeys(
            chain(
                _ahead(project),
                _with_waiting_faces(changed),
                _resting_on(changed),
                _like(project, lately, vectors.shape[1]) if lately else [],
            )
        )
    )


def changed_since(project: Project, since: datetime) -> list[int]:
    """Photos whose faces people changed, newest first."""
    events = Event.objects.filter(project=project, created_at__gt=since - COMMIT_TAKES).order_by("-created_at")
    return list(dict.fromkeys(chain.from_iterable(events.values_list("images", flat=True))))


def _ahead(project: Project) -> list[int]:
    """Those that people have open, then those the queue hands out next."""
    waiting = Image.objects.filter(project=project, state=ImageState.PROPOSED, assigned_to=None)
    order = _ORDER.get(project.settings.queue_order, ["id"])
    leased = Lease.objects.filter(image__project=project).order_by("-until").values_list("image_id", flat=True)
    return [*leased[:AHEAD], *waiting.order_by(*order).values_list("pk", flat=True)[:AHEAD]]


def _with_waiting_faces(image_ids: list[int]) -> list[int]:
    waiting = Face.objects.filter(image__in=image_ids).waiting()
    return list(waiting.order_by().values_list("image_id", flat=True).distinct())


def _resting_on(image_ids: list[int]) -> list[int]:
    """Photos with a suggestion that points at a face which is not named so any more."""
    rows = Suggestion.objects.filter(nearest_face__image__in=image_ids)
    gone = rows.exclude(nearest_face__state="confirmed", nearest_face__identity=F("identity"))
    return list(gone.order_by().values_list("face__image_id", flat=True).distinct())


def _like(project: Project, face_ids: list[int], dimensions: int) -> list[int]:
    """Photos of the waiting faces that are most like these, from the nearest-neighbour index."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The index knows nothing of projects and of who waits: it goes on until enough are found.
        cursor.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
        cursor.execute(
            _LIKE.format(dimensions=int(dimensions)),
            {
                "embedder": project.settings.embedder,
                "project": project.pk,
                "faces": face_ids,
                "likes": LIKES,
            },
        )
        return [image_id for (image_id,) in cursor.fetchall()]


_LIKE = """
SELECT near.image_id
FROM recognition_embedding named
CROSS JOIN LATERAL (
    SELECT face.image_id
    FROM recognition_embedding waiting JOIN labelling_face face ON face.id = waiting.face_id
    WHERE waiting.embedder = %(embedder)s AND face.project_id = %(project)s
      AND face.who = 'unassigned' AND face.state IN ('proposed', 'confirmed')
    ORDER BY waiting.vector::halfvec({dimensions}) <#> named.vector::halfvec({dimensions})
    LIMIT %(likes)s
) near
WHERE named.embedder = %(embedder)s AND named.face_id = ANY(%(faces)s)
"""
