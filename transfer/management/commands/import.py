"""manage.py import FROM_ID INTO_ID: bring sections and activities of a course into another one, without people."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from archive.findings import Finding
from jobs.commands import Answer
from jobs.job_command import OperationCommand, account_named, chosen_options, course_with
from transfer.imports import Parts, request_import


class Command(OperationCommand):
    """Import parts of a course in one transaction."""

    help = "Bring a course, or sections and activities of it, into another course, without people."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=int, metavar="FROM_ID", help="the course to take from")
        parser.add_argument("target", type=int, metavar="INTO_ID", help="the course that gets it")
        for part in ("section", "activity"):
            parser.add_argument(
                f"--{part}",
                type=int,
                action="append",
                default=[],
                metavar="ID",
                dest=part,
                help=f"only this {part}; can be repeated",
            )
        parser.add_argument(
            "--to-section", type=int, metavar="ID", help="the section that one activity goes into"
        )
        parser.add_argument("--position", type=int, metavar="N", help="its position there; 1 is the first")
        super().declare(parser)

    def answer(self, options: dict[str, Any]) -> Answer:
        place = {"section": options["to_section"], "position": options["position"]}
        job = request_import(
            course_with(options["source"]),
            course_with(options["target"]),
            Parts(sections=tuple(options["section"]), activities=tuple(options["activity"])),
            by=account_named(options["by"]),
            place={name: number for name, number in place.items() if number is not None},
            options=chosen_options(options["choices"]),
            notify=options["queue"],
        )
        job, found = self.work(job, label="Importing", queued=options["queue"])
        data = {"job": job.pk, **job.result, "findings": [finding.as_dict() for finding in found]}
        return Answer(data, _lines(data, found))


def _lines(data: dict[str, Any], found: list[Finding]) -> Iterator[str]:
    yield from (f"{finding.level}: {finding.sentence()}" for finding in found)
    yield (
        f"Imported into course {data['course_id']}: {data['activities']:,} activities, {data['records']:,} records."
    )
