"""The objects of photos, for `fsck`: originals, pictures made from them, crops of faces, archives not yet taken in."""

import io
from collections import defaultdict
from collections.abc import Iterator

from PIL import Image as Picture

from labelling import originals, storage
from labelling.fsck import Area, Expected
from labelling.models import Face, Image, Intake, Project, Who
from labelling.models.faces import key_of_box
from labelling.photo_processes import read_photo_apart
from labelling.photos import DAMAGE, SIZES, BadPhoto

PAGE = 2_000
MOST_NAMES = 5
# The note of a photo whose original is not what it was; it goes when the original is back.
MARK = "Its original "


class Originals(Area):
    folder = "originals/"
    by_folder = True

    def count(self, project: Project) -> int:
        return Image.objects.filter(project=project, elsewhere=None).count()

    def expected(self, project: Project) -> Iterator[Expected]:
        for page in _pages(project, "name", "byte_size", "note", "elsewhere"):
            for pk, sha256, name, size, note, elsewhere in page:
                key = storage.original_key(project.pk, sha256)
                is_here = elsewhere is None  # else none has to be; a copy that is here is no harm
                is_marked = is_here and note.startswith(MARK)
                what = f"the original of “{name}”"
                yield Expected(key, what, size, sha256, must_exist=is_here, is_suspect=is_marked, row=pk)

    def is_spoken_of(self, project: Project, key: str) -> bool:
        return _has_photo(project, key.rsplit("/", 1)[-1])

    def advice(self, project: Project, expected: Expected) -> str:
        return f"Copy it back from a backup, to “{expected.key}”; nothing else has these bytes.{whom(expected.row)}"

    def mark(self, expected: Expected, trouble: str) -> str:
        return mark_original(expected.row, trouble)


class Pictures(Area):
    folder = "pictures/"
    by_folder = True

    def count(self, project: Project) -> int:
        return len(SIZES) * Image.objects.filter(project=project).count()

    def expected(self, project: Project) -> Iterator[Expected]:
        for page in _pages(project, "name"):
            for pk, sha256, name in page:
                for size in sorted(SIZES):
                    key = storage.picture_key(project.pk, sha256, size)
                    yield Expected(key, f"the {size} picture of “{name}”", sha256=sha256, row=pk)

    def is_spoken_of(self, project: Project, key: str) -> bool:
        return _has_photo(project, key.split("/")[-2]) and key.endswith(tuple(f"/{size}.jpg" for size in SIZES))

    def flaw(self, expected: Expected) -> str:
        try:
            with Picture.open(io.BytesIO(storage.get(expected.key)), formats=("JPEG",)) as picture:
                picture.load()
        except DAMAGE:
            return "is no picture any more"
        return ""

    def advice(self, project: Project, expected: Expected) -> str:
        return "--repair makes it anew from the original."

    def remake(self, project: Project, expected: Expected) -> str:
        size = expected.key.rsplit("/", 1)[-1].removesuffix(".jpg")
        try:
            photo = read_photo_apart(originals.read(project.pk, expected.sha256))
        except (*originals.NOT_TO_BE_HAD, BadPhoto):
            return ""
        if photo.sha256 != expected.sha256:  # what a damaged original shows is not that photo
            return ""
        storage.put(expected.key, photo.pictures[size], "image/jpeg")
        return "Made anew from the original."


class Crops(Area):
    """Cut when somebody looks: none has to be there, and one of a box that moved is left over."""

    folder = "crops/"
    by_folder = True
    is_sampled = False

    def count(self, project: Project) -> int:
        return Face.objects.filter(project=project).count()

    def expected(self, project: Project) -> Iterator[Expected]:
        for page in _pages(project, "name"):
            boxes = _boxes_of(page)
            for pk, sha256, name in page:
                for box_key in sorted({key_of_box(box) for box in boxes[pk]}):
                    key = storage.crop_key(project.pk, sha256, box_key)
                    yield Expected(key, f"a crop of “{name}”", must_exist=False, row=pk)

    def is_spoken_of(self, project: Project, key: str) -> bool:
        sha256, box_key = key.removesuffix(".jpg").split("/")[-2:]
        boxes = Face.objects.filter(image__project=project, image__sha256=sha256).values_list("x", "y", "w", "h")
        return box_key in {key_of_box(box) for box in boxes}

    def advice(self, project: Project, expected: Expected) -> str:
        return "--repair removes it; it is cut anew when somebody looks at the face."

    def remake(self, project: Project, expected: Expected) -> str:
        storage.delete(expected.key)
        return "Removed; it is cut anew when somebody looks at the face."


class Staged(Area):
    """Archives and clips that wait for a worker. Once their photos are in, or nobody will take them in, they may go."""

    folder = "staged/"
    is_sampled = False

    def expected(self, project: Project) -> Iterator[Expected]:
        waiting = Intake.objects.in_project(project).filter(finished_at=None, options__has_key="key")
        for intake in waiting.select_related("job").order_by("uid").iterator():
            must_exist = bool(intake.job and intake.job.is_active)
            yield Expected(storage.staged_key(project.pk, intake.uid), f"“{intake.name}”", must_exist=must_exist)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Send it again; nothing else has its photos."


def mark_original(image_id: int, trouble: str) -> str:
    """A note on the photo, or none any more; what was done."""
    photo = Image.objects.filter(pk=image_id)
    if not trouble:
        photo.filter(note__startswith=MARK).update(note="")
        return ""
    photo.update(note=f"{MARK}{trouble}."[:500])
    return "Not repaired; the photo has a note that says so."


def _pages(project: Project, *fields: str) -> Iterator[list[tuple]]:
    """Photos in order of their hashes, from the index that has them in it: (id, hash, *fields)."""
    photos = Image.objects.filter(project=project).order_by("sha256").values_list("pk", "sha256", *fields)
    last = ""
    while page := list(photos.filter(sha256__gt=last)[:PAGE]):
        yield page
        last = page[-1][1]


def _boxes_of(page: list[tuple]) -> dict[int, list[tuple]]:
    """The boxes of each photo of a page, by its id."""
    boxes = defaultdict(list)
    faces = Face.objects.filter(image__in=[pk for pk, *_ in page]).order_by()
    for pk, *box in faces.values_list("image_id", "x", "y", "w", "h"):
        boxes[pk].append(box)
    return boxes


def _has_photo(project: Project, sha256: str) -> bool:
    return Image.objects.filter(project=project, sha256=sha256).exists()


def whom(image_id: int) -> str:
    named = Face.objects.filter(image=image_id, who=Who.ASSIGNED).order_by("identity__name")
    names = list(named.values_list("identity__name", flat=True).distinct()[: MOST_NAMES + 1])
    if not names:
        return ""
    return f" It shows {', '.join(names[:MOST_NAMES])}{' and others' if len(names) > MOST_NAMES else ''}."
