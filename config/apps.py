"""The app that wires the others together."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Binds `@shared_task` to our Celery app in every process that loads Django."""

    name = "config"

    def ready(self) -> None:
        """Import the Celery app, so that a task sent from a web process finds the broker."""
        from config import celery  # noqa: F401
