"""Choices about roles that are remembered for the next archive of the same site."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from courses.models import Role


class RoleChoice(models.Model):
    """The role of this site that a person chose for a role in archives of another site; `role` is None for no role."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="role_choices"
    )
    site_hash = models.CharField(max_length=64)
    shortname = models.CharField(max_length=100)
    role = models.ForeignKey(Role, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "site_hash", "shortname"], name="one_choice_a_role")
        ]

    def __str__(self) -> str:
        return f"{self.shortname} of {self.site_hash}"
