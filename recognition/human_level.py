"""How far people agree with each other: what a model is held against from above."""

from labelling.agreement import comparisons_of, over_all
from labelling.models import Project


def human_level(project: Project) -> dict | None:
    """From every two blind opinions about one photo; None where no face was labelled twice."""
    found = over_all(comparisons_of(project).values())
    if not found.faces:
        return None
    return {
        "value": found.same.value,
        "low": found.same.low,
        "high": found.same.high,
        "faces": found.faces,
        "photos": found.photos,
        "kappa": found.kappa,
    }
