"""Exports as somebody else finds them: made by a worker, fetched, unpacked into a folder."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from datasets.exports import start_export
from datasets.models import Export, ExportState, Version
from jobs.work import perform
from labelling import storage
from labelling.identities import get_or_create_identity
from labelling.ingest import ingest_photo
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
    for place, person in enumerate(people):
        x, y, w, h = 20.5 + 90 * place, 40.25, 60.0, 80.5
        points = [x + 18, y + 30, x + 42, y + 30, x + 30, y + 46, x + 20, y + 60, x + 40, y + 60]
        identity = get_or_create_identity(project, person) if person else None
        Face.objects.create(
            project=project, image=image, x=x, y=y, w=w, h=h, image_w=image.width, image_h=image.height,
            origin=Origin.HUMAN, state=FaceState.CONFIRMED, identity=identity,
            who=Who.ASSIGNED if identity else Who.UNKNOWN, landmarks=points if landmarks else None,
        )  # fmt: skip
    Image.objects.filter(pk=image.pk).update(state=ImageState.LABELLED)
    image.refresh_from_db()
    return image


def fill(project, *, per_person: int = 4) -> None:
    """Three people on photos of their own, one photo with a stranger beside Ana, and one without a face."""
    seed = 0
    for person in ("Ana María", "Zoë", "Ben"):
        for number in range(per_person):
            add_real_photo(project, f"{person} {number}.jpg", encoded(scene_bytes(seed), quality=90), [person])
            seed += 1
    add_real_photo(project, "both.png", encoded(scene_bytes(seed), "PNG"), ["Ana María", None])
    add_real_photo(project, "empty.jpg", encoded(scene_bytes(seed + 1)))
