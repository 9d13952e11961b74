"""A person's own tokens for programs: made, listed, revoked. A token itself is shown once."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from labelling.forms import TokenForm
from labelling.models import ApiToken
from labelling.tokens import make_token


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        # Shown in this very answer and stored nowhere: a redirect would have to keep it somewhere.
        token, row = make_token(request.user, form.cleaned_data["name"], form.cleaned_data["days"])
        return _page(request, TokenForm(), token=token, made=row)
    return _page(request, form)


def _page(request: HttpRequest, form: TokenForm, **context) -> HttpResponse:
    tokens = ApiToken.objects.filter(user=request.user)
    shown = {"tokens": tokens, "form": form, "now": timezone.now(), **context}
    return render(request, "labelling/tokens.html", shown)


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=token_id, user=request.user)
    token.delete()
    messages.success(request, f"“{token.name}” is revoked. Programs that use it are refused from now on.")
    return redirect("tokens")
