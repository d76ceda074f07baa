"""The contents of files: put into the pool, under the hash that the archive promises, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator

from archive import xml
from archive.errors import DamagedArchive
from archive.findings import Finding
from courses import pool
from courses.models.files import EMPTY
from restore.archived_records import ArchivedRecords
from restore.context import RestoreContext

FILES = "files.xml"
TICK = 50


def member_of(sha1: str) -> str:
    """The member that holds a content."""
    return f"files/{sha1[:2]}/{sha1}"


def listed(context: RestoreContext) -> Iterator[tuple[str, str, str]]:
    """The files that come along: hash, old id, and the name for people."""
    if FILES not in context.archive:
        return
    records = ArchivedRecords(context.archive, context.manifest)
    with context.archive.open(FILES) as stream:
        for element in xml.records(stream, member=FILES, tags=("file",)):
            values = {str(child.tag): child.text for child in element}
            if context.acceptance.file_comes(values, held=records.has):
                yield (
                    element.findtext("contenthash") or "",
                    element.get("id", ""),
                    element.findtext("filename") or "",
                )


def review_contents(context: RestoreContext) -> Iterator[Finding]:
    """An error for each content that a file needs and the archive does not have."""
    for sha1, old, name in listed(context):
        if sha1 != EMPTY and member_of(sha1) not in context.archive and not _reference(name):
            yield Finding(
                "error",
                "content-missing",
                f"The content of the file “{name}” is missing.",
                f"{FILES}, file {old}, {member_of(sha1)}",
                "Get the archive again, or restore without files (files=0).",
            )


def load_contents(context: RestoreContext) -> Iterator[int]:
    """Puts every content into the pool once. Raises DamagedArchive when one is not what it should be."""
    done: set[str] = set()
    for sha1, old, name in listed(context):
        if sha1 in done or (sha1 == EMPTY and member_of(sha1) not in context.archive):
            continue
        done.add(sha1)
        with context.archive.open(member_of(sha1)) as stream:
            try:
                pool.put(stream, sha1=sha1)
            except pool.WrongHash:
                raise DamagedArchive(
                    f"The content of the file “{name}” has the wrong hash.",
                    where=f"{member_of(sha1)}, file {old}",
                    hint="It was changed or damaged; get the archive again.",
                ) from None
        if len(done) % TICK == 0:
            yield 0
    context.files = len(done)
    yield 0


def _reference(name: str) -> bool:
    return name == "."
