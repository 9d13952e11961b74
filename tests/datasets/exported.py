"""Exports as somebody else finds them: made by a worker, fetched, unpacked into a folder."""

import hashlib
import io
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from datasets.exports import start_export
from datasets.models import Export, ExportState, Version
from jobs.work import perform
from labelling import storage
from labelling.identities import get_or_create_identity
from labelling.ingest import Arrival, ingest_photo, ingest_photos
from labelling.models import Face, FaceState, Image, ImageState, Origin, Who


def made(version: Version, format_name: str, **options) -> Export:
    export = start_export(version, format_name, options=options)
    perform(export.job_id)
    export = Export.objects.select_related("version__project").get(pk=export.pk)
    assert export.state == ExportState.DONE, export.message
    return export


def fetched(export: Export, folder: Path) -> Path:
    """All files of it in a folder, archives unpacked into it."""
    folder.mkdir(exist_ok=True)
    for file in export.all_files:
        data = storage.get(file["key"])
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["byte_size"], file["sha256"])
        if file["name"].endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                assert archive.testzip() is None
                archive.extractall(folder)
        else:
            (folder / file["name"]).write_bytes(data)
    return folder


def scene_bytes(seed: int, size=(320, 240)) -> Picture.Image:
    """Red grows to the right, green downwards: each pixel tells where it is. Blue is the seed's."""
    across = np.linspace(0, 255, size[0])[None, :].repeat(size[1], 0)
    down = np.linspace(0, 255, size[1])[:, None].repeat(size[0], 1)
    blue = np.full_like(across, 10 + 5 * seed % 200)
    return Picture.fromarray(np.stack([across, down, blue], axis=-1).round().astype(np.uint8))


def encoded(picture: Picture.Image, format: str = "JPEG", **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def add_real_photo(project, name: str, data: bytes, people=(), landmarks: bool = True, **options) -> Image:
    """A labelled photo with pixels; a face for each name (None: nobody knows), with five landmarks."""
    image = Image.objects.get(pk=ingest_photo(project, name, data, **options).id)
    Face.objects.bulk_create(_faces(project, image, people, landmarks))
    Image.objects.filter(pk=image.pk).update(state=ImageState.LABELLED)
    image.refresh_from_db()
    return image


def _faces(project, image: Image, people, landmarks: bool = True) -> list[Face]:
    faces = []
    for place, person in enumerate(people):
        x, y, w, h = 20.5 + 90 * place, 40.25, 60.0, 80.5
        points = [x + 18, y + 30, x + 42, y + 30, x + 30, y + 46, x + 20, y + 60, x + 40, y + 60]
        identity = get_or_create_identity(project, person) if person else None
        faces.append(
            Face(
                project=project, image=image, x=x, y=y, w=w, h=h, image_w=image.width, image_h=image.height,
                origin=Origin.HUMAN, state=FaceState.CONFIRMED, identity=identity,
                who=Who.ASSIGNED if identity else Who.UNKNOWN, landmarks=points if landmarks else None,
            )
        )  # fmt: skip
    return faces


def fill(project, *, per_person: int = 4) -> None:
    """Three people on photos of their own, one photo with a stranger beside Ana, and one without a face."""
    names = [(f"{person} {n}.jpg", [person]) for person in ("Ana María", "Zoë", "Ben") for n in range(per_person)]
    shown = dict([*names, ("both.png", ["Ana María", None]), ("empty.jpg", [])])
    taken = ingest_photos(project, [Arrival(name, _scene(seed, name)) for seed, name in enumerate(shown)])
    images = Image.objects.in_bulk([outcome.id for outcome in taken])
    Face.objects.bulk_create(
        face for outcome in taken for face in _faces(project, images[outcome.id], shown[outcome.name])
    )
    Image.objects.filter(pk__in=images).update(state=ImageState.LABELLED)


@cache
def _scene(seed: int, name: str) -> bytes:
    picture = scene_bytes(seed)
    return encoded(picture, "PNG") if name.endswith(".png") else encoded(picture, quality=90)
