"""Starts projects, and says who may do what in them."""

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.text import slugify

from labelling.batches import give_back_all
from labelling.errors import Refused
from labelling.models import Membership, Project, QueueOrder, Role

RESERVED = {"new", "api", "static", "media", "jobs", "login", "logout"}


@transaction.atomic
def create_project(name: str, *, by, guidelines: str = "", settings: dict | None = None) -> Project:
    """A new project with `by` as its owner. The slug comes from the name; a number is added when it is taken."""
    name = " ".join(name.split())
    if not name:
        raise Refused("A project needs a name.", fields={"name": ["Write a name."]})
    base = slugify(name)[:50] or "project"
    if base in RESERVED:
        base += "-project"
    for number in range(1, 10_000):
        slug = base if number == 1 else f"{base}-{number}"
        if Project.objects.filter(slug=slug).exists():
            continue
        try:
            with transaction.atomic():
                project = Project.objects.create(
                    slug=slug, name=name[:120], guidelines=guidelines, stored_settings=settings or {}, created_by=by
                )
        except IntegrityError:  # taken in this very moment
            continue
        if by is not None:
            Membership.objects.create(user=by, project=project, role=Role.OWNER)
        return project
    raise Refused(f"“{name}” is used too often; pick another name.", fields={"name": ["Taken."]})


@transaction.atomic
def set_member(project: Project, user, role: Role) -> Membership:
    """Give `user` that role. The last owner stays owner, or nobody could change anything any more."""
    Project.objects.select_for_update().get(pk=project.pk)
    if role != Role.OWNER:
        _keep_an_owner(project, user)
    membership, _ = Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    return membership


@transaction.atomic
def remove_member(project: Project, user) -> None:
    Project.objects.select_for_update().get(pk=project.pk)
    _keep_an_owner(project, user)
    Membership.objects.filter(project=project, user=user).delete()
    give_back_all(project, user)


def set_queue_order(project: Project, order: QueueOrder) -> None:
    change_settings(project, queue_order=order)


@transaction.atomic
def change_settings(project: Project, **changed) -> None:
    """Under lock: the settings are one value, and what others write to it at the same time stays."""
    row = Project.objects.select_for_update().get(pk=project.pk)
    row.stored_settings = {**row.stored_settings, **changed}
    row.save(update_fields=["stored_settings"])
    project.stored_settings = row.stored_settings


def members_of(project: Project) -> QuerySet:
    """Accounts that work in the project and may log in, by name."""
    return get_user_model().objects.filter(membership__project=project, is_active=True).order_by("username")


def _keep_an_owner(project: Project, leaving) -> None:
    owners = Membership.objects.filter(project=project, role=Role.OWNER)
    if owners.filter(user=leaving).exists() and not owners.exclude(user=leaving).exists():
        raise Refused(f"{leaving.get_username()} is the only owner. Make someone else an owner first.")
