from django.urls import path

from jobs import api, views

urlpatterns = [
    path("jobs/<int:job_id>/", views.job_page, name="job-progress"),
    path("jobs/<int:job_id>/cancel/", views.cancel, name="job-cancel"),
    path("jobs/<int:job_id>/pause/", views.pause, name="job-pause"),
    path("jobs/<int:job_id>/resume/", views.go_on, name="job-resume"),
    path("jobs/<int:job_id>/retry/", views.try_again, name="job-retry"),
]
api_urlpatterns = [
    path("jobs/<int:job_id>/", api.JobView.as_view(), name="api-job"),
    path("jobs/<int:job_id>/cancel/", api.JobCancelView.as_view(), name="api-job-cancel"),
    path("jobs/<int:job_id>/pause/", api.JobPauseView.as_view(), name="api-job-pause"),
    path("jobs/<int:job_id>/resume/", api.JobResumeView.as_view(), name="api-job-resume"),
    path("jobs/<int:job_id>/retry/", api.JobRetryView.as_view(), name="api-job-retry"),
]
