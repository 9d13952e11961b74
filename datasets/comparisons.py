"""Comparisons of two versions: which may be compared."""

from datasets.models import Version, VersionState
from labelling.errors import Refused


def require_comparable(old: Version, new: Version) -> None:
    """Raises Refused unless both are different, ready versions of one project."""
    if old.project_id != new.project_id:
        raise Refused("Versions of two projects cannot be compared: a face has another number in each.")
    if old.pk == new.pk:
        raise Refused(f"Version {old.number} is compared with itself; choose another one.")
    for version in (old, new):
        if version.state != VersionState.READY:
            raise Refused(
                f"Version {version.number} is {version.get_state_display()}; only ready ones can be compared."
            )
