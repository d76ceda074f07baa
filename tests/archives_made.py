"""Make archives for tests: the small handmade one or a real one, with members changed, added or removed."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from archive.container import open_archive
from selection.table import options_for
from tests.archive import sample

Change = bytes | tuple[str, str] | tuple[str, str, int] | None
"""The new content of a member; or (old text, new text) or (old, new, number of replacements); or None to remove it."""


def changed(contents: Mapping[str, bytes], changes: Mapping[str, Change]) -> dict[str, bytes]:
    """Return the members with these changes. Raises AssertionError if a text to replace is not there."""
    found = dict(contents)
    for path, change in changes.items():
        if change is None:
            del found[path]
        elif isinstance(change, bytes):
            found[path] = change
        else:
            old, new, *times = change
            assert old.encode() in found[path], f"{old!r} is not in {path}"
            found[path] = found[path].replace(old.encode(), new.encode(), *times)
    return found


def members() -> dict[str, bytes]:
    """Return the members of the small archive; its manifest has all options on."""
    found = sample.members()
    said = "".join(
        f"<setting><level>root</level><name>{option.name}</name><value>1</value></setting>"
        for option in options_for("backup")
        if option.level == "root" and option.kind == "switch" and option.name not in {"users", "anonymize"}
    )
    return changed(found, {"moodle_backup.xml": ("<settings>", f"<settings>{said}")})


def small(
    target: Path,
    changes: Mapping[str, Change] | None = None,
    *,
    container: Literal["tar.gz", "zip"] = "tar.gz",
) -> Path:
    """Write the small archive with these changes to `target`, and return that."""
    target.write_bytes(packed(changed(members(), changes or {}), container=container))
    return target


def packed(contents: Mapping[str, bytes], *, container: Literal["tar.gz", "zip"] = "tar.gz") -> bytes:
    """Return an archive of these members, also with contents that do not have the hash of their name."""
    if container == "tar.gz":
        return sample.tar_of(*contents.items())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            archive.writestr(path, content)
    return target.getvalue()


def real(source: Path, target: Path, changes: Mapping[str, Change]) -> Path:
    """Write the archive `source` with these changes to `target`, and return that."""
    with open_archive(source) as archive:
        contents = {path: archive.read(path) for path in archive.members if path != ".ARCHIVE_INDEX"}
    target.write_bytes(packed(changed(contents, changes)))
    return target


def texts(path: Path) -> dict[str, str]:
    """Return every XML member of an archive as text, by path."""
    with open_archive(path) as archive:
        return {name: archive.read(name).decode() for name in archive.members if name.endswith(".xml")}


def with_files(target: Path, contents: list[bytes]) -> Path:
    """Write the small archive with a file of its page for each of the contents, instead of its picture."""
    found = members()
    listed = found["files.xml"].decode()
    record = listed[listed.index("<file id") : listed.index("</files>")]
    picture = found.pop(sample.PICTURE_PATH)
    records = []
    for number, content in enumerate(contents):
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        one = record.replace('id="71"', f'id="{1000 + number}"').replace("a.png", f"{number}.txt")
        one = one.replace(sample.PICTURE_HASH, sha1)
        records.append(one.replace(f"<filesize>{len(picture)}<", f"<filesize>{len(content)}<"))
        found[f"files/{sha1[:2]}/{sha1}"] = content
    found["files.xml"] = listed.replace(record, "".join(records)).encode()
    target.write_bytes(packed(found))
    return target
