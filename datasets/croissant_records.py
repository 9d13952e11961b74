"""Which parts of an export's files hold what, for `croissant.json`: sets of files inside archives, and of records.

Where Croissant can read a format's labels (COCO, WebDataset, Parquet), faces are a record set with their boxes; of the
others it has the pictures and the splits. mlcroissant 1.1 loads those of COCO and Parquet; it follows no paths within
sets of JSON files, as WebDataset has them.
"""

from datasets.export_options import CROPS, IMAGES, LABELS, Options

SPLITS = {"train": "cr:TrainingSplit", "val": "cr:ValidationSplit", "test": "cr:TestSplit"}
COCO_IN_ARCHIVE = "annotations.json"


def file_parts(format_name: str, options: Options, data: list[dict]) -> list[dict]:
    """Sets of files inside of archives."""
    if options.contents == LABELS:
        return []
    inside = [{"@id": file["name"]} for file in data]
    inside = inside[0] if len(inside) == 1 else inside
    if format_name == "hf-parquet":
        return []
    parts = [
        {
            "@type": "cr:FileSet", "@id": f"{ending}-pictures", "name": f"{ending}-pictures", "containedIn": inside,
            "encodingFormat": f"image/{kind}", "includes": f"*.{ending}",
        }
        for ending, kind in (("jpg", "jpeg"), ("png", "png"))
    ]  # fmt: skip
    if format_name == "webdataset":
        parts += [
            {
                "@type": "cr:FileSet", "@id": f"{file['name']}/samples", "name": f"{file['name']}/samples",
                "containedIn": {"@id": file["name"]}, "encodingFormat": "application/json", "includes": "*.json",
            }
            for file in data
        ]  # fmt: skip
    if format_name == "coco":
        parts.append({
            "@type": "cr:FileObject", "@id": COCO_IN_ARCHIVE, "name": COCO_IN_ARCHIVE,
            "containedIn": {"@id": data[0]["name"]}, "contentUrl": COCO_IN_ARCHIVE,
            "encodingFormat": "application/json",
        })  # fmt: skip
    return parts


def record_sets(format_name: str, options: Options, data: list[dict]) -> list[dict]:
    sets = [_splits(options)]
    if options.contents != LABELS and format_name != "hf-parquet":
        sets.append(_pictures())
    if format_name == "coco":
        source = {"fileObject": {"@id": data[0]["name"] if options.contents == LABELS else COCO_IN_ARCHIVE}}
        sets += _coco(source)
    if format_name == "webdataset":
        sets += [_samples(file["name"], is_crops=options.contents == CROPS) for file in data]
    if format_name == "hf-parquet":
        sets += [_parquet(file["name"], options) for file in data]
    return sets


def _splits(options: Options) -> dict:
    return {
        "@type": "cr:RecordSet", "@id": "splits", "name": "splits", "dataType": "cr:Split",
        "description": "What photos are for; a photo is in one of them, and so are all of its session.",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "splits/name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/url", "name": "splits/url", "dataType": "sc:URL"},
        ],
        "data": [{"splits/name": split, "splits/url": SPLITS[split]} for split in options.splits],
    }  # fmt: skip


def _pictures() -> dict:
    source = {"fileSet": {"@id": "jpg-pictures"}}
    return {
        "@type": "cr:RecordSet", "@id": "pictures", "name": "pictures",
        "description": "The JPEG pictures; those that came in a format without loss are PNG beside them.",
        "field": [
            _field("pictures", "file", "sc:Text", source, {"fileProperty": "filename"}),
            _field("pictures", "image", "sc:ImageObject", source, {"fileProperty": "content"}),
        ],
    }  # fmt: skip


def _coco(source: dict) -> list[dict]:
    def path(what: str) -> dict:
        return {"jsonPath": what}

    images = [
        _field("images", name, kind, source, path(f"$.images[*].{name}"))
        for name, kind in (
            ("id", "sc:Integer"), ("file_name", "sc:Text"), ("width", "sc:Integer"), ("height", "sc:Integer"),
        )
    ]  # fmt: skip
    images.append(_split("images", source, path("$.images[*].split")))
    faces = [
        _field("faces", name, kind, source, path(f"$.annotations[*].{name}"))
        for name, kind in (("id", "sc:Integer"), ("who", "sc:Text"), ("identity", "sc:Text"))
    ]
    faces.insert(1, {
        **_field("faces", "image_id", "sc:Integer", source, path("$.annotations[*].image_id")),
        "references": {"field": {"@id": "images/id"}},
    })  # fmt: skip
    faces.append(_box("faces", source, path("$.annotations[*].bbox")))
    faces.append(_split("faces", source, path("$.annotations[*].split")))
    return [
        {"@type": "cr:RecordSet", "@id": "images", "name": "images", "key": {"@id": "images/id"}, "field": images},
        {"@type": "cr:RecordSet", "@id": "faces", "name": "faces", "key": {"@id": "faces/id"}, "field": faces},
    ]


# One for each shard: mlcroissant does not go through a set of files from several archives.
def _samples(shard: str, *, is_crops: bool) -> dict:
    name, source = f"{shard}/labels", {"fileSet": {"@id": f"{shard}/samples"}}
    fields = [_field(name, "sha256", "sc:Text", source, {"jsonPath": "$.sha256"})]
    if is_crops:
        fields.append(_field(name, "identity", "sc:Text", source, {"jsonPath": "$.face.identity"}))
        fields.append(_box(name, source, {"jsonPath": "$.face.bbox"}))
    fields.append(_split(name, source, {"jsonPath": "$.split"}))
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _parquet(shard: str, options: Options) -> dict:
    name, source = f"{shard}/rows", {"fileObject": {"@id": shard}}
    columns = ["sha256", "original_name", *(["identity", "who"] if options.contents != IMAGES else [])]
    fields = [_field(name, column, "sc:Text", source, {"column": column}) for column in columns]
    if options.contents == CROPS:
        # Not as a cr:BoundingBox: mlcroissant reads those from lists of JSON only.
        numbers = {"isArray": True, "arrayShape": "4", "dataType": "sc:Float"}
        fields.append(_box(name, source, {"column": "bbox"}) | numbers)
    fields.append(_split(name, source, {"column": "split"}))
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(of: str, name: str, kind: str, source: dict, extract: dict) -> dict:
    return {
        "@type": "cr:Field", "@id": f"{of}/{name}", "name": f"{of}/{name}", "dataType": kind,
        "source": {**source, "extract": extract},
    }  # fmt: skip


def _box(of: str, source: dict, extract: dict) -> dict:
    field = _field(of, "bbox", "cr:BoundingBox", source, extract)
    field["description"] = "XYWH: left, top, width and height in pixels of the upright photo, origin top left."
    field["source"]["format"] = "XYWH"
    return field


def _split(of: str, source: dict, extract: dict) -> dict:
    return {**_field(of, "split", "sc:Text", source, extract), "references": {"field": {"@id": "splits/name"}}}
