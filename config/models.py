"""Models of the site itself: counters of attempts to sign in."""

from __future__ import annotations

from django.db import models


class SignInCounter(models.Model):
    """The attempts to sign in that failed, since a moment, for one account, one address, or both together.

    `key` is a keyed hash, so that the table tells nobody who tried from where.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField()
    since = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["since"])]

    def __str__(self) -> str:
        return f"{self.failures} since {self.since:%Y-%m-%d %H:%M}"
