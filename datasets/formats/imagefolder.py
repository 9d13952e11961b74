"""Folders of crops as torchvision and timm read them: `train/000003_Zoë/<photo>-1.jpg`.

Such readers number classes in order of the folders' names, so each begins with the person's class id. Only named faces
can be in it.
"""

from collections.abc import Iterator

from datasets.formats.crop_list import Namer, crop_list, read, safe_name
from datasets.formats.photo_list import as_csv, cell
from datasets.selection import people_of

__all__ = ["crop_names", "entries", "read"]

TITLE = "ImageFolder (crops in a folder for each person)"
SUFFIX = "zip"
CONTENTS = ("crops",)
PEOPLE = ("classes",)
NAMED_ONLY = True


def entries(files: dict[str, bytes], info: dict, counts: dict, people: str) -> Iterator[tuple[str, bytes]]:
    rows = [(_folder(person), person["class_id"], cell(person["name"])) for person in people_of(files)]
    yield "classes.csv", as_csv(("folder", "identity_id", "identity"), rows)
    yield crop_list(files, counts, crop_names(files))


def crop_names(files: dict[str, bytes]) -> Namer:
    folders = {person["class_id"]: _folder(person) for person in people_of(files)}

    def names(image: dict, faces: list[dict]) -> list[str]:
        return [
            f"{face['split']}/{folders[face['class_id']]}/{image['image_sha256'][:16]}-{place}.jpg"
            for place, face in enumerate(faces, start=1)
        ]

    return names


def _folder(person: dict) -> str:
    return f"{person['class_id']:06d}_{safe_name(person['name'])}"
