"""The storages that this site has marked as its own."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class MarkedStorage(models.Model):
    """A storage into which the site has put its sentinel: without that sentinel it is not taken for the storage any more."""

    alias = models.CharField(max_length=100, unique=True)
    site = models.CharField(
        max_length=100,
        help_text="The site as the sentinel names it; with another identifier it is another site.",
    )
    token = models.CharField(
        max_length=32,
        blank=True,
        help_text="What the sentinel says beside the site: another folder with a sentinel of this site has another token.",
    )
    since = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.alias
