"""The client package, as pip installs it from this server: no other place has to have the version that fits."""

import io
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from flit_core.wheel import WheelBuilder


@cache
def wheel() -> tuple[str, bytes]:
    """Its file name and its bytes, the same on any day."""
    out = io.BytesIO()
    builder = WheelBuilder.from_ini_path(settings.BASE_DIR / "client" / "pyproject.toml", out)
    builder.source_time_stamp = (1980, 1, 1, 0, 0, 0)
    builder.build(editable=False)
    return builder.wheel_filename, out.getvalue()


@require_safe
def download(request: HttpRequest, name: str) -> HttpResponse:
    """To anybody: pip has no login, and the package holds nobody's data."""
    file_name, data = wheel()
    if name != file_name:
        raise Http404("There is no such file.")
    return HttpResponse(data, content_type="application/zip")
