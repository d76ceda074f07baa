"""What is kept because no model describes it: members, and elements inside described ones."""

from __future__ import annotations

from django.db import models

from courses.models.course import Activity, Course, Section


class OpaqueMember(models.Model):
    """A member of the archive, or a piece of one, as XML whose references are this site's.

    `path` is relative to the folder of the activity or section, or to the archive. Pieces of at most a megabyte follow
    one another in the order of `position`.
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
    """An element that a described record, or the top of a described member, had besides its described ones, as XML.

    `item_type` and `record` are the record's kind and id; for a member, the name that `layout.top` gives it, and the id of the
    course, activity or block whose member it is.
    """

    id = models.BigAutoField(primary_key=True)
    course = models.ForeignKey(Course, on_delete=models.CASCADE, null=True, related_name="opaque_elements")
    item_type = models.CharField(max_length=100)
    record = models.BigIntegerField()
    xml = models.TextField()

    class Meta:
        indexes = (models.Index(fields=["item_type", "record"]),)
