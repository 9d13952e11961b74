"""What a version holds, counted once when it is frozen."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.imbalance import imbalance
from datasets.slices import count_slices
from datasets.splits import SPLITS
from labelling.models import Who

MOST_SESSIONS = 12


def statistics(images: pa.Table, faces: pa.Table, photo: np.ndarray, *, left_out: dict) -> dict:
    """Counts, imbalance and people of both tables, plain values only; people with most faces come first.

    photo: the row of each face's photo, shape (faces,). left_out: what else is known of what did not come in.
    """
    who, images_in, faces_in = _counts(faces["who"]), _counts(images["split"]), _counts(faces["split"])
    names, person = _coded(faces["identity"])
    sessions, seen_in = _sessions(images["session"], len(names), person, photo)
    people = _people(faces, names, person, seen_in)
    return {
        "images": images.num_rows,
        "faces": faces.num_rows,
        "identities": len(people),
        "who": dict(sorted(who.items())),
        "splits": {split: {"images": images_in.get(split, 0), "faces": faces_in.get(split, 0)} for split in SPLITS},
        **_folds(images, faces),
        "imbalance": imbalance([person["faces"] for person in people]),
        "slices": count_slices(faces, images, photo, person, len(names)),
        "sessions": sessions,
        "people": people,
        # Unnamed faces are in the version as boxes; they are left out of everything that is about people.
        "left_out": {**left_out, "unnamed_faces": who.get(Who.UNASSIGNED, 0)},
    }


def _folds(images: pa.Table, faces: pa.Table) -> dict:
    """Photos and faces of each fold, and faces by what they are for, where a version has such."""
    found = {}
    if "fold" in images.column_names:
        images_in, faces_in = _counts(images["fold"]), _counts(faces["fold"])
        found["folds"] = [
            {"fold": fold, "images": images_in[fold], "faces": faces_in.get(fold, 0)} for fold in sorted(images_in)
        ]
    if "role" in faces.column_names:
        found["roles"] = {role: number for role, number in _counts(faces["role"]).items() if role}
    return found


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each value is there. Counted in Arrow: a million faces take moments, not seconds."""
    return {row["values"]: row["counts"] for row in column.value_counts().to_pylist()}


def _coded(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Each text once, and the place of each row's text among them; -1 where there is none."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)


def _sessions(column: pa.ChunkedArray, people: int, person: np.ndarray, photo: np.ndarray) -> tuple[dict, np.ndarray]:
    """How many sessions there are and the largest of them; and in how many each person was seen, shape (people,)."""
    sessions, session = _coded(column)
    photos = np.bincount(session, minlength=len(sessions))
    faces = np.bincount(session[photo], minlength=len(sessions))
    known = [place for place, name in enumerate(sessions) if name]
    largest = sorted(known, key=lambda place: (-faces[place], sessions[place]))[:MOST_SESSIONS]
    named = (person >= 0) & np.isin(session, known)[photo]
    seen_in = np.bincount(_different(person[named], session[photo[named]], len(sessions)), minlength=people)
    return {
        "sessions": len(known),
        "photos_without": int(photos.sum() - photos[known].sum()),
        "largest": [
            {"name": sessions[place], "photos": int(photos[place]), "faces": int(faces[place])} for place in largest
        ],
        "people_in_one": int((seen_in == 1).sum()),
    }, seen_in


def _different(person: np.ndarray, session: np.ndarray, sessions: int) -> np.ndarray:
    """The person of each pair of person and session, every pair once. Sorted in place: sets of millions are large."""
    pairs = person.astype(np.int64)
    pairs *= max(sessions, 1)
    pairs += session
    pairs.sort()
    return pairs[np.flatnonzero(np.diff(pairs, prepend=-1))] // max(sessions, 1)


def _people(faces: pa.Table, names: list[str], person: np.ndarray, seen_in: np.ndarray) -> list[dict]:
    named = person >= 0
    splits = np.concatenate([pc.index_in(chunk.cast(pa.string()), pa.array(SPLITS)) for chunk in faces["split"].chunks])
    counts = np.bincount(person[named] * len(SPLITS) + splits[named], minlength=len(names) * len(SPLITS))
    class_ids = np.zeros(len(names), np.int64)
    class_ids[person[named]] = faces["class_id"].to_numpy()[named]
    rows = zip(names, class_ids.tolist(), counts.reshape(-1, len(SPLITS)).tolist(), seen_in.tolist(), strict=True)
    people = [
        {
            "name": name,
            "class_id": class_id,
            "faces": sum(mine),
            **dict(zip(SPLITS, mine, strict=True)),
            "sessions": seen,
        }
        for name, class_id, mine, seen in rows
        if any(mine)
    ]  # fmt: skip
    return sorted(people, key=lambda person: (-person["faces"], person["name"]))
