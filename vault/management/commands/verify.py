"""manage.py verify FILE: every member readable, every hash right, every reference resolved."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from typing import Any

from archive.container import open_archive
from archive.errors import DamagedArchive
from archive.findings import Finding
from archive.verify import verify
from jobs.commands import Answer, JsonCommand


class Command(JsonCommand):
    """Checks an archive; exit code 0 when it is whole, that of a damaged archive when there are errors."""

    help = "Check that an archive is intact: members, hashes and references."
    requires_system_checks = ()

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the archive (.mbz)")

    def answer(self, options: dict[str, Any]) -> Answer:
        with (
            open_archive(options["file"]) as archive,
            self.bar("Verifying", total=archive.unpacked_size) as bar,
        ):
            findings = list(verify(archive, progress=bar.advance))
            members = len(archive.members)
        counts = {
            level: sum(each.level == level for each in findings) for level in ("error", "warning", "info")
        }
        return Answer(
            {
                "ok": not counts["error"],
                "members": members,
                "errors": counts["error"],
                "warnings": counts["warning"],
                "findings": [finding.as_dict() for finding in findings],
            },
            _lines(findings, members, counts),
            exit_code=DamagedArchive.exit_code if counts["error"] else 0,
        )


def _lines(findings: Sequence[Finding], members: int, counts: dict[str, int]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.level}: {finding.sentence()}"
    verdict = "The archive is damaged" if counts["error"] else "The archive is intact"
    yield f"{verdict}: {members} members read, {counts['error']} errors, {counts['warning']} warnings."
