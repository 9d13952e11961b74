"""The named faces of a version as a torch Dataset: square crops and class numbers."""

from collections import Counter

import numpy
from PIL import Image
from torch import from_numpy
from torch.utils.data import Dataset


class FaceCrops(Dataset):
    """Crops of `size` × `size` pixels around each named face, and the number of its person's class.

    split: `train`, `val`, `test`, or None for all. margin: share of the face's longer side that is added around it.
    transform: takes the PIL picture; without it comes a float tensor of shape (3, size, size), values 0 to 1.

    `classes` are the names, ordered by the ids that Facet gave them once for all; a class's number is its place among
    them. They are of the whole version, so they are the same in every split. What lies outside the photo is black.
    """

    def __init__(self, version, split: str | None, *, size: int, margin: float, transform=None):
        faces = version.faces()
        named = faces[faces["identity"].notna() & faces["path"].notna()]
        people = named[["class_id", "identity"]].drop_duplicates().sort_values("class_id")
        self.classes = people["identity"].tolist()
        number = {int(class_id): place for place, class_id in enumerate(people["class_id"])}
        if split is not None:
            named = named[named["split"] == split]
        self.faces = named.reset_index(drop=True)
        self.targets = [number[int(class_id)] for class_id in self.faces["class_id"]]
        self.size, self.margin, self.transform = size, margin, transform

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, place: int):
        row = self.faces.iloc[place]
        with Image.open(row["path"]) as photo:
            crop = _square(photo.convert("RGB"), (row["x"], row["y"], row["w"], row["h"]), self.margin, self.size)
        picture = self.transform(crop) if self.transform else _tensor(crop)
        return picture, self.targets[place]

    def weights(self) -> list[float]:
        """For torch's WeightedRandomSampler: each person is drawn equally often."""
        counts = Counter(self.targets)
        return [1 / counts[target] for target in self.targets]


def _square(photo: Image.Image, box: tuple, margin: float, size: int) -> Image.Image:
    x, y, w, h = box
    half = max(w, h) * (1 + margin) / 2
    middle = x + w / 2, y + h / 2
    edges = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    return photo.transform((size, size), Image.Transform.EXTENT, edges, Image.Resampling.BILINEAR)


def _tensor(picture: Image.Image):
    return from_numpy(numpy.array(picture, dtype=numpy.float32).transpose(2, 0, 1) / 255)
