"""The step of a restore that stores the contents of files in the pool, under the hash that the archive states.

A content that is missing or has another hash is skipped with a warning: the file stays in the course's list without it, and
restoring an archive that has the content brings it back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from django.db import connection

from archive import xml
from archive.findings import Finding
from courses import pool
from courses.models.files import EMPTY
from jobs.plan import StepEvent
from restore.acceptance import digits_of
from restore.archived_records import ArchivedRecords
from restore.context import RestoreContext
from restore.members import course_of
from restore.owners import folder

FILES = "files.xml"
TICK = 50
SHA1 = re.compile(r"[0-9a-f]{40}\Z")
Take = Callable[..., tuple[str, int]]
"""Read a content from a stream, check its `sha1` and return that and its size in bytes, as `pool.put` does."""
NAMED = 20
"""So many files are named in one finding; the others are counted."""

RENAME = (
    "UPDATE courses_file SET contenthash = content.own FROM unnest(%s::text[], %s::text[]) AS content (named, own)"
    " WHERE course_id = %s AND contenthash = content.named"
)
RESIZE = (
    "UPDATE courses_file SET filesize = content.size FROM unnest(%s::text[], %s::bigint[]) AS content (sha1, size)"
    " WHERE course_id = %s AND contenthash = content.sha1"
)
"""SQL that gives the files of a course the hashes or sizes of their contents, by the hashes that they have."""

FOLDER = "."
"""The name of a record that stands for a folder; it has no content."""


class ListedFile(NamedTuple):
    """A file as `files.xml` lists it: the SHA-1 of its content, its old id, its name, its size in bytes, its
    context and its folder."""

    sha1: str
    old_id: str
    name: str
    size: int
    contextid: int
    path: str = "/"

    @property
    def member(self) -> str:
        """The member that holds the content."""
        return f"files/{self.sha1[:2]}/{self.sha1}"

    @property
    def place(self) -> str:
        """The location of the file for a finding."""
        return f"{FILES}, file {self.old_id}, {self.member}"


def restored_files(context: RestoreContext) -> Iterator[ListedFile]:
    """Yield the files that are restored, in the order of `files.xml`."""
    if FILES not in context.archive:
        return
    records = ArchivedRecords(context.archive, context.manifest)
    with context.archive.open(FILES) as stream:
        for element in xml.records(stream, member=FILES, tags=("file",)):
            values = {str(child.tag): child.text for child in element}
            if context.acceptance.file_comes(values, held=records.has):
                yield ListedFile(
                    values.get("contenthash") or "",
                    element.get("id", ""),
                    values.get("filename") or "",
                    digits_of(values.get("filesize")),
                    digits_of(values.get("contextid")),
                    values.get("filepath") or "/",
                )


def review_contents(context: RestoreContext) -> Iterator[Finding]:
    """Yield a warning for each file whose content is neither in the archive nor on this site.

    One warning names them all if the archive was made without contents. A file without the SHA-1 of a content is an error.
    """
    left_out: list[ListedFile] = []
    for one in restored_files(context):
        if not SHA1.match(one.sha1):
            yield Finding(
                "error",
                "content-unnamed",
                f"The content of the file “{one.name}” has no SHA-1: {one.sha1[:50]!r}.",
                f"{FILES}, file {one.old_id}",
                "The archive was changed after it was made; get it again.",
            )
        elif one.name != FOLDER and _is_missing(context, one):
            if not context.manifest.include_files:
                left_out.append(one)
                continue
            yield Finding(
                "warning",
                "content-missing",
                f"{_content_of(context, one)} is missing. The file comes without it.",
                one.place,
                "Restore an archive that has the content to bring it back.",
            )
    if left_out:
        yield _contents_left_out(context, left_out)


def _contents_left_out(context: RestoreContext, missing: list[ListedFile]) -> Finding:
    """Return the warning about files whose contents were left out of the archive and are not on this site."""
    named = [f"“{one.name}” {_belonging(context, one)}" for one in missing[:NAMED]]
    if len(missing) > NAMED:
        named.append(f"{len(missing) - NAMED:,} more")
    count = "1 file" if len(missing) == 1 else f"{len(missing):,} files"
    return Finding(
        "warning",
        "contents-left-out",
        f"The archive was made without the contents of files, and this site lacks those of {count}:"
        f" {', '.join(named)}. They come without them.",
        FILES,
        "Restore an archive that has the contents to bring them back.",
    )


def _is_missing(context: RestoreContext, one: ListedFile) -> bool:
    """Whether a content is neither in the archive nor in the pool."""
    return one.sha1 != EMPTY and _member_in(context, one) is None and not pool.exists(one.sha1)


def _member_in(context: RestoreContext, one: ListedFile) -> str | None:
    """Return the member that has a content, also where other programs put it; None if the archive does not have it."""
    first, second = one.sha1[:2], one.sha1[2:4]
    places = (one.member, f"files/{one.sha1}", f"files/{first}/{second}/{one.sha1}")
    return next((place for place in places if place in context.archive), None)


def _content_of(context: RestoreContext, one: ListedFile) -> str:
    """Return the subject of a sentence about a content: `The content of the file “a.png” of “Announcements”`."""
    return f"The content of the file “{one.name}” {_belonging(context, one)}"


def _belonging(context: RestoreContext, one: ListedFile) -> str:
    """Return the owner of a file for a sentence: `of “Announcements”`, or `of the course`."""
    owner = context.acceptance.owners.get(one.contextid, "").partition("/blocks/")[0].rpartition("/")[2]
    titles = {folder(entry): entry.title for entry in context.manifest.activities}
    return f"of “{titles[owner]}”" if owner in titles else "of the course"


def load_contents(context: RestoreContext) -> Iterator[StepEvent]:
    """Store every content of the archive in the pool, each once; yield findings about contents that are not as they should be.

    A content that only the pool has is checked there.
    """
    healed: set[str] = set()
    return _read_contents(context, partial(pool.put, healed=healed.add), healed)


def look_at_contents(context: RestoreContext) -> Iterator[StepEvent]:
    """Read every content of the archive once and store none; yield the findings of `load_contents`."""
    return _read_contents(context, pool.measure, set())


def _read_contents(context: RestoreContext, take: Take, healed: set[str]) -> Iterator[StepEvent]:
    """Give every content of the archive to `take`, each once; yield a finding for each that is not as it should be.

    `healed` gets the SHA-1s of contents that `take` found damaged in the pool and replaced.
    """
    done: set[str] = set()
    context.files = context.contents = context.contents_here = 0
    for one in restored_files(context):
        context.files += one.name != FOLDER
        if one.sha1 in done:
            continue
        done.add(one.sha1)
        member = _member_in(context, one)
        if member is None:
            if pool.exists(one.sha1):
                context.contents_here += 1
                if not pool.is_whole(one.sha1):
                    yield _damaged(context, one)
            continue
        here = pool.exists(one.sha1)
        with context.archive.open(member) as stream:
            try:
                _, size = take(stream, sha1=one.sha1)
            except pool.WrongHash:
                yield _take_changed(context, one, member, take)
                continue
        context.contents += 1
        context.contents_here += here
        if one.sha1 in healed:
            yield _healed(context, one)
        if size != one.size:
            context.sizes[one.sha1] = size
            yield _wrong_size(context, one, size)
        if context.contents % TICK == 0:
            yield 0
    yield 0


def _take_changed(context: RestoreContext, one: ListedFile, member: str, take: Take) -> Finding:
    """Give a content that has another hash than its name to `take` under its own hash, if that may be; return the finding.

    It may be by the option `changed_contents`, or if the name is the hash of the file's name, as some programs write it.
    """
    by_name = one.sha1 in _hashes_of_name(one)
    wanted = context.selection.settings.on("changed_contents") and not pool.exists(one.sha1)
    if not (by_name or wanted):
        return _wrong_hash(context, one)
    with context.archive.open(member) as stream:
        true, size = take(stream)
    context.renamed_contents[one.sha1] = true
    context.sizes[true] = size
    context.contents += 1
    why = "is named by the hash of the file's name" if by_name else "was changed after the backup"
    return Finding(
        "info" if by_name else "warning",
        "content-renamed" if by_name else "content-changed",
        f"{_content_of(context, one)} {why}. It was taken under its own hash.",
        one.place,
        "Look whether it is what it should be.",
    )


def _hashes_of_name(one: ListedFile) -> set[str]:
    """Return the hashes that programs take from a file's name or path instead of its content."""
    names = {one.name, f"{one.path}{one.name}", f"{one.path}{one.name}".lstrip("/")}
    return {hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest() for name in names}


