"""A comparison of two versions as text for a terminal."""

from collections.abc import Iterator

from datasets.changes import KINDS

_WHO = {"unassigned": "not named yet", "unknown": "nobody we know", "ignored": "ignored"}
_FIGURES = (("photos", "images"), ("faces", "faces"), ("people", "identities"))
_IMBALANCE = (
    ("faces of most", "most"), ("faces of fewest", "fewest"), ("faces, median", "median"), ("Gini", "gini"),
    ("evenness", "normalised_entropy"),
)  # fmt: skip


def as_text(answer: dict) -> str:
    """`answer`: the summary of a comparison, with `project` and the first `changes` of each kind."""
    return "\n".join(_lines(answer))


def _lines(answer: dict) -> Iterator[str]:
    old, new = answer["old"], answer["new"]
    yield f"{answer['project']}: from version {old['version']} to version {new['version']}"
    yield ""
    yield from _before_and_after(answer)
    if answer["is_equal"]:
        yield ""
        yield "No difference: both versions have the same content hash."
        return
    for kind, words in KINDS.items():
        if count := answer["counts"][kind]:
            yield ""
            yield f"{words}: {count:,}{_more(kind, answer)}"
            shown = answer["changes"].get(kind, [])
            yield from (f"  {_words(change)}" for change in shown)
            if 0 < len(shown) < count:
                yield f"  … and {count - len(shown):,} more"
    if not any(answer["counts"].values()):
        yield ""
        yield "No difference in what is compared."


def _before_and_after(answer: dict) -> Iterator[str]:
    yield f"{'':<16} {'before':>10} {'after':>10}"
    for words, name in _FIGURES:
        before, after = answer["old"][name], answer["new"][name]
        change = f"{after - before:+,}" if after != before else ""
        yield f"{words:<16} {before:>10,} {after:>10,}  {change}".rstrip()
    for words, name in _IMBALANCE:
        before, after = (_figure(answer["imbalance"][side].get(name)) for side in ("old", "new"))
        yield f"{words:<16} {before:>10} {after:>10}"


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}".rstrip("0").rstrip(".")


def _more(kind: str, answer: dict) -> str:
    """What more is known of a kind than how often it is there."""
    if kind == "split_changed":
        went = ", ".join(f"{row['faces']:,} {row['old']} → {row['new']}" for row in answer["splits"])
        return f" ({went}; of {answer['people_in_another_split']:,} people)"
    if kind == "box_changed":
        return f" (IoU {answer['boxes']['mean_iou']:.3f} on average, {answer['boxes']['least_iou']:.3f} at least)"
    return ""


def _words(change: dict) -> str:
    """One change in a line."""
    kind, old, new = change["kind"], change["old"] or {}, change["new"] or {}
    if kind.startswith("person"):
        way = " → ".join(name for name in (old.get("name"), new.get("name")) if name)
        return f"{way} ({change['faces']:,} face{'s' if change['faces'] != 1 else ''})"
    if kind.startswith("photo"):
        way = " → ".join(split for split in (old.get("split"), new.get("split")) if split)
        return f"{change['photo']} ({way})"
    if kind == "face_moved":
        what = f"{_person(old)} → {_person(new)}"
    elif kind == "box_changed":
        what = f"{_person(new)}, IoU {change['iou']:.3f}"
    elif kind == "split_changed":
        what = f"{_person(new)}, {old['split']} → {new['split']}"
    else:
        what = _person(new or old)
    return f"{what} · {change['photo']}, face {change['face']}"


def _person(side: dict) -> str:
    return side.get("name") or f"({_WHO[side['who']]})"
