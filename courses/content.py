"""Content: what every activity type's own model is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from courses.archived import ArchivedModel
from courses.models.course import Activity


class Content(ArchivedModel):
    """The instance of an activity: its id is the format's instance id, its file is named after its type.

    `owner` is the activity as the course sees it. `links` are the site's addresses that point into the activity: token,
    address and the kinds of the ids in it (see `courses.links`).
    """

    owner = models.OneToOneField(Activity, on_delete=models.CASCADE, related_name="%(class)s")
    links: ClassVar[tuple[tuple[str, str, tuple[str, ...]], ...]] = ()

    class Meta:
        abstract = True
