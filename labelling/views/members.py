"""Who belongs to a project, and in which role. Everyone may look; owners decide."""

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from labelling.access import require_role, role_of
from labelling.accounts import make_account
from labelling.errors import Refused
from labelling.forms import MemberForm, add_refusal
from labelling.models import Membership, Project, Role
from labelling.projects import remove_member, set_member
from labelling.views.frame import open_project, show

ROLE_MEANS = {
    Role.ANNOTATOR: "adds photos and labels them",
    Role.REVIEWER: "also corrects others and tends to people",
    Role.ENGINEER: "also freezes, exports, trains and evaluates",
    Role.OWNER: "also manages members and settings",
}


@login_required
@never_cache  # the answer may carry a first password
@require_http_methods(["GET", "HEAD", "POST"])
def member_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = open_project(request, slug)
    if request.method != "POST":
        return _page(request, project, _form(request))
    require_role(request.user, project, Role.OWNER)
    form = _form(request, request.POST)
    if not form.is_valid():
        return _page(request, project, form)
    try:
        member, password = _add_or_change(project, form.cleaned_data, by=request.user)
    except Refused as error:
        add_refusal(form, error)
        return _page(request, project, form)
    if password:
        return _page(request, project, _form(request), new_member=member, password=password)
    messages.success(request, f"{member.user.get_username()} is now {member.get_role_display()} of this project.")
    return redirect("members", project.slug)


def _form(request: HttpRequest, data=None) -> MemberForm:
    return MemberForm(data, may_make_accounts=request.user.is_superuser)


@transaction.atomic
def _add_or_change(project: Project, asked: dict, *, by) -> tuple[Membership, str]:
    """The membership, and the first password when an account had to be made for it."""
    name, password = asked["username"], ""
    user = get_user_model().objects.filter(username=name).first()
    if user is None and asked.get("make_account"):
        user, password = make_account(name, by=by)
    if user is None:
        raise Refused(
            f"Nobody here has the user name “{name}”. Check its spelling, or ask an administrator to make the account.",
            fields={"username": ["Not found."]},
        )
    return set_member(project, user, asked["role"]), password


def _page(request: HttpRequest, project: Project, form: MemberForm, **context) -> HttpResponse:
    members = Membership.objects.filter(project=project).select_related("user").order_by("-role", "user__username")
    return show(
        request, "labelling/members.html", project, "members",
        members=members, form=form, roles=Role.choices, role_means=[(r.label, ROLE_MEANS[r]) for r in Role],
        is_owner=role_of(request.user, project) >= Role.OWNER, **context,
    )  # fmt: skip


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    project = open_project(request, slug, Role.OWNER)
    leaving = get_object_or_404(Membership.objects.select_related("user"), project=project, user_id=user_id).user
    try:
        remove_member(project, leaving)
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{leaving.get_username()} is no longer a member. What they labelled stays.")
    if Project.objects.visible_to(request.user).filter(pk=project.pk).exists():
        return redirect("members", project.slug)
    return redirect("projects")  # one who removed themselves has nothing to see here any more
