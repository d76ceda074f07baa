"""Checks that an archive is whole: every member readable and as it was written, every hash right, every reference resolved.

An error stops a restore or loses data. A restore copes with a warning. Anything else, such as references to people who are not
in the archive, is information.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from archive import references, xml
from archive.comparison.digest import read_records
from archive.comparison.identities import ITEM_TYPES, Identities, Presence, read_identities
from archive.container import Archive
from archive.errors import ArchiveError, CoursekeepError
from archive.findings import Finding, Level
from archive.integrity import Signer, changed_members, is_content, unknown_author
from archive.local_references import LocalReferences
from archive.manifest import Manifest, read_manifest
from archive.numbers import whole_or
from archive.streams import EMPTY_CONTENT, HashedStream, drain

Progress = Callable[[int], None]

POOL = "files/"
FILES = "files.xml"
INFOREF = "inforef.xml"
GENERAL = ("files.xml", "groups.xml", "roles.xml", "scales.xml", "outcomes.xml", "questions.xml")
COURSE = ("course.xml", "enrolments.xml", "roles.xml", "inforef.xml")
SECTION = ("section.xml", "inforef.xml")
ACTIVITY = ("module.xml", "inforef.xml", "roles.xml", "grades.xml")
COUNTED = ITEM_TYPES.keys() - {"course"}
"""Item types whose records an archive may reference without containing them; such references are only counted."""


def verify(
    archive: Archive, *, signer: Signer | None = None, progress: Progress | None = None
) -> Iterator[Finding]:
    """Yield findings on an open archive; none if it is intact.

    `signer` is this site: with it, signatures are checked. `progress` is called with the number of unpacked bytes that were
    just read. Damage is a finding, not an exception.
    """
    read = _Reading(archive, progress or (lambda _: None))
    yield from read.findings()
    try:
        manifest = read_manifest(archive)
    except ArchiveError as error:
        if read.sound:  # else the unreadable member was reported already
            yield finding_of(error)
        return
    sizes = {path: member.size for path, member in archive.members.items()}
    missing = [*_missing(archive, manifest), *_index(archive)]
    integrity = manifest.integrity
    if integrity is not None:
        missing += changed_members(integrity, read.digests, sizes)
    yield from {(finding.code, finding.place): finding for finding in missing}.values()
    yield from unknown_author(
        integrity,
        release=manifest.moodle_release,
        site_hash=manifest.original_site_identifier_hash,
        signer=signer,
    )
    if read.sound:
        try:
            yield from _references(archive, manifest)
        except ArchiveError as error:
            yield finding_of(error)


def finding_of(error: CoursekeepError) -> Finding:
    """Return the finding for an error: same code, message, place and hint."""
    return Finding("error", error.code, error.message, place=error.where, hint=error.hint)


class _Reading:
    """Reads every member once. `digests` are the SHA-256 of members that are no contents; `sound` is False after an error."""

    def __init__(self, archive: Archive, progress: Progress) -> None:
        self._archive, self._progress = archive, progress
        self.digests: dict[str, str] = {}
        self.sound = True

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each member that cannot be read or is no content of its name."""
        for path, member in self._archive.members.items():
            for finding in self._read(path):
                self.sound = self.sound and finding.level != "error"
                yield finding
            self._progress(member.size)

    def _read(self, path: str) -> Iterator[Finding]:
        try:
            if path.startswith(POOL):
                yield from _content(self._archive, path)
            if not is_content(path):
                with self._archive.open(path) as stream:
                    yield from self._digest(path, HashedStream(stream))
        except ArchiveError as error:
            yield finding_of(error)

    def _digest(self, path: str, stream: HashedStream) -> Iterator[Finding]:
        if path.endswith(".xml") and not path.startswith(POOL):
            try:
                xml.check(cast(BinaryIO, stream), member=path)
            except ArchiveError as error:
                yield finding_of(error)
        drain(stream)
        self.digests[path] = stream.digest.hexdigest()


def _content(archive: Archive, path: str) -> Iterator[Finding]:
    digest = _sha1(archive, path)
    if not is_content(path):
        yield Finding(
            "warning", "stray-file", "The file is not named by its hash; it is ignored.", place=path
        )
    elif digest != path.rpartition("/")[2]:
        yield Finding(
            "error",
            "wrong-hash",
            f"The file's content is not what it was: its hash is {digest}.",
            place=path,
            hint="The archive was damaged or changed after it was made; get it again.",
        )


def _sha1(archive: Archive, path: str) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    with archive.open(path) as stream:
        drain(stream, digest.update)
    return digest.hexdigest()


def _missing(archive: Archive, manifest: Manifest) -> Iterator[Finding]:
    wanted = list(GENERAL)
    if manifest.with_users:
        wanted.append("users.xml")
    if manifest.archive_type == "course":
        wanted += (f"course/{name}" for name in COURSE)
    for section in manifest.sections:
        wanted += (f"{section.directory}/{name}" for name in SECTION)
    for activity in manifest.activities:
        wanted += (f"{activity.directory}/{name}" for name in (f"{activity.modulename}.xml", *ACTIVITY))
    for path in wanted:
        if path not in archive:
            yield Finding(
                "error",
                "missing-member",
                "The member is missing from the archive.",
                place=path,
                hint="The archive was damaged or changed after it was made; get it again.",
            )


