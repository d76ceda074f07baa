"""Make an anonymous archive of an archive, member by member, without restoring it.

It has what an anonymous backup of the same course would have: the models say of each element what it is, and what no model
describes is judged by `archive/judgement.py`. The database is not asked. The people are those of the archive's `users.xml`.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from archive import layout, opaque, versions, xml
from archive.container import Archive
from archive.details import KnownDetails
from archive.errors import UsageError
from archive.findings import Finding
from archive.inforef import GROUPS
from archive.integrity import WRITER, with_integrity
from archive.judgement import LeftOut, OpaquePeople, part_of
from archive.manifest import Manifest, ManifestSetting, format_manifest, read_manifest
from archive.numbers import whole_or
from archive.pseudonyms import pseudonym, pseudonyms
from archive.users import USERS, details_in_archive, people_listed
from archive.writer import ArchiveWriter
from backup.hidden_words import HiddenWords
from backup.manifest import with_texts
from backup.member_copy import MemberCopy
from backup.moodle_version import version_for
from courses import structure
from courses.archive_release import release_of
from courses.members import description_of
from courses.signing import signed_here, signer, site_hash

COURSE = "course"
"""The owner of members that are of no section, activity or block."""


@dataclass
class AnonymousCopy:
    """The copy of one archive to a writer. `key` makes the pseudonyms.

    `single_names` says that first and family names by themselves are details too; without `texts` what people wrote stays
    away. While members are copied, these are noted for those that are copied later: `mentioned`, the old ids of the people
    whom what is written refers to, by the folder of the owner; `files`, the ids of the files that come along, and
    `contents`, the hashes of their contents; `held`, the ids of the course's own records that share a file area with people's.
    """

    archive: Archive
    writer: ArchiveWriter
    key: str
    name: str
    single_names: bool = False
    texts: bool = True
    left_out: LeftOut = field(default_factory=LeftOut)
    mentioned: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    contents: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    held: defaultdict[structure.Model, set[int]] = field(default_factory=lambda: defaultdict(set))

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest of the archive."""
        return read_manifest(self.archive)

    @cached_property
    def known(self) -> KnownDetails:
        """The details of the people of the archive."""
        return KnownDetails(details_in_archive(self.archive, single_names=self.single_names))

    @cached_property
    def hidden(self) -> HiddenWords:
        """The replacement of details in texts."""
        return HiddenWords(self.known, lambda person: pseudonyms(self.pseudonym(person)))

    def pseudonym(self, person: int) -> int:
        """Return the pseudonym of a person's id."""
        return pseudonym(self.key, person)

    def write(self, *, progress: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
        """Write all members of the copy; yield findings. Raises UsageError if the archive has no people or is anonymous."""
        if USERS not in self.archive:
            raise UsageError(
                "The archive has no people.",
                where=self.archive.name,
                hint="Nothing has to be hidden; use it as it is.",
            )
        if self.manifest.anonymised:
            raise UsageError(
                "The archive is anonymous already.", where=self.archive.name, hint="Use it as it is."
            )
        versions.modernise(self.archive, self.manifest.backup_version)
        last = {USERS: 1, layout.FILES: 2}
        paths = [path for path in sorted(self.archive.members) if path not in (layout.MANIFEST, layout.LOG)]
        members = [path for path in paths if not path.startswith("files/") and not _is_list(path)]
        for path in sorted(members, key=lambda path: (last.get(path, 0), path)):
            self._write_member(path)
            progress(self.archive.members[path].size)
        for path in filter(_is_list, paths):
            self._write_references(path)
        for path in (path for path in paths if path.startswith("files/")):
            if path.rpartition("/")[2] in self.contents:
                self.writer.content(path, self.archive.members[path].size, partial(self.archive.open, path))
            progress(self.archive.members[path].size)
        self._write_manifest()
        yield from self.left_out.findings()

    def _write_member(self, path: str) -> None:
        description = description_of(path)
        if description is not None and not description.opaque:
            with self.writer.member(path) as target, self.archive.open(path) as stream:
                copy = MemberCopy(self, description, path)
                for _ in xml.feed(copy, stream, member=path):
                    target.write(copy.take().encode())
                target.write(copy.take().encode())
        elif path.endswith(".xml"):
            who = self.who(part_of(path), listed=people_listed(self.archive, path.rpartition("/")[0]))
            with self.writer.member(path) as target, self.archive.open(path) as stream:
                for piece in opaque.rewrite(
                    stream, member=path, mapped=self.mapped(owner_of(path)), people=False, who=who
                ):
                    target.write(piece)
        else:
            self.left_out.counter(part_of(path))["members"] += 1

    def who(self, part: str, *, listed: frozenset[int] = frozenset()) -> OpaquePeople:
        """Return what is known of people where something opaque is copied; `part` names it in findings."""
        return OpaquePeople(
            known=self.people.__contains__,
            listed=listed,
            details=self.known,
            left=self.left_out.counter(part),
        )

    @cached_property
    def people(self) -> frozenset[int]:
        """The ids of the people of the archive."""
        with self.archive.open(USERS) as stream:
            numbers = (user.get("id", "") for user in xml.records(stream, member=USERS, tags=("user",)))
            return frozenset(whole_or(number) for number in numbers if xml.is_id(number))

    def mapped(self, owner: str) -> opaque.Mapped:
        """Return a function that maps ids of people to pseudonyms, and notes that the owner mentions them."""

        def shown(item_type: str, number: int) -> int:
            if item_type != "user":
                return number
            self.mentioned[owner].add(number)
            return self.pseudonym(number)

        return shown

    def is_mentioned(self, person: int) -> bool:
        """Whether anything that is written refers to a person."""
        return any(person in people for people in self.mentioned.values())

    def has_record(self, model: structure.Model, number: int) -> bool:
        """Whether a record of the course's own was written, which shares a file area with people's."""
        return number in self.held[model]

    def _write_references(self, path: str) -> None:
        """Write an `inforef.xml` with the people whom what is written refers to, and the files that come along."""
        root = xml.parse(self.archive.read(path), member=path)
        group, _ = GROUPS["user"]
        people = self.mentioned[path.rpartition("/")[0]]
        for entry in list(root.iterfind(f"{group}/*")):
            number = entry.find("id")
            text = (number.text or "") if number is not None else ""
            if number is not None and xml.is_id(text) and whole_or(text) in people:
                number.text = str(self.pseudonym(whole_or(text)))
            elif (parent := entry.getparent()) is not None:
                parent.remove(entry)
        files, _ = GROUPS["file"]
        for entry in list(root.iterfind(f"{files}/*")):
            if entry.findtext("id") not in self.files and (parent := entry.getparent()) is not None:
                parent.remove(entry)
        for one in list(root):
            if len(one) == 0:
                root.remove(one)
        who = self.who(part_of(path))
        with self.writer.member(path) as target:
            target.write(xml.DECLARATION.encode())
            target.write(opaque.rewrite_element(root, mapped=lambda _, number: number, who=who).encode())

    def _write_manifest(self) -> None:
        with self.writer.member(layout.LOG) as stream:
            stream.write(b"")
        said = {"anonymize": "1", "filename": self.name}
        settings = [
            replace(one, value=said.pop(one.name)) if one.level == "root" and one.name in said else one
            for one in self.manifest.settings
        ]
        settings += [ManifestSetting("root", name, value) for name, value in said.items()]
        version = version_for("", release_of(self.manifest))
        manifest = replace(
            self.manifest,
            name=self.name,
            moodle_version=str(version.number),
            moodle_release=f"{version.release} {WRITER}",
            backup_version=version.number,
            backup_release=version.release,
            settings=tuple(settings),
        )
        manifest = with_texts(manifest, self.hidden.course_text)
        digests = self.writer.digests()
        with self.writer.member(layout.MANIFEST) as target:
            target.write(with_integrity(format_manifest(manifest), digests, self._signing_key()))

    def _signing_key(self) -> bytes:
        """Return the key that signs the copy: the site's, unless the archive claims to be the site's and is not signed so."""
        forged = self.manifest.original_site_identifier_hash == site_hash() and not signed_here(self.manifest)
        return secrets.token_bytes(32) if forged else signer().keys[0]


def _is_list(path: str) -> bool:
    """Whether a member is an `inforef.xml`."""
    return path.rpartition("/")[2] == layout.INFOREF


def owner_of(path: str) -> str:
    """Return the folder of the owner whose `inforef.xml` lists what a member refers to."""
    folder = path.rpartition("/")[0]
    return folder or COURSE
