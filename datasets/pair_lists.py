"""Lists of verification pairs as named things of a version: made once by a job, kept, and handed out as they are."""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc
from django.db import IntegrityError, transaction

from datasets.manifest import ManifestBroken, read_columns
from datasets.models import PairList, PairListState, Version, VersionState
from datasets.pairs import TooFewFaces, as_text, choose_pairs, face_numbers, folder_names, lowest_rate_shown
from datasets.splits import SPLITS
from jobs.enqueue import enqueue
from jobs.errors import JobFailed
from jobs.work import Work
from labelling import storage
from labelling.errors import Refused

MOST_PAIR_FOLDS, MOST_PAIRS = 100, 50_000
LFW_FOLDS, LFW_PAIRS = 10, 300


@transaction.atomic
def start_pairs(
    version: Version,
    name: str,
    *,
    by=None,
    folds: int = LFW_FOLDS,
    pairs: int = LFW_PAIRS,
    seed: int = 1,
    splits: tuple[str, ...] = ("test",),
) -> PairList:
    """A list's row and the job that makes it. `pairs`: of each kind in a fold, at most."""
    name, splits = name.strip(), tuple(split for split in SPLITS if split in splits)
    if version.state != VersionState.READY:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; make pairs once it is ready.")
    if not 0 < len(name) <= PairList.NAME_LENGTH:
        raise Refused(f"Give it a name of up to {PairList.NAME_LENGTH} letters.", fields={"name": [name[:80]]})
    if not splits:
        raise Refused(f"Choose from one or more of {', '.join(SPLITS)}.", fields={"splits": ["None."]})
    if not 1 <= folds <= MOST_PAIR_FOLDS:
        raise Refused(f"Ask for 1 to {MOST_PAIR_FOLDS} folds.", fields={"folds": [str(folds)]})
    if not 1 <= pairs <= MOST_PAIRS:
        raise Refused(f"Ask for 1 to {MOST_PAIRS:,} pairs of a kind in a fold.", fields={"pairs": [str(pairs)]})
    options = {"folds": folds, "pairs": pairs, "seed": seed, "splits": list(splits)}
    try:
        with transaction.atomic():
            made = PairList.objects.create(version=version, name=name, options=options, created_by=by)
    except IntegrityError:
        raise Refused(
            f"Version {version.number} has pairs called “{name}” already.", fields={"name": ["Taken."]}
        ) from None
    made.job = enqueue(
        "pairs",
        title=f"Pairs “{name}” of version {version.number}",
        project_id=version.project_id,
        params={"pair_list": made.pk},
        key=f"pairs:{made.pk}",
        by=by,
        result_url=f"/p/{version.project.slug}/versions/{version.number}/#pairs",
    )
    made.save(update_fields=["job"])
    return made


def make_pairs(made: PairList, work: Work) -> dict:
    """Choose and store them; done twice, it gives the same bytes under the same key."""
    if made.state == PairListState.DONE:
        return {"sha256": made.sha256}
    options = made.options
    work.progress(message="Reading the version")
    try:
        people = faces_to_pair(made.version, options["splits"])
        chosen = choose_pairs(people, folds=options["folds"], pairs=options["pairs"], seed=options["seed"])
    except ManifestBroken as error:
        raise JobFailed(f"{error} Restore it from a backup.") from error
    except TooFewFaces as error:
        raise JobFailed(str(error)) from error
    data = as_text(chosen, options["folds"]).encode()
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"projects/{made.version.project_id}/pairs/{made.pk}-{sha256[:16]}.txt"
    storage.put(key, data, "text/plain; charset=utf-8")
    half = len(chosen) // 2
    counts = {
        "genuine": half,
        "impostor": half,
        "people": len({name for p in chosen for name in (p.name, p.other_name)}),
    }
    with work.chunk():
        PairList.objects.filter(pk=made.pk).update(
            state=PairListState.DONE, key=key, sha256=sha256, byte_size=len(data), counts=counts
        )
    return {"sha256": sha256, **counts, "said": f"{half:,} genuine and {half:,} impostor pairs."}


def faces_to_pair(version: Version, splits: list[str]) -> dict[str, list[int]]:
    """The numbers of the named faces of these splits, by the folder of their person. Raises ManifestBroken."""
    table = read_columns(version, "faces", ["identity", "split"])
    numbers = face_numbers(table["identity"])
    wanted = pc.and_(pc.is_valid(table["identity"]), pc.is_in(table["split"].cast(pa.string()), pa.array(splits)))
    chosen = pa.table({"identity": table["identity"], "number": numbers}).filter(wanted)
    folders = folder_names(pc.unique(table["identity"]).drop_null().to_pylist())
    lists = chosen.group_by("identity", use_threads=False).aggregate([("number", "list")])
    pairs = zip(lists["identity"].to_pylist(), lists["number_list"].to_pylist(), strict=True)
    return {folders[name]: sorted(found) for name, found in pairs}


def warning(counts: dict) -> str:
    """What so many impostor pairs can say, and what they cannot."""
    impostors = counts["impostor"]
    rate = f"{100 * lowest_rate_shown(impostors):.2g} %"
    return (
        f"{impostors:,} impostor pairs: even without a single false match they only show a rate below {rate} (3/n, at "
        "95 %). A threshold for a lower rate cannot be measured on them."
    )
