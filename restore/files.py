"""The step of a restore that stores the contents of files in the pool, under the hash that the archive states.

A content that is missing or has another hash is skipped with a warning: the file stays in the course's list without it, and
restoring an archive that has the content brings it back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from django.db import connection

from archive import xml
from archive.findings import Finding
from archive.parallel import in_order
from courses import pool, sentinel
from courses.models.files import EMPTY, File
from courses.pool import Opener, TakenContent
from courses.registry import item_types
from jobs.plan import StepEvent
from restore.acceptance import digits_of
from restore.archived_records import ArchivedRecords
from restore.context import RestoreContext
from restore.members import course_of
from restore.owners import folder

FILES = "files.xml"
TICK = 50
BATCH = 1000
"""Files whose contents a precheck looks for in the pool at once."""

SHA1 = re.compile(r"[0-9a-f]{40}\Z")
Take = Callable[..., TakenContent]
"""Read a content from an opener and check its `sha1`: `pool.take`, which stores it, or `pool.look`."""
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
    sentinel.require(pool.ALIAS)
    left_out: list[ListedFile] = []
    for one, missing in _looked_for(context):
        if not SHA1.match(one.sha1):
            yield Finding(
                "error",
                "content-unnamed",
                f"The content of the file “{one.name}” has no SHA-1: {one.sha1[:50]!r}.",
                f"{FILES}, file {one.old_id}",
                "The archive was changed after it was made; get it again.",
            )
        elif missing:
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


def _looked_for(context: RestoreContext) -> Iterator[tuple[ListedFile, bool]]:
    """Yield each file, and whether its content is neither in the archive nor in the pool; each content is looked for once."""
    files = restored_files(context)
    missing: dict[str, bool] = {EMPTY: False}
    while batch := list(islice(files, BATCH)):
        new = {
            one.sha1
            for one in batch
            if one.sha1 not in missing and one.name != FOLDER and SHA1.match(one.sha1)
        }
        named = {one.sha1: _member_in(context, one) is None for one in batch if one.sha1 in new}
        there = pool.present([sha1 for sha1, absent in named.items() if absent])
        missing |= {sha1: absent and sha1 not in there for sha1, absent in named.items()}
        yield from ((one, one.name != FOLDER and missing.get(one.sha1, False)) for one in batch)


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

    A content that only the pool has is checked there. At the end all of them are on the disk.
    """
    with pool.storing():
        yield from _read_contents(context, pool.take)
        yield 0


def look_at_contents(context: RestoreContext) -> Iterator[StepEvent]:
    """Read every content of the archive once and store none; yield the findings of `load_contents`."""
    sentinel.require(pool.ALIAS)
    return _read_contents(context, _look)


def _look(opener: Opener, *, sha1: str = "") -> TakenContent:
    """Read a content, store nothing, and say whether the pool has it."""
    return pool.look(opener, sha1=sha1)._replace(here=pool.exists(sha1))


class ReadContent(NamedTuple):
    """A content that was looked for in the archive, and in the pool if the archive lacks it.

    `member` is where the archive has it; `taken` is None if it is there with another hash, or nowhere whole.
    `missing` is True if neither has it.
    """

    one: ListedFile
    member: str | None
    taken: TakenContent | None
    missing: bool = False


def _read_contents(context: RestoreContext, take: Take) -> Iterator[StepEvent]:
    """Give every content of the archive to `take`, each once; yield a finding for each that is not as it should be."""
    context.files = context.contents = context.contents_here = 0
    read = partial(_read_content, context, take)
    for number, content in enumerate(in_order(read, _distinct(context), threads=pool.threads()), 1):
        yield from _noted(context, content, take)
        if number % TICK == 0:
            yield 0
    yield 0


def _distinct(context: RestoreContext) -> Iterator[ListedFile]:
    """Yield the first file of each content, and count the files."""
    done: set[str] = set()
    for one in restored_files(context):
        context.files += one.name != FOLDER
        if one.sha1 not in done:
            done.add(one.sha1)
            yield one


def _read_content(context: RestoreContext, take: Take, one: ListedFile) -> ReadContent:
    """Give a content to `take`, or look whether the pool has it. Several threads do it at once; no database is used."""
    member = _member_in(context, one)
    if member is None:
        there = pool.exists(one.sha1)
        whole = there and pool.is_whole(one.sha1)
        if whole and take is not _look:
            pool.ensure_synced(one.sha1)
        return ReadContent(
            one, None, TakenContent(one.sha1, one.size, here=True) if whole else None, not there
        )
    try:
        return ReadContent(one, member, take(partial(context.archive.open, member), sha1=one.sha1))
    except pool.WrongHash:
        return ReadContent(one, member, None)


def _noted(context: RestoreContext, content: ReadContent, take: Take) -> Iterator[Finding]:
    """Count a content that was read, and yield the findings about it."""
    one, taken = content.one, content.taken
    if content.member is None:
        context.contents_here += not content.missing
        if taken is None and not content.missing:
            yield _damaged(context, one)
        return
    if taken is None:
        yield _take_changed(context, one, content.member, take)
        return
    context.contents += 1
    context.contents_here += taken.here
    if taken.healed:
        yield _healed(context, one)
    if taken.size != one.size:
        context.sizes[one.sha1] = taken.size
        yield _wrong_size(context, one, taken.size)


def _take_changed(context: RestoreContext, one: ListedFile, member: str, take: Take) -> Finding:
    """Give a content that has another hash than its name to `take` under its own hash, if that may be; return the finding.

    It may be by the option `changed_contents`, or if the name is the hash of the file's name, as some programs write it.
    """
    by_name = one.sha1 in _hashes_of_name(one)
    wanted = context.selection.settings.on("changed_contents") and not pool.exists(one.sha1)
    if not (by_name or wanted):
        return _wrong_hash(context, one)
    true, size, *_ = take(partial(context.archive.open, member))
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


def put_right(context: RestoreContext) -> None:
    """Give files the sizes of their contents, and remove those of records that did not come into the target course.

    All files, and all records that files belong to, must have been loaded.
    """
    correct_sizes(context)
    if context.target.course is None:
        return
    missing = context.ids.missing()
    for (component, area), item_type in item_types("files").items():
        if olds := missing.get(item_type):
            items = [new for old in olds if (new := context.ids.mention(item_type, old)) is not None]
            rows = File.objects.filter(course=course_of(context), component=component, filearea=area)
            rows.filter(itemid__in=items).delete()


def correct_sizes(context: RestoreContext) -> None:
    """Give the files that have come the hashes and sizes of their contents, where the archive said otherwise."""
    course = course_of(context).pk
    with connection.cursor() as cursor:
        for sql, corrected in ((RENAME, context.renamed_contents), (RESIZE, context.sizes)):
            if corrected:
                cursor.execute(sql, [[*corrected], [*corrected.values()], course])
