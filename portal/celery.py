"""Celery: doorbells, the sweep and long jobs. The database row is the truth; losing every message loses nothing.

Two queues: `push` (the doorbell; the process that consumes it also runs the sender) and `work` (all else). The sender
is a thread of its own with the event loop, not a task: a long task would stop everything else in a solo pool and never
see SIGTERM in prefork.
"""

import os
import warnings
from typing import TYPE_CHECKING, Any

from celery import Celery, bootsteps, signals
from celery.exceptions import SecurityWarning
from django.conf import settings
from django.utils import timezone
from kombu import Exchange, Queue

from portal import file_broker

if TYPE_CHECKING:
    from portal.push_process import PushProcess

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

PUSH_QUEUE, WORK_QUEUE = "push", "work"
SWEEP_EVERY = 2.0
"""Seconds."""
SIGNAL_LASTS = 10.0
"""Seconds for which a doorbell or a sweep that nobody has read is worth anything: by then the next sweep has come."""

app = Celery("portal")
# Celery warns of root for the sake of pickle: only JSON is accepted here.
warnings.filterwarnings("ignore", category=SecurityWarning)


def _broker() -> dict[str, Any]:
    """Return the transport's options; the file broker's folders are made here."""
    if not settings.CELERY_BROKER_URL.startswith("filesystem:"):
        return {}
    file_broker.register()
    folders = {name: settings.BROKER_DIR / name for name in ("messages", "control")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    messages = str(folders["messages"])
    return {
        "data_folder_in": messages,
        "data_folder_out": messages,
        "control_folder": str(folders["control"]),
        # With a whole second, only as many messages as there are threads would arrive each second.
        "polling_interval": 0.1,
    }


def _signal(name: str) -> dict[str, Any]:
    """Return the options of a message that says no more than its name, so that unread ones never pile up.

    A stale one is dropped by RabbitMQ and left undone by Celery; the file broker keeps the newest alone.
    """
    return {"expires": SIGNAL_LASTS, "expiration": SIGNAL_LASTS, "headers": {file_broker.SIGNAL: name}}


app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_transport_options=_broker(),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_ignore_result=True,
    # Both by name: a worker without -Q consumes both and is whole by itself.
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in (PUSH_QUEUE, WORK_QUEUE)],
    task_default_queue=WORK_QUEUE,
    task_routes={"portal.celery.ring": {"queue": PUSH_QUEUE}},
    task_serializer="json",
    accept_content=["json"],
    worker_pool="threads",
    worker_concurrency=4,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
    # Of every --beat there is; the job itself takes the schedule's lease.
    beat_schedule={"sweep": {"task": "portal.celery.sweep", "schedule": SWEEP_EVERY, "options": _signal("sweep")}},
    beat_scheduler="portal.schedule:MemoryScheduler",
    timezone="UTC",
)


@app.task
def ring() -> None:
    """Wake this process's sender."""
    if _sender is not None:
        _sender.ring()


@app.task
def sweep() -> None:
    """Sweep where it is this process's turn, ring, and find imports to work on."""
    from waybills.files.jobs import erase_old
    from waybills.files.worker import has_work
    from wechat.sweep import sweep_in_turn

    if not sweep_in_turn():
        return
    publish_ring()
    erase_old(timezone.now())
    if has_work():
        work_on_imports.apply_async(expires=SWEEP_EVERY * 5, retry=False)


@app.task
def work_on_imports() -> None:
    """Work on an import for some seconds, and go on with what is left: lost messages are the next sweep's."""
    from waybills.files.worker import work

    if work():
        work_on_imports.apply_async(expires=60, retry=False)


def publish_ring() -> None:
    """Send one doorbell message; raises where the broker does not take it."""
    ring.apply_async(retry=False, **_signal("ring"))


@signals.import_modules.connect
def _set_up(**kwargs: Any) -> None:
    """Load Django and stop on a wrong configuration: Celery runs no system checks by itself."""
    import django

    django.setup()
    from portal.checks import stop_on_wrong_configuration
    from waybills import doorbell

    stop_on_wrong_configuration()
    doorbell.connect(publish_ring)


_sender: "PushProcess | None" = None


class SenderStep(bootsteps.StartStopStep):
    """Starts the sender in a worker that consumes the push queue, whether or not the broker answers.

    After the step that forks --beat, since a fork of a process with threads may never end; before the one that waits
    for the broker (`Consumer` is always the last).
    """

    requires = ("celery.worker.components:Beat",)

    def start(self, parent: Any) -> None:
        """Start it."""
        global _sender
        from portal.push_process import PushProcess

        if PUSH_QUEUE in app.amqp.queues.consume_from:
            _sender = PushProcess()
            _sender.start()


app.steps["worker"].add(SenderStep)


@signals.worker_shutting_down.connect
def _stop_sender(**kwargs: Any) -> None:
    """Claim nothing more. This is the signal's handler: the sender may be just about to start."""
    if _sender is not None:
        _sender.stop()


@signals.worker_shutdown.connect
def _join_sender(**kwargs: Any) -> None:
    if _sender is not None:
        # Once more: when the signal came it may not have been running yet.
        _sender.stop()
        _sender.join()


@signals.setup_logging.connect
def _keep_logging(**kwargs: Any) -> None:
    """Leave logging to Django's settings."""
