"""Looks for labels that are probably wrong. Runs in workers only.

Three kinds: a face unlike its own person and like another, one person twice in a photo, and a box that the
detector or the face in it speaks against. A reviewer's “it is right” stays as long as the label is the same.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import F

from jobs.models import Job, State
from jobs.work import Work
from labelling.boxes import iou
from labelling.models import Face, FaceState, Project
from recognition.accept_threshold import learn_now
from recognition.bonds import Bonds
from recognition.label_doubts import Doubt, name_doubts
from recognition.likeness import rank_people
from recognition.models import Suspicion, SuspicionKind
from recognition.suggest import Gallery, Suggester

# Compared in one run; with more named faces the newest words come first and the rest takes turns.
PROBES = 5_000
LEAST = 0.2
TWICE_SCORE = 0.95
# A rejected box in which the detector was that sure, or the embedder finds somebody that probable, is a face.
SURE_DETECTOR, SURE_PERSON = 0.999, 0.8
REJECTED_LOOKED_AT = 5_000
# A proposal beside a confirmed box: it overlaps, but not enough to be the same box.
BESIDE = (0.2, 0.5)


def find_suspicions(project: Project, work: Work) -> dict:
    """Bring the suspicions up to date. Safe to repeat at any time."""
    work.progress(message="Comparing names with faces")
    judge = Suggester(project)
    gallery = judge.gallery
    probes, cursor = _probes(project, gallery)
    doubts = name_doubts(
        probes, gallery.vectors, gallery.people, gallery.photos, calibration=judge.calibration, least=LEAST
    )
    with work.chunk(len(probes)):
        found = _write(project, SuspicionKind.OUTLIER, _outliers(doubts, gallery), gallery.face_ids[probes].tolist())
    with work.chunk(0):
        found += _write(project, SuspicionKind.TWICE, _twice(project, judge), None)
    with work.chunk(0):
        found += _write(project, SuspicionKind.BOX, [*_rejected_faces(project, judge), *_boxes_beside(project)], None)
    learn_now(project)
    return {"suspicions": found, "cursor": cursor, "said": f"{found:,} labels look wrong."}


def _probes(project: Project, gallery: Gallery) -> tuple[np.ndarray, int]:
    """Rows of the gallery to look at, and the face up to which the rest had its turn."""
    if len(gallery) <= PROBES:
        return np.arange(len(gallery)), 0
    last = Job.objects.filter(project_id=project.pk, kind="suspect", state=State.DONE).order_by("-id")
    cursor = last.values_list("result__cursor", flat=True).first() or 0
    newest = Face.objects.in_project(project).named().order_by("-updated_at").values_list("pk", flat=True)
    lately = np.flatnonzero(np.isin(gallery.face_ids, list(newest[: PROBES // 2])))
    behind = np.flatnonzero(gallery.face_ids > cursor)[: PROBES - len(lately)]
    at_the_end = len(behind) < PROBES - len(lately)
    return np.union1d(lately, behind), 0 if at_the_end else int(gallery.face_ids[behind[-1]])


def _outliers(doubts: Iterable[Doubt], gallery: Gallery) -> Iterator[Suspicion]:
    for doubt in doubts:
        yield Suspicion(
            face_id=int(gallery.face_ids[doubt.face]),
            score=doubt.score,
            identity_id=doubt.person,
            nearest_face_id=int(gallery.face_ids[doubt.nearest]),
            detail={
                "own_faces": [int(gallery.face_ids[row]) for row in doubt.own],
                "own_similarity": round(doubt.own_similarity, 4),
                "similarity": round(doubt.similarity, 4),
                "probability": round(doubt.probability, 4),
                "own_probability": round(doubt.own_probability, 4),
            },
        )


def _twice(project: Project, judge: Suggester) -> Iterator[Suspicion]:
    """Of the faces of one person in a photo, all but the likest; those said to be one (a mirror) are left in peace."""
    for faces in _same_name_in_a_photo(project):
        bonds = Bonds(project, faces)
        if len({bonds.group(face) for face in faces}) == 1:
            continue
        rows = np.flatnonzero(np.isin(judge.gallery.face_ids, faces))
        fit = {
            int(judge.gallery.face_ids[doubt.face]): doubt
            for doubt in name_doubts(
                rows, judge.gallery.vectors, judge.gallery.people, judge.gallery.photos, calibration=judge.calibration
            )
        }
        best = max(faces, key=lambda face: (fit[face].own_similarity if face in fit else -1.0, -face))
        for face in faces:
            if face != best and bonds.group(face) != bonds.group(best):
                doubt = fit.get(face)
                yield Suspicion(
                    face_id=face,
                    score=TWICE_SCORE,
                    identity_id=doubt and doubt.person,
                    nearest_face_id=doubt and int(judge.gallery.face_ids[doubt.nearest]),
                    detail={"own_faces": [best], "probability": doubt and round(doubt.probability, 4)},
                )


def _same_name_in_a_photo(project: Project) -> list[list[int]]:
    named = Face.objects.in_project(project).named().order_by().values("image", "identity")
    together = named.annotate(faces=ArrayAgg("pk", order_by="pk")).filter(faces__len__gt=1)
    return sorted(together.values_list("faces", flat=True))


def _rejected_faces(project: Project, judge: Suggester) -> Iterator[Suspicion]:
    """“Not a face”, although the detector was very sure or it looks like somebody."""
    rejected = Face.objects.in_project(project).filter(state=FaceState.REJECTED, score__isnull=False)
    scores = dict(rejected.order_by("-score").values_list("pk", "score")[:REJECTED_LOOKED_AT])
    ids, vectors = judge.read_vectors(scores)
    gallery = judge.gallery
    ranked = (
        rank_people(vectors, gallery.vectors, gallery.people, calibration=judge.calibration, limit=1)
        if ids and len(gallery)
        else []
    )
    likest = {face: found[0] for face, found in zip(ids, ranked, strict=False) if found}
    for face, score in scores.items():
        found = likest.get(face)
        if found and found.probability >= SURE_PERSON:
            yield Suspicion(
                face_id=face,
                score=min(1.0, found.probability * score),
                identity_id=found.person,
                nearest_face_id=int(gallery.face_ids[found.nearest]),
                detail={"detector": score, "probability": round(found.probability, 4)},
            )
        elif score >= SURE_DETECTOR:
            yield Suspicion(face_id=face, score=0.3, detail={"detector": score})


def _boxes_beside(project: Project) -> Iterator[Suspicion]:
    """A confirmed box beside which the detector found the face: an untouched proposal that overlaps a little."""
    for face, touching in groupby(_touching_proposals(project), key=itemgetter(0)):
        overlap, beside, score = max(
            ((iou(box, other), pk, score) for _, box, other, pk, score in touching), key=itemgetter(0)
        )
        if BESIDE[0] <= overlap < BESIDE[1]:
            yield Suspicion(
                face_id=face,
                score=round(0.6 * (score or 0.5), 4),
                nearest_face_id=beside,
                detail={"overlap": round(overlap, 3), "detector": score},
            )


def _touching_proposals(project: Project) -> Iterator[tuple]:
    """Each confirmed face with each untouched proposal that lies over it: id, both boxes, the other's id and score."""
    pairs = Face.objects.filter(
        project=project,
        state=FaceState.CONFIRMED,
        image__faces__state=FaceState.PROPOSED,
        image__faces__updated_by=None,
        image__faces__x__lt=F("x") + F("w"),
        image__faces__y__lt=F("y") + F("h"),
        x__lt=F("image__faces__x") + F("image__faces__w"),
        y__lt=F("image__faces__y") + F("image__faces__h"),
    )
    sides = ("x", "y", "w", "h")
    others = [f"image__faces__{name}" for name in (*sides, "id", "score")]
    for face, *boxes, other, score in (
        pairs.order_by("pk").values_list("pk", *sides, *others).iterator(chunk_size=10_000)
    ):
        yield face, tuple(boxes[:4]), tuple(boxes[4:]), other, score


