"""The one statement that finds a waiting photo and leases it: nobody waits for another, and no two get the same.

A photo is locked, passing by what others have locked, while its lease is written, and is given as it stands under
that lock. A lease that somebody wrote between our look and our lock is seen when ours is written, and wins: then
the statement gives the photo without a lease, and is run again.
"""

from functools import cache

from jobs.prepared import Prepared
from labelling.models import Image, QueueOrder

# Each order is an index of Image that begins with project and assigned_to. Ordering by assigned_to changes nothing,
# as each look has one value of it, but without it the index would not be recognised for photos that are nobody's.
ORDERS = {
    QueueOrder.OLDEST: "image.id",
    QueueOrder.DOUBTFUL: "image.doubt DESC, image.id",
    QueueOrder.NEEDED: "image.need DESC, image.id",
    QueueOrder.SAMPLED: "image.lot, image.id",
}
# Where to go on after a photo. What others say moves doubt and need all the time, so there “after” is “but not that”:
# going on behind it would pass by what has become the most urgent meanwhile.
NOT_THAT = "image.id <> %(after)s::bigint"
BEHIND = {
    QueueOrder.OLDEST: "image.id > %(after)s::bigint",
    QueueOrder.DOUBTFUL: NOT_THAT,
    QueueOrder.NEEDED: NOT_THAT,
    QueueOrder.SAMPLED: "(image.lot, image.id) > (%(after_lot)s::float8, %(after)s::bigint)",
}
MINE = "image.assigned_to_id = %(user)s"
NOBODYS = "image.assigned_to_id IS NULL"
SKIPPED = "EXISTS (SELECT FROM labelling_skip AS skip WHERE skip.image_id = image.id AND skip.user_id = %(user)s)"
NOT_SKIPPED = f"NOT {SKIPPED}"
# Where several label a photo blindly it is given to nobody twice.
NOT_YET_HEARD = """NOT EXISTS (SELECT FROM labelling_opinion AS opinion WHERE opinion.image_id = image.id
    AND opinion.user_id = %(user)s AND NOT opinion.is_gold AND opinion.settled_at IS NULL)"""

LOOK = """(
    SELECT image.* FROM labelling_image AS image
    WHERE image.project_id = %(project)s AND image.state = 'proposed' AND {conditions}
        AND NOT EXISTS (SELECT FROM labelling_lease AS held WHERE held.image_id = image.id
            AND held.until > statement_timestamp() AND held.user_id <> %(user)s)
    ORDER BY image.assigned_to_id, {order} LIMIT 1
    FOR UPDATE OF image SKIP LOCKED
)"""
# A lease lost in a power cut only means that the photo is handed out again: no need to wait for the disk.
CLAIM = """
-- claim
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
{looks},
found AS MATERIALIZED (SELECT * FROM ({first}) AS any_look LIMIT 1),
claimed AS (
    INSERT INTO labelling_lease AS lease (image_id, token, user_id, until, purpose)
    SELECT found.id, %(token)s::uuid, %(user)s, statement_timestamp() + %(lasts)s::interval, %(purpose)s
    FROM found, quick
    ON CONFLICT (image_id) DO UPDATE SET
        token = CASE WHEN lease.user_id = excluded.user_id AND lease.until > statement_timestamp()
            THEN lease.token ELSE excluded.token END,
        user_id = excluded.user_id, until = excluded.until, purpose = excluded.purpose
    WHERE lease.user_id = excluded.user_id OR lease.until <= statement_timestamp() OR %(by_force)s::boolean
    RETURNING lease.image_id, lease.token, lease.until
)
SELECT {{found}}, person.name, claimed.token, claimed.until,
    EXISTS (SELECT FROM labelling_remark AS remark WHERE remark.image_id = found.id AND remark.resolved_at IS NULL)
FROM found
LEFT JOIN claimed ON claimed.image_id = found.id
LEFT JOIN labelling_identity AS person ON person.id = found.claimed_identity_id
"""


@cache
def first_of(looks: tuple[tuple[str, ...], ...], order: QueueOrder) -> Prepared:
    """Claims the first photo of the first look that finds one. A look is the conditions it makes.

    Answers with the photo, its claimed person's name, the lease's token and end, and whether remarks are open.
    """
    return _claim([LOOK.format(conditions=" AND ".join(look), order=ORDERS[order]) for look in looks])


@cache
def this_one() -> Prepared:
    """Claims one chosen photo, waiting for its lock."""
    return _claim(["(SELECT image.* FROM labelling_image AS image WHERE image.id = %(image)s FOR UPDATE)"])


def _claim(looks: list[str]) -> Prepared:
    names = [f"look_{number}" for number in range(len(looks))]
    sql = CLAIM.format(
        looks=",\n".join(f"{name} AS MATERIALIZED {look}" for name, look in zip(names, looks, strict=True)),
        first=" UNION ALL ".join(f"TABLE {name}" for name in names),
    )
    return Prepared(sql, found=Image)
