"""Takes the labels of a file in: photos are found again, faces matched by overlap, people by name; all or nothing.

A dry run does the very same and takes it back at its end, so what it reports is what would happen. What people have
said here stands unless asked otherwise. Which split a face was in is no label: versions are split when they are frozen.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from uuid import uuid4

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import F, Func, Prefetch, TextField, Value
from django.db.models.functions import Replace

from datasets.exports import FORMATS as WRITTEN
from datasets.formats import labelstudio
from datasets.given import GivenFace, GivenPhoto, Named
from labelling.boxes import BadBox, clip_box, is_same_box
from labelling.errors import Refused
from labelling.identities import clean_name, get_or_create_identity
from labelling.matching import match_boxes
from labelling.models import Face, FaceState, Identity, Image, ImageState, Origin, Project, Verb, Who
from labelling.submit import FaceWord, store_words

# Everything that Facet reads: most of what it writes, and what others write.
READERS = {name: format for name, format in WRITTEN.items() if hasattr(format, "read")} | {"labelstudio": labelstudio}
PHOTOS_AT_ONCE = 200
MOST_TOLD = 20
MOST_SHOWN = 12
# What becomes of a face that the file gives.
NEW, CONFIRMED, NAMED, SAME, REPLACED, KEPT = "new", "confirmed", "named", "same", "replaced", "kept"


@dataclass
class Report:
    """photos, faces: given by the file. done: how many faces were new, confirmed a proposal, named a box without a
    name, were there the same, replaced what people said here, or were left aside for it (kept). problems: photos that
    could not be found or do not fit, in sentences; the first of them. remarks: what was not taken of photos, or was
    chosen among several, with how often. examples: of what became of faces, the first few.
    """

    photos: int = 0
    faces: int = 0
    done: Counter = field(default_factory=Counter)
    new_people: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0
    faces_left_out: int = 0
    proposals_left: int = 0
    remarks: Counter = field(default_factory=Counter)
    examples: dict[str, list[dict]] = field(default_factory=dict)

    def example(self, what: str, image: Image, ours: Face | None, given: GivenFace) -> None:
        """The first few of each, for people to look at."""
        shown = self.examples.setdefault(what, [])
        if len(shown) < MOST_SHOWN:
            side = {"image": image.pk, "photo": image.name, "box": [round(side, 2) for side in given.box]}
            here = {"face": ours.pk, "here": words_of(ours)} if ours else {}
            shown.append({**side, **here, "given": given.name or given.who.label})

    def problem(self, sentence: str, photo: GivenPhoto) -> None:
        self.problem_count += 1
        self.faces_left_out += len(photo.faces)
        if len(self.problems) < MOST_TOLD:
            self.problems.append(sentence)

    def as_dict(self) -> dict:
        return {
            "photos": self.photos,
            "faces": self.faces,
            **{what: self.done[what] for what in (NEW, CONFIRMED, NAMED, SAME, REPLACED, KEPT)},
            "left_out": self.faces_left_out,
            "proposals_left": self.proposals_left,
            "new_people": len(self.new_people),
            "new_people_first": self.new_people[:MOST_TOLD],
            "problems": self.problem_count,
            "problems_first": self.problems,
            "remarks": dict(self.remarks.most_common()),
            "examples": self.examples,
        }


def words_of(face: Face) -> str:
    """Who a face is here, in words."""
    if face.state != FaceState.CONFIRMED:
        return face.get_state_display()
    return face.identity.name if face.identity else face.get_who_display()


def import_labels(
    project: Project,
    given: Iterable[GivenPhoto],
    *,
    by=None,
    take_theirs=False,
    partly=False,
    dry_run=False,
    tell: Callable[[int], None] = lambda photos: None,
    at_end: Callable[[Report], None] = lambda report: None,
) -> Report:
    """All labels of the file in one transaction; each photo's are one event, which can be taken back.

    take_theirs: where people here said something else about a face, the file is believed. partly: photos with a problem
    are left out; otherwise they are a reason to refuse all. tell: hears how many photos went by. at_end: the last word
    in the transaction. Raises Refused, with nothing stored.
    """
    taking = _Taking(project, by, take_theirs)
    with transaction.atomic():
        for photos in batched(given, PHOTOS_AT_ONCE):
            taking.take(photos)
            tell(taking.report.photos)
        report = taking.report
        if dry_run:
            transaction.set_rollback(True)
            return report
        if report.problem_count and not partly:
            raise Refused(
                f"{report.problem_count:,} of {report.photos:,} photos cannot be labelled from this file, so nothing "
                f"was imported. The first: {report.problems[0]} Mend that, or leave such photos out."
            )
        if report.done.total() + report.faces_left_out != report.faces:
            raise Refused(f"Not every face is accounted for, so nothing was imported: {report.as_dict()}.")
        at_end(report)
    return report


class _Taking:
    def __init__(self, project: Project, by, take_theirs: bool) -> None:
        self.report = Report()
        self._project, self._by, self._take_theirs = project, by, take_theirs
        self._people = People(project)
        self._seen: set[int] = set()

    def take(self, photos: tuple[GivenPhoto, ...]) -> None:
        found = _find(self._project, photos)
        for photo in photos:
            self.report.photos += 1
            self.report.faces += len(photo.faces)
            self.report.remarks.update(photo.remarks)
            if not photo.faces and not photo.is_whole:
                continue  # the file says nothing about it
            image, problem = found(photo)
            photo = photo.sized(image.width, image.height) if image else photo
            problem = problem or self._seen_before(image) or _misfit(photo, image)
            if problem:
                self.report.problem(problem, photo)
            else:
                self._label(image, photo)

    def _seen_before(self, image: Image) -> str:
        if image.pk in self._seen:
            return f"“{image.name}” is in the file more than once."
        self._seen.add(image.pk)
        return ""

    def _label(self, image: Image, photo: GivenPhoto) -> None:
        there = list(image.faces.all())
        pairs = match_boxes([face.box for face in there], [face.box for face in photo.faces])
        matched = {theirs: there[ours] for ours, theirs, _ in pairs}
        words = [self._word(matched.get(place), face) for place, face in enumerate(photo.faces)]
        for place, (what, _) in enumerate(words):
            self.report.done[what] += 1
            if what != SAME:
                self.report.example(what, image, matched.get(place), photo.faces[place])
        said = [word for _, word in words if word]
        decided = {word.id for word in said}
        open_boxes = sum(face.state == FaceState.PROPOSED and face.pk not in decided for face in there)
        self.report.proposals_left += open_boxes
        if said or (photo.is_whole and image.state != ImageState.LABELLED and not open_boxes):
            store_words(image, said, by=self._by, id=uuid4(), actor=self._by, verb=Verb.IMPORT)

    def _word(self, ours: Face | None, given: GivenFace) -> tuple[str, FaceWord | None]:
        person = self._person(given)
        if ours is None:
            return NEW, _said(given, person, origin=Origin.IMPORT, score=given.score, landmarks=given.landmarks)
        if ours.state == FaceState.PROPOSED:
            return CONFIRMED, _said(given, person, id=ours.pk)
        is_same_word = ours.state == FaceState.CONFIRMED and (ours.who, ours.identity_id) == (
            given.who,
            person and person.pk,
        )
        if is_same_word and is_same_box(ours.box, given.box):
            return SAME, None
        if self._take_theirs:
            return REPLACED, _said(given, person, id=ours.pk)
        if ours.state == FaceState.CONFIRMED and ours.who == Who.UNASSIGNED and given.who != Who.UNASSIGNED:
            return NAMED, _said(given, person, id=ours.pk, box=None)
        return KEPT, None

    def _person(self, given: GivenFace) -> Identity | None:
        if given.who != Who.ASSIGNED:
            return None
        person, is_new = self._people.called(given.name)
        if is_new:
            self.report.new_people.append(person.name)
        return person


def _said(given: GivenFace, person: Identity | None, **more) -> FaceWord:
    who = {"identity": person, "has_identity": True} if person else {"who": given.who}
    return FaceWord(**{"box": given.box, "state": FaceState.CONFIRMED, **who, **more})


class People:
    """The people that names in a file mean: by name, else by an alias that only one person has, else new ones."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[str, Identity] = {}
        people = list(Identity.objects.in_project(project))
        aliases: dict[str, list[Identity]] = {}
        for person in people:
            for alias in person.aliases:
                aliases.setdefault(alias.casefold(), []).append(person)
        self._aliases = {alias: owners[0] for alias, owners in aliases.items() if len(owners) == 1}
        self._names = {person.name.casefold(): person for person in people}

    def called(self, name: str) -> tuple[Identity, bool]:
        """The person, and whether they are new. Raises Refused for what can be no name."""
        if name not in self._known:
            folded = clean_name(name).casefold()
            person = self._names.get(folded) or self._aliases.get(folded)
            if person is None:
                person = self._names[folded] = self._known[name] = get_or_create_identity(self._project, name)
                return person, True
            self._known[name] = person
        return self._known[name], False


