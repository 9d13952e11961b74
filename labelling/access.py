"""Finds a project for a user, or answers as it should: 404 to strangers, 403 to members below the role."""

from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.http import Http404

from labelling.models import Membership, Project, Role


def project_for(user, slug: str, at_least: Role = Role.ANNOTATOR) -> Project:
    """The project, if `user` holds that role in it, in one query.

    Raises Http404 to those who may not even know of it, PermissionDenied to members below the role.
    """
    mine = Membership.objects.filter(project=OuterRef("pk"), user_id=user.pk).values("role")
    project = Project.objects.visible_to(user).annotate(my_role=Subquery(mine)).filter(slug=slug).first()
    if project is None:
        raise Http404("There is no such project.")
    _require(_owner_everywhere(user) or project.my_role, project, at_least)
    return project


def require_role(user, project: Project, at_least: Role) -> None:
    _require(role_of(user, project), project, at_least)


def role_of(user, project: Project) -> int:
    """The user's role in the project; 0 for strangers."""
    if role := _owner_everywhere(user):
        return role
    membership = Membership.objects.filter(user_id=user.pk, project=project).first()
    return membership.role if membership else 0


def _owner_everywhere(user) -> int:
    return Role.OWNER if user.is_superuser and user.is_active else 0


def _require(role: int, project: Project, at_least: Role) -> None:
    if role < at_least:
        raise PermissionDenied(f"This needs the role of {at_least.label} or higher in “{project.name}”.")
