"""manage.py backup COURSE_ID: back up a course, a section or an activity into a file."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archive.errors import UsageError
from archive.findings import Finding
from archive.limits import in_units
from backup.services import request_backup
from jobs.commands import Answer
from jobs.job_command import OperationCommand, account_named, chosen_options, course_with


class Command(OperationCommand):
    """Back up into a file with `-o`, else into the stored archives."""

    help = "Back up a course, or with --section or --activity a part of it."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", type=int, metavar="COURSE_ID")
        part = parser.add_mutually_exclusive_group()
        part.add_argument("--section", type=int, metavar="ID", help="only this section")
        part.add_argument("--activity", type=int, metavar="ID", help="only this activity")
        parser.add_argument(
            "-o", "--output", metavar="FILE", help="the file to write; else the archive is stored"
        )
        super().declare(parser)

    def answer(self, options: dict[str, Any]) -> Answer:
        course = course_with(options["course"])
        archive_type = next((part for part in ("section", "activity") if options[part] is not None), "course")
        if options["output"] and Path(options["output"]).is_dir():
            raise UsageError(f"{options['output']} is a folder.", hint="Name a file in it with -o.")
        job = request_backup(
            course,
            by=account_named(options["by"]),
            archive_type=archive_type,
            item=options.get(archive_type),
            options=chosen_options(options["choices"]),
            path=str(Path(options["output"]).absolute()) if options["output"] else "",
            notify=bool(options["queue"]),
        )
        job, found = self.work(job, label="Backing up", queued=options["queue"])
        data = {"job": job.pk, **job.result, "findings": [finding.as_dict() for finding in found]}
        return Answer(data, _lines(data, found))


def _lines(data: dict[str, Any], found: list[Finding]) -> Iterator[str]:
    for finding in found:
        yield f"{finding.level}: {finding.sentence()}"
    where = data.get("file") or f"archive {data.get('archive_id')}"
    yield f"Backed up into {where}: {data['records']:,} records, {data['files']:,} files, {in_units(data['size'])}."
