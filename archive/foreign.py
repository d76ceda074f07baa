"""Recognise archives of other formats by their manifest, to say what they are and how to go on."""

from __future__ import annotations

from collections.abc import Iterable

from archive.errors import NotAnArchive, UnsupportedArchive

OTHER_FORMATS = {
    "imsmanifest.xml": (
        "The file is a Common Cartridge or another package of IMS or SCORM ({name}), not a course backup of Moodle.",
        "Restore it in a Moodle, or add it there as a package, and make a backup of the course.",
    ),
    "moodle.xml": (
        "The file is a course backup of Moodle 1.9 or older ({name}).",
        "Restore it with Moodle 2 or later and make a new backup there.",
    ),
    "course_info.dat": (
        "The file is a course backup of Chamilo ({name}), not of Moodle.",
        "Export the course there in Moodle's format.",
    ),
    ".bb-package-info": (
        "The file is a course package of Blackboard ({name}), not a course backup of Moodle.",
        "Import it in a Moodle and make a backup of the course there.",
    ),
}
"""The message and the hint for each format that is not read, by the name of its manifest."""


def without_manifest(paths: Iterable[str], manifest: str) -> NotAnArchive | UnsupportedArchive:
    """Return the error for an archive without `manifest`: what it is, if the manifest of another format is in it."""
    names = {path.rpartition("/")[2]: path for path in sorted(paths, key=len, reverse=True)}
    for name, (message, hint) in OTHER_FORMATS.items():
        if name in names:
            return UnsupportedArchive(message.format(name=names[name]), hint=hint)
    return NotAnArchive(
        f"The archive holds no course backup: it has no {manifest}.",
        hint="Choose a file made by a course backup; its name usually ends in .mbz.",
    )


def name_of_format(form: str) -> str:
    """Return the name of a format of Moodle's list in brackets, after a space; "" if it has none."""
    names = {"imscc": " (Common Cartridge)", "moodle1": " (Moodle 1.9)"}
    return next((name for start, name in names.items() if form.startswith(start)), "")
