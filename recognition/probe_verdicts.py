"""What an evaluation said of each probe, kept in the store: for comparing runs face by face.

People stand by the number of their class, never by name, so that an erasure only has to take rows away.
"""

import hashlib
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from labelling import storage
from recognition.metrics.identification import best_others
from recognition.models import Run

FOLDER = "verdicts/"
NOBODY = -1
SCHEMA = pa.schema(
    [
        ("face_id", pa.int64()),
        ("class_id", pa.int32()),
        ("named", pa.int32()),
        ("rank", pa.int32()),
        ("score", pa.float32()),
        ("runner_up", pa.float32()),
    ],
    metadata={"facet": "verdicts 1; named -1 and rank 0: the person could not be found at all"},
)


class VerdictsGone(Exception):
    """What was said of each probe is not in the store, or is something else; the message says what to do."""


def verdict_key(project_id: int, run_id: int) -> str:
    return f"{storage.project_prefix(project_id)}{FOLDER}{run_id}.parquet"


def verdict_table(measured, gallery, probes) -> pa.Table:
    """One row a probe: its class, whom it was named, the rank and score of its own person, the best score of others.

    measured, gallery, probes: as measure.py has them.
    """
    search, scores = measured.search, measured.compared.search
    class_of = dict(zip(gallery.names.tolist(), gallery.class_ids.tolist(), strict=True))
    counted = np.flatnonzero(search.counted)
    own = scores.columns_of(probes.names)
    named, rank = np.full(len(probes), NOBODY, np.int32), np.zeros(len(probes), np.int32)
    named[counted] = [class_of[name] for name in search.predicted.tolist()]
    rank[counted] = search.ranks
    mine = np.full(len(probes), np.nan)
    mine[counted] = scores.scores[counted, own[counted]]
    others, _ = best_others(scores.scores, own)
    others[np.isneginf(others)] = np.nan
    parts = [probes.face_ids, probes.class_ids.astype(np.int32), named, rank]
    arrays = [*parts, mine.astype(np.float32), others.astype(np.float32)]
    return pa.Table.from_arrays([pa.array(array) for array in arrays], schema=SCHEMA).sort_by("face_id")


def store_verdicts(run: Run, table: pa.Table) -> dict:
    """Put them away; the answer is kept in the run's curves, so that they can be found and held against it."""
    data = _to_bytes(table)
    storage.put(verdict_key(run.project_id, run.pk), data)
    return {"probes": table.num_rows, "sha256": hashlib.sha256(data).hexdigest(), "byte_size": len(data)}


def read_verdicts(run: Run) -> pa.Table:
    """Raises VerdictsGone."""
    kept = run.curves.get("verdicts")
    if not kept:
        raise VerdictsGone(f"Evaluation {run.pk} kept no answers for single faces. Run it again to compare them.")
    try:
        data = storage.get(verdict_key(run.project_id, run.pk))
    except storage.ObjectMissing as error:
        raise VerdictsGone(f"The answers of evaluation {run.pk} are gone from the store. Run it again.") from error
    if hashlib.sha256(data).hexdigest() != kept["sha256"]:
        raise VerdictsGone(f"The stored answers of evaluation {run.pk} are not what it wrote. Run it again.")
    return pq.read_table(io.BytesIO(data), use_threads=False)


def forget_people(run: Run, class_ids: list[int]) -> dict | None:
    """Take the rows that speak of these people away; the new entry for the run's curves, None where nothing changes.

    An interrupted one may have put new bytes away and not said so yet: what is there is looked at, not its checksum.
    """
    kept = run.curves.get("verdicts")
    try:
        data = storage.get(verdict_key(run.project_id, run.pk)) if kept else b""
    except storage.ObjectMissing:
        return None
    if not data:
        return None
    table = pq.read_table(io.BytesIO(data), use_threads=False)
    gone = np.isin(table["class_id"], class_ids) | np.isin(table["named"], class_ids)
    left = table.filter(pa.array(~gone)) if gone.any() else table
    entry = store_verdicts(run, left)
    return entry if entry != kept else None


def _to_bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()
