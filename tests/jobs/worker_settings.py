"""Settings of the workers that tests start: without the layers that load models, which takes them seconds."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as ALL_APPS

INSTALLED_APPS = [name for name in ALL_APPS if name not in {"datasets", "recognition"}]
ROOT_URLCONF = "jobs.urls"
