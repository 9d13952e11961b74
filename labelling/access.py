"""Finds a project or a photo for a user, or answers as it should: 404 to strangers, 403 to members below the role."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from jobs.prepared import MOST_ID, Prepared, read
from labelling.models import Identity, Image, Membership, Project, Role

PROJECT_AND_ROLE = Prepared("""
-- project_and_role
SELECT {project}, member.role
FROM labelling_project AS project
LEFT JOIN labelling_membership AS member ON member.project_id = project.id AND member.user_id = %(user)s
WHERE project.slug = %(slug)s
""", project=Project)  # fmt: skip

PHOTO = Prepared("""
-- photo
SELECT {image}, {project}, claimed.name
FROM labelling_image AS image
JOIN labelling_project AS project ON project.id = image.project_id
LEFT JOIN labelling_identity AS claimed ON claimed.id = image.claimed_identity_id
WHERE image.id = %(image)s AND (%(sees_all)s::boolean OR EXISTS (
    SELECT FROM labelling_membership AS member
    WHERE member.project_id = image.project_id AND member.user_id = %(user)s
))
""", image=Image, project=Project)  # fmt: skip


def project_for(user, slug: str, at_least: Role = Role.ANNOTATOR) -> Project:
    """The project, if `user` holds that role in it, in one query.

    Raises Http404 to those who may not even know of it, PermissionDenied to members below the role.
    """
    found = PROJECT_AND_ROLE.first(user=user.pk, slug=slug) if user.is_active else None
    role = found and (_owner_everywhere(user) or found[-1])
    if not role:
        raise Http404("There is no such project.")
    project, _ = read(Project, found)
    project.opened_by = user.pk, role
    _require(role, project, at_least)
    return project


def photo_for(user, image_id: int) -> Image:
    """The photo with its project and claimed person (id and name), in one query. Raises Http404 to strangers."""
    sees_all = _owner_everywhere(user) > 0
    may_be_there = user.is_active and image_id <= MOST_ID
    found = PHOTO.first(image=image_id, user=user.pk, sees_all=sees_all) if may_be_there else None
    if found is None:
        raise Http404("There is no such photo.")
    image, end = read(Image, found)
    image.project, end = read(Project, found, end)
    image.claimed_identity = Identity(pk=image.claimed_identity_id, name=found[end]) if found[end] else None
    return image


def require_role(user, project: Project, at_least: Role) -> None:
    _require(role_of(user, project), project, at_least)


def role_of(user, project: Project) -> int:
    """The user's role in the project; 0 for strangers."""
    if role := _owner_everywhere(user):
        return role
    if project.opened_by and project.opened_by[0] == user.pk:
        return project.opened_by[1]
    membership = Membership.objects.filter(user_id=user.pk, project=project).first()
    return membership.role if membership else 0


def _owner_everywhere(user) -> int:
    return Role.OWNER if user.is_superuser and user.is_active else 0


def _require(role: int, project: Project, at_least: Role) -> None:
    if role < at_least:
        raise PermissionDenied(f"This needs the role of {at_least.label} or higher in “{project.name}”.")
