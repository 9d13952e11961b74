"""Scores an evaluation again with today's labels. Workers only; nothing is trained, no vector is made anew."""

from dataclasses import replace

import numpy as np

from jobs.errors import JobFailed
from jobs.work import Work
from labelling.models import Face, FaceState, Who
from recognition.enrolling import divided, enrolled, under
from recognition.enrolment import Enrolment
from recognition.evaluate import compared_by, scorer_of
from recognition.labelled_faces import LabelledFaces, load_faces
from recognition.measure import compare_vectors, quick_figures
from recognition.models import Run
from recognition.vectors import BATCH


def rescore(run: Run, work: Work) -> dict:
    """changed, gone: how many faces of the version are called otherwise, or nobody any more."""
    work.progress(message="Reading today’s labels")
    if not run.metrics.get("embedder"):
        raise JobFailed("That evaluation says not what described its faces; evaluate again.")
    frozen = load_faces(run.version, run.metrics["embedder"])
    faces, changed, gone = with_todays_names(frozen)
    enrolment = Enrolment.of(run.params)
    gallery, probes = divided(faces)
    gallery = enrolled(gallery, enrolment)
    if not len(gallery) or not len(probes):
        raise JobFailed("With today’s labels there are no named test faces, or nobody to compare them with.")
    work.progress(message="Comparing")
    scorer = scorer_of(run.model) if run.model else None
    compared = compared_by(scorer, run, gallery, probes, work) if scorer else compare_vectors(gallery, probes)
    told = quick_figures(under(compared, gallery, probes, enrolment), probes, seed=run.seed)
    count = f"{changed + gone:,} label{'' if changed + gone == 1 else 's'}"
    return {**told, "changed": changed, "gone": gone, "said": f"Figures with {count} changed since the freeze."}


def with_todays_names(frozen: LabelledFaces) -> tuple[LabelledFaces, int, int]:
    """The faces that still show somebody, under the name they have today; how many changed, how many are gone.

    A person who was renamed keeps the name of the freeze: a classifier knows no other.
    """
    called = dict(zip(frozen.class_ids.tolist(), frozen.names.tolist(), strict=True))
    now = _people_now(frozen.face_ids.tolist())
    there = np.array([face in now for face in frozen.face_ids.tolist()], bool)
    kept = frozen.only(there)
    found = [now[face] for face in kept.face_ids.tolist()]
    class_ids = np.array([class_id for class_id, _ in found], np.int64)
    names = np.array([called.get(class_id, name) for class_id, name in found], dtype=str)
    changed = int((class_ids != kept.class_ids).sum())
    return replace(kept, class_ids=class_ids, names=names), changed, int((~there).sum())


def _people_now(face_ids: list[int]) -> dict[int, tuple[int, str]]:
    found = {}
    for start in range(0, len(face_ids), BATCH):
        rows = Face.objects.filter(pk__in=face_ids[start : start + BATCH], who=Who.ASSIGNED)
        rows = rows.exclude(state=FaceState.REJECTED).values_list("pk", "identity__class_id", "identity__name")
        found |= {face: (class_id, name) for face, class_id, name in rows}
    return found
