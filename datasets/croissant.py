"""Describes an export in Croissant 1.1, which catalogues and loaders of data sets read: `croissant.json`.

Figures are those of what is handed out. Files are named as they lie beside it, so that the description is the same on
any machine.
"""

from collections import Counter
from types import ModuleType

from datasets.croissant_records import file_parts, record_sets
from datasets.export_options import LABELS, Options
from datasets.formats.tables import batches
from datasets.models import Version
from datasets.semantic_version import semantic_version
from labelling.models import Origin

CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
ENCODINGS = {
    "json": "application/json", "xml": "application/xml", "zip": "application/zip", "tar": "application/x-tar",
    "parquet": "application/x-parquet",
}  # fmt: skip
CONTENT_WORDS = {"labels": "labels without the photos", "images": "the upright photos", "crops": "crops of the faces"}


def describe(
    version: Version, info: dict, format_name: str, writer: ModuleType, options: Options, files: dict,
    stored: list[dict], counts: dict, people: list[dict],
) -> dict:  # fmt: skip
    """The description as JSON-LD; `stored`: the files that lie beside it."""
    data = [file for file in stored if file["role"] == "data"]
    creator = "A project that does not say its name" if options.anonymous else version.project.name
    objects = [_file_object(file) for file in stored]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": info["description"],
        "description": _description(info, writer, options, counts, people),
        "version": semantic_version(version),
        "datePublished": version.frozen_at.date().isoformat(),
        "creator": {"@type": "sc:Organization", "name": creator},
        "license": "Personal data of the people shown: use is bound to their consent and the project's terms.",
        "url": f"urn:facet:version:{version.content_hash}",
        "citeAs": f"{info['description']}. Content hash {version.content_hash}.",
        "isLiveDataset": False,
        **_responsible(files, counts, people, options),
        "distribution": [*objects, *file_parts(format_name, options, data)],
        "recordSet": record_sets(format_name, options, data),
    }  # fmt: skip


def _file_object(file: dict) -> dict:
    return {
        "@type": "cr:FileObject",
        "@id": file["name"],
        "name": file["name"],
        "contentUrl": file["name"],
        "contentSize": f"{file['byte_size']} B",
        "encodingFormat": ENCODINGS[file["name"].rsplit(".", 1)[-1]],
        "sha256": file["sha256"],
    }


def _description(info: dict, writer: ModuleType, options: Options, counts: dict, people: list[dict]) -> str:
    return (
        f"{counts['faces']:,} labelled faces of {len(people):,} people in {counts['images']:,} photos, as "
        f"{writer.TITLE}: {CONTENT_WORDS[options.contents]}; splits {', '.join(options.splits)}. "
        + ("" if options.contents == LABELS else "Several archives unpack into one folder. ")
        + "Boxes are x, y, width and height in pixels of the upright photo, origin top left, unless the format itself "
        f"says otherwise. Content hash of the version: {info['content_hash']}."
    )


def _responsible(files: dict, counts: dict, people: list[dict], options: Options) -> dict:
    """What responsible use asks about, from what is really there."""
    origins: Counter = Counter()
    for batch in batches(files["faces"], ["origin"]):
        origins.update(batch.column("origin").to_pylist())
    sessions: set[str] = set()
    for batch in batches(files["images"], ["session"]):
        sessions.update(batch.column("session").to_pylist())
    sessions.discard("")
    faces = sorted(person["faces"] for person in people)
    proposed = origins[Origin.MODEL]
    spread = (
        f"Faces a person: from {faces[0]:,} to {faces[-1]:,}, {faces[len(faces) // 2]:,} in the middle; weights.json "
        "has class-balanced weights."
        if faces
        else "Nobody is named in it."
    )
    names = "pseudonyms in place of names" if options.anonymous else "people's names"
    return {
        "rai:personalSensitiveInformation": [
            f"Faces, from which people can be recognised (biometric data), with {names}.",
            "Photos carry no EXIF: no place, time or camera." if options.contents != LABELS else "No photos are in it.",
        ],
        "rai:dataCollection": (
            f"{counts['images']:,} photos"
            + (f" of {len(sessions):,} capture sessions" if sessions else "")
            + ", uploaded to a labelling project by its members."
        ),
        "rai:annotationsPerItem": (
            f"{counts['faces'] / counts['images']:.2f} faces a photo on average; every face was confirmed or drawn "
            "by a person."
        ),
        "rai:annotatorDemographics": ["Not recorded."],
        "rai:machineAnnotationTools": [
            f"{proposed:,} of {counts['faces']:,} boxes were proposed by a face detector and confirmed by a person; "
            f"{counts['faces'] - proposed:,} were drawn by a person or came with other labels."
        ],
        "rai:dataBiases": [
            spread,
            "Demographics are not recorded; balance between them is not known.",
        ],
        "rai:dataUseCases": ["Training and testing of face detection and recognition among these people."],
    }
