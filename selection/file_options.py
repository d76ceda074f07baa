"""Options of a backup for the file that it makes: its name, its format, and the Moodle for which it is written."""

from __future__ import annotations

from selection.option import Option, Use

FILE_OPTIONS: tuple[Option, ...] = (
    Option(
        name="filename",
        label="File name",
        help="The name of the archive. If empty, the name is made of type, course and date.",
        subject="file",
        kind="text",
        length=255,
        backup=Use(default="", free=True),
    ),
    Option(
        name="container",
        label="File format",
        help="tar.gz is smaller and has an index; zip opens with any program. Moodle reads both.",
        subject="file",
        kind="choice",
        choices=(("tar.gz", "tar.gz"), ("zip", "zip")),
        backup=Use(default="tar.gz"),
        travels=False,
    ),
    Option(
        name="moodle",
        label="Version of Moodle",
        help="The Moodle that the archive is written for. 4.5 has question categories in the course; since 5.0 they belong to "
        "question banks, which are activities. 5.0 takes names of 255 characters only.",
        subject="file",
        kind="choice",
        choices=(
            ("", "5.3 if the course has question banks, else that from which it came"),
            ("4.5", "Moodle 4.5"),
            ("5.3", "Moodle 5.1 to 5.3"),
            ("as_is", "None: banks and categories stay as they are on this site"),
        ),
        aliases=(("5.1", "5.3"), ("5.2", "5.3")),
        backup=Use(default=""),
        travels=False,
    ),
    Option(
        name="long_names",
        label="Names that are too long",
        help="Moodle 4.5 takes names of 255 characters, later ones of 1,333. Each name that is too long is told.",
        subject="file",
        kind="choice",
        choices=(("keep", "Are written whole"), ("cut", "Are cut")),
        backup=Use(default="keep"),
        travels=False,
    ),
)
