"""Divides the photos of a version among its splits, and its faces with them.

What belongs together is in `splits.py`, how it is divided in `protocols.py`; here both are asked about tables.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.manifest import FOLD, ROLE, ManifestBroken, column_batches, give_memory_back
from datasets.models import Version, VersionState
from datasets.pairs import face_numbers
from datasets.protocols import CannotDivide, divide_groups
from datasets.splits import GALLERY_PROBE, KFOLD, NOBODY, SPLITS, SplitPolicy, split_groups
from jobs.errors import JobFailed

# What is needed to divide; all else is on disk meanwhile.
SPLIT_BY_IMAGES = ["image_sha256", "session"]
SPLIT_BY_FACES = ["image_sha256", "identity", "who"]
# Splits that are made to measure: what they test is not kept from later versions.
SETS_NOTHING = (KFOLD, GALLERY_PROBE)


def with_splits(
    images: pa.Table, faces: pa.Table, alike: dict[str, int], version: Version
) -> tuple[pa.Table, pa.Table, np.ndarray]:
    """Both with the split, and the row of each face's photo."""
    policy = SplitPolicy.from_dict(version.split_policy)
    shas = _hashes(images["image_sha256"])
    before = _splits_before(version, shas) if policy.sticky else np.full(len(shas), -1, np.int8)
    group_of = split_groups(
        zip(images["image_sha256"].to_pylist(), _shared(images["session"]), strict=True), alike, policy
    )
    groups_of_photos = list(group_of.values())
    del group_of  # the largest of what is needed here, and needed no more
    names, group = np.unique(np.array(groups_of_photos, dtype=object), return_inverse=True)
    photo = _photo_of(faces["image_sha256"], shas)
    groups = _people_of_groups(names, group, group[photo], faces["identity"])
    try:
        division = divide_groups(
            groups,
            zip(groups_of_photos, _names(before), strict=True),
            policy,
            zip(groups_of_photos, _folds_before(version, shas, policy), strict=True),
        )
    except CannotDivide as error:
        raise JobFailed(str(error)) from error
    splits = np.array([SPLITS.index(division.split_of[name]) for name in names.tolist()], np.int8)[group]
    images, faces = _add_split(images, splits), _add_split(faces, splits[photo])
    if division.fold_of is not None:
        folds = np.array([division.fold_of[name] for name in names.tolist()], np.int8)[group]
        images = images.append_column(FOLD, pa.array(folds))
        faces = faces.append_column(FOLD, pa.array(folds[photo]))
    if policy.kind == GALLERY_PROBE:
        faces = faces.append_column(ROLE, roles(faces, policy.gallery))
    return images, faces, photo


def _splits_before(version: Version, photos: np.ndarray) -> np.ndarray:
    """Where the last version had each of these photos, as its place in SPLITS; -1 of those that no version had.

    What any version ever had in test is there, also when it was away since. Raises JobFailed when an earlier version
    cannot be read: splitting without it could teach what was kept for tests.
    """
    earlier = Version.objects.filter(project=version.project_id, state=VersionState.READY, number__lt=version.number)
    last = np.full(len(photos), -1, np.int8)
    was_tested = np.zeros(len(photos), bool)
    for one in earlier.order_by("number").defer("statistics"):
        if one.split_policy.get("kind") in SETS_NOTHING:
            continue
        try:
            for batch in column_batches(one, "images", ["image_sha256", "split"]):
                splits = pc.index_in(batch["split"].cast(pa.string()), pa.array(SPLITS)).to_numpy().astype(np.int8)
                here = _places(_hashes(batch["image_sha256"]), photos)
                last[here[here >= 0]] = splits[here >= 0]
        except ManifestBroken as error:
            raise JobFailed(f"{error} Restore it from a backup, or freeze with new splits.") from error
        was_tested |= last == SPLITS.index("test")
        give_memory_back()
    last[was_tested] = SPLITS.index("test")
    return last


