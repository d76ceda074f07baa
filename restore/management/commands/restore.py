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
from jobs.result_facts import sentences
from restore.people_files import decided_in, report_people
from restore.rehearsal import prevents
from restore.services import check, request_restore

READY = "The restore would succeed; nothing was changed."
NOT_READY = "The restore would not succeed as it is; nothing was changed."


class Command(OperationCommand):
    """Restore a file in one transaction."""

    help = "Restore an archive as a new course, or with --into into a course that exists."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the archive (.mbz)")
        parser.add_argument("--category", type=int, metavar="ID", help="the category of the new course")
        parser.add_argument(
            "--into", type=int, metavar="COURSE_ID", help="the course that the archive is added to"
        )
        parser.add_argument(
            "--replace", action="store_true", help="with --into, remove the content of the course first"
        )
        parser.add_argument(
            "--section",
            type=int,
            metavar="ID",
            help="with --into, the section that gets an activity, or that a section is merged with",
        )
        parser.add_argument(
            "--position",
            type=int,
            metavar="N",
            help="with --into, the position of an activity in its section, or the number of a section that is added; from 1",
        )
        parser.add_argument(
            "--rehearse", action="store_true", help="restore, look what comes of it, and undo everything"
        )
        parser.add_argument(
            "--people",
            metavar="FILE",
            help="decisions about people, a CSV file with the columns username, decision (new, here, out) and new_username",
        )
        parser.add_argument(
            "--people-report",
            metavar="FILE",
            help="write who the people of the archive are here, a CSV file that --people reads when decisions are filled in",
        )
        super().declare(parser)

    def answer(self, options: dict[str, Any]) -> Answer:
        target = _target(options)
        path, by = Path(options["file"]).absolute(), account_named(options["by"])
        asked = chosen_options(options["choices"])
        if options["people"] is not None:
            if "accounts" in asked:
                raise UsageError("--people and --set accounts exclude each other.")
            asked["accounts"] = decided_in(path, Path(options["people"]), by=by, target=target)
        if options["people_report"] is not None:
            report_people(path, Path(options["people_report"]), by=by, target=target, options=asked)
        if options["rehearse"]:
            steps, found, report = check(path, by=by, target=target, options=asked)
            ready = not any(prevents(one) for one in found)
            data = {"plan": steps, "ready": ready, **report, "course_id": None}
            data["findings"] = [finding.as_dict() for finding in found]
            lines = [*steps, *(f"{f.level}: {f.sentence()}" for f in found), *sentences(report)]
            return Answer(data, [*lines, READY if ready else NOT_READY])
        job = request_restore(path, by=by, target=target, options=asked, notify=options["queue"])
        job, found = self.work(job, label="Restoring", queued=options["queue"])
        data = {"job": job.pk, **job.result, "findings": [finding.as_dict() for finding in found]}
        return Answer(data, _lines(data, found))


def _target(options: dict[str, Any]) -> dict[str, Any]:
    """Return the target that the options of the command name. Raises UsageError for options that exclude or need each other."""
    if options["into"] is not None and options["category"] is not None:
        raise UsageError("--into and --category exclude each other.")
    for name in ("replace", "section", "position"):
        given = options[name] is not None and options[name] is not False
        if given and options["into"] is None:
            raise UsageError(f"--{name} says nothing without --into.", hint="Name the course with --into.")
    target = {
        "category": options["category"],
        "course": options["into"],
        "replace": options["replace"] or None,
        "section": options["section"],
        "position": options["position"],
    }
    return {name: value for name, value in target.items() if value is not None}


def _lines(data: dict[str, Any], found: list[Finding]) -> Iterator[str]:
    for finding in found:
        yield f"{finding.level}: {finding.sentence()}"
    yield from sentences(data)
    people = f", {data['people_created']:,} new people" if data["people_created"] else ""
    yield f"Restored as course {data['course_id']}: {data['records']:,} records, {data['files']:,} files{people}."
