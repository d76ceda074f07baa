"""manage.py copy COURSE_ID: make a second course of a course."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from archive.errors import NotFound, UsageError
from archive.findings import Finding
from courses.models import Role
from jobs.commands import Answer
from jobs.job_command import OperationCommand, account_named, course_with
from transfer.copies import Choices, request_copy


class Command(OperationCommand):
    """Copy a course in one transaction."""

    help = "Make a second course of a course, with names, dates, category and people as chosen."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", type=int, metavar="COURSE_ID")
        parser.add_argument(
            "--category", type=int, metavar="ID", help="the category; else that of the course"
        )
        parser.add_argument(
            "--fullname", default="", metavar="NAME", help="the name; else that of the course"
        )
        parser.add_argument(
            "--shortname", default="", metavar="NAME", help="else that of the course and a number"
        )
        parser.add_argument("--idnumber", default="", metavar="TEXT", help="the ID number; else none")
        parser.add_argument("--hidden", action="store_true", help="students do not see the copy")
        parser.add_argument(
            "--start", metavar="DATE", help="the start date, such as 2027-09-01; all dates move with it"
        )
        parser.add_argument("--end", metavar="DATE", help="the end date, such as 2028-01-31; none: no end")
        parser.add_argument("--keep-weekdays", action="store_true", help="move all dates by whole weeks")
        parser.add_argument("--people", action="store_true", help="with people and their work")
        parser.add_argument(
            "--role",
            action="append",
            default=None,
            metavar="SHORTNAME",
            dest="roles",
            help="enrol only people with this role; can be repeated",
        )
        self.declare_run(parser)

    def answer(self, options: dict[str, Any]) -> Answer:
        course = course_with(options["course"])
        choices = Choices(
            category=course.category_id if options["category"] is None else options["category"],
            fullname=options["fullname"],
            shortname=options["shortname"],
            idnumber=options["idnumber"],
            visible=not options["hidden"],
            startdate=_moment(options["start"], like=course.startdate),
            enddate=0 if options["end"] == "none" else _moment(options["end"], like=course.startdate),
            keep_weekdays=options["keep_weekdays"],
            people=options["people"],
            roles=None if options["roles"] is None else tuple(_role(name) for name in options["roles"]),
        )
        job = request_copy(course, choices, by=account_named(options["by"]), notify=options["queue"])
        job, found = self.work(job, label="Copying", queued=options["queue"])
        data = {"job": job.pk, **job.result, "findings": [finding.as_dict() for finding in found]}
        return Answer(data, _lines(data, found))


def _role(shortname: str) -> int:
    """Return the id of a role. Raises NotFound."""
    role = Role.objects.filter(shortname=shortname).first()
    if role is None:
        raise NotFound(f"There is no role “{shortname}”.", hint="Name it by its short name, such as student.")
    return role.pk


def _moment(text: str | None, *, like: int) -> int | None:
    """Return a date in epoch seconds, at the time of day (UTC) of `like`. Raises UsageError for what is no date."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"“{text}” is not a date.", hint="Write it as 2027-09-01.") from None
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int((midnight + timedelta(seconds=like % 86400)).timestamp())


def _lines(data: dict[str, Any], found: list[Finding]) -> Iterator[str]:
    yield from (f"{finding.level}: {finding.sentence()}" for finding in found)
    yield f"Copied as course {data['course_id']}: {data['records']:,} records, {data['files']:,} files."
