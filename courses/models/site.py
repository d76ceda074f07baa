"""Contexts and categories, which belong to the site and not to a course."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath
from courses.fields import Int, LongText, Ref, Text

SYSTEM_CONTEXT = 1


class Context(models.Model):
    """The sequence of context ids; the models that have a context hold its id in a column.

    The table has one row, the system's context. All other ids only come from its sequence.
    """

    id = models.BigAutoField(primary_key=True)


class Category(ArchivedModel):
    """A category of courses, in a tree. Archives show it; a restore ignores it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="course_category",
        archive_paths=[
            ArchivePath("courses.Course", "category", column="id", parent_column="category_id", shown=True)
        ],
    )

    name = Text(255)
    description = LongText(null=True)
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )
    idnumber = Text(100, omit="a category belongs to the site")
    sortorder = Int(omit="a category belongs to the site")
    visible = Int(default=1, omit="a category belongs to the site")
    contextid = Ref("context", omit="a category belongs to the site", unique=True)

    class Meta:
        ordering = ("sortorder", "name")
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return str(self.name)
