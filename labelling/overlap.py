"""Which photos several people label blindly. The queue gives each to nobody twice (`claim_statement.py`)."""

from django.db.models import QuerySet

from labelling.models import Image, ImageState


def wanted(image: Image) -> int:
    """How many people label this photo. With 1 their word becomes its labels at once."""
    settings = image.project.settings
    return settings.overlap if image.lot < settings.overlap_share else 1


def is_blind(image: Image) -> bool:
    """Whether a word about it is kept aside until others were heard.

    Never a photo that was given to one person, and never a second time.
    """
    if image.state != ImageState.PROPOSED or image.assigned_to_id is not None or wanted(image) <= 1:
        return False
    return not image.opinions.filter(is_gold=False, settled_at__isnull=False).exists()


def unsettled(image: Image) -> QuerySet:
    return image.opinions.filter(is_gold=False, settled_at=None).order_by("pk")
