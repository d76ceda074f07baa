"""Models of the site itself: counters of jobs that have ended."""

from __future__ import annotations

from django.db import models


class JobTally(models.Model):
    """The jobs of one operation that have ended in one state and took no longer than `within` seconds.

    Each job is counted in one row, that of the smallest bound. Rows stay when the jobs are removed, so sums only grow.
    """

    operation = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    within = models.PositiveIntegerField(help_text="Seconds; 0 for longer than every bound.")
    jobs = models.PositiveBigIntegerField()
    seconds = models.FloatField(help_text="The time that all of them took.")
    bytes = models.PositiveBigIntegerField(help_text="The size of the archives that they made or read.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operation", "state", "within"], name="job_tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.jobs} {self.operation} {self.state} within {self.within} s"
