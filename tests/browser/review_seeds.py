"""What journeys through Review need, made inside a Facet that is up; see seeds.py."""

from uuid import uuid4


def label_photos(made: dict, by: str, person: str) -> None:
    """Every photo of the project, its faces named `person` by that member."""
    from django.contrib.auth import get_user_model

    from labelling.models import Image
    from labelling.submit import FaceWord, submit_image

    user = get_user_model().objects.get(username=by)
    for photo in made["images"]:
        image = Image.objects.get(pk=photo["id"])
        words = [FaceWord(id=face, identity=made["people"][person], has_identity=True) for face in photo["faces"]]
        submit_image(image, words, by=user, version=image.version, event_id=uuid4())


def label_blindly(made: dict, said: dict[str, list[str | None]]) -> None:
    """Every photo of the project, by each of those members: whom they see in its faces, None for no face."""
    from django.contrib.auth import get_user_model

    from labelling.hear import hear
    from labelling.models import Image, Project
    from labelling.submit import FaceWord

    Project.objects.filter(pk=made["id"]).update(stored_settings={"overlap": len(said)})
    for photo in made["images"]:
        image = Image.objects.select_related("project").get(pk=photo["id"])
        for name, names in said.items():
            words = [
                FaceWord(id=face, identity=made["people"][one], has_identity=True)
                if one
                else FaceWord(id=face, state="rejected")
                for face, one in zip(photo["faces"], names, strict=True)
            ]
            user = get_user_model().objects.get(username=name)
            hear(image, words, by=user, version=image.version, event_id=uuid4())


def reviews(slug: str) -> list[tuple]:
    """Each photo's state, who accepted it, whom it is given to, and whether it is a known one."""
    from labelling.models import Image

    photos = Image.objects.filter(project__slug=slug).order_by("id")
    rows = photos.values_list("state", "reviewed_by__username", "assigned_to__username", "gold__pk")
    return [(*row[:3], row[3] is not None) for row in rows]


def remarks(slug: str) -> list[tuple]:
    from labelling.models import Remark

    fields = ("kind", "text", "to__username", "resolved_by__username")
    return list(Remark.objects.filter(project__slug=slug).order_by("id").values_list(*fields))


def flag_photo(image_id: int, text: str) -> None:
    from django.contrib.auth import get_user_model

    from labelling.models import Image
    from labelling.remarks import flag

    admin = get_user_model().objects.get(username="admin")
    flag(Image.objects.get(pk=image_id), text, by=admin, event_id=uuid4())