def _find(project: Project, photos: tuple[GivenPhoto, ...]):
    """A function that gives the image of one of these photos, locked and with its faces, or why there is none."""
    wanted = {named: {_last(p.name) for p in photos if not p.sha256 and p.named == named} for named in Named}
    by_name = {named: _only_of_their_name(project, named, names) for named, names in wanted.items()}
    images = Image.objects.in_project(project).select_for_update(of=("self",)).order_by("pk")
    images = images.prefetch_related(Prefetch("faces", Face.objects.select_related("identity").order_by("pk")))
    with_hash = {image.sha256: image for image in images.filter(sha256__in={photo.sha256 for photo in photos})}
    alone = [pks[0] for found in by_name.values() for pks in found.values() if len(pks) == 1]
    with_name = {image.pk: image for image in images.filter(pk__in=alone)}
    for image in (*with_hash.values(), *with_name.values()):
        image.project = project

    def found(photo: GivenPhoto) -> tuple[Image | None, str]:
        if photo.sha256:
            image = with_hash.get(photo.sha256)
            return image, "" if image else f"“{photo.name}” is not in this project: no photo has its bytes."
        name = _last(photo.name)
        pks = by_name[photo.named].get(name, ())
        if len(pks) > 1:
            return None, f"“{name}” may be any of {len(pks)} photos of that name."
        return (with_name[pks[0]], "") if pks else (None, f"“{name}” is not in this project.")

    return found


