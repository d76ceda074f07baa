"""The contents of files: put into the pool, under the hash that the archive promises, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator

from archive import xml
from archive.errors import DamagedArchive
from archive.findings import Finding
from courses import pool
from courses.models.files import EMPTY
from restore.context import Restoration, digits_of

FILES = "files.xml"
TICK = 50


def member_of(sha1: str) -> str:
    """The member that holds a content."""
    return f"files/{sha1[:2]}/{sha1}"


def listed(restoration: Restoration) -> Iterator[tuple[str, str, str]]:
    """The files that come along: hash, old id, and the name for people."""
    if FILES not in restoration.archive:
        return
    with restoration.archive.open(FILES) as stream:
        for element in xml.records(stream, member=FILES, tags=("file",)):
            if digits_of(element.findtext("contextid")) not in restoration.skipped_contexts:
                yield element.findtext("contenthash") or "", element.get("id", ""), element.findtext("filename") or ""


def review_contents(restoration: Restoration) -> Iterator[Finding]:
    """An error for each content that a file needs and the archive does not have."""
    for sha1, old, name in listed(restoration):
        if sha1 != EMPTY and member_of(sha1) not in restoration.archive and not _reference(name):
            yield Finding(
                "error",
                "content-missing",
                f"The content of the file “{name}” is missing.",
                f"{FILES}, file {old}, {member_of(sha1)}",
                "Get the archive again, or restore without files (files=0).",
            )


def load_contents(restoration: Restoration) -> Iterator[int]:
    """Puts every content into the pool once. Raises DamagedArchive when one is not what it should be."""
    done: set[str] = set()
    for sha1, old, name in listed(restoration):
        if sha1 in done or (sha1 == EMPTY and member_of(sha1) not in restoration.archive):
            continue
        done.add(sha1)
        with restoration.archive.open(member_of(sha1)) as stream:
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
    restoration.files = len(done)
    yield 0


def _reference(name: str) -> bool:
    return name == "."
