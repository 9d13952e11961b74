"""The door for web servers: `gunicorn config.wsgi`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# Before the server forks: nobody's first page waits for the views to be read, and the collector of garbage, which
# would go through all of it again and again while people wait, leaves it alone.
get_resolver().url_patterns  # noqa: B018
gc.collect()
gc.freeze()
