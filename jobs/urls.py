from django.urls import path

from jobs import api, views

urlpatterns = [
    path("jobs/<int:job_id>/", views.job_page, name="job-progress"),
    path("jobs/<int:job_id>/cancel/", views.cancel, name="job-cancel"),
]
api_urlpatterns = [
    path("jobs/<int:job_id>/", api.JobView.as_view(), name="api-job"),
    path("jobs/<int:job_id>/cancel/", api.JobCancelView.as_view(), name="api-job-cancel"),
]