def _wrong_hash(context: RestoreContext, one: ListedFile) -> Finding:
    """Return the warning about a content in the archive that has another hash than its name."""
    here = pool.exists(one.sha1)
    comes = "This site has the true content." if here else "The file comes without it."
    hint = (
        ""
        if here
        else " Restore an archive that has the content to bring it back, or take it (changed_contents=1)."
    )
    return Finding(
        "warning",
        "content-wrong",
        f"{_content_of(context, one)} has the wrong hash. {comes}",
        one.place,
        f"It was changed or damaged after the backup.{hint}",
    )


def _wrong_size(context: RestoreContext, one: ListedFile, size: int) -> Finding:
    """Return the finding about a content whose size in bytes is not that in `files.xml`."""
    return Finding(
        "info",
        "file-size",
        f"The file “{one.name}” {_belonging(context, one)} has {size:,} bytes, and the archive says {one.size:,}.",
        one.place,
        "It has the size of its content now.",
    )


def _damaged(context: RestoreContext, one: ListedFile) -> Finding:
    """Return the warning about a content that the archive does not have and that is damaged in the pool."""
    return Finding(
        "warning",
        "content-damaged",
        f"{_content_of(context, one)} is damaged on this server, and the archive does not have it.",
        one.place,
        "Restore an archive that has the content to bring it back.",
    )


def _healed(context: RestoreContext, one: ListedFile) -> Finding:
    """Return the finding about a content that was damaged in the pool and has been replaced by that of the archive."""
    return Finding(
        "info",
        "content-healed",
        f"{_content_of(context, one)} was damaged on this server. The archive's content has taken its place.",
        one.place,
        "Every course that has the file has it whole again.",
    )


def correct_sizes(context: RestoreContext) -> None:
    """Give the files that have come the hashes and sizes of their contents, where the archive said otherwise."""
    course = course_of(context).pk
    with connection.cursor() as cursor:
        for sql, corrected in ((RENAME, context.renamed_contents), (RESIZE, context.sizes)):
            if corrected:
                cursor.execute(sql, [[*corrected], [*corrected.values()], course])
