"""Opaque members, and opaque elements inside described records: XML that no model describes, preserved for the next backup."""

from __future__ import annotations

from django.db import models

from courses.models.course import Activity, Course, Section


class OpaqueMember(models.Model):
    """An opaque member, or a piece of one, as XML whose references are this site's.

    `path` is relative to the folder of the activity or section, or to the archive. `position` orders the pieces of a
    member, each of at most a megabyte.
    """

    id = models.BigAutoField(primary_key=True)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="opaque_members")
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, null=True, related_name="opaque_members")
    section = models.ForeignKey(Section, on_delete=models.CASCADE, null=True, related_name="opaque_members")
    path = models.CharField(max_length=255)
    position = models.IntegerField(default=0)
    content = models.BinaryField()

    class Meta:
        ordering = ("path", "id", "position")


class OpaqueElement(models.Model):
    """An opaque element of a described record, or of the top of a described member, as XML.

    `item_type` and `record` are the record's item type and id; for a member, the name that `layout.top` gives it, and the
    id of the course, activity or block that it belongs to.
    """

    id = models.BigAutoField(primary_key=True)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, null=True, related_name="opaque_elements")
    item_type = models.CharField(max_length=100)
    record = models.BigIntegerField()
    xml = models.TextField()

    class Meta:
        indexes = (models.Index(fields=["item_type", "record"]),)
