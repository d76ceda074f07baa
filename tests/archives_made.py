"""Archives for tests: the small one made by hand or a real one, with members changed, added or left out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from archive.container import open_archive
from selection.table import options_for
from tests.archive import sample

Change = bytes | tuple[str, str] | tuple[str, str, int] | None
"""A member's new content; a text in it, what stands there instead and how often; or None: without the member."""


def changed(contents: Mapping[str, bytes], changes: Mapping[str, Change]) -> dict[str, bytes]:
    """The members with these changes; a text that is to be replaced must be there."""
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
    """The members of the small archive, whose manifest says that it was made with everything."""
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
    """The small archive, with these changes, as a file."""
    target.write_bytes(packed(changed(members(), changes or {}), container=container))
    return target


def packed(contents: Mapping[str, bytes], *, container: Literal["tar.gz", "zip"] = "tar.gz") -> bytes:
    """The members as an archive, also with contents that do not have the hash of their name."""
    if container == "tar.gz":
        return sample.tar_of(*contents.items())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            archive.writestr(path, content)
    return target.getvalue()


def real(source: Path, target: Path, changes: Mapping[str, Change]) -> Path:
    """A real archive with these changes, as a file."""
    with open_archive(source) as archive:
        contents = {path: archive.read(path) for path in archive.members if path != ".ARCHIVE_INDEX"}
    target.write_bytes(packed(changed(contents, changes)))
    return target


def texts(path: Path) -> dict[str, str]:
    """Every XML member of an archive as text."""
    with open_archive(path) as archive:
        return {name: archive.read(name).decode() for name in archive.members if name.endswith(".xml")}
