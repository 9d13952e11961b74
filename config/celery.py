"""The Celery app: it only wakes workers, the `Job` rows in PostgreSQL hold the truth."""

import logging
import os
import signal
import threading

from celery import Celery
from celery.signals import worker_init, worker_process_init
from kombu import Queue

from config.embedded.leash import die_with_parent

logger = logging.getLogger(__name__)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_HOUR_S = 60 * 60
_GIB_IN_KIB = 1024 * 1024

app = Celery("facet")
app.config_from_object("django.conf:settings", namespace="CELERY")  # the broker's address
app.conf.update(
    broker_connection_retry_on_startup=True,
    # A message not confirmed by then is handed out again: it must outlast the longest task and the
    # broker's own sweep, or a long training is started twice.
    # A wake-up that cannot be sent is dropped at once: the sweeper repeats it, and a request need not wait.
    broker_transport_options={"visibility_timeout": 2 * _HOUR_S, "max_retries": 0},
    task_time_limit=100 * 60,
    task_acks_late=True,
    # Safe only because a Job counts its attempts: a task that kills its process stops after three.
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_max_memory_per_child=4 * _GIB_IN_KIB,  # what leaks goes with its process, between two tasks
    # A broker that is away for a moment is no reason to end a training: its Job lease goes on.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # Each with its own routing key: the default one would bind both, and deliver everything twice.
    task_queues=[Queue(name, routing_key=name) for name in ("interactive", "bulk")],
    task_default_queue="bulk",
    task_ignore_result=True,  # and no result backend: results are rows
    task_serializer="json",
    accept_content=["json"],
    worker_hijack_root_logger=False,
)
app.autodiscover_tasks()


@worker_process_init.connect
def leash_pool_process(**_: object) -> None:
    """End the process that runs a task together with its worker, even when that one is killed."""
    die_with_parent(signal.SIGKILL)


@worker_init.connect
def import_models_once(**_: object) -> None:
    """Where people wait for answers (FACET_WARM=1), for all the worker's processes together."""
    if os.environ.get("FACET_WARM") == "1":
        from recognition.warm import import_models

        import_models()


@worker_process_init.connect
def warm_pool_process(**_: object) -> None:
    """Where people wait for answers (FACET_WARM=1), read the models beside the first wait for work."""
    if os.environ.get("FACET_WARM") == "1":
        # In a thread: Celery kills a process that takes long to begin.
        threading.Thread(target=_warm_up, daemon=True, name="warm-up").start()


def _warm_up() -> None:
    from recognition.warm import warm_up

    try:
        warm_up()
    except Exception:  # the first job that needs the models will say what is wrong with them
        logger.exception("The models could not be read ahead.")
