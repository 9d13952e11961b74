# Two images from one file:
#   docker build --target web    -t facet-web .      small: no torch, no OpenCV
#   docker build --target worker -t facet-worker .   the same, and the face models
FROM python:3.12-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
# No home: what libraries like to cache there goes where a read-only container can be written.
ENV HOME=/tmp
RUN useradd --system --uid 10001 --no-create-home facet
WORKDIR /app

FROM base AS build
COPY --from=ghcr.io/astral-sh/uv:0.13 /uv /bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_CACHE_DIR=/root/.cache/uv
COPY pyproject.toml uv.lock .python-version ./
# A member of the workspace: installed as a link to here.
COPY client ./client

FROM build AS web-packages
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-default-groups

FROM build AS worker-packages
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-default-groups --group worker

FROM base AS web
COPY --from=web-packages /app/.venv /app/.venv
COPY . .
# The settings want to know everything before they let anything run; none of this is kept or used.
RUN FACET_SECRET_KEY=only-for-collecting-static-files-while-the-image-is-built-0000000 \
    DATABASE_URL=postgresql://unused/unused REDIS_URL=redis://unused S3_ENDPOINT_URL=http://unused \
    python manage.py collectstatic --noinput --verbosity 0
USER facet
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "config.health"]
# Heartbeat files in memory: on a busy disk gunicorn would take a slow worker for a dead one.
CMD ["gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", "--worker-class=gthread", "--workers=2", "--threads=8", \
     "--timeout=120", "--worker-tmp-dir=/dev/shm", "--no-control-socket", "--access-logfile=-"]

FROM base AS worker
COPY --from=worker-packages /app/.venv /app/.venv
COPY . .
USER facet
ENV FACET_QUEUE=bulk FACET_AT_ONCE=1
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s \
    CMD celery -A config inspect ping --destination "$FACET_QUEUE@$HOSTNAME" --timeout 20
CMD exec celery -A config worker --queues="$FACET_QUEUE" --hostname="$FACET_QUEUE@$HOSTNAME" --concurrency="$FACET_AT_ONCE" \
    --loglevel=INFO
