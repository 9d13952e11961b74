"""Settings: one file, read from the environment by readers that refuse a bad value at start.

The same code runs in development and production. What differs is the environment: without
DATABASE_URL, REDIS_URL and S3_ENDPOINT_URL the launcher starts embedded servers and sets them.
"""

import importlib.util
import os
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

BASE_DIR = Path(__file__).resolve().parent.parent


def env_text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def env_flag(name: str, default: bool = False) -> bool:
    value = env_text(name).lower()
    if value in {"", None}:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; write 1 or 0.")


def env_number(name: str, default: int) -> int:
    value = env_text(name)
    if not value:
        return default
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number.")
    return int(value)


def env_list(name: str) -> list[str]:
    return [part.strip() for part in env_text(name).split(",") if part.strip()]


VAR_DIR = Path(env_text("FACET_VAR") or BASE_DIR / "var")
# EMBEDDED is set by the launcher when it started the servers itself: this machine only, plain HTTP.
EMBEDDED = env_flag("FACET_EMBEDDED")
DEBUG = env_flag("FACET_DEBUG")

SECRET_KEY = env_text("FACET_SECRET_KEY")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("FACET_SECRET_KEY must be a random text of 50 characters or more.")
ALLOWED_HOSTS = env_list("FACET_ALLOWED_HOSTS") or (["127.0.0.1", "localhost", "[::1]"] if EMBEDDED else [])
CSRF_TRUSTED_ORIGINS = env_list("FACET_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "config",
    "jobs",
    "labelling",
    "datasets",
    "recognition",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "drf_spectacular",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "labelling.loop.loop_strip",
            ],
        },
    },
]

DATABASES = {
    "default": dj_database_url.parse(
        env_text("DATABASE_URL") or "postgresql://unset@localhost/facet",
        conn_max_age=60,
        conn_health_checks=True,
        # A pooler such as PgBouncer may give each transaction another connection: nothing is kept in one then.
        disable_server_side_cursors=env_flag("FACET_DB_POOLER"),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env_text("REDIS_URL") or "redis://localhost:6379/0"
CACHES = {"default": {"BACKEND": "config.plain_cache.PlainCache", "LOCATION": REDIS_URL}}

S3_ENDPOINT_URL = env_text("S3_ENDPOINT_URL")
# Where browsers reach the store, if they do: then archives and clips go there directly, not through the web server.
S3_PUBLIC_ENDPOINT_URL = env_text("S3_PUBLIC_ENDPOINT_URL").rstrip("/")
S3_BUCKET = env_text("S3_BUCKET", "facet")
S3_REGION = env_text("S3_REGION", "us-east-1")
S3_ACCESS_KEY_ID = env_text("S3_ACCESS_KEY_ID")
S3_SECRET_ACCESS_KEY = env_text("S3_SECRET_ACCESS_KEY")

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
plotly = importlib.util.find_spec("plotly")
if plotly is not None and plotly.origin:
    STATICFILES_DIRS.append(("plotly", Path(plotly.origin).parent / "package_data"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = EMBEDDED

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "labelling.tokens.BearerAuthentication",
        "labelling.page_login.PageAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "labelling.errors.answer_with_sentence",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Facet",
    "DESCRIPTION": "Labelled, versioned, trustworthy face data sets, and recognition measured per person.",
    "VERSION": "1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "ENUM_NAME_OVERRIDES": {
        "FaceStateEnum": "labelling.models.FaceState",
        "ImageStateEnum": "labelling.models.ImageState",
        "JobStateEnum": "jobs.models.State",
        "VersionStateEnum": "datasets.models.VersionState",
        "RunStateEnum": "recognition.models.RunState",
        "IntakeSourceEnum": "labelling.models.IntakeSource",
        "LabelSourceEnum": "labelling.api.serializers.SOURCES",
        "ExportStateEnum": "datasets.models.ExportState",
        "SplitKindEnum": "datasets.splits.KIND_CHOICES",
        "RunKindEnum": "recognition.models.RunKind",
        "RuleKindEnum": "recognition.models.RuleKind",
        "PipelineStateEnum": "recognition.models.PipelineState",
        "ImportStateEnum": "datasets.models.ImportState",
        "PairListStateEnum": "datasets.models.PairListState",
        "ErasureStateEnum": "labelling.models.ErasureState",
        "PhotoFateEnum": "labelling.models.PhotoFate",
    },
}

CELERY_BROKER_URL = REDIS_URL

# Uploads: a request may carry many photos; each file is limited by INGEST_MAX_BYTES.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 200
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
INGEST_MAX_BYTES = env_number("FACET_INGEST_MAX_BYTES", 64 * 1024 * 1024)
INGEST_MAX_PIXELS = env_number("FACET_INGEST_MAX_PIXELS", 60_000_000)
ARCHIVE_MAX_BYTES = env_number("FACET_ARCHIVE_MAX_BYTES", 20 * 1024**3)
# Photos from outside are decoded in processes of their own, with these limits for each.
DECODE_PROCESSES = env_number("FACET_DECODE_PROCESSES", os.cpu_count() or 2)
DECODE_MEMORY_BYTES = env_number("FACET_DECODE_MEMORY_BYTES", 2 * 1024**3)
DECODE_SECONDS = env_number("FACET_DECODE_SECONDS", 20)
# Buckets at the same store, or folders in them, that photos may be taken from: bucket, bucket/folder.
S3_SOURCES = env_list("FACET_S3_SOURCES")
# Networks from ONNX files that describe faces: name=/path/to/file.onnx, comma-separated. Only workers open them.
ONNX_EMBEDDERS = env_list("FACET_ONNX_EMBEDDERS")
CLIP_SECONDS = env_number("FACET_CLIP_SECONDS", 2 * 60 * 60)  # read of a clip, and of processor time for it

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    # plotly sizes its charts with style attributes, which only 'unsafe-inline' allows.
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:", "blob:"],
    "connect-src": [CSP.SELF, *([S3_PUBLIC_ENDPOINT_URL] if S3_PUBLIC_ENDPOINT_URL else [])],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
HTTPS = not EMBEDDED and not DEBUG
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS and env_flag("FACET_SSL_REDIRECT", True)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if env_flag("FACET_BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env_text("FACET_LOG_LEVEL", "WARNING")},
}
