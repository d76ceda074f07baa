"""The activity types that come with Coursekeep, one file each; a new type is a new file here, or a model of another app."""

from __future__ import annotations

from courses import registry
from courses.discovery import import_all

types = registry.activity_types


def discover() -> None:
    """Import every module of this package, so that its models exist."""
    import_all(__name__, __path__)
