"""Label Studio: tasks as its JSON export writes them, or its JSON-MIN. Read only.

A face is a rectangle, in hundredths of the photo's sides. Who it is stands in a field about that rectangle (a text, a
choice, a place in a taxonomy), else in the rectangle's own label, unless that only says that it is a face. What models
predicted is passed by. Of several people's annotations of one photo, the one called ground truth is taken, else the
newest. JSON-MIN has forgotten which field is about which rectangle, so there only the label counts.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from datasets.formats.json_stream import elements
from datasets.formats.labels import meant_by
from datasets.given import BadLabels, GivenFace, GivenPhoto, Named
from labelling.models import Who

TITLE = "Label Studio (JSON or JSON-MIN)"
SUFFIX = "json"

TURNED = "Boxes that are turned cannot be taken: a box lies straight here."
PHOTO_TURNED = "Boxes that were drawn on a photo turned in Label Studio cannot be taken: turn it back there first."
NO_BOX = "“{}” is no box and cannot be taken: only boxes of faces can."
SEVERAL = "Several people annotated one photo; the newest annotation was taken."
GROUND_TRUTH = "Several people annotated one photo; the one that is called ground truth was taken."
SKIPPED = "A task that was skipped in Label Studio says nothing about its photo."
NOT_ANNOTATED = "A task that nobody has annotated says nothing about its photo."
SEVERAL_LABELS = "A box with several labels got the first."

RECTANGLES = {"rectanglelabels", "rectangle"}
SHAPES = {
    "polygonlabels", "polygon", "ellipselabels", "ellipse", "brushlabels", "brush", "bitmask", "bitmasklabels",
    "keypointlabels", "keypoint", "vectorlabels", "vector", "cuboidlabels",
}  # fmt: skip
# In order of what they say about who it is.
FIELDS = ("textarea", "taxonomy", "choices")
IMAGE_ENDING = re.compile(r"\.(jpe?g|png|webp|hei[cf]|tiff?|gif|bmp)$", re.IGNORECASE)
# Label Studio puts eight signs of a random number before the names of files that are uploaded to it.
UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")


def read(path: Path) -> Iterator[GivenPhoto]:
    """The photos of its tasks, each with its faces. Raises BadLabels, which says what is wrong where."""
    with path.open("rb") as file:
        tasks = enumerate((_task(key, task, path.name) for key, task in elements(file, path.name)), start=1)
        for _, same in groupby(tasks, key=lambda numbered: numbered[1].get("id", numbered[0])):
            numbered = list(same)
            try:
                yield _photo([task for _, task in numbered])
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                why = f"it has no “{error.args[0]}”" if isinstance(error, KeyError) else error
                raise BadLabels(f"Task {numbered[0][0]} of {path.name} cannot be read: {why}.") from None


def _task(key: str, task: object, name: str) -> dict:
    if key or not isinstance(task, dict):
        raise BadLabels(f"{name} is no Label Studio export: it is no list of tasks.")
    return task


def _photo(records: list[dict]) -> GivenPhoto:
    """Of one task: its record, or in JSON-MIN one for each annotation."""
    task = records[0]
    if "data" not in task:
        newest = max(records, key=_age)
        return _given(newest, _small_results(newest), [SEVERAL] if len(records) > 1 else [])
    annotations = [one for record in records for one in record.get("annotations", record.get("completions")) or []]
    done = [one for one in annotations if not one.get("was_cancelled")]
    if not done:
        return _given(task["data"], [], [SKIPPED if annotations else NOT_ANNOTATED], task, is_whole=False)
    true = [one for one in done if one.get("ground_truth")]
    remarks = [] if len(done) == 1 else [GROUND_TRUTH if true else SEVERAL]
    return _given(task["data"], max(true or done, key=_age).get("result") or [], remarks, task)


def _age(record: dict) -> tuple[str, str]:
    """Times of the export, which all are of one form."""
    return str(record.get("updated_at") or record.get("created_at") or ""), str(record.get("id") or "")


def _small_results(record: dict) -> list[dict]:
    """The regions of a JSON-MIN record as the full export would have them."""
    found = []
    for values in record.values():
        for value in values if isinstance(values, list) else ():
            if isinstance(value, dict) and "original_width" in value:
                kind = next((name for name in value if name in RECTANGLES | SHAPES), "")
                kind = kind or ("rectangle" if "height" in value and "width" in value else "shape without a label")
                found.append({**value, "type": kind, "value": value})
    return found


def _given(data: dict, results: list[dict], remarks: list[str], task: dict | None = None, is_whole=True) -> GivenPhoto:
    fields = _fields_by_region(results)
    faces, sides, left_out = [], (0, 0), []
    for result in results:
        kind, value = str(result.get("type", "")).lower(), result.get("value") or {}
        if kind in SHAPES or kind == "shape without a label":
            left_out.append(NO_BOX.format(kind.removesuffix("labels")))
        if kind not in RECTANGLES or (kind == "rectangle" and _has_labels(result, results)):
            continue
        sides = int(result["original_width"]), int(result["original_height"])
        if not (0 < sides[0] < 10**6 and 0 < sides[1] < 10**6):
            raise ValueError(f"a photo of {sides[0]} × {sides[1]} pixels is none")
        if float(result.get("image_rotation") or 0) % 360:
            left_out.append(PHOTO_TURNED)
        elif float(value.get("rotation") or result.get("rotation") or 0) % 360:
            left_out.append(TURNED)
        else:
            label, several = _label(result, value, fields)
            remarks += [SEVERAL_LABELS] * several
            faces.append(GivenFace(_box(value, sides), *meant_by(label)))
    name, named = _name(data, task)
    return GivenPhoto(
        "", name, *sides, tuple(faces), named, (*remarks, *left_out), is_whole=is_whole and not left_out
    )  # fmt: skip


def _has_labels(result: dict, results: list[dict]) -> bool:
    """Whether the rectangle comes once more, with its labels: then this is only its shape."""
    return any(
        other.get("id") == result.get("id") and str(other.get("type", "")).lower() == "rectanglelabels"
        for other in results
        if result.get("id") is not None
    )


def _box(value: dict, sides: tuple[int, int]) -> tuple[float, float, float, float]:
    x, y, w, h = (float(value[side]) for side in ("x", "y", "width", "height"))
    width, height = sides
    return x * width / 100, y * height / 100, w * width / 100, h * height / 100


def _fields_by_region(results: list[dict]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for result in results:
        kind = str(result.get("type", "")).lower()
        if result.get("id") is not None and (kind in FIELDS or kind == "labels"):
            found.setdefault(str(result["id"]), {})[kind] = result.get("value") or {}
    return found


def _label(result: dict, value: dict, fields: dict) -> tuple[str, bool]:
    """Who it is in the words of the file, and whether it says several things."""
    about = fields.get(str(result.get("id")), {})
    for kind in FIELDS:
        said = _said(about.get(kind, {}), kind) or _said(value, kind)
        if said:
            return said[0], len(said) > 1
    labels = [str(label) for label in value.get("rectanglelabels") or about.get("labels", {}).get("labels") or []]
    named = [label for label in labels if meant_by(label)[0] == Who.ASSIGNED]
    return (named or labels or ["face"])[0], len(named) > 1


def _said(value: dict, kind: str) -> list[str]:
    """What a field says: texts, choices, or the last step of each way through a taxonomy."""
    said = value.get("text" if kind == "textarea" else kind) or []
    if isinstance(said, str):
        said = [said]
    said = [entry[-1] if isinstance(entry, list) and entry else entry for entry in said]
    return [entry for entry in said if isinstance(entry, str) and entry.strip()]


def _name(data: dict, task: dict | None) -> tuple[str, Named]:
    """The photo's file name in the address that Label Studio knows it by."""
    address = data.get("image")
    if not isinstance(address, str):
        texts = [text for text in data.values() if isinstance(text, str) and IMAGE_ENDING.search(urlsplit(text).path)]
        if len(texts) != 1:
            raise ValueError("it does not say which photo it is about: “image” in its data is missing")
        address = texts[0]
    if address.startswith("data:"):
        raise ValueError("its photo stands in the file itself, without a name")
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d")
    name = (local[0] if local else unquote(parts.path)).replace("\\", "/").rsplit("/", 1)[-1]
    if not name:
        raise ValueError(f"the address of its photo, “{address[:100]}”, has no file name")
    is_upload = "/upload/" in parts.path or bool(task and task.get("file_upload"))
    if is_upload and UPLOAD_PREFIX.match(name):
        return UPLOAD_PREFIX.sub("", name), Named.UPLOADED
    return name, Named.WHOLE
