"""manage.py inspect FILE: what is inside an archive, without restoring it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from archive.container import open_archive
from archive.inspect import describe, sentences
from jobs.commands import Answer, JsonCommand


class Command(JsonCommand):
    """Tells what an archive holds: its kind, date and site, its sections and activities, people and files."""

    help = "Tell what is inside an archive, without restoring it."
    requires_system_checks = ()

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the archive (.mbz)")

    def answer(self, options: dict[str, Any]) -> Answer:
        with open_archive(options["file"]) as archive:
            description = describe(archive)
        return Answer(description.as_dict(), sentences(description))
