"""Digests of an archive's members and the signature of the site that wrote it: the element `<integrity>` of the manifest.

    <integrity>
      <members>
    3a7b...  activities/forum_7/forum.xml      SHA-256 and path, in lines as the program sha256sum writes and checks them
      </members>
      <contents count="2" bytes="1200" sha256="..."/>
      <signature key="...">HMAC-SHA-256</signature>
    </integrity>

It is the last element, beside `<information>`, where Moodle does not look. Contents of files are named by their hash, so one
digest covers the list of their paths and sizes. The signature covers every byte of the manifest before itself.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from archive import xml
from archive.findings import Finding, Level
from archive.numbers import natural

MANIFEST = "moodle_backup.xml"
END = b"\n</moodle_backup>"
WRITER = "(Coursekeep)"
"""End of the release in the manifests that Coursekeep writes."""

LINES = 5000
"""Lines of one element `<members>`: the XML library refuses texts of more than 10 MB."""

_CONTENT = re.compile(r"files/([0-9a-f]{2})/\1[0-9a-f]{38}")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_SIGNATURE = re.compile(rb' {4}<signature key="([0-9a-f]{16})">([0-9a-f]{64})</signature>\n {2}</integrity>')
_HINT = "The archive was damaged or changed after it was made; get it again."


@dataclass(frozen=True, slots=True)
class Signer:
    """A site as the author of archives: the hash by which manifests name it, and its keys; the first one signs.

    The others are former keys, whose signatures are still accepted.
    """

    site_hash: str
    keys: tuple[bytes, ...]

    def key_of(self, identifier: str) -> bytes | None:
        """Return the key with this identifier, None if the site does not have it."""
        return next((key for key in self.keys if key_identifier(key) == identifier), None)


@dataclass(frozen=True, slots=True)
class ContentList:
    """The contents of files in an archive: their number, the sum of their sizes in bytes, and the digest of the list."""

    count: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MemberDigests:
    """The digests of all members but the manifest: SHA-256 in hex by path, and one for the list of contents of files."""

    members: Mapping[str, str]
    contents: ContentList


@dataclass(frozen=True, slots=True)
class Integrity:
    """The element `<integrity>` of a manifest: digests, identifier of the key, signature, and what the signature covers.

    `signed` is the SHA-256 of the covered bytes; it is empty if the manifest does not end as it was written.
    """

    digests: MemberDigests
    key: str
    signature: str
    signed: bytes = field(repr=False)

    def is_signed_with(self, keys: Sequence[bytes]) -> bool:
        """True if one of the keys made the signature, and the manifest has not changed since.

        The members are as they were written only if `changed_members` finds nothing too.
        """
        return bool(self.signed) and any(
            hmac.compare_digest(_signature(key, self.signed), self.signature) for key in keys
        )


def is_content(path: str) -> bool:
    """True for the path of a file's content, which is named by its SHA-1: `files/ab/abcdef...`."""
    return _CONTENT.fullmatch(path) is not None


def list_contents(sizes: Mapping[str, int]) -> ContentList:
    """Return the list of the contents among members, given the size of each member in bytes by path."""
    found = sorted((path, size) for path, size in sizes.items() if is_content(path))
    lines = "".join(f"{path} {size}\n" for path, size in found)
    return ContentList(len(found), sum(size for _, size in found), sha256(lines.encode()).hexdigest())


def key_identifier(key: bytes) -> str:
    """Return the public name of a key, 16 hex digits, from which the key cannot be computed."""
    return sha256(b"key identifier" + key).hexdigest()[:16]


def with_integrity(manifest: bytes, digests: MemberDigests, key: bytes) -> bytes:
    """Return a manifest with the element `<integrity>` at its end, signed with `key`."""
    if not manifest.endswith(END):
        raise ValueError("The manifest does not end with its root element.")
    covered = b"".join([manifest.removesuffix(END), b"\n  <integrity>\n", *_elements(digests)])
    signature = _signature(key, sha256(covered).digest())
    last = f'    <signature key="{key_identifier(key)}">{signature}</signature>\n  </integrity>'
    return covered + last.encode() + END


