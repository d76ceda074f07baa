"""manage.py bin list | restore | empty: look into the recycle bin, bring something back, or empty it."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from archive.errors import NotFound, UsageError
from archive.limits import in_units
from jobs.commands import Answer
from jobs.job_command import OperationCommand, account_named
from transfer import removals, returns
from transfer.models import RemovedItem


class Command(OperationCommand):
    """The recycle bin of the site."""

    help = "List what was removed, bring an entry back, or remove entries for good."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("list", "restore", "empty"))
        parser.add_argument(
            "entries",
            type=int,
            nargs="*",
            metavar="ENTRY",
            help="the numbers of entries, as `list` shows them",
        )
        parser.add_argument("--course", type=int, metavar="ID", help="only what was removed from this course")
        parser.add_argument("--all", action="store_true", help="with `empty`: everything that is listed")
        parser.add_argument(
            "--accounts",
            default="",
            metavar="NAME=CHOICE,...",
            help="with `restore`: who people in conflict are: NAME=here, NAME=new:OTHER_NAME or NAME=out",
        )
        self.declare_run(parser)

    def answer(self, options: dict[str, Any]) -> Answer:
        entries = options["entries"]
        if options["action"] == "list":
            return _listed(_found(options))
        if options["action"] == "restore":
            if len(entries) != 1:
                raise UsageError(
                    "`bin restore` wants the number of one entry.", hint="`bin list` shows them."
                )
            return self._restore(_found(options)[0], options)
        if not entries and not options["all"]:
            raise UsageError("`bin empty` wants the numbers of entries.", hint="Or say --all.")
        found, by = _found(options), account_named(options["by"])
        for item in found:
            returns.require_right(item, returns.EMPTY, by=by)
        number = removals.empty(found)
        return Answer({"removed": number}, [f"{number} entries were removed for good."])

    def _restore(self, item: RemovedItem, options: dict[str, Any]) -> Answer:
        job = returns.request_return(
            item,
            by=account_named(options["by"]),
            accounts=options["accounts"],
            notify=options["queue"],
        )
        job, found = self.work(job, label="Bringing back", queued=options["queue"])
        data = {"job": job.pk, **job.result, "findings": [finding.as_dict() for finding in found]}
        lines = [f"{finding.level}: {finding.sentence()}" for finding in found]
        lines.append(f"“{data['title']}” is back in course {data['course_id']}: {data['records']:,} records.")
        return Answer(data, lines)


def _found(options: dict[str, Any]) -> list[RemovedItem]:
    """Return the entries that are named, or all, the newest first. Raises NotFound for one that is not there."""
    found = returns.items()
    if options["course"] is not None:
        found = found.filter(archive__course=options["course"])
    if options["entries"]:
        found = found.filter(pk__in=options["entries"])
    items = list(found)
    if missing := set(options["entries"]) - {item.pk for item in items}:
        raise NotFound(f"The recycle bin has no entry {min(missing)}.", hint="`bin list` shows them.")
    return items


def _listed(items: list[RemovedItem]) -> Answer:
    """Return the list of entries."""
    rows = [
        {
            "entry": item.pk,
            "kind": item.archive.archive_type,
            "title": item.title,
            "course_id": item.archive.course_id,
            "category_id": item.category_id,
            "removed": item.removed.isoformat(),
            "removed_by": item.removed_by.username if item.removed_by else None,
            "expires": removals.expires(item).isoformat(),
            "size": item.archive.size,
        }
        for item in items
    ]
    return Answer({"entries": rows}, _lines(items))


def _lines(items: list[RemovedItem]) -> Iterator[str]:
    for item in items:
        course = f" of course {item.archive.course_id}" if item.archive.course_id else ""
        yield (
            f"{item.pk:>6}  {item.archive.archive_type}{course}  “{item.title}”, {in_units(item.archive.size)},"
            f" removed {item.removed:%Y-%m-%d}, kept until {removals.expires(item):%Y-%m-%d}"
        )
    if not items:
        yield "The recycle bin is empty."
