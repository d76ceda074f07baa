"""The activity types, one file each; a new type is a new file here."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from courses.discovery import import_all

if TYPE_CHECKING:
    from courses.content import Content


def discover() -> None:
    """Imports every file of this folder, so that their models exist."""
    import_all(__name__, __path__)


@cache
def types() -> dict[str, type[Content]]:
    """The described activity types by the name that the archive gives them."""
    from django.apps import apps  # archives are compared without it

    from courses.content import Content

    found = apps.get_app_config("courses").get_models()
    return {model._meta.model_name or "": model for model in found if issubclass(model, Content)}


def forget() -> None:
    """Looks for types anew at the next question; for tests that add a model."""
    types.cache_clear()
