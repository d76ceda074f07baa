"""The Celery application: `celery -A config worker`, which runs jobs and keeps house. Beat is not needed."""

from __future__ import annotations

import logging
import os
import resource
from typing import Any

from celery import Celery, bootsteps, signals
from django.core.management.base import BaseCommand
from django.db import close_old_connections

from config import queue_of_files

log = logging.getLogger(__name__)

queue_of_files.use()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("coursekeep")
# That of all threads: Celery sets it only if nothing has asked for an application before, and pages are threads.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# The periodic tasks of `jobs/housekeeping.py`; people's schedules are rows, not entries here. All are idempotent, so that a
# beat that runs all the same does no harm.
app.conf.beat_schedule = {
    "queue-what-is-due": {"task": "vault.tasks.queue_due", "schedule": 15.0},
    "sweep-jobs": {"task": "jobs.tasks.sweep", "schedule": 15.0},
    "sweep-recycle-bin": {"task": "transfer.tasks.sweep", "schedule": 3600.0},
    "count-the-site": {"task": "vault.tasks.count_site", "schedule": 600.0},
    "remove-what-is-too-old": {"task": "vault.tasks.expire", "schedule": 600.0},
    "send-notices": {"task": "notices.tasks.deliver", "schedule": 60.0},
    "watch-backups": {"task": "notices.tasks.watch", "schedule": 600.0},
    "sweep-storages": {"task": "vault.tasks.sweep", "schedule": 60.0},
}


class HousekeepingStep(bootsteps.StartStopStep):
    """A part of every worker: a thread in its main process for each periodic task."""

    # The pool's processes are forked before there are threads; a broker that does not answer delays only what comes after.
    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        """Start the threads."""
        from config.timeouts import HOUSEKEEPING, apply_in_thread
        from jobs.housekeeping import Keeper, Periodic

        entries = app.conf.beat_schedule.values()
        tasks = [
            Periodic(entry["task"], entry["schedule"], app.tasks[entry["task"]].run) for entry in entries
        ]
        self._keepers = [Keeper(task, begin=lambda: apply_in_thread(HOUSEKEEPING)) for task in tasks]
        for keeper in self._keepers:
            keeper.start()

    def stop(self, parent: Any) -> None:
        """Start no task any more. A task that runs ends with the process: the next run does what is left."""
        for keeper in self._keepers:
            keeper.stop()


app.steps["worker"].add(HousekeepingStep)


@signals.worker_shutting_down.connect
def give_jobs_back(**_: Any) -> None:
    """Ask the jobs of a worker that ends to stop; they are queued again."""
    from jobs import shutdown

    shutdown.request()


@signals.worker_init.connect
def begin_worker(**_: Any) -> None:
    """Check the site and load what a worker shares with its children, before these are made. Raises SystemExit on a fault.

    Celery goes on after any other exception, and its own check of Django's models says nothing.
    """
    from jobs import operations, shutdown

    shutdown.begin_worker()
    try:
        BaseCommand().check(display_num_errors=True)
        operations.load()
    except Exception as error:
        log.critical("The worker does not start: %s", error, exc_info=error)
        raise SystemExit(1) from error


@signals.task_prerun.connect
def begin_task(sender: Any, **_: Any) -> None:
    """Close the session of the database if it is broken or too old: Celery does not (`CELERY_DB_REUSE_MAX`)."""
    if not sender.request.is_eager:
        close_old_connections()


@signals.worker_process_init.connect
def begin_process(**_: Any) -> None:
    """Prepare a process that runs jobs: its end, its time limits in the database, its memory."""
    from django.conf import settings

    from config import timeouts
    from jobs import shutdown

    timeouts.apply_in_process(timeouts.JOB)
    if shutdown.in_main_process():
        # It has no children (the pool `solo`): it must not be ended for one job, as it keeps house too.
        return
    shutdown.serve_jobs()
    most = round(settings.COURSEKEEP_JOB_MEMORY_MB * 1024 * 1024)
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))
