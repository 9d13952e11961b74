"""Look-alikes as pages show them, and what else this layer knows about a person. Light: web processes import it."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from labelling.models import Bond, Constraint, Identity, Project
from recognition.models import IdentityMetric, LookAlike, Run, RunKind, RunState

SHOWN = 5


def look_alikes(project: Project) -> QuerySet:
    """Pairs that nobody has told apart, of people who are there."""
    one = Q(face__identity=OuterRef("identity"))
    other = Q(face__identity=OuterRef("other"))
    apart = Constraint.objects.filter(bond=Bond.CANNOT).filter(
        one & (Q(other__identity=OuterRef("other")) | Q(identity=OuterRef("other")))
        | other & (Q(other__identity=OuterRef("identity")) | Q(identity=OuterRef("identity")))
    )
    pairs = LookAlike.objects.filter(project=project, identity__merged_into=None, other__merged_into=None)
    return pairs.filter(~Exists(apart)).select_related("identity", "other", "face", "other_face")


def more_about(person: Identity) -> dict:
    """For the page of a person: the newest figures, and who looks like them."""
    pairs = look_alikes(person.project).filter(Q(identity=person) | Q(other=person)).order_by("-similarity", "id")
    return {
        "evaluation": _evaluation(person),
        "look_alikes": [
            {
                "other": pair.other if pair.identity_id == person.pk else pair.identity,
                "other_face": pair.other_face if pair.identity_id == person.pk else pair.face,
                "similarity": pair.similarity,
            }
            for pair in pairs[:SHOWN]
        ],
    }


def _evaluation(person: Identity) -> dict | None:
    newest = Run.objects.filter(project=person.project_id, kind=RunKind.EVALUATE, state=RunState.DONE).order_by("-pk")
    figures = IdentityMetric.objects.filter(run__in=newest.values("pk")[:1], class_id=person.class_id)
    return figures.values("run", "ap", "ap_low", "ap_high", "probes").first()