def read_integrity(root: xml.Element, data: bytes) -> Integrity | None:
    """Return the element `<integrity>` of a manifest, None if it has none. `root` is the parsed manifest, `data` its bytes.

    Whatever is malformed in it makes the signature wrong.
    """
    element = root.find("integrity")
    if element is None:
        return None
    lines = (_LINE.fullmatch(line) for text in element.iterfind("members") for line in _lines_of(text))
    members = {found[2]: found[1] for found in lines if found}
    contents = element.find("contents")
    given: Mapping[str, str] = {} if contents is None else {str(k): str(v) for k, v in contents.items()}
    count, size = (natural(given.get(name, "")) or 0 for name in ("count", "bytes"))
    digests = MemberDigests(members, ContentList(count, size, given.get("sha256", "")))
    position = data.rfind(b"    <signature ")
    found = _SIGNATURE.fullmatch(data[position:].removesuffix(END)) if data.endswith(END) else None
    if position < 0 or found is None:
        return Integrity(digests, "", "", b"")
    signed = sha256(memoryview(data)[:position]).digest()
    return Integrity(digests, found[1].decode(), found[2].decode(), signed)


def unknown_author(
    integrity: Integrity | None, *, release: str, site_hash: str, signer: Signer | None
) -> Iterator[Finding]:
    """Yield a finding if it is not certain that this site, `signer`, wrote the manifest as it is.

    `release` and `site_hash` are from the manifest. Without a signer no signature can be checked.
    """
    if integrity is None:
        yield from _unsigned(release, site_hash, signer)
    elif not integrity.signed:
        yield _author("error", "changed-manifest", "The manifest was changed after it was signed.", _HINT)
    elif signer is None:
        yield _author(
            "info",
            "unchecked-signature",
            "The signature was not checked, since that takes the key of the site that made the archive.",
            "Run manage.py verify there.",
        )
    elif integrity.is_signed_with(signer.keys):
        return
    elif signer.key_of(integrity.key) is not None:
        yield _author(
            "error", "changed-manifest", "The manifest was changed after this site had signed it.", _HINT
        )
    elif site_hash == signer.site_hash:
        yield _author(
            "warning",
            "other-signature",
            "The archive says that this site made it, but it is signed with another key.",
            "Either the key of this site was replaced, or someone else made the archive.",
        )
    else:
        yield _author(
            "info",
            "other-signature",
            "Another site signed the archive; only that site can check the signature.",
        )


def changed_members(
    integrity: Integrity, digests: Mapping[str, str], sizes: Mapping[str, int]
) -> Iterator[Finding]:
    """Yield an error for each member that was changed, added or removed since the archive was written.

    `sizes` has the bytes of all members that are there, `digests` the SHA-256 of those that were read, both by path. Changed
    contents of files are not among them: their name tells.
    """
    written = integrity.digests.members
    there = {path for path in sizes if path != MANIFEST and not is_content(path)}
    for path, digest in digests.items():
        if path in written and written[path] != digest:
            message = f"The member was changed: its SHA-256 is {digest}; when it was written it was {written[path]}."
            yield Finding("error", "changed-member", message, place=path, hint=_HINT)
    for path in sorted(there - written.keys()):
        yield Finding(
            "error",
            "added-member",
            "The member was added after the archive was made.",
            place=path,
            hint=_HINT,
        )
    for path in sorted(written.keys() - there):
        yield Finding(
            "error", "missing-member", "The member is missing from the archive.", place=path, hint=_HINT
        )
    now, then = list_contents(sizes), integrity.digests.contents
    if now != then:
        message = (
            f"Contents of files were added, removed or exchanged: there are {now.count} with {now.size} bytes, and "
            f"{then.count} with {then.size} bytes were written."
        )
        yield Finding("error", "changed-contents", message, place="files/", hint=_HINT)


def _elements(digests: MemberDigests) -> Iterator[bytes]:
    lines = [f"{digest}  {path}\n" for path, digest in sorted(digests.members.items())]
    for start in range(0, len(lines), LINES):
        text = xml.escape("".join(lines[start : start + LINES]))
        yield f"    <members>\n{text}    </members>\n".encode()
    contents = digests.contents
    yield f'    <contents count="{contents.count}" bytes="{contents.size}" sha256="{contents.sha256}"/>\n'.encode()


def _lines_of(element: xml.Element) -> list[str]:
    return (element.text or "").split("\n")


def _signature(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, sha256).hexdigest()


def _unsigned(release: str, site_hash: str, signer: Signer | None) -> Iterator[Finding]:
    ours = signer is not None and site_hash == signer.site_hash
    if ours or release.endswith(WRITER):
        yield _author(
            "warning",
            "not-signed",
            f"The archive says that {'this site' if ours else 'Coursekeep'} made it, but it is not signed.",
            "Either an older Coursekeep made it, or its signature was taken away.",
        )
    elif signer is not None:
        yield _author(
            "info",
            "not-signed",
            "A Moodle made the archive. It has no digests of its members and no signature.",
        )


def _author(level: Level, code: str, message: str, hint: str = "") -> Finding:
    return Finding(level, code, message, place=MANIFEST, hint=hint)
