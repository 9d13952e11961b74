"""The types of our columns in the words of Hugging Face's `datasets`, and as Arrow has them."""

import json

import pyarrow as pa

from datasets.formats.classes import Classes

# As that library calls splits.
SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}
_TEXT, _WHOLE, _NUMBER = ({"dtype": kind, "_type": "Value"} for kind in ("string", "int64", "float64"))
_ARROW = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def features(classes: Classes, *, is_crops: bool) -> dict:
    """By column, in its order."""
    label = {"names": classes.names, "_type": "ClassLabel"}
    of_photo = {"sha256": _TEXT, "original_name": _TEXT, "width": _WHOLE, "height": _WHOLE, "split": _TEXT}
    if is_crops:
        of_face = {
            "bbox": _list(_NUMBER), "label": label, "who": _TEXT, "identity": _TEXT, "identity_id": _WHOLE,
        }  # fmt: skip
        return {"image": {"_type": "Image"}, **of_photo, **of_face}
    objects = {
        "bbox": _list(_list(_NUMBER)), "categories": _list(label), "who": _list(_TEXT), "identity": _list(_TEXT),
        "identity_id": _list(_WHOLE), "score": _list(_NUMBER), "landmarks": _list(_TEXT),
    }  # fmt: skip
    return {"image": {"_type": "Image"}, **of_photo, "objects": objects}


def _list(feature: dict) -> dict:
    return {"feature": feature, "_type": "List"}


def of_crop(face: dict) -> dict:
    return {
        "bbox": face["bbox"], "label": face["category"],
        **{name: face[name] for name in ("who", "identity", "identity_id")},
    }  # fmt: skip


def arrow_schema(columns: dict) -> pa.Schema:
    """With the types of pictures and classes in its metadata, where that library looks for them."""
    said = json.dumps({"info": {"features": columns}}, ensure_ascii=False)
    return pa.schema([(name, _arrow(feature)) for name, feature in columns.items()], metadata={"huggingface": said})


def _arrow(feature: dict) -> pa.DataType:
    kind = feature.get("_type")
    if kind == "Image":
        return IMAGE
    if kind == "ClassLabel":
        return pa.int64()
    if kind == "List":
        return pa.list_(_arrow(feature["feature"]))
    if kind == "Value":
        return _ARROW[feature["dtype"]]
    return pa.struct([(name, _arrow(one)) for name, one in feature.items()])


def readme(info: dict, splits: list[str]) -> bytes:
    """The card of the data set: its head tells which files are which split.

    The head is YAML, and JSON is YAML too.
    """
    files = [{"split": SPLIT_NAMES[split], "path": f"{SPLIT_NAMES[split]}/**"} for split in splits]
    head = json.dumps({"configs": [{"config_name": "default", "data_files": files}]})
    return f"---\n{head}\n---\n\n{info['description']}. Content hash: {info['content_hash']}\n".encode()
