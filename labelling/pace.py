"""How much each person does, and how quickly, read from history: what was taken back does not count."""

from dataclasses import asdict, dataclass, field
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from labelling.models import Project

DAYS = 7
# A longer pause is a break, and no time that a photo took.
BREAK = timedelta(minutes=5)
KEPT_S = 60

# Decisions about whole photos and, from Sort, about faces. Each row: a person and a day, with the time they were at it.
PACE = """
WITH done AS (
    SELECT event.actor_id, event.created_at::date AS day, event.verb IN ('submit', 'opinion') AS is_photo,
        CASE jsonb_typeof(event.after -> 'faces') WHEN 'array' THEN jsonb_array_length(event.after -> 'faces')
            ELSE 0 END AS faces,
        event.created_at - lag(event.created_at) OVER (PARTITION BY event.actor_id ORDER BY event.created_at) AS took
    FROM labelling_event AS event
    WHERE event.project_id = %(project)s AND event.created_at >= %(since)s AND event.actor_id IS NOT NULL
        AND event.verb IN ('submit', 'opinion', 'assign', 'decide')
        AND NOT EXISTS (SELECT FROM labelling_event AS undo WHERE undo.undoes_id = event.id)
)
SELECT actor_id, day, count(*) FILTER (WHERE is_photo), sum(faces),
    coalesce(extract(epoch FROM sum(took) FILTER (WHERE took <= %(break)s)), 0),
    extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE is_photo AND took <= %(break)s))
FROM done GROUP BY GROUPING SETS ((actor_id, day), (actor_id))
"""


@dataclass
class Pace:
    """One person's week. Seconds of work are those between decisions at most five minutes apart."""

    username: str
    photos: int = 0
    faces: int = 0
    worked_s: float = 0
    median_s: float | None = None
    photos_today: int = 0
    faces_today: int = 0
    days: list[int] = field(default_factory=lambda: [0] * DAYS)  # faces, oldest first; today is the last

    @property
    def photos_per_hour(self) -> float | None:
        return self.photos / self.worked_s * 3600 if self.worked_s and self.photos else None

    @property
    def faces_per_hour(self) -> float | None:
        return self.faces / self.worked_s * 3600 if self.worked_s and self.faces else None


def paces(project: Project) -> list[Pace]:
    """Everybody who decided something in the last seven days, most faces first. May be a minute old."""
    rows = cache.get_or_set(f"pace:{project.pk}", lambda: [asdict(pace) for pace in _paces(project)], KEPT_S)
    return [Pace(**row) for row in rows]


def _paces(project: Project) -> list[Pace]:
    today = timezone.now().date()
    since = today - timedelta(days=DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute(PACE, {"project": project.pk, "since": since, "break": BREAK})
        rows = cursor.fetchall()
    names = dict(get_user_model().objects.filter(pk__in={row[0] for row in rows}).values_list("pk", "username"))
    found = {pk: Pace(name) for pk, name in names.items()}
    for actor, day, photos, faces, worked_s, median_s in rows:
        pace = found[actor]
        if day is None:
            pace.photos, pace.faces, pace.worked_s = photos, int(faces), float(worked_s)
            pace.median_s = None if median_s is None else float(median_s)
            continue
        pace.days[(day - since).days] = int(faces)
        if day == today:
            pace.photos_today, pace.faces_today = photos, int(faces)
    return sorted(found.values(), key=lambda pace: (-pace.faces, pace.username))
