"""How quickly every list page of a large project opens, and how many questions it asks the database."""

import http.client
import time

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from config.embedded.ports import HOST
from labelling.models import Project

OPENED = 20  # times each; the first one is not counted
LISTS = (
    "project", "ingest", "images", "label", "sort", "review", "review-suspicions", "review-flags", "review-gold",
    "review-agreement", "review-suggestions", "identities", "identities-look-alikes", "versions", "runs", "jobs",
    "work", "members",
)  # fmt: skip
API_LISTS = ("api-images", "api-identities", "api-project")


def measure_pages(project: Project, user, port: int) -> dict[str, dict]:
    """Name of each list → p95_ms over HTTP, queries, and kilobytes."""
    cookie = f"{settings.SESSION_COOKIE_NAME}={_session_of(user)}"
    urls = {"projects": reverse("projects")}
    for name in (*LISTS, *API_LISTS):
        try:
            urls[name] = reverse(name, args=[project.slug])
        except NoReverseMatch:
            continue
    urls["images waiting"] = urls["images"] + "?state=proposed"
    urls["images of a person"] = urls["images"] + f"?identity={project.identities.first().pk}"
    urls["identities by faces"] = urls["identities"] + "?sort=-faces"
    urls["a person"] = reverse("identity", args=[project.slug, project.identities.first().pk])
    return {name: {**_timed(url, cookie, port), "queries": _queries(url, user)} for name, url in urls.items()}


def _session_of(user) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key


def _timed(url: str, cookie: str, port: int) -> dict:
    http_connection = http.client.HTTPConnection(HOST, port, timeout=60)
    seconds, size = [], 0
    try:
        for _ in range(OPENED + 1):
            start = time.perf_counter()
            http_connection.request("GET", url, headers={"Cookie": cookie})
            answer = http_connection.getresponse()
            size = len(answer.read())
            seconds.append(time.perf_counter() - start)
            if answer.status != 200:
                raise RuntimeError(f"{url} answered {answer.status}.")
    finally:
        http_connection.close()
    return {"p95_ms": percentile_ms(seconds[1:], 95), "kb": round(size / 1024)}


def _queries(url: str, user) -> int:
    client = Client(HTTP_HOST=HOST)
    client.force_login(user)
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)


def percentile_ms(seconds: list[float], percent: int) -> float | None:
    """By nearest rank; None when nothing was measured."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)] * 1000, 1)