# ── writing them down ─────────────────────────────────────────────────────────────────────────────────────


def label_of(face: Face) -> list:
    """What a suspicion doubts; a reviewer's word holds as long as it is this."""
    return [face.state, face.who, face.identity_id, face.box_key]


def _write(project: Project, kind: SuspicionKind, found: Iterable[Suspicion], examined: Collection[int] | None) -> int:
    """Replace what is suspected of the `examined` faces, or of all; returns how many are open."""
    news = {row.face_id: row for row in found}
    before = Suspicion.objects.filter(project=project, kind=kind)
    if examined is not None:
        before = before.filter(face__in=[*examined, *news])
    old = {row.face_id: row for row in before.select_related("face")}
    # Under lock: a face that is deleted now must not get a row.
    faces = Face.objects.select_for_update(no_key=True).filter(pk__in=news).order_by("pk")
    rows = []
    for face in faces:
        row, known = news[face.pk], old.get(face.pk)
        row.project, row.kind, row.face_version = project, kind, face.version
        row.detail["label"] = label_of(face)
        if not (known and known.dismissed_at and known.detail.get("label") == row.detail["label"]):
            rows.append(row)
    kept = {face for face, row in old.items() if row.dismissed_at and row.detail.get("label") == label_of(row.face)}
    Suspicion.objects.filter(pk__in=[row.pk for face, row in old.items() if face not in kept | news.keys()]).delete()
    Suspicion.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["face", "kind"],
        update_fields=[
            "score", "identity", "nearest_face", "detail", "face_version", "dismissed_by", "dismissed_at",
        ],
        batch_size=2000,
    )  # fmt: skip
    return len(rows)
