"""The pulse of a running job: a thread that writes its heartbeat and progress, and hears a cancellation.

Nothing written inside a restore's transaction is visible outside, and a long step says nothing for a while.
So the writing is done by a thread; Django gives each thread a database connection of its own, hence short
transactions of its own. The operation only leaves word in memory, which costs it nothing however often it
does.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Self

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from archive.findings import Finding
from jobs import queue
from jobs.events import Event, Line, Progress
from jobs.models import Job, JobFinding, JobLine

log = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between two looks for something to write: progress is written twice a second at most."""


class Heartbeat:
    """Writes for one attempt of a job from `with` to the end of the block.

    `superseded` tells that the attempt was given up by the sweep, `cancelled` that somebody asked for the job
    to stop and it is not settled yet.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.superseded = False
        self.cancelled = False
        self._lock = threading.Lock()
        self._progress: dict[str, Any] = {}
        self._steps: list[dict[str, Any]] = []
        self._records_before = 0
        self._changed = False
        self._lines: list[JobLine] = []
        self._findings: list[JobFinding] = []
        self._seen: set[Finding] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pulse of job {job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop the thread and write, from this thread, what it has not written yet."""
        self._stop.set()
        self._thread.join()
        with self._lock:
            if self._steps:
                self._steps[-1]["finished"] = round(time.time(), 3)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        if not self.superseded:
            self._write()

    def take(self, event: Event) -> None:
        """Remember one event until the thread writes it."""
        with self._lock:
            if isinstance(event, Progress):
                self._advance(event)
            elif isinstance(event, Finding):
                self._note(event)
            elif isinstance(event, Line):
                self._lines.append(self._line(event))
            else:
                raise TypeError(f"An operation yields Progress, Finding or Line, not {type(event).__name__}.")

    def _advance(self, event: Progress) -> None:
        now = round(time.time(), 3)
        step = _storable(event.step)[:255]
        if not self._steps or self._steps[-1]["step"] != step:
            if self._steps:
                self._steps[-1]["finished"] = now
            self._records_before = self._progress.get("records", 0)
            self._steps.append({"step": step, "started": now, "finished": None, "records": 0})
        self._steps[-1]["records"] = max(0, event.records - self._records_before)
        self._progress.update(step=step, done=event.done, total=event.total, records=event.records)
        self._changed = True

    def _note(self, event: Finding) -> None:
        if event not in self._seen:
            self._seen.add(event)
            words = {name: _storable(value) for name, value in event.as_dict().items()}
            words["code"] = words["code"][:64]
            self._findings.append(JobFinding(job=self.job, attempt=self.job.attempts, **words))

    def _line(self, event: Line) -> JobLine:
        step = event.step or self._progress.get("step", "")
        return JobLine(
            job=self.job,
            attempt=self.job.attempts,
            at=timezone.now(),
            level=event.level,
            step=_storable(step)[:255],
            message=_storable(event.message),
        )

    def _beat(self) -> None:
        every = queue.seconds("HEARTBEAT", 5)
        last = time.monotonic()
        try:
            while not self._stop.wait(TICK) and not self.superseded:
                due = time.monotonic() - last >= every
                if due or self._changed or self._lines or self._findings:
                    self._write()
                    last = time.monotonic()
        finally:
            connection.close()

    def _write(self) -> None:
        """Write what there is, and read what others wrote; whatever fails is tried again on the next beat."""
        with self._lock:
            progress = {**self._progress, "steps": [dict(step) for step in self._steps]}
            lines, self._lines = self._lines, []
            findings, self._findings = self._findings, []
            self._changed = False
        try:
            with transaction.atomic():
                # Nobody holds the row for long but the operation itself, in settle(): do not wait for it.
                row = queue.mine(self.job).select_for_update(no_key=True, nowait=True)
                flags = row.values_list("cancel_requested", "committed").first()
                if flags is None:
                    self.superseded = True
                    return
                Job.objects.filter(pk=self.job.pk).update(heartbeat=Now(), **progress)
                JobLine.objects.bulk_create(lines, batch_size=500)
                JobFinding.objects.bulk_create(findings, batch_size=500)
            self.cancelled = flags[0] and flags[1] is None
        except (DatabaseError, InterfaceError) as problem:
            with self._lock:
                self._lines[:0] = lines
                self._findings[:0] = findings
                self._changed = True
            log.debug("The pulse of job %s skips a beat: %s", self.job.pk, problem)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()


def _storable(text: str) -> str:
    """The text as PostgreSQL takes it: a name from a damaged archive may hold a zero byte."""
    return text.replace("\x00", "\ufffd")
