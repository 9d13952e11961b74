"""Who is in a photo that is not part of the project: the model in production says it, and nothing is kept.

A worker looks, because web processes load no models. The photo and the answer pass through the cache, sealed
(`passing.py`), never through the object store; the job's row says that somebody asked, and nothing of what was seen.
"""

import time

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.enqueue import enqueue
from jobs.models import Job, Queue, State
from labelling.access import project_for
from labelling.errors import Refused
from labelling.ingest import read_bounded
from labelling.photo_processes import read_photo_apart
from labelling.photos import BadPhoto
from recognition.passing import hand_over_photo, new_secret, take_answer

WAIT_S = 5.0  # longer than a quiet worker takes; a web thread is held meanwhile
LOOK_AGAIN_S = 0.05


class NotNow(Refused):
    """The cache is away, so the photo cannot be handed to a worker without storing it."""

    code = "cache_away"
    status = status.HTTP_503_SERVICE_UNAVAILABLE


class Gone(Refused):
    """The answer was there and is not kept any longer."""

    code = "gone"
    status = status.HTTP_410_GONE


class Recognize(APIView):
    @extend_schema(
        request={
            "multipart/form-data": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        },
        responses={200: dict, 202: dict},
    )
    def post(self, request, slug: str):
        """Faces of one photo (multipart `file`) with boxes, people, calibrated probabilities. Nothing is stored.

        202 with the job where it takes longer than a moment; then ask at `result` until it answers with 200.
        """
        project = project_for(request.user, slug)
        file = request.FILES.get("file")
        if file is None:
            raise Refused("Send one photo in the field “file”.", fields={"file": ["Missing."]})
        data = read_bounded(file)
        try:
            read_photo_apart(data)
        except BadPhoto as error:
            raise Refused(str(error), fields={"file": [str(error)]}) from error
        secret = new_secret()
        if not hand_over_photo(secret, data):
            raise NotNow("The cache does not answer, and without it a photo would have to be stored. Try again soon.")
        job = enqueue(
            "recognize", title="Recognise a photo", project_id=project.pk, params={"secret": secret},
            queue=Queue.INTERACTIVE, by=request.user,
        )  # fmt: skip
        return _answer(project, job, secret, wait=WAIT_S)


class Recognized(APIView):
    @extend_schema(parameters=[OpenApiParameter("key", str, required=True)], responses={200: dict, 202: dict})
    def get(self, request, slug: str, job_id: int):
        """The answer of an earlier request: 202 while it is worked out, 410 when it is not kept any longer."""
        project = project_for(request.user, slug)
        job = get_object_or_404(Job, pk=job_id, project_id=project.pk, kind="recognize", created_by=request.user)
        return _answer(project, job, request.query_params.get("key", ""), wait=0.0)


def _answer(project, job: Job, secret: str, *, wait: float) -> Response:
    until = time.monotonic() + wait
    while True:
        job.refresh_from_db(fields=["state", "message"])
        if job.state == State.DONE:
            found = take_answer(secret)
            if found is None:
                raise Gone("The answer is not kept any longer. Send the photo again.")
            return Response(found)
        if not job.is_active:
            raise Refused(job.message or "The photo could not be looked at. Send it again.")
        if time.monotonic() >= until:
            result = f"/api/v1/projects/{project.slug}/recognize/{job.pk}/?key={secret}"
            return Response({"job": job.pk, "result": result}, status=status.HTTP_202_ACCEPTED)
        nap()


def nap() -> None:
    time.sleep(LOOK_AGAIN_S)