def _only_of_their_name(project: Project, named: Named, names: set[str]) -> dict[str, list[int]]:
    """The photos by their names, as `named` takes these; of all that have it."""
    if not names:
        return {}
    rows = Image.objects.in_project(project).order_by().annotate(as_named=_NAMES[named]).filter(as_named__in=names)
    return dict(rows.values("as_named").annotate(pks=ArrayAgg("pk")).values_list("as_named", "pks"))


def _without(pattern: str, name) -> Func:
    return Func(name, Value(pattern), Value(""), Value("g"), function="regexp_replace", output_field=TextField())


_NAMES = {
    Named.WHOLE: F("name"),
    Named.STEM: _without(r"\.[^.]*$", F("name")),
    Named.UPLOADED: _without(r"[^-\w.]", Replace(F("name"), Value(" "), Value("_"))),
}


def _last(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def _misfit(photo: GivenPhoto, image: Image) -> str:
    """Why these boxes cannot be boxes of this image; empty when they can."""
    if (photo.width, photo.height) == (image.height, image.width) != (image.width, image.height):
        return (
            f"The boxes of “{photo.name}” were drawn on the photo as it lay ({photo.width} × {photo.height}), and "
            f"here it stands upright ({image.width} × {image.height}). Export it again with its EXIF orientation "
            "applied."
        )
    if image.state == ImageState.DISPUTED:
        return f"Annotators disagree about “{image.name}”. Decide between them first, in Review."
    if (photo.width, photo.height) != (image.width, image.height):
        return (
            f"The boxes of “{photo.name}” belong to a photo of {photo.width} × {photo.height} pixels; here it has "
            f"{image.width} × {image.height}."
        )
    return next(_bad_boxes(photo, image), "")


def _bad_boxes(photo: GivenPhoto, image: Image) -> Iterator[str]:
    for number, face in enumerate(photo.faces, start=1):
        try:
            clip_box(face.box, image.width, image.height)
        except BadBox as error:
            yield f"Face {number} of “{photo.name}”: {error}"
