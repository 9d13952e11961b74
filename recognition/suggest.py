"""Proposes names for waiting faces from the people confirmed so far. Runs in workers only.

Suggestions are rows of their own: a run replaces suggestions, never anything that a person said. In a project
with few waiting faces all of them are compared after each name. With many, those who are looked at next and those
a new name matters to come first (`freshness.py`), the rest follows behind the back of everybody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, islice

import numpy as np
from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs.models import Job, State
from jobs.work import Work
from labelling.claims import middle_face
from labelling.models import Face, Image, ImageState, Project
from recognition.bonds import Bonds
from recognition.calibrations import calibration_for
from recognition.freshness import photos_that_matter
from recognition.gallery_cache import faces_of
from recognition.likeness import Calibration, Candidate, one_person_per_photo, rank_people
from recognition.models import Embedding
from recognition.photo_ratings import rate_photos
from recognition.serving import Served, served_now, through
from recognition.suggestion_rows import Proposed, clear_decided, replace_where_changed
from recognition.vectors import read_vectors
from recognition.work_left import suggest_everywhere_soon

MOST = 9
CHUNK = 250
# Up to here comparing everything takes less than a second.
FEW = 2_000
READ_ANEW = 3_000
# Photos filed under a name are nearly always of that person; how nearly, a project's own ledger will tell.
CLAIM_PROBABILITY = 0.95
# A person said that two faces are one; people are hardly ever wrong about that.
SURE_PROBABILITY = 0.99
SOURCE = "source"  # in place of a model's name


@dataclass(frozen=True, eq=False)
class Gallery:
    """The confirmed faces everything is compared with. All arrays have one entry per face."""

    face_ids: np.ndarray
    vectors: np.ndarray
    people: np.ndarray
    photos: np.ndarray

    def __len__(self) -> int:
        return len(self.face_ids)


def read_gallery(project: Project, served: Served | None = None) -> Gallery:
    """Straight from the database while there are few vectors, else what the worker keeps between jobs."""
    embedder = project.settings.embedder
    if Embedding.objects.filter(embedder=embedder)[: READ_ANEW + 1].count() <= READ_ANEW:
        return _read_gallery(project, served)
    known = faces_of(project.pk, embedder, served).named()
    return Gallery(known.face_ids, known.vectors, known.people, known.photos)


def _read_gallery(project: Project, served: Served | None) -> Gallery:
    embeddings = Embedding.objects.current(project.settings.embedder)
    ids, vectors = read_vectors(embeddings.filter(face__in=Face.objects.in_project(project).named()))
    rows = {pk: row for pk, *row in Face.objects.filter(pk__in=ids).values_list("pk", "identity_id", "image_id")}
    kept = [index for index, pk in enumerate(ids) if rows.get(pk, [None])[0] is not None]
    ids = [ids[index] for index in kept]
    return Gallery(
        face_ids=np.array(ids, dtype=np.int64),
        vectors=through(served, vectors[kept]),
        people=np.array([rows[pk][0] for pk in ids], dtype=np.int64),
        photos=np.array([rows[pk][1] for pk in ids], dtype=np.int64),
    )


def suggest_names(project: Project, work: Work) -> dict:
    """Bring the suggestions up to date that people will see next. Safe to repeat at any time."""
    now, since = timezone.now(), _seen_until(project)
    maker = Suggester(project)
    if not Face.objects.in_project(project).more_wait_than(FEW):
        images = photos_waiting(project)
        if since is None:
            clear_decided(project)
    else:
        images = photos_that_matter(project, maker.gallery.face_ids, maker.gallery.vectors, since=since)
        if len(maker.gallery):
            suggest_everywhere_soon(project.pk)
    written = maker.refresh(images, work)
    if since is not None:
        clear_decided(project, since=since)
    return {"suggestions": written, "seen": now.isoformat(), "said": _said(written, len(images))}


def suggest_everywhere(project: Project, work: Work) -> dict:
    """Compare every waiting face, in chunks that nobody waits for."""
    maker = Suggester(project)
    images = photos_waiting(project)
    written = maker.refresh(images, work)
    clear_decided(project)
    return {"suggestions": written, "said": _said(written, len(images))}


def _said(written: int, photos: int) -> str:
    return f"{written:,} suggestions changed, {photos:,} photos compared."


def _seen_until(project: Project) -> datetime | None:
    """When the last run of this kind began to look: later changes are news."""
    done = Job.objects.filter(project_id=project.pk, kind="suggest", state=State.DONE, result__has_key="seen").order_by(
        "-id"
    )
    seen = done.values_list("result__seen", flat=True).first()
    return datetime.fromisoformat(seen) if seen else None


def photos_waiting(project: Project) -> list[int]:
    """Photos with a face that waits and can be compared, or whose source says whom it shows."""
    there = Embedding.objects.current(project.settings.embedder).filter(face=OuterRef("pk"))
    waiting = Face.objects.in_project(project).waiting().filter(Exists(there))
    claimed = Image.objects.filter(project=project, state=ImageState.PROPOSED, claimed_identity__isnull=False)
    return sorted({*waiting.values_list("image_id", flat=True).distinct(), *claimed.values_list("pk", flat=True)})


class Suggester:
    """Compares waiting faces of a project with its confirmed ones, as they are at one moment."""

    def __init__(self, project: Project):
        self.project = project
        self.embedder = project.settings.embedder
        self.served = served_now(project)
        self.gallery = read_gallery(project, self.served)
        self.calibration: Calibration
        self.calibration, self.version = calibration_for(
            project, self.gallery.vectors, self.gallery.people, self.gallery.photos, self.served
        )

    def refresh(self, image_ids: Sequence[int], work: Work) -> int:
        """Suggest for the waiting faces of these photos; returns how many suggestions are new or other ones."""
        work.progress(done=0, total=len(image_ids), message="Comparing faces")
        written = 0
        for batch in batched(image_ids, CHUNK):
            proposed = self.proposed(batch)
            with work.chunk(len(batch)):
                written += replace_where_changed(batch, proposed)
            rate_photos(self.project, batch, self.gallery.people)
        return written

    def read_vectors(self, faces) -> tuple[list[int], np.ndarray]:
        """Ids and vectors of these faces, as comparable with the gallery's."""
        face_ids, vectors = read_vectors(Embedding.objects.current(self.embedder).filter(face__in=faces))
        return face_ids, through(self.served, vectors)

    def proposed(self, image_ids: Sequence[int]) -> list[Proposed]:
        """What to suggest for the waiting faces of these photos, not yet stored."""
        faces = Face.objects.filter(image__in=image_ids).waiting()
        face_ids, vectors = self.read_vectors(faces)
        claims = _claims(image_ids)
        asked = sorted({*face_ids, *claims})
        bonds = Bonds(self.project, asked)
        claims = {face: person for face, person in claims.items() if person not in bonds.ruled_out(face)}
        photo_of = dict(Face.objects.filter(pk__in=asked).values_list("pk", "image_id"))
        found: dict[int, list[Candidate]] = {}
        if face_ids and len(self.gallery):
            ranked = rank_people(
                vectors,
                self.gallery.vectors,
                self.gallery.people,
                calibration=self.calibration,
                limit=MOST,
                ruled_out=[bonds.ruled_out(face) for face in face_ids],
            )
            found = self._one_person_per_photo(face_ids, ranked, photo_of, claims, bonds)
        return [line for face in asked for line in self._ranked(face, found.get(face, []), claims.get(face), bonds)]

    def _one_person_per_photo(self, face_ids, ranked, photo_of, claims, bonds: Bonds) -> dict[int, list[Candidate]]:
        there = _already_there(set(photo_of.values()))
        for face, person in claims.items():
            there.append((photo_of.get(face), person))
        sure = {face: bonds.sure(face) for face in face_ids}
        there += [(photo_of[face], said[0]) for face, said in sure.items() if said and face in photo_of]
        taken: dict[int, set[int]] = {}
        for photo, person in there:
            taken.setdefault(photo, set()).add(person)
        kept = one_person_per_photo(
            ranked,
            [photo_of.get(face) for face in face_ids],
            taken,
            persons=[bonds.group(face) for face in face_ids],
        )
        return dict(zip(face_ids, kept, strict=True))

    def _ranked(self, face: int, candidates: list[Candidate], claimed: int | None, bonds: Bonds) -> Iterator[Proposed]:
        people = islice(self._people(face, candidates, claimed, bonds), MOST)
        for rank, (person, chance, similarity, nearest) in enumerate(people, start=1):
            said = (SOURCE, "") if nearest is None else (self.embedder, self.version)
            yield Proposed(face, rank, person, chance, similarity, nearest, *said)

    def _people(self, face: int, candidates: list[Candidate], claimed: int | None, bonds: Bonds) -> Iterator[tuple]:
        """First whom people said it is, then whom the source says, then whom it looks like; each once.

        Each as person, probability, similarity, and the confirmed face that speaks for it.
        """
        sure = bonds.sure(face)
        rest = 1.0
        if sure:
            person, named = sure
            rest -= SURE_PROBABILITY
            yield person, SURE_PROBABILITY, _similarity(candidates, person), named
        elif claimed is not None:
            yield claimed, CLAIM_PROBABILITY, None, None
        for candidate in candidates:
            if candidate.person not in {claimed, sure and sure[0]}:
                nearest = int(self.gallery.face_ids[candidate.nearest])
                yield candidate.person, candidate.probability * rest, candidate.similarity, nearest


def _similarity(candidates: list[Candidate], person: int) -> float | None:
    return next((candidate.similarity for candidate in candidates if candidate.person == person), None)


def _already_there(image_ids: set[int]) -> list[tuple[int, int]]:
    """Whom people named in each photo: nobody stands in one photo twice."""
    return list(Face.objects.named().filter(image__in=image_ids).values_list("image_id", "identity"))


def _claims(image_ids: Sequence[int]) -> dict[int, int]:
    """The middle face of each photo that was filed under a name, as long as it waits."""
    claimed = {}
    for image in Image.objects.filter(pk__in=image_ids, claimed_identity__isnull=False).prefetch_related("faces"):
        faces = list(image.faces.all())
        middle = middle_face(image, faces)
        named = any(face.identity_id == image.claimed_identity_id for face in faces)
        if middle and not named and middle.who == "unassigned":
            claimed[middle.pk] = image.claimed_identity_id
    return claimed
