"""manage.py restore FILE: restore an archive as a new course, or a part of one into a course that exists."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archive.errors import UsageError
from archive.findings import Finding
from jobs.commands import Answer
from jobs.job_command import OperationCommand, account_named, chosen_options
from restore.services import check, request_restore


class Command(OperationCommand):
    """Restore a file in one transaction."""

    help = "Restore an archive as a new course, or with --into a section or activity into a course."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the archive (.mbz)")
        parser.add_argument("--category", type=int, metavar="ID", help="the category of the new course")
        parser.add_argument(
            "--into", type=int, metavar="COURSE_ID", help="the course that gets a section or an activity"
        )
        parser.add_argument(
            "--section", type=int, metavar="ID", help="with --into, the section that gets an activity"
        )
        parser.add_argument("--dry-run", action="store_true", help="only check, and say what would be done")
        super().declare(parser)

    def answer(self, options: dict[str, Any]) -> Answer:
        if options["into"] is not None and options["category"] is not None:
            raise UsageError("--into and --category exclude each other.")
        if options["section"] is not None and options["into"] is None:
            raise UsageError(
                "--section says nothing without --into.", hint="Name the course that the section is in."
            )
        target = {"category": options["category"], "course": options["into"], "section": options["section"]}
        target = {name: value for name, value in target.items() if value is not None}
        path, by = Path(options["file"]).absolute(), account_named(options["by"])
        asked = chosen_options(options["choices"])
        if options["dry_run"]:
            steps, found = check(path, by=by, target=target, options=asked)
            data = {"plan": steps, "findings": [finding.as_dict() for finding in found]}
            return Answer(data, [*steps, *(f"{f.level}: {f.sentence()}" for f in found)])
        job = request_restore(path, by=by, target=target, options=asked, notify=options["queue"])
        job, found = self.work(job, label="Restoring", queued=options["queue"])
        data = {"job": job.pk, **job.result, "findings": [finding.as_dict() for finding in found]}
        return Answer(data, _lines(data, found))


def _lines(data: dict[str, Any], found: list[Finding]) -> Iterator[str]:
    for finding in found:
        yield f"{finding.level}: {finding.sentence()}"
    people = f", {data['people_created']:,} new people" if data["people_created"] else ""
    yield f"Restored as course {data['course_id']}: {data['records']:,} records, {data['files']:,} files{people}."
