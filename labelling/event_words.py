"""What a change was, in words for people."""

from collections import Counter

from labelling.models import Event, FaceState, Verb, Who

FIELD_WORDS = {
    "aliases": "aliases",
    "notes": "notes",
    "target_count": "faces wanted",
    "consent_basis": "consent",
    "consent_date": "date of consent",
    "consent_expiry": "end of consent",
}
PEOPLE_TOLD = 4


def words_of(event: Event, names: dict[int, str]) -> str:
    """One sentence without its subject. `event` as `history` reads it; names: of people by id."""
    if event.verb == Verb.ERASE:
        return "erased a person"
    if event.erased:
        return f"{event.get_verb_display()} (a person was erased since, and what was said with them)"
    if event.verb == Verb.UNDO:
        return f"took back: {_said(event.undoes.verb, event.after_small, event.before_small, event, names)}"
    return _said(event.verb, event.before_small, event.after_small, event, names)


def people_in(event: Event) -> set[int]:
    """People whose names `words_of` will ask for."""
    told = [side.get(key, []) for side in (event.before_small, event.after_small) for key in ("faces", "constraints")]
    # Of a merge, constraints are only numbers.
    return {row.get("identity_id") for rows in told for row in rows if isinstance(row, dict)} - {None}


def _said(verb: str, before: dict, after: dict, event: Event, names: dict[int, str]) -> str:
    match Verb(verb):
        case Verb.SUBMIT | Verb.ASSIGN | Verb.DECIDE | Verb.JUDGE:
            return _about_faces(Verb(verb), before, after, event, names)
        case Verb.IMPORT:
            return f"imported labels: {_about_faces(Verb(verb), before, after, event, names)}"
        case Verb.LINK:
            return f"said that two faces are {'one person' if (after or before).get('same') else 'two people'}"
        case Verb.RENAME:
            return f"renamed “{before.get('name')}” to “{after.get('name')}”"
        case Verb.DESCRIBE:
            changed = [said for name, said in FIELD_WORDS.items() if name in after]
            return f"changed {_listed(changed)} of “{after.get('name')}”"
        case Verb.MERGE:
            source, target = _names(event)
            return f"merged “{source}” ({_faces(event.moved_count)}) into “{target}”"
        case Verb.SPLIT:
            source, target = _names(event)
            where = f"from “{source}” to “{target}”" if target else f"away from “{source}”, to wait again"
            return f"moved {_faces(event.moved_count)} {where}"
        case Verb.OPINION:
            return "labelled a photo"
        case _:
            said = after.get("text") or after.get("reason")
            return Verb(verb).label + (f": {said}" if said else "")


def _names(event: Event) -> tuple[str, str | None]:
    """Whose faces moved, and to whom; of an undo, before and after have changed places."""
    names = (event.old_name, event.new_name)
    return names if event.verb != Verb.UNDO else (names[1], names[0])


def _about_faces(verb: Verb, before: dict, after: dict, event: Event, names: dict[int, str]) -> str:
    if "faces" not in after:  # about too many to read each time somebody looks
        return f"{verb.label}: {_faces(event.face_count or 0)}"
    was = {row["id"]: row for row in before.get("faces", [])}
    now = {row["id"] for row in after["faces"]}
    done = Counter()
    for row in after["faces"]:
        done.update(_about_one(was.get(row["id"]), row, names))
    done["took out"] += len(set(was) - now)
    told = [f"{did} {_faces(count)}{rest}" for (did, rest), count in _parts(done)]
    strangers = [row for row in after.get("constraints", []) if row.get("identity_id")]
    if strangers:
        told.append(f"said of {_faces(len(strangers))} not to be “{names.get(strangers[0]['identity_id'], '?')}”")
    if not told:
        return "looked through a photo and left it as it was"
    return _listed(told[: 2 * PEOPLE_TOLD]) + (" and more" if len(told) > 2 * PEOPLE_TOLD else "")


def _parts(done: Counter):
    return [(tuple(key.split("|")) if "|" in key else (key, ""), count) for key, count in done.items() if count]


def _about_one(was: dict | None, row: dict, names: dict[int, str]) -> list[str]:
    """What happened to one face, as “did|rest”, so that equal ones are counted together."""
    done = []
    if was is None:
        done.append("drew")
    elif any(was[side] != row[side] for side in "xywh"):
        done.append("moved the box of")
    old = (was["state"], was["who"], was["identity_id"]) if was else (None, Who.UNASSIGNED, None)
    new = (row["state"], row["who"], row["identity_id"])
    if new == old:
        return done
    if row["identity_id"]:
        former = f" (was “{names.get(old[2], '?')}”)" if old[2] else ""
        return [*done, f"named| “{names.get(row['identity_id'], '?')}”{former}"]
    if row["state"] == FaceState.REJECTED:
        return [*done, "rejected| as no face"]
    if row["who"] == Who.UNKNOWN:
        return [*done, "set| to nobody we know"]
    if row["who"] == Who.IGNORED:
        return [*done, "ignored"]
    if old[1] != Who.UNASSIGNED:
        former = f" “{names.get(old[2], '?')}”" if old[2] else " what was said"
        return [*done, f"took from|{former}"]
    return done if was is None else [*done, "confirmed" if row["state"] == FaceState.CONFIRMED else "opened"]


def _faces(count: int) -> str:
    return f"{count:,} face{'' if count == 1 else 's'}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else "nothing"
