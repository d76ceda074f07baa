"""Schedules of backups, their runs, and the result for each course in a run."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from jobs.clock import database_now
from vault.schedule_options import idle_options
from vault.timetable import next_moment

TIMES = ("enabled", "weekdays", "hour", "minute", "timezone")
"""The columns of a schedule that say when it is due."""


class Schedule(models.Model):
    """The courses to back up, the times, the options, and how many of the archives are retained."""

    class Scope(models.TextChoices):
        """The courses that a schedule covers."""

        ALL = "all", "all courses"
        CATEGORY = "category", "a category and those below it"
        LIST = "list", "chosen courses"

    name = models.CharField(max_length=255)
    enabled = models.BooleanField(default=True)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.ALL)
    category = models.ForeignKey(
        "courses.Category", null=True, blank=True, on_delete=models.SET_NULL, related_name="schedules"
    )
    courses = models.ManyToManyField("courses.Course", blank=True, related_name="schedules")
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]),
        help_text="0 is Monday, 6 is Sunday.",
    )
    hour = models.PositiveSmallIntegerField(default=2, validators=[MaxValueValidator(23)])
    minute = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(59)])
    timezone = models.CharField(max_length=64, default="UTC")
    options = models.JSONField(default=dict, blank=True, help_text="Option names and values, as asked for.")
    keep_count = models.PositiveIntegerField(
        default=7, help_text="Archives kept for each course; 0 keeps all."
    )
    window_hours = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(168)],
        help_text="Backups of a run begin within so many hours; what remains comes first in the next run. 0: no end.",
    )
    skip_unchanged = models.BooleanField(default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="schedules",
        help_text="The backups are made with this person's permissions.",
    )
    next_run = models.DateTimeField(null=True, blank=True, editable=False)
    last_run = models.DateTimeField(null=True, blank=True, editable=False)
    due_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it was switched on, or its times were changed."
    )

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["next_run"], condition=Q(enabled=True), name="schedule_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(scope__in=["all", "category", "list"]), name="schedule_scope_known"
            ),
            models.CheckConstraint(condition=Q(hour__lte=23, minute__lte=59), name="schedule_time_of_day"),
            models.CheckConstraint(
                condition=Q(weekdays__contained_by=list(range(7))), name="schedule_weekdays"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError for an empty list of weekdays, an unknown time zone, a missing category or an idle option."""
        problems: dict[str, str | list[str]] = {}
        if not self.weekdays:
            problems["weekdays"] = "Choose at least one day of the week."
        if self.timezone not in zoneinfo.available_timezones():
            problems["timezone"] = f"“{self.timezone}” is not a time zone. Choose one such as Europe/Madrid."
        if self.scope == self.Scope.CATEGORY and self.category_id is None:
            problems["category"] = "Choose the category whose courses are backed up."
        if idle := idle_options(self.options):
            problems[NON_FIELD_ERRORS] = idle
        if problems:
            raise ValidationError(problems)

    def moment_after(self, moment: datetime) -> datetime | None:
        """Return the first time after `moment` at which this schedule is due."""
        return next_moment(
            moment, weekdays=self.weekdays, hour=self.hour, minute=self.minute, zone=self.timezone
        )

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save, and compute `next_run` and `due_since` unless `update_fields` is given."""
        if update_fields is None:
            now = database_now()
            self.next_run = self._next_run_after(now)
            self.due_since = self._due_since(now)
        super().save(*args, update_fields=update_fields, **kwargs)

    def _due_since(self, now: datetime) -> datetime | None:
        """Return the moment since when the schedule is on with its times: `now` if they differ from those of its row."""
        before = Schedule.objects.filter(pk=self.pk).first() if self.pk else None
        same = before is not None and all(getattr(before, name) == getattr(self, name) for name in TIMES)
        return before.due_since if before is not None and same else now

    def _next_run_after(self, now: datetime) -> datetime | None:
        if not self.enabled:
            return None
        due = self.next_run
        # Renaming a schedule a minute after it was due must not lose the run that is about to be queued.
        if due and due <= now and self.moment_after(due - timedelta(microseconds=1)) == due:
            return due
        return self.moment_after(now)


class ScheduleRun(models.Model):
    """One run of a schedule: when it was due, and how many courses ended in which state."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs")
    due = models.DateTimeField()
    window_from = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the window of the schedule began: the last moment at which it was due.",
    )
    listed = models.BooleanField(default=False, help_text="Whether the entries of all courses are made.")
    to_fill = models.BooleanField(
        default=False, help_text="Whether backups are still to be queued; the housekeeping does that."
    )
    started = models.DateTimeField()
    finished = models.DateTimeField(null=True, blank=True)
    options = models.JSONField(default=dict, blank=True, help_text="The schedule's options at that time.")
    report = models.JSONField(
        default=dict,
        blank=True,
        help_text="How many courses ended in which state; of these `withheld`: without people for lack of the right, and"
        " `incomplete`: without files whose contents are missing.",
    )

    class Meta:
        ordering = ["-started", "-id"]
        indexes = [
            models.Index(fields=["started"], condition=Q(finished=None), name="schedulerun_open"),
            models.Index(fields=["started"], condition=Q(to_fill=True), name="schedulerun_to_fill"),
            models.Index(fields=["schedule", "-started", "-id"], name="schedulerun_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} {self.started:%Y-%m-%d %H:%M}"


class ScheduleEntry(models.Model):
    """The result of one course in one run of a schedule."""

    class State(models.TextChoices):
        """The state of a course's backup in a run."""

        QUEUED = "queued", "queued"
        SKIPPED = "skipped", "skipped"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    run = models.ForeignKey(ScheduleRun, on_delete=models.CASCADE, related_name="entries")
    course = models.ForeignKey("courses.Course", null=True, on_delete=models.SET_NULL, related_name="+")
    title = models.TextField(help_text="Full name of the course, kept when the course goes.")
    state = models.CharField(max_length=10, choices=State)
    reason = models.TextField(blank=True, help_text="Why it was skipped or failed.")

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["run", "id"], name="scheduleentry_listed"),
            models.Index(fields=["run", "state", "id"], name="scheduleentry_by_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "skipped", "succeeded", "failed", "cancelled"]),
                name="scheduleentry_state_known",
            ),
            models.UniqueConstraint(fields=["run", "course"], name="scheduleentry_once_per_course"),
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.state}"
