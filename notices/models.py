"""Notices that wait to be sent or were sent, the web hooks of the site, and what people want to be told."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class WebHook(models.Model):
    """An address of another program that gets each notice as a POST of JSON."""

    name = models.CharField(max_length=100)
    url = models.CharField(max_length=1000)
    secret = models.TextField(help_text="The key of the signature, encrypted with the site's key.")
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class NoticeChoice(models.Model):
    """The notices that a person wants by e-mail; without a row all of them."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="notice_choice"
    )
    failures = models.BooleanField(default=True, help_text="Of jobs that failed, at once.")
    summaries = models.BooleanField(
        default=True, help_text="The daily summary, and backups that are overdue."
    )

    def __str__(self) -> str:
        return f"{self.person_id}"


class Notice(models.Model):
    """A message to one receiver: an e-mail address or a web hook. A periodic task sends it, again later if that fails."""

    class Kind(models.TextChoices):
        """The matter of a notice."""

        FAILURE = "failure", "a job that failed"
        OVERDUE = "overdue", "backups that are overdue"
        SUMMARY = "summary", "daily summary"
        TEST = "test", "a test"

    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(
        max_length=200, help_text="What it is about: a receiver gets one notice of each key."
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    address = models.CharField(max_length=254, blank=True, help_text="E-mail address; empty for a web hook.")
    hook = models.ForeignKey(WebHook, null=True, blank=True, on_delete=models.CASCADE, related_name="notices")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Whose job it is about: the notices that a receiver gets in an hour are limited for each of these people.",
    )
    subject = models.TextField()
    text = models.TextField(blank=True, help_text="The text of the e-mail.")
    data = models.JSONField(default=dict, blank=True, help_text="What a web hook gets.")
    created = models.DateTimeField(db_default=Now())
    next_try = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    sent = models.DateTimeField(null=True, blank=True)
    given_up = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="Why the last attempt failed.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["next_try"], condition=Q(sent=None, given_up=None), name="notice_waiting"),
            models.Index(fields=["address", "hook", "kind", "created"], name="notice_receiver"),
            models.Index(fields=["kind", "created"], name="notice_kind"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["key", "address", "hook"], name="notice_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=(Q(hook=None) & ~Q(address="")) | Q(hook__isnull=False, address=""),
                name="notice_one_receiver",
            ),
        ]

    def __str__(self) -> str:
        return self.subject
