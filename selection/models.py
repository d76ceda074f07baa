"""The administrator's defaults for options."""

from __future__ import annotations

from django.db import models

from selection.option import OPERATIONS
from selection.presets import PRESET_NAMES


class OptionDefault(models.Model):
    """The administrator's default for an option in a preset, and whether it is locked for everybody else."""

    preset = models.CharField(
        max_length=10, choices=[(name, name) for name in PRESET_NAMES], default="general"
    )
    operation = models.CharField(max_length=10, choices=[(name, name) for name in OPERATIONS])
    name = models.CharField(max_length=64)
    value = models.JSONField()
    locked = models.BooleanField(default=False)

    class Meta:
        ordering = ["preset", "operation", "name"]
        constraints = [
            models.UniqueConstraint(fields=["preset", "operation", "name"], name="optiondefault_once")
        ]

    def __str__(self) -> str:
        return f"{self.preset} {self.operation} {self.name}"