def _folds_before(version: Version, photos: np.ndarray, policy: SplitPolicy) -> list[int | None]:
    """The fold of each photo in the last version with as many folds. Raises JobFailed when it cannot be read."""
    folds = np.zeros(len(photos), np.int8)
    if policy.kind == KFOLD and policy.sticky:
        asked = {"split_policy__kind": KFOLD, "split_policy__folds": policy.folds}
        earlier = Version.objects.filter(project=version.project_id, state=VersionState.READY, **asked)
        last = earlier.filter(number__lt=version.number).defer("statistics").first()
        try:
            for batch in column_batches(last, "images", ["image_sha256", FOLD.name]) if last else ():
                here = _places(_hashes(batch["image_sha256"]), photos)
                folds[here[here >= 0]] = batch[FOLD.name].to_numpy()[here >= 0]
        except ManifestBroken as error:
            raise JobFailed(f"{error} Restore it from a backup, or freeze with new splits.") from error
    return [fold or None for fold in folds.tolist()]


def roles(faces: pa.Table, gallery: int) -> pa.DictionaryArray:
    """What each face is for: the first `gallery` training faces of a person enrol them, and test faces are probes.

    The first in canonical order, which is that of the photos' hashes: no better than drawn by lot. Faces without a
    decision, and ignored ones, are for nothing.
    """
    is_test = pc.equal(faces["split"].cast(pa.string()), "test").to_numpy()
    is_named = faces["identity"].combine_chunks().is_valid().to_numpy(zero_copy_only=False)
    is_known = is_named | pc.equal(faces["who"].cast(pa.string()), "unknown").to_numpy()
    places = np.flatnonzero(is_named & ~is_test)
    enrols = np.zeros(faces.num_rows, bool)
    enrols[places[face_numbers(faces["identity"].take(pa.array(places))) <= gallery]] = True
    role = np.where(enrols, 0, 1).astype(np.int8)
    return pa.DictionaryArray.from_arrays(pa.array(role, mask=~(enrols | (is_test & is_known))), ["gallery", "probe"])


def _names(splits: np.ndarray) -> Iterator[str | None]:
    """Of places in SPLITS; None of -1."""
    return ((*SPLITS, None)[split] for split in splits.tolist())


def _shared(column: pa.ChunkedArray) -> Iterator[str]:
    """The texts of a column; equal ones are one object."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    return (texts[index] for index in encoded.indices.to_pylist())


def _hashes(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """The bytes of a column of hashes, all of one length, shape (rows,); in their order, which is canonical."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    texts = whole.cast(pa.string())
    length = len(texts[0].as_py()) if len(texts) else 1
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :]
    return np.frombuffer(texts.buffers()[2], f"S{length}", len(texts), offsets[0] if len(texts) else 0)


def _places(wanted: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """The row of each wanted hash in `hashes`, which are in order; -1 where it is not there."""
    if not len(hashes):
        return np.full(len(wanted), -1)
    place = np.searchsorted(hashes, wanted).clip(max=len(hashes) - 1)
    return np.where(hashes[place] == wanted, place, -1)


def _photo_of(shas_of_faces: pa.ChunkedArray, shas: np.ndarray) -> np.ndarray:
    """The row of each face's photo."""
    first, *_ = shas_of_faces.chunks
    place = _places(_hashes(pa.chunked_array([first.dictionary])), shas)  # all chunks have the same dictionary
    return place.astype(np.int32)[np.concatenate([chunk.indices.to_numpy() for chunk in shas_of_faces.chunks])]


def _people_of_groups(names: np.ndarray, group: np.ndarray, face_group: np.ndarray, identities) -> dict[str, list[str]]:
    """Whom each group shows, once for each face; nobody once for each photo, where none is named."""
    encoded = identities.combine_chunks()
    people = np.array(encoded.dictionary.to_pylist(), dtype=object)
    is_named = encoded.is_valid().to_numpy(zero_copy_only=False)
    person, face_group = encoded.indices.filter(encoded.is_valid()).to_numpy(), face_group[is_named]
    order = np.argsort(face_group, kind="stable")
    ends = np.cumsum(np.bincount(face_group, minlength=len(names)))
    shown = np.split(people[person[order]], ends[:-1]) if len(people) else [[]] * len(names)
    photos = np.bincount(group, minlength=len(names)).tolist()
    return {
        name: list(them) or [NOBODY] * count for name, them, count in zip(names.tolist(), shown, photos, strict=True)
    }


def _add_split(table: pa.Table, splits: np.ndarray) -> pa.Table:
    return table.append_column("split", pa.DictionaryArray.from_arrays(pa.array(splits), pa.array(SPLITS)))
