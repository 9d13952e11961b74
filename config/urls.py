"""Wires the pages and the API of all layers together."""

from django.contrib.auth import views as auth
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

import datasets.urls
import jobs.urls
import labelling.urls
import recognition.urls

api = [
    *jobs.urls.api_urlpatterns,
    *labelling.urls.api_urlpatterns,
    *datasets.urls.api_urlpatterns,
    *recognition.urls.api_urlpatterns,
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
]

urlpatterns = [
    path("login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(success_url="/"), name="password_change"),
    path("api/v1/", include(api)),
    path("", include(labelling.urls.urlpatterns)),
    path("", include(jobs.urls.urlpatterns)),
    path("", include(datasets.urls.urlpatterns)),
    path("", include(recognition.urls.urlpatterns)),
]
