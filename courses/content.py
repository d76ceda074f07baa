"""Content: the base of every activity type's main model; ActivityType: the declarations of a type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from django.db import models

from archive.releases import VERSION_OF_4_5
from courses.archived import ArchivedModel
from courses.models.course import Activity


@dataclass(frozen=True, slots=True)
class ActivityType:
    """The declarations of an activity type that belong to no single model of it.

    `label` is the name on pages; the default is the type's name with a capital. `icon` is a symbol of this site's sprite
    ("kind-forum"), or of an app's own: "poll/icons.svg#poll", a static file and the symbol's id in it. `version` is that of the
    plugin (`version.php`) for activities that are made here: Moodle reads an activity as that version wrote it. A type that
    `uses_questions` is left out together with the question bank. A type that `holds_questions` is one of banks: question
    categories belong to its activities, and nothing else does; its record has a column `type`. A type that `owns_section`
    has one section of the course per activity, which names it by `component` and `itemid`. `userdata_files` are the
    "component/area" of userdata files whose item is no row of a model; for all others the models' `files` and `userdata`
    decide. `logged_ids` gives the item types of ids in the details of log entries, by their names in any component's
    entries ("scoid"), or in one component's ("mod_wiki/pageid"). `logged_tables` gives the item types of Moodle's tables
    that log entries name, where neither the table nor its singular is the item type.
    """

    label: str = ""
    icon: str = ""
    version: int = VERSION_OF_4_5
    uses_questions: bool = False
    holds_questions: bool = False
    owns_section: bool = False
    userdata_files: tuple[str, ...] = ()
    logged_ids: Mapping[str, str] = field(default_factory=dict)
    logged_tables: Mapping[str, str] = field(default_factory=dict)


class Content(ArchivedModel):
    """The instance of an activity: its id is the format's instance id, its file is named after its type.

    `owner` is the activity (course module). `links` are the addresses of the activity's pages: token, address and the item
    types of the ids in it (see `courses.links`).
    """

    owner = models.OneToOneField(Activity, on_delete=models.CASCADE, related_name="%(class)s")
    activity_type: ClassVar[ActivityType] = ActivityType()
    links: ClassVar[tuple[tuple[str, str, tuple[str, ...]], ...]] = ()

    class Meta:
        abstract = True
