"""Who may see background jobs, and who may cancel, pause and retry them, told to the layer below."""

from django.db.models import Q

from jobs import access
from labelling.models import Project, Role


def visible(user) -> Q:
    mine = Q(project_id__in=Project.objects.visible_to(user).values("pk"))
    return mine | Q(project_id=None, created_by=user) if user.is_authenticated else Q(pk__in=[])


def cancellable(user) -> Q:
    """One's own, as long as one is still a member; those of others from reviewer on."""
    as_reviewer = Q(project_id__in=Project.objects.with_role(user, Role.REVIEWER).values("pk"))
    return as_reviewer | visible(user) & Q(created_by=user) if user.is_authenticated else Q(pk__in=[])


def install() -> None:
    access.set_rules(visible=visible, cancellable=cancellable)