def _index(archive: Archive) -> Iterator[Finding]:
    """Yield findings on members that the index of a tar.gz lists and that are missing or have another size."""
    if archive.index is None:
        return
    for line in archive.index.decode("utf-8", "replace").splitlines()[1:]:
        path, _, rest = line.partition("\t")
        entry_type, _, rest = rest.partition("\t")
        size = rest.partition("\t")[0]
        if entry_type != "f":
            continue
        if path not in archive:
            yield Finding(
                "error", "missing-member", "The archive's index lists it, but it is missing.", place=path
            )
        elif str(archive.members[path].size) != size:
            message = f"The member has {archive.members[path].size} bytes, the archive's index says {size}."
            yield Finding("warning", "index-differs", message, place=path)


def _references(archive: Archive, manifest: Manifest) -> Iterator[Finding]:
    known = read_identities(
        archive,
        manifest,
        activities=list(manifest.activities),
        sections=list(manifest.sections),
        known=Presence(),
    )
    if FILES in archive:
        yield from _files(archive, manifest, known)
    outside: Counter[tuple[str, str]] = Counter()
    for path in archive.members:
        if path.endswith(".xml") and not path.startswith(POOL) and path != FILES:
            yield from _references_of(archive, path, known, outside, people=manifest.with_users)
    for (item_type, place), count in sorted(outside.items()):
        message = (
            f"References to {ITEM_TYPES.get(item_type, item_type)} that are not in the archive: {count}."
        )
        yield Finding("info", "outside-reference", message, place=place)


def _references_of(
    archive: Archive, path: str, known: Identities, outside: Counter[tuple[str, str]], *, people: bool
) -> Iterator[Finding]:
    """Yield findings on missing records that an `inforef.xml` lists; count other missing targets in `outside`."""
    local = LocalReferences()
    behind: Counter[str] = Counter()
    file = path.rpartition("/")[2]
    for record in read_records(archive, path, known, with_inner=False):
        if record.behind:
            behind[f"{record.path}/{record.behind}"] += 1
        element = record.path.rpartition("/")[2]
        if element in references.elements():
            local.add_record(element, record.identifier)
        for field in record.fields:
            if field.canonical is not None or field.raw == "0" or not xml.is_id(field.raw):
                continue
            rule, place = field.rule, f"{file} {record.path}/{field.name}"
            if rule.comparison == "local":
                local.add(rule.elements, whole_or(field.raw), place)
            elif rule.item_type not in COUNTED:
                continue
            elif file == INFOREF and (people or rule.item_type != "user"):
                yield _unresolved(path, rule.item_type, field.raw)
            else:
                outside[rule.item_type, place] += 1
    yield from _behind(path, behind)
    for elements, place, count in local.lost():
        outside[f"records <{'> or <'.join(elements)}>", place] += count


def _behind(path: str, behind: Counter[str]) -> Iterator[Finding]:
    """Yield a warning for each element with a value behind a nested one of its record, by its path in the member.

    Moodle's writer never puts one there (`backup_nested_element`); its reader takes it for another record that has nothing
    else (`progressive_parser::end_tag`), while a restore here reads both orders.
    """
    for place, count in sorted(behind.items()):
        records = "1 record" if count == 1 else f"{count} records"
        yield Finding(
            "warning",
            "leaf-behind-nested",
            f"<{place.rpartition('/')[2]}> stands behind the first nested element in {records}.",
            place=f"{path}, {place}",
            hint="Moodle takes it for a second, empty record and may refuse the archive. Restore it here and back it up again.",
        )


def _unresolved(path: str, item_type: str, raw: str) -> Finding:
    level: Level = "error" if item_type == "file" else "warning"
    message = f"It lists the {item_type.replace('_', ' ')} {raw}, which is not in the archive."
    return Finding(level, "unresolved-reference", message, place=path)


def _files(archive: Archive, manifest: Manifest, known: Identities) -> Iterator[Finding]:
    """Yield findings on files: a missing content, a wrong size, a context that the archive does not have."""
    listed: set[str] = set()
    lost: Counter[tuple[str, str]] = Counter()
    with archive.open(FILES) as stream:
        for element in xml.records(stream, member=FILES, tags=("file",)):
            name = element.findtext("contenthash") or ""
            path = f"{POOL}{name[:2]}/{name}"
            if path in archive:
                listed.add(path)
            place = f"{FILES}, file {element.get('id')}"
            context = element.findtext("contextid") or ""
            if known.token("context", context) is None:
                lost[element.findtext("component") or "", element.findtext("filearea") or ""] += 1
            if path not in archive:
                external = (element.findtext("repositoryid") or xml.NULL) != xml.NULL
                if manifest.include_files and not external and path != EMPTY_CONTENT:
                    message = f"The content {name} of {_name(element)} is missing."
                    yield Finding("error", "missing-content", message, place=place)
            elif element.findtext("filesize") != str(archive.members[path].size):
                size = archive.members[path].size
                message = f"{_name(element)} has {size} bytes instead of {element.findtext('filesize')}."
                yield Finding("error", "wrong-size", message, place=place)
    for (component, area), count in sorted(lost.items()):
        message = f"{count} files of {component}/{area} belong to a context that is not in the archive."
        yield Finding("info", "outside-file", message, place=FILES)
    stray = [path for path in archive.members if path.startswith(POOL) and path not in listed]
    for path in stray:
        yield Finding("warning", "unlisted-content", "No file in files.xml has this content.", place=path)


def _name(element: xml.Element) -> str:
    return f"{element.findtext('filepath') or ''}{element.findtext('filename') or ''}"
