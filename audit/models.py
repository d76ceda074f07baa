"""The entries of the audit trail."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Now

from audit.actions import ACTIONS

LANGUAGE = "simple"
"""The configuration of PostgreSQL's text search: words as they are written, of any language."""

NAMES = SearchVector("actor_name", "title", config=LANGUAGE)
"""The words of the names of people and things, as they are indexed and searched."""


class AuditEntry(models.Model):
    """One action: who did it, to what, and how it ended. A trigger of the database refuses to change or delete a row.

    Ids and names are copies, not foreign keys: an entry stays as it is when the account or the course is deleted.
    """

    class Outcome(models.TextChoices):
        """How an action ended."""

        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    at = models.DateTimeField(db_default=Now(), help_text="The database's time.")
    action = models.CharField(max_length=30, choices=[(name, one.label) for name, one in ACTIONS.items()])
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.DONE)
    actor = models.BigIntegerField(null=True, help_text="Id of the account; NULL for the site itself.")
    actor_name = models.TextField(blank=True, help_text="Name of the person at that time.")
    subject = models.CharField(
        max_length=20, blank=True, help_text="The kind of thing: archive, job, account."
    )
    subject_id = models.BigIntegerField(null=True)
    title = models.TextField(blank=True, help_text="Name of the thing at that time.")
    course = models.BigIntegerField(null=True, help_text="Id of the course that it is about.")
    address = models.CharField(
        max_length=100, blank=True, help_text="Network address, of attempts to sign in only."
    )
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["course", "-id"], name="audit_course"),
            models.Index(fields=["subject", "subject_id", "-id"], name="audit_subject"),
            models.Index(fields=["at"], name="audit_at"),
            # Nearly all is done; the others are few and looked for.
            models.Index(
                fields=["outcome", "-id"],
                condition=models.Q(outcome__in=["failed", "cancelled"]),
                name="audit_not_done",
            ),
            GinIndex(NAMES, name="audit_words"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.title}"
