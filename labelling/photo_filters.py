"""Narrows a list of photos by what a person asks for: known fields only, never a free query."""

from django.db.models import Exists, OuterRef, QuerySet

from labelling.errors import Refused
from labelling.models import Face, FaceState, Identity, Image, ImageState, Who

FIELDS = ("state", "session", "q", "identity", "who", "near")
ANY_GROUP = "any"


def filter_images(images: QuerySet, asked) -> QuerySet:
    """`asked` maps names to text: state, identity (id or name), who, session, q, near. Empty values ask for nothing.

    near: the id of a photo, for those that are nearly the same; `any`, for all that have such others.
    Raises Refused for a state or a kind of face that does not exist.
    """
    asked = {name: str(asked.get(name, "")).replace("\0", "").strip() for name in FIELDS}
    state, session, q, near = asked["state"], asked["session"], asked["q"], asked["near"]
    if state:
        images = images.filter(state=_one_of(ImageState, state, "state"))
    if session:
        images = images.filter(session=session)
    if q:
        images = images.filter(name__icontains=q)
    if near:
        images = _nearly_the_same(images, near)
    faces = _faces_asked(asked["identity"], asked["who"])
    return images.filter(Exists(faces)) if faces is not None else images


def _nearly_the_same(images: QuerySet, near: str) -> QuerySet:
    if near == ANY_GROUP:
        return images.filter(near_group__isnull=False)
    if not is_id(near):
        raise Refused(f"“{near}” is no photo; give its number, or “{ANY_GROUP}”.", fields={"near": [near]})
    return images.filter(near_group__in=Image.objects.filter(pk=int(near)).values("near_group"))


def is_id(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _faces_asked(identity: str, who: str) -> QuerySet | None:
    faces = Face.objects.filter(image=OuterRef("pk")).exclude(state=FaceState.REJECTED)
    if is_id(identity):
        faces = faces.filter(identity_id=int(identity))
    elif identity:
        faces = faces.filter(identity__in=Identity.objects.called(identity))
    if who:
        faces = faces.filter(who=_one_of(Who, who, "who"))
    return faces if identity or who else None


def _one_of(choices, value: str, field: str) -> str:
    if value not in choices.values:
        raise Refused(f"“{value}” is no {field}; use one of {', '.join(choices.values)}.", fields={field: [value]})
    return value
