"""Wiring only: settings, URLs, the Celery app and the embedded services.

Nothing is imported here on purpose: the embedded services start before Django does, and their
supervisor must not pay for Celery. `config.apps` binds the Celery app once Django is up.
"""
