"""The figures of the whole site that take too long to count for a page."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class SiteFigures(models.Model):
    """The last count of the whole site, in the table's only row. `vault/figures.py` says what is counted."""

    only = models.BooleanField(primary_key=True, default=True)
    counted = models.DateTimeField(db_default=Now())
    figures = models.JSONField(help_text="Numbers by name.")

    class Meta:
        verbose_name_plural = "site figures"
        constraints = [models.CheckConstraint(condition=Q(only=True), name="site_figures_once")]

    def __str__(self) -> str:
        return f"figures of {self.counted}"
