"""Jobs over the API: read one, and steer it."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.models import Job
from jobs.steer import request_cancel, request_pause, resume, retry


class JobSerializer(serializers.ModelSerializer):
    rate = serializers.FloatField(read_only=True, allow_null=True, help_text="Items a second.")
    seconds_left = serializers.IntegerField(read_only=True, allow_null=True)
    may_be_retried = serializers.BooleanField(read_only=True)

    class Meta:
        model = Job
        fields = [
            "id", "kind", "title", "state", "done", "total", "message", "rate", "seconds_left",
            "result", "result_url", "cancel_requested", "paused_at", "may_be_retried", "created_at", "started_at",
            "finished_at",
        ]  # fmt: skip


class JobView(APIView):
    @extend_schema(responses=JobSerializer)
    def get(self, request, job_id: int):
        return Response(JobSerializer(get_object_or_404(Job.objects.visible_to(request.user), pk=job_id)).data)


class _Steer(APIView):
    """Those who may cancel a job may ask for all of this. Asking for what is so already changes nothing."""

    ask = None

    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request, job_id: int):
        job = get_object_or_404(Job.objects.cancellable_by(request.user), pk=job_id)
        type(self).ask(job)
        job.refresh_from_db()
        return Response(JobSerializer(job).data)


class JobCancelView(_Steer):
    ask = request_cancel


class JobPauseView(_Steer):
    ask = request_pause


class JobResumeView(_Steer):
    ask = resume


class JobRetryView(_Steer):
    ask = retry
