"""Jobs over the API: read one, cancel one."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.enqueue import request_cancel
from jobs.models import Job


class JobSerializer(serializers.ModelSerializer):
    rate = serializers.FloatField(read_only=True, allow_null=True, help_text="Items a second.")
    seconds_left = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Job
        fields = [
            "id", "kind", "title", "state", "done", "total", "message", "rate", "seconds_left",
            "result", "result_url", "cancel_requested", "created_at", "started_at", "finished_at",
        ]  # fmt: skip


class JobView(APIView):
    @extend_schema(responses=JobSerializer)
    def get(self, request, job_id: int):
        return Response(JobSerializer(get_object_or_404(Job.objects.visible_to(request.user), pk=job_id)).data)


class JobCancelView(APIView):
    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request, job_id: int):
        job = get_object_or_404(Job.objects.cancellable_by(request.user), pk=job_id)
        request_cancel(job)
        job.refresh_from_db()
        return Response(JobSerializer(job).data)
