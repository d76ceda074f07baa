"""manage.py anonymise IN OUT: make an anonymous archive of an archive, without restoring it."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from archive.container import open_archive
from archive.errors import UsageError
from archive.findings import Finding
from archive.manifest import read_manifest
from archive.writer import ArchiveWriter
from backup import leaks
from backup.anonymous_copy import AnonymousCopy
from jobs.commands import Answer, JsonCommand


class Command(JsonCommand):
    """Write an archive in which the people of another one have pseudonyms, and search it for their details."""

    help = "Make an anonymous archive of an archive. Exit code 1 if a detail of its people is found in the result."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="IN", help="the archive to read (.mbz); it is not changed")
        parser.add_argument("target", metavar="OUT", help="the anonymous archive to write")
        parser.add_argument("--force", action="store_true", help="replace OUT if it is there")
        parser.add_argument(
            "--key",
            metavar="KEY",
            help="make pseudonyms with this key, so that they differ from those of this site's other archives",
        )
        parser.add_argument(
            "--single-names",
            action="store_true",
            help="replace first and family names by themselves, too",
        )
        parser.add_argument("--without-texts", action="store_true", help="leave out what people wrote")

    def answer(self, options: dict[str, Any]) -> Answer:
        target = Path(options["target"])
        _check_target(Path(options["file"]), target, force=options["force"])
        with open_archive(options["file"]) as archive:
            with (
                self.bar("Copying", total=archive.unpacked_size) as bar,
                ArchiveWriter(target, date=read_manifest(archive).backup_date) as writer,
            ):
                copy = AnonymousCopy(
                    archive,
                    writer,
                    key=options["key"] or settings.SITE_KEY,
                    name=target.name,
                    single_names=options["single_names"],
                    texts=not options["without_texts"],
                )
                found = list(copy.write(progress=bar.advance))
                writer.finish()
            with (
                open_archive(target) as written,
                self.bar("Searching", total=written.unpacked_size) as bar,
            ):
                leaking = leaks.scan(written, copy.known, people=copy.people, progress=bar.advance)
        found += leaks.findings(leaking)
        data = {
            "file": str(target),
            **leaks.summary(leaking, details=len(copy.known.details)),
            "findings": [finding.as_dict() for finding in found],
        }
        return Answer(data, _lines(data, found), int(bool(leaking)))


def _check_target(source: Path, target: Path, *, force: bool) -> None:
    """Raise UsageError if the target is the source, or is there and must not be replaced."""
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError("OUT is the same file as IN.", where=str(target), hint="Name another file.")
    if target.exists() and not force:
        raise UsageError(
            "The file is there already.", where=str(target), hint="Name another one, or add --force."
        )


def _lines(data: dict[str, Any], found: list[Finding]) -> Iterator[str]:
    for finding in found:
        yield f"{finding.level}: {finding.sentence()}"
    result = f"{data['found']:,} found" if data["found"] else "none found"
    yield f"{data['file']}: searched for {data['details']:,} details of people, {result}."
