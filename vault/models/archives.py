"""Stored archives, with the facts that can be shown without opening them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.choices import ArchiveType


def good(path: str = "") -> Q:
    """Return the condition for archives of which nothing is known to be missing or damaged.

    `path` leads to the archive from the rows that are asked for, such as `archive__` from jobs.
    """
    return Q(**{f"{path}verify_errors": 0, f"{path}missing_contents": 0})


GOOD = good()


class StoredArchive(models.Model):
    """A stored archive: a file in the "archives" storage, and the facts shown without opening it."""

    class Source(models.TextChoices):
        """How the archive came into the storage."""

        BACKUP = "backup", "backup"
        UPLOAD = "upload", "upload"
        SCHEDULE = "schedule", "schedule"
        BIN = "bin", "recycle bin"

    file = models.CharField(max_length=400, unique=True, help_text="Name in the archives storage.")
    title = models.CharField(max_length=255, help_text="File name for people, as Moodle would name it.")
    course = models.ForeignKey(
        "courses.Course", null=True, blank=True, on_delete=models.SET_NULL, related_name="archives"
    )
    course_title = models.TextField(
        blank=True, help_text="Full name of the course, kept when the course goes."
    )
    archive_type = models.CharField(max_length=10, choices=ArchiveType, default=ArchiveType.COURSE)
    item = models.BigIntegerField(null=True, blank=True, help_text="Id of the section or activity.")
    size = models.BigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    content_digest = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 of the content without name, date and number of the backup; empty if unknown.",
    )
    created = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="archives"
    )
    users = models.BooleanField(default=True, help_text="Whether people's data are inside.")
    anonymized = models.BooleanField(default=False)
    source = models.CharField(max_length=10, choices=Source, default=Source.BACKUP)
    schedule = models.ForeignKey(
        "vault.Schedule", null=True, blank=True, on_delete=models.SET_NULL, related_name="archives"
    )
    snapshot = models.DateTimeField(
        null=True, blank=True, help_text="The content is that of this moment; changes since are not inside."
    )
    options = models.JSONField(default=dict, blank=True, help_text="The options that were asked for.")
    summary = models.JSONField(default=dict, blank=True, help_text="Counts and facts shown in lists.")
    verified = models.DateTimeField(null=True, blank=True)
    verify_errors = models.PositiveIntegerField(
        default=0, help_text="Errors that the last verification found."
    )
    missing_contents = models.PositiveIntegerField(
        default=0,
        help_text="Contents, each counted once, that were missing or damaged in the pool; their files were left out.",
    )
    userdata_withheld = models.BooleanField(
        default=False,
        help_text="Whether people's data are missing because the person who made it may not take them.",
    )
    keep = models.BooleanField(default=False, help_text="Held: retention never removes it.")
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="held_archives",
        help_text="The person who holds it; only this person and administrators let it go.",
    )

    class Meta:
        ordering = ["-created", "-id"]
        indexes = [
            models.Index(fields=["course", "-created"]),
            models.Index(fields=["schedule", "course", "-created"]),
            models.Index(fields=["created_by", "-created"]),
            models.Index(fields=["-created", "-id"], name="archive_newest"),
            models.Index(fields=["source", "-created", "-id"], name="archive_by_source"),
            # Few are anonymous, and few are damaged or incomplete: they are looked for among all.
            models.Index(
                fields=["-created", "-id"], condition=Q(users=True, anonymized=True), name="archive_anonymous"
            ),
            models.Index(
                fields=["course"],
                condition=Q(verify_errors__gt=0) | Q(missing_contents__gt=0),
                name="archive_not_good",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(archive_type__in=ArchiveType.values), name="archive_type_known"
            ),
            models.CheckConstraint(condition=Q(size__gte=0), name="archive_size_not_negative"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def holds_people(self) -> bool:
        """Whether data of people who can be told by them are inside: with people, and not anonymous."""
        return self.users and not self.anonymized

    @property
    def good(self) -> bool:
        """Whether nothing is known to be missing or damaged: no content was missing, and no verification found an error."""
        return self.verify_errors == 0 and self.missing_contents == 0


GOOD_BACKUP = GOOD & Q(
    archive_type=ArchiveType.COURSE, source__in=[StoredArchive.Source.BACKUP, StoredArchive.Source.SCHEDULE]
)
"""Condition for good archives of whole courses that were made here, other than for the recycle bin."""


class StoredManifest(models.Model):
    """The manifest of a stored archive and three counts, so that pages show what is in it without opening it."""

    archive = models.OneToOneField(
        StoredArchive, primary_key=True, on_delete=models.CASCADE, related_name="manifest"
    )
    packed = models.BinaryField(help_text="The bytes of moodle_backup.xml, compressed with zlib.")
    people = models.BigIntegerField(
        null=True, blank=True, help_text="People in users.xml; NULL if the archive has no such member."
    )
    files = models.BigIntegerField(default=0, help_text="Files in files.xml, without folders.")
    content_bytes = models.BigIntegerField(default=0, help_text="Bytes of the contents, each counted once.")

    def __str__(self) -> str:
        return f"manifest of {self.archive_id}"


class LooseFile(models.Model):
    """A file in the archives storage without an archive row; the sweep removes it."""

    file = models.CharField(max_length=400, unique=True)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["since"])]

    def __str__(self) -> str:
        return self.file
