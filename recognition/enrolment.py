"""The protocol of an evaluation: who of a gallery is enrolled, and what may be compared."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from labelling.errors import Refused

MOST = 1000
KEYS = ("gallery", "gallery_size", "apart_sessions")


class Policy(StrEnum):
    ALL = "all"
    ONE = "one"
    FEW = "k"
    MEAN = "mean"
    GATED = "gated"


TITLES = {
    Policy.ALL: "All gallery faces",
    Policy.ONE: "One face a person (the classic protocol)",
    Policy.FEW: "So many faces a person",
    Policy.MEAN: "The mean of a person’s faces",
    Policy.GATED: "Good faces only: sharp, large, not turned away",
}


@dataclass(frozen=True)
class Enrolment:
    """gallery_size: faces a person under the policy `k`. apart_sessions: no probe meets a face of its own session."""

    gallery: str = Policy.ALL
    gallery_size: int = 5
    apart_sessions: bool = False

    @classmethod
    def of(cls, params: dict) -> "Enrolment":
        """As the parameters of a run keep it; what is not there has its default."""
        return cls(**{key: params[key] for key in KEYS if params.get(key) is not None})

    def params(self) -> dict:
        """What differs from how evaluations are made usually: nothing, as a rule."""
        usual = Enrolment()
        kept = {key: value for key, value in asdict(self).items() if value != getattr(usual, key)}
        if self.gallery != Policy.FEW:
            kept.pop("gallery_size", None)
        elif self.gallery_size == usual.gallery_size:
            kept["gallery_size"] = self.gallery_size
        return kept

    @property
    def is_usual(self) -> bool:
        return not self.params()

    def words(self, *, by_roles: bool = False) -> str:
        """For the headline of a report."""
        said = {
            Policy.ALL: "gallery of all training and validation faces",
            Policy.ONE: "gallery of one face a person",
            Policy.FEW: f"gallery of at most {self.gallery_size} faces a person",
            Policy.MEAN: "each person enrolled by the mean of all their faces",
            Policy.GATED: "gallery of good faces only",
        }[Policy(self.gallery)]
        if by_roles:
            said = said.replace("training and validation", "enrolled")
            said += ", gallery and probes as the version was frozen"
        return said + (", never compared with the same capture session" if self.apart_sessions else "")


def checked(enrolment: Enrolment, named_by_classes: bool) -> Enrolment:
    """Raises Refused for what means nothing."""
    if enrolment.gallery not in list(Policy):
        raise Refused(f"There is no gallery “{enrolment.gallery}”.", fields={"gallery": ["Not one of the choices."]})
    if not 1 <= enrolment.gallery_size <= MOST:
        raise Refused(f"A gallery has 1 to {MOST} faces a person.", fields={"gallery_size": ["Out of range."]})
    if named_by_classes and not enrolment.is_usual:
        raise Refused(
            "This model is a classifier: it compares with no single face, so a gallery cannot be chosen for it and no "
            "session left out. Evaluate it with all gallery faces, or choose a model that compares faces."
        )
    return enrolment
