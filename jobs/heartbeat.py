"""The heartbeat of a running job: a thread that writes time, progress, log and findings, and reads cancellations.

Nothing written inside a restore's transaction is visible outside, and a long step yields nothing for a while.
So a thread does the writing; Django gives each thread a database connection of its own, hence short
transactions of its own. The operation only puts events into memory, which costs little however often it does.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from datetime import UTC, datetime
from typing import Any, Self

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models.functions import Now

from archive.findings import Finding
from jobs import backend, limits, queue, shutdown
from jobs.clock import database_now
from jobs.events import Event, Line, Progress
from jobs.models import Job, JobFinding, JobLine

log = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between two checks for something to write: progress is written twice a second at most."""

STATEMENT_GRACE = 2.0
"""Seconds that a job gets to stop by itself; then the statement that it waits for is cancelled."""

SHUTDOWN_GRACE = 5.0
STOP_GRACE = 20.0
"""Seconds that a job gets to stop if its worker ends, and else; then the worker's process is ended."""


class _OfThread(threading.local):
    """The innermost heartbeat of the job that this thread runs; None without one."""

    innermost: Heartbeat | None = None


_of_thread = _OfThread()


class Heartbeat:
    """Write heartbeat, progress, lines and findings of one attempt of a job for as long as its `with` block lasts.

    `superseded` becomes True when the sweep gave the attempt up. `cancelled` is True if somebody had asked for the job to stop,
    and its work was not committed, when the heartbeat was last written: after the commit it may stay True until the next time.
    `stop_reason` is the error to stop the job with. If the job does not stop, the thread cancels the statement that it waits
    for, and at last ends the process if that is a worker's.

    A job that runs as a part of another one, in the same thread, has its heartbeat inside that of the other: it stops with it,
    and only the outermost heartbeat cancels statements and ends the process, for all of them.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.superseded = False
        self.cancelled = False
        self.statement_cancelled = False
        self._ends = time.monotonic() + limits.scaled("job_minutes")
        self._epoch = 0.0
        self._database = backend.Backend()
        self._moved = True
        self._stopped_at_checkpoint = False
        self._stop_since: float | None = None
        self._outer: Heartbeat | None = None
        self._inner: Heartbeat | None = None
        self._lock = threading.Lock()
        self._progress: dict[str, Any] = {}
        self._steps: list[dict[str, Any]] = []
        self._records_before = 0
        self._changed = False
        self._lines: list[JobLine] = []
        self._findings: list[JobFinding] = []
        self._seen: set[Finding] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of job {job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._epoch = database_now().timestamp() - time.monotonic()
        self._outer = _of_thread.innermost
        if self._outer is not None:
            self._outer._inner = self
        self._thread.start()
        _of_thread.innermost = self
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop the thread, and write from this thread whatever it has not written yet."""
        _of_thread.innermost = self._outer
        if self._outer is not None:
            self._outer._inner = None
        self._stop.set()
        self._thread.join()
        with self._lock:
            if self._steps:
                self._steps[-1]["finished"] = self._now()
        self.close_old_session()
        if not self.superseded:
            self._write()

    @property
    def nested(self) -> bool:
        """True for a job that runs inside another one."""
        return self._outer is not None

    def close_old_session(self) -> None:
        """Close the session of the database if it is broken, or too old and of this job alone: another may have locks in it."""
        if not connection.in_atomic_block and (not self.nested or connection.errors_occurred):
            connection.close_if_unusable_or_obsolete()

    @property
    def expired(self) -> bool:
        """True when the attempt takes longer than a job may."""
        return time.monotonic() > self._ends

    def stop_reason(self) -> Exception | None:
        """Return the error with which the job has to stop; None if it may go on. A part of a job stops with the whole."""
        if self._outer is not None and (reason := self._outer.stop_reason()) is not None:
            return reason
        if self.superseded:
            return queue.Superseded(f"job {self.job.pk}, attempt {self.job.attempts}")
        if self.cancelled:
            return queue.was_cancelled()
        if self.expired:
            return queue.took_too_long()
        if shutdown.requested():
            return queue.GivenBack(f"job {self.job.pk}, attempt {self.job.attempts}")
        return None

    def checkpoint(self) -> None:
        """Note that the job moves. Raises the error with which it has to stop, once: what cleans up has checkpoints, too.

        Once holds for a job and the parts of it together.
        """
        self._moved = True
        outermost = self._outermost()
        if not outermost._stopped_at_checkpoint and (reason := self.stop_reason()) is not None:
            outermost._stopped_at_checkpoint = True
            raise reason

    def stopping(self) -> None:
        """Let all checkpoints pass from now on, since the job is being stopped already."""
        self._outermost()._stopped_at_checkpoint = True

    def _outermost(self) -> Heartbeat:
        """Return the heartbeat of the whole of which this job is a part, or this one."""
        return self if self._outer is None else self._outer._outermost()

    def _with_parts(self) -> list[Heartbeat]:
        """Return this heartbeat and those inside it, the innermost first."""
        inner = self._inner
        return [*(inner._with_parts() if inner is not None else []), self]

    def take(self, event: Event) -> None:
        """Collect one event for the thread to write. Raises TypeError for anything that is no event."""
        self._moved = True
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
        """Note the progress; a step of another name ends the current one."""
        now = self._now()
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
        """Add a finding, each one once per attempt."""
        if event not in self._seen:
            self._seen.add(event)
            columns = {name: _storable(value) for name, value in event.as_dict().items()}
            columns["code"] = columns["code"][:64]
            self._findings.append(JobFinding(job=self.job, attempt=self.job.attempts, **columns))

    def _line(self, event: Line) -> JobLine:
        step = event.step or self._progress.get("step", "")
        return JobLine(
            job=self.job,
            attempt=self.job.attempts,
            at=datetime.fromtimestamp(self._now(), UTC),
            level=event.level,
            step=_storable(step)[:255],
            message=_storable(event.message),
        )

    def _now(self) -> float:
        """Return the time of the database's clock in epoch seconds."""
        return round(self._epoch + time.monotonic(), 3)

    def _beat(self) -> None:
        """The thread: write when there is something new, and at least every COURSEKEEP_JOB_HEARTBEAT_SECONDS."""
        every = queue.seconds("HEARTBEAT")
        last = time.monotonic()
        try:
            while not self._stop.wait(TICK):
                due = time.monotonic() - last >= every
                if not self.superseded and (due or self._changed or self._lines or self._findings):
                    self._write()
                    last = time.monotonic()
                self._press()
        finally:
            connection.close()

    def _press(self) -> None:
        """If the job does not stop although it has to, cancel its statement; at last end the process if it is a worker's."""
        if self._outer is not None:
            return
        jobs, ending = self._with_parts(), shutdown.requested()
        if not (ending or any(one.superseded or one.cancelled or one.expired for one in jobs)):
            # The part that had to stop has done so.
            self._stop_since = None
            return
        self._stop_since = self._stop_since or time.monotonic()
        waited = time.monotonic() - self._stop_since
        try:
            if waited >= STATEMENT_GRACE:
                self._cancel_statement(jobs)
            if not shutdown.is_worker() or waited < (SHUTDOWN_GRACE if ending else STOP_GRACE):
                return
            log.error("Job %s does not stop: its process ends.", self.job.pk)
            for one in jobs if ending else []:
                if not one.superseded:
                    queue.give_back(one.job, ending=True)
        except (DatabaseError, InterfaceError) as problem:
            log.warning("Job %s could not be given back: %s", self.job.pk, problem)
            if waited < 2 * SHUTDOWN_GRACE:
                return
        os._exit(1)

    def _cancel_statement(self, jobs: list[Heartbeat]) -> None:
        """Cancel the statement that is running, unless the work of a job that has to stop is committed by now."""
        if any(queue.mine(one.job).exclude(committed=None).exists() for one in jobs):
            return
        if self._database.cancel_statement():
            for one in jobs:
                one.statement_cancelled = True

    def _write(self) -> None:
        """Write what was collected, read `superseded` and `cancelled`; after a database error, try again at the next tick."""
        with self._lock:
            progress = {**self._progress, "steps": [dict(step) for step in self._steps]}
            lines, self._lines = self._lines, []
            findings, self._findings = self._findings, []
            self._changed = False
        moved, self._moved = self._moved, False
        try:
            with transaction.atomic():
                # Nobody locks the row for long but the operation itself, in queue.finish(): do not wait for it.
                row = queue.mine(self.job).select_for_update(no_key=True, nowait=True)
                flags = row.values_list("cancel_requested", "committed").first()
                if flags is None:
                    self.superseded = True
                    return
                if moved or self._database.at_work():
                    progress["progressed"] = Now()
                Job.objects.filter(pk=self.job.pk).update(heartbeat=Now(), **progress)
                JobLine.objects.bulk_create(lines, batch_size=500)
                JobFinding.objects.bulk_create(findings, batch_size=500)
            self.cancelled = flags[0] and flags[1] is None
        except (DatabaseError, InterfaceError) as problem:
            with self._lock:
                self._lines[:0] = lines
                self._findings[:0] = findings
                self._changed = True
            self._moved = self._moved or moved
            log.debug("The heartbeat of job %s could not be written: %s", self.job.pk, problem)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()


def _storable(text: str) -> str:
    """Return a text that PostgreSQL can store: zero bytes, which a damaged archive may hold, become U+FFFD."""
    return text.replace("\x00", "\ufffd")
