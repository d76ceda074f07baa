"""The step of a backup that writes the manifest, `moodle_backup.xml`: what the archive is and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256

from archive import layout
from archive.integrity import WRITER, MemberDigests, with_integrity
from archive.manifest import ActivityEntry, CourseEntry, Details, Manifest, SectionEntry, format_manifest
from archive.numbers import natural
from backup.content import folder
from backup.context import BackupContext
from courses import registry
from courses.models import SYSTEM_CONTEXT, Activity, Section
from courses.services import section_owners
from courses.signing import signer, site_hash
from jobs.plan import StepEvent
from selection.items import manifest_settings


def write_manifest(context: BackupContext) -> Iterator[StepEvent]:
    """Write `moodle_backup.log`, empty as Moodle's is, then `moodle_backup.xml` with the digests of all other members."""
    with context.writer.member(layout.LOG) as stream:
        stream.write(b"")
    manifest = build_manifest(context)
    digests = context.writer.digests()
    context.manifest = with_integrity(format_manifest(manifest), digests, signer().keys[0])
    with context.writer.member(layout.MANIFEST) as stream:
        stream.write(context.manifest)
    context.content_digest = content_digest(manifest, digests)
    yield 0


def content_digest(manifest: Manifest, digests: MemberDigests) -> str:
    """Return the SHA-256 of an archive's content in hex; two backups of an unchanged course have the same.

    It covers all members and, of the manifest, all but the facts of the backup itself: its name, date and number.
    """
    settings = tuple(setting for setting in manifest.settings if setting.name != "filename")
    details = replace(manifest.details, backup_id="")
    plain = replace(manifest, name="", backup_date=0, details=details, settings=settings)
    found = sha256(format_manifest(plain))
    for path, digest in sorted(digests.members.items()):
        found.update(f"{digest}  {path}\n".encode())
    found.update(digests.contents.sha256.encode())
    return found.hexdigest()


def build_manifest(context: BackupContext) -> Manifest:
    """Return the manifest of a backup; in an anonymous one, without details of people in names and titles."""
    course = context.course
    manifest = Manifest(
        name=context.filename,
        moodle_version=str(context.version.number),
        moodle_release=f"{context.version.release} {WRITER}",
        backup_version=context.version.number,
        backup_release=context.version.release,
        backup_date=context.date,
        include_files=int(context.selection.allows("files")),
        original_wwwroot=context.root,
        original_site_identifier_hash=site_hash(),
        original_course_id=course.pk,
        original_course_format=course.format,
        original_course_fullname=course.fullname,
        original_course_shortname=course.shortname,
        original_course_startdate=course.startdate,
        original_course_enddate=course.enddate,
        original_course_contextid=course.contextid,
        original_system_contextid=SYSTEM_CONTEXT,
        details=Details(backup_id=context.backup_id, type=context.archive_type),
        activities=tuple(_activities(context)),
        sections=tuple(_sections(context)),
        course=CourseEntry(course.pk, course.shortname, "course")
        if context.archive_type == "course"
        else None,
        settings=manifest_settings(context.selection.settings, filename=context.filename),
    )
    return with_texts(manifest, context.hidden.course_text) if context.hidden else manifest


def with_texts(manifest: Manifest, change: Callable[[str], str]) -> Manifest:
    """Return the manifest with the names of the course and the titles of what is in it changed."""
    return replace(
        manifest,
        original_course_fullname=change(manifest.original_course_fullname),
        original_course_shortname=change(manifest.original_course_shortname),
        activities=tuple(replace(one, title=change(one.title)) for one in manifest.activities),
        sections=tuple(replace(one, title=change(one.title)) for one in manifest.sections),
        course=replace(manifest.course, title=change(manifest.course.title)) if manifest.course else None,
    )


def _activities(context: BackupContext) -> Iterator[ActivityEntry]:
    """Yield the activities in the order of the course's page: section by section, each in its sequence."""
    sections = list(Section.objects.filter(course=context.course))
    by_section: dict[int, list[Activity]] = {}
    for activity in context.content.activities:
        by_section.setdefault(activity.section_id, []).append(activity)
    for section in sections:
        order = {natural(i): n for n, i in enumerate((section.sequence or "").split(","))}
        for activity in sorted(
            by_section.get(section.pk, []), key=lambda a: (order.get(a.pk, len(order)), a.pk)
        ):
            yield ActivityEntry(
                moduleid=activity.pk,
                sectionid=section.pk,
                modulename=activity.modulename,
                title=activity.title,
                directory=f"activities/{folder(activity)}",
                insubsection=registry.owns_section(registry.modulename_of(section.component)),
            )


def _sections(context: BackupContext) -> Iterator[SectionEntry]:
    """Yield the sections, in the course's order."""
    owners = section_owners(context.content.activities)
    for section in context.content.sections:
        owner = owners.get((section.component, section.itemid))
        yield SectionEntry(
            sectionid=section.pk,
            title=section.name or str(section.number),
            directory=f"sections/section_{section.pk}",
            parentcmid=owner.pk if owner else None,
            modname=owner.modulename if owner else "",
        )
