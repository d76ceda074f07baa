"""Jobs: the queue of backups and restores, with the log and the findings of each."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now

from jobs.choices import ArchiveType, Priority, Severity


class Job(models.Model):
    """One backup or restore. The rows are the queue of the workers; a message only carries a row's id."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    OPEN = (State.QUEUED, State.RUNNING)

    operation = models.CharField(max_length=20)
    mode = models.CharField(
        max_length=10,
        default="general",
        help_text="What it is for: general, import, copy, automated, samesite or bin.",
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    course = models.ForeignKey(
        "courses.Course", null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    source = models.ForeignKey(
        "courses.Course",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The course that a copy or an import takes from.",
    )
    title = models.TextField(blank=True, help_text="Name of what is backed up or restored.")
    archive_type = models.CharField(max_length=10, choices=ArchiveType, default=ArchiveType.COURSE)
    item = models.BigIntegerField(null=True, blank=True, help_text="Id of the section or activity.")
    target = models.JSONField(default=dict, blank=True, help_text="Where a restore goes.")
    options = models.JSONField(default=dict, blank=True, help_text="Every option with its resolved value.")
    asked = models.JSONField(default=dict, blank=True, help_text="The options as they were asked for.")
    path = models.TextField(
        blank=True, help_text="File that a command reads or writes instead of a stored archive."
    )
    archive = models.ForeignKey(
        "vault.StoredArchive",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="jobs",
        help_text="What a restore reads, or what a backup made.",
    )
    schedule_entry = models.OneToOneField(
        "vault.ScheduleEntry", null=True, blank=True, on_delete=models.SET_NULL, related_name="job"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    by_site = models.BooleanField(
        default=False, help_text="Asked for by the site itself (a command), which may do everything."
    )

    priority = models.PositiveSmallIntegerField(
        choices=Priority, default=Priority.BACKUP, help_text="Its class: lower numbers are taken first."
    )
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="No worker takes it before: a pause after a fault."
    )
    start_by = models.DateTimeField(
        null=True,
        blank=True,
        help_text="It is not begun from then on: the end of its schedule's window.",
    )

    created = models.DateTimeField(db_default=Now())
    started = models.DateTimeField(null=True, blank=True, help_text="When the current attempt began.")
    finished = models.DateTimeField(null=True, blank=True)
    heartbeat = models.DateTimeField(null=True, blank=True)
    progressed = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it last made progress: a heartbeat without progress is that of a hung job.",
    )
    committed = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Set in the transaction that did the work: it is done and not to be repeated.",
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    attempts_allowed = models.PositiveSmallIntegerField(default=3, validators=[MinValueValidator(1)])
    worker = models.CharField(max_length=255, blank=True)
    notified = models.DateTimeField(db_default=Now(), help_text="When the workers were last notified of it.")
    notifications = models.PositiveIntegerField(default=0)
    token = models.CharField(
        max_length=64,
        blank=True,
        help_text="Of the form that asked for it: a form that is sent twice makes one job.",
    )
    cancel_requested = models.BooleanField(default=False)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    step = models.CharField(max_length=255, blank=True)
    steps = models.JSONField(
        default=list, blank=True, help_text="Each step with its times (epoch seconds) and records, in order."
    )
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, blank=True)
    records = models.BigIntegerField(default=0)

    error = models.TextField(blank=True, help_text="What went wrong, in one sentence.")
    error_code = models.CharField(max_length=64, blank=True)
    error_hint = models.TextField(blank=True, help_text="What to do about it.")
    result = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-created", "-id"]
        indexes = [
            models.Index(fields=["state", "heartbeat"], condition=Q(state="running"), name="job_running"),
            models.Index(fields=["notified"], condition=Q(state="queued"), name="job_queued"),
            models.Index(
                "priority",
                Coalesce("requested_by", Value(0, models.BigIntegerField())),
                "operation",
                "id",
                condition=Q(state="queued"),
                name="job_claimable",
            ),
            models.Index(
                fields=["start_by"], condition=Q(state="queued", start_by__isnull=False), name="job_start_by"
            ),
            models.Index(
                Coalesce("requested_by", Value(0, models.BigIntegerField())),
                "priority",
                "started",
                name="job_last_started",
            ),
            models.Index(fields=["course", "-created"]),
            models.Index(fields=["requested_by", "-created"]),
            models.Index(fields=["-created", "-id"], name="job_newest"),
            models.Index(fields=["state", "-created", "-id"], name="job_by_state"),
            models.Index(fields=["requested_by", "state", "-created", "-id"], name="job_of_person_by_state"),
            models.Index(
                fields=["-created", "-id"], condition=Q(operation="restore"), name="job_restores_newest"
            ),
            models.Index(fields=["finished"], condition=Q(state="failed"), name="job_failed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "succeeded", "failed", "cancelled"]),
                name="job_state_known",
            ),
            models.CheckConstraint(
                condition=Q(archive_type__in=ArchiveType.values), name="job_archive_type_known"
            ),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="job_priority_known"),
            models.CheckConstraint(
                condition=Q(attempts__lte=F("attempts_allowed")), name="job_attempts_bounded"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished=None)
                | Q(state__in=["succeeded", "failed", "cancelled"], finished__isnull=False),
                name="job_finished_when_over",
            ),
            models.UniqueConstraint(
                fields=["course"],
                condition=Q(state__in=["queued", "running"], schedule_entry__isnull=False),
                name="job_one_scheduled_per_course",
            ),
            models.UniqueConstraint(
                fields=["requested_by", "token"], condition=~Q(token=""), name="job_one_per_form"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.pk} ({self.state})"

    @property
    def over(self) -> bool:
        """True in a final state."""
        return self.state not in self.OPEN

    @property
    def fraction(self) -> float | None:
        """The part that is done, 0 to 1; None while the total is unknown."""
        if self.state == self.State.SUCCEEDED:
            return 1.0
        return min(1.0, self.done / self.total) if self.total else None


class JobLine(models.Model):
    """One line of a job's log."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="lines")
    attempt = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=10, choices=Severity, default=Severity.INFO)
    step = models.CharField(max_length=255, blank=True)
    message = models.TextField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "id"])]

    def __str__(self) -> str:
        return self.message


class JobFinding(models.Model):
    """One finding of a job, with the attempt that made it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="findings")
    attempt = models.PositiveSmallIntegerField()
    level = models.CharField(max_length=10, choices=Severity)
    code = models.CharField(max_length=64)
    message = models.TextField()
    place = models.TextField(blank=True)
    hint = models.TextField(blank=True)
    about = models.TextField(blank=True)
    bring = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["job", "attempt", "id"]),
            models.Index(fields=["job"], condition=Q(code="content-damaged"), name="finding_content_damaged"),
        ]

    def __str__(self) -> str:
        return self.message


class SiteLimit(models.Model):
    """A limit that the administrator has changed; `jobs/limits.py` has all limits with their defaults and units."""

    name = models.CharField(max_length=64, unique=True)
    value = models.BigIntegerField(validators=[MinValueValidator(0)])

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(value__gte=0), name="site_limit_not_negative")]

    def __str__(self) -> str:
        return self.name


class Housekeeping(models.Model):
    """The last time that a periodic task of the site ran, on whichever worker."""

    name = models.CharField(max_length=100, unique=True, help_text="The task, such as jobs.tasks.sweep.")
    began = models.DateTimeField()
    finished = models.DateTimeField(null=True, blank=True, help_text="Empty while it runs.")
    error = models.TextField(blank=True, help_text="The class of the error that ended it.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
