"""The entries of the recycle bin."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from vault.models import StoredArchive


class RemovedItem(models.Model):
    """A course, section or activity that was removed, and can be brought back from its archive."""

    archive = models.OneToOneField(StoredArchive, on_delete=models.CASCADE, related_name="removed_item")
    category = models.ForeignKey(
        "courses.Category",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The category in which a removed course was; empty for a section or an activity.",
    )
    title = models.TextField()
    modulename = models.CharField(max_length=50, blank=True, help_text="The type of a removed activity.")
    place = models.JSONField(
        default=dict, blank=True, help_text="Ids of what was around it, by which it finds its position again."
    )
    removed = models.DateTimeField(db_default=Now())
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-removed", "-id"]
        indexes = [models.Index(fields=["removed"])]

    def __str__(self) -> str:
        return self.title
