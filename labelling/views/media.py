"""Pictures and face crops, to members only. An address names the very pixels, so browsers keep them for good."""

import logging
from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from labelling import originals, storage
from labelling.crops import face_crop
from labelling.models import Face, Image
from labelling.photos import SIZES

logger = logging.getLogger(__name__)

KEY_LENGTH = 16


@login_required
@require_safe
def picture(request: HttpRequest, image_id: int, size: str, key: str) -> HttpResponse:
    """The photo, upright, in one of the sizes kept of it. `key` begins the hash of the original."""
    if size not in SIZES:
        raise Http404("There is no such size.")
    visible = Image.objects.visible_to(request.user).only("project_id", "sha256")
    image = get_object_or_404(visible, pk=image_id)
    if key != image.sha256[:KEY_LENGTH]:
        raise Http404("This is not the address of that photo.")
    etag = f'"{key}-{size}"'
    known = get_conditional_response(request, etag=etag)
    if known is not None:
        return _kept(known, etag)
    try:
        length, chunks = storage.stream(storage.picture_key(image.project_id, image.sha256, size))
    except storage.ObjectMissing as error:
        return _missing(f"image {image.pk}", error)
    except storage.StoreAway as error:
        return _away(f"image {image.pk}", error)
    response = StreamingHttpResponse(chunks, content_type="image/jpeg")
    response["Content-Length"] = length
    return _kept(response, etag)


@login_required
@require_safe
def crop(request: HttpRequest, face_id: int, key: str) -> HttpResponse:
    """A square around the face. A key of an older box leads to the present one."""
    face = get_object_or_404(Face.objects.visible_to(request.user).select_related("image"), pk=face_id)
    if key != face.box_key:
        moved = HttpResponseRedirect(reverse("crop", args=[face.pk, face.box_key]))
        moved["Cache-Control"] = "no-store"
        return moved
    etag = f'"{face.pk}-{key}"'
    known = get_conditional_response(request, etag=etag)
    if known is not None:
        return _kept(known, etag)
    try:
        body = face_crop(face)
    except originals.NOT_TO_BE_HAD as error:
        return _missing(f"face {face.pk}", error)
    except storage.StoreAway as error:
        return _away(f"face {face.pk}", error)
    return _kept(HttpResponse(body, content_type="image/jpeg"), etag)


def _kept(response: HttpResponse, etag: str) -> HttpResponse:
    """Kept by this browser, by no cache on the way: the next request may come from a stranger."""
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["ETag"] = etag
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _missing(thing: str, error: Exception) -> HttpResponse:
    logger.error("The pixels of %s are gone: %s", thing, error)
    raise Http404("The pixels of this photo are gone from the object store.")


def _away(thing: str, error: Exception) -> HttpResponse:
    logger.warning("The pixels of %s cannot be had now: %s", thing, error)
    sentence = "The picture cannot be loaded: the object store does not answer. Try again in a moment."
    response = HttpResponse(sentence, status=HTTPStatus.SERVICE_UNAVAILABLE, content_type="text/plain; charset=utf-8")
    response["Retry-After"] = "5"
    response["Cache-Control"] = "no-store"
    return response
