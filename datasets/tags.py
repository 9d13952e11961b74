"""Names that stand on versions and move: `latest` by itself, `golden` and all others by engineers, who say why.

Every move is kept, so that a figure about `golden` of last spring can be told from one of today.
"""

import re

from django.db import transaction
from rest_framework import status

from datasets.leaks import why_not_golden
from datasets.models import LATEST, Tag, TagMove, Version, VersionState
from labelling.errors import Refused
from labelling.models import Project

GOLDEN = "golden"
# Letters and digits of any alphabet; never an @ or a slash, so that `project@tag` can be read back.
_NAME = re.compile(r"\w+(?:[ .-]?\w+)*")


class NoSuchVersion(Refused):
    """No version has that number, and no tag that name."""

    code = "not_found"
    status = status.HTTP_404_NOT_FOUND


class Leaks(Refused):
    """A version that leaks, or may, is not called golden unless somebody says so."""

    code = "leaks"
    status = status.HTTP_409_CONFLICT


def version_named(project: Project, name: str | int) -> Version:
    """The version of that number, or the one on which that tag stands: "3", "latest", "golden". NoSuchVersion."""
    text = str(name).strip()
    versions = Version.objects.filter(project=project).select_related("project")
    wanted = {"number": int(text)} if _is_number(text) else {"tags__name": text}
    found = versions.filter(**wanted).first()
    if found is None:
        raise NoSuchVersion(_not_there(project, text))
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _not_there(project: Project, text: str) -> str:
    if _is_number(text):
        return f"“{project.slug}” has no version {text}."
    known = list(Tag.objects.filter(project=project).values_list("name", flat=True)[:10])
    there_are = f"There are: {', '.join(known)}." if known else "It has none yet."
    return f"“{project.slug}” has no tag “{text}”. {there_are}"


def read_name(text: str) -> str:
    """The name as it is kept. Raises Refused for what cannot be one."""
    name = text.strip()
    if len(name) > Tag.NAME_LENGTH:
        raise Refused(f"A tag may have {Tag.NAME_LENGTH} letters.", fields={"tag": ["Too long."]})
    if not _NAME.fullmatch(name):
        raise Refused(
            "A tag is made of letters, digits, “-”, “_”, “.” and single blanks between them.", fields={"tag": [name]}
        )
    if name.isdecimal():
        raise Refused("A tag needs a letter: bare digits are the number of a version.", fields={"tag": [name]})
    if name.casefold() == LATEST:
        raise Refused("“latest” moves by itself to each version that becomes ready.", fields={"tag": [name]})
    return name


def hold(project: Project) -> None:
    """Until the transaction ends, nobody else numbers versions or moves tags of this project."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def put_on_new(version: Version, text: str, *, by) -> None:
    """The name that a version is frozen under. Refused when it stands elsewhere: nothing is moved in passing."""
    name = read_name(text)
    if _is_golden(name):
        raise Refused(
            "“golden” is given to a version once its leak report is clean: freeze first.", fields={"tag": [name]}
        )
    if Tag.objects.filter(project=version.project_id, name=name).exists():
        raise Refused(f"The tag “{name}” is in use in this project.", fields={"tag": ["Taken."]})
    _move(version.project, name, version, by=by, reason="Frozen under this name.")


@transaction.atomic
def move_tag(version: Version, text: str, *, by, reason: str, override: bool = False) -> bool:
    """Put a name on a ready version, from wherever it stands; False when it stands there already.

    `golden` wants a clean leak report; with `override` it moves all the same, and what was found is kept with the move.
    """
    name, reason = read_name(text), reason.strip()
    if version.state != VersionState.READY:
        raise Refused(f"Version {version.number} is {version.get_state_display()}; give it tags once it is ready.")
    if not reason:
        raise Refused("Say why: it is kept with the move.", fields={"reason": ["This field is required."]})
    hold(version.project)
    against = why_not_golden(version) if _is_golden(name) else ""
    if against and not override:
        raise Leaks(
            f"{against} Freeze without these leaks, or move “{name}” all the same and say why.",
            fields={"tag": [against]},
        )
    return _move(version.project, name, version, by=by, reason=reason, despite=against)


def _is_golden(name: str) -> bool:
    return name.casefold() == GOLDEN


@transaction.atomic
def take_off(version: Version, text: str, *, by, reason: str = "") -> None:
    """The name stands nowhere any more; its history stays. Refused when it has moved elsewhere meanwhile."""
    name = read_name(text)
    hold(version.project)
    if not Tag.objects.filter(project=version.project_id, name=name, version=version).exists():
        raise Refused(f"“{name}” does not stand on version {version.number} any more.", fields={"tag": [name]})
    _move(version.project, name, None, by=by, reason=reason.strip())


def now_ready(version: Version) -> None:
    """`latest` moves on, unless a later version was ready earlier. Call it in the transaction that makes it ready."""
    hold(version.project)
    there = Tag.objects.filter(project=version.project_id, name=LATEST).select_related("version").first()
    if there is None or there.version.number < version.number:
        _move(version.project, LATEST, version, by=version.created_by, reason="Frozen.")


@transaction.atomic
def let_go(version: Version) -> None:
    """A version that failed gives its names back."""
    hold(version.project)
    for tag in Tag.objects.filter(version=version):
        _move(version.project, tag.name, None, by=None, reason="It was not frozen.")


def _move(project: Project, name: str, new: Version | None, *, by, reason: str, despite: str = "") -> bool:
    tag = Tag.objects.filter(project=project, name=name).first()
    old_id = tag.version_id if tag else None
    if old_id == (new.pk if new else None):
        return False
    if new is None:
        tag.delete()
    else:
        Tag.objects.update_or_create(project=project, name=name, defaults={"version": new})
    said = {"reason": reason[:500], "despite": despite[:500]}
    TagMove.objects.create(project=project, name=name, old_id=old_id, new=new, by=by, **said)
    return True
