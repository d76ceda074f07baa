"""manage.py archives list | show | verify | prune: the stored archives."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet

from archive.errors import CoursekeepError, DamagedArchive, UsageError
from archive.findings import Finding
from courses.models import Course
from jobs.clock import database_now
from jobs.commands import Answer
from jobs.job_command import account_named, course_with
from jobs.models import Job
from vault import checks, retention
from vault.management.action_command import ActionCommand, schedule_with
from vault.management.rows import archive_data, archive_line
from vault.models import GOOD, Schedule, StoredArchive, StoredManifest
from vault.retention import Decision

AT_ONCE = 32
"""Checks that are handed to the workers at the same time with `--queue`."""

STATES = {
    "good": GOOD,
    "incomplete": Q(missing_contents__gt=0),
    "damaged": Q(verify_errors__gt=0),
    "unverified": Q(verified=None),
    "held": Q(keep=True),
}


class Command(ActionCommand):
    """The stored archives of the site."""

    help = (
        "List the stored archives, show one, verify archives, or remove those that schedules do not retain."
    )
    noun = "archive"
    actions = ("list", "show", "verify", "prune")
    only_with = {
        "all": ("verify",),
        "not_verified_for": ("verify",),
        "queue": ("verify",),
        "dry_run": ("prune",),
    }

    def filters(self, parser: ArgumentParser) -> None:
        parser.add_argument("--state", choices=tuple(STATES), help="only archives in this state")
        parser.add_argument(
            "--source", choices=StoredArchive.Source.values, help="only archives that came in this way"
        )
        parser.add_argument("--person", metavar="USERNAME", help="only archives that this person made")
        parser.add_argument("--course", type=int, metavar="ID", help="only archives of this course")
        parser.add_argument("--schedule", type=int, metavar="ID", help="only archives of this schedule")
        parser.add_argument(
            "--not-verified-for",
            type=int,
            metavar="DAYS",
            help="with `verify --all`: only archives that were not verified for so long",
        )
        parser.add_argument(
            "--queue",
            action="store_true",
            help="with `verify`: hand the checks to the workers and wait for them",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="with `prune`: tell what would be removed and why, and remove nothing",
        )

    def do_list(self, options: dict[str, Any]) -> Answer:
        """List archives, the newest first."""
        page = self.page(_found(options), options)
        return self.listed([*map(archive_line, page.rows)], [*map(archive_data, page.rows)], page.following)

    def do_show(self, options: dict[str, Any]) -> Answer:
        """Show one archive with its counts."""
        archive = self.one(_archives(), options)
        manifest = StoredManifest.objects.filter(pk=archive.pk).first()
        counts = {
            "people": manifest.people if manifest else None,
            "files": manifest.files if manifest else None,
            "content_bytes": manifest.content_bytes if manifest else None,
        }
        data = archive_data(archive) | counts | {"options": archive.options, "summary": archive.summary}
        data["jobs"] = list(archive.jobs.order_by("pk").values_list("pk", flat=True))
        lines = [archive_line(archive), f"file {archive.file}, SHA-256 {archive.sha256}"]
        lines += [
            f"{name.replace('_', ' ')}: {value:,}" for name, value in counts.items() if value is not None
        ]
        return Answer({"archive": data}, lines)

    def do_verify(self, options: dict[str, Any]) -> Answer:
        """Read archives from end to end. The exit code is that of a damaged archive if one is, 1 if a check failed."""
        chosen = self.chosen(_found(options), options)
        if (days := options["not_verified_for"]) is not None:
            since = database_now() - timedelta(days=days)
            chosen = chosen.filter(Q(verified=None) | Q(verified__lt=since))
        verified: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for archives in _chunks(chosen.values_list("pk", flat=True), AT_ONCE if options["queue"] else 1):
            for archive, job in self._requested(archives, queued=options["queue"]):
                try:
                    done, found = self.work(job, label=f"Verifying {archive.title}", queued=options["queue"])
                except CoursekeepError as error:
                    failed.append({"archive": archive.pk, "job": job.pk, "error": error.sentence()})
                    continue
                errors = [finding.as_dict() for finding in found if finding.level == "error"]
                verified.append({"archive": archive.pk, "job": done.pk, "errors": errors})
        damaged = [one for one in verified if one["errors"]]
        data = {"verified": len(verified), "damaged": damaged, "failed": failed}
        code = DamagedArchive.exit_code if damaged else int(bool(failed))
        return Answer(data, _verified_lines(data), exit_code=code)

    def _requested(self, archives: Sequence[int], *, queued: bool) -> list[tuple[StoredArchive, Job]]:
        """Request the checks of archives, of those that are there still."""
        rows = StoredArchive.objects.filter(pk__in=archives).order_by("pk")
        return [(archive, checks.request_check(archive, by=None, notify=queued)) for archive in rows]

    def do_prune(self, options: dict[str, Any]) -> Answer:
        """Remove the archives that schedules do not retain, or with `--dry-run` only tell which and why."""
        if options["numbers"] or options["state"] or options["source"] or options["person"]:
            raise UsageError(
                "`prune` takes --schedule and --course only.", hint="What goes is for each schedule to say."
            )
        made = StoredArchive.objects.filter(source=StoredArchive.Source.SCHEDULE).exclude(
            Q(schedule=None) | Q(course=None)
        )
        if options["course"] is not None:
            made = made.filter(course=course_with(options["course"]))
        if options["schedule"] is not None:
            made = made.filter(schedule=schedule_with(options["schedule"]))
        decide = retention.decisions_for if options["dry_run"] else retention.prune
        pruned = _Pruned(dry=options["dry_run"])
        pairs = made.order_by("schedule", "course").values_list("schedule", "course").distinct()
        for schedule_id, course_id in list(pairs):
            schedule = Schedule.objects.filter(pk=schedule_id).first()
            course = Course.objects.filter(pk=course_id).first()
            # Somebody may remove either while the others are pruned.
            if schedule is not None and course is not None:
                pruned.add(decide(schedule, course))
        return pruned.answer()


@dataclass(slots=True)
class _Pruned:
    """The decisions in the form in which they are told: of the archives themselves only those of one pair are in memory."""

    dry: bool
    decisions: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    going: int = 0

    @property
    def verb(self) -> str:
        """The word for an archive that is not retained: that it is removed, or would be."""
        return "would go" if self.dry else "removed"

    def add(self, decisions: Iterable[Decision]) -> None:
        """Add the decisions about one schedule and course."""
        for one in decisions:
            self.going += not one.keep
            archive = one.archive
            self.decisions.append(
                {
                    "archive": archive.pk or None,
                    "title": archive.title,
                    "retained": one.keep,
                    "reason": one.reason,
                }
            )
            if self.dry or not one.keep:
                fate = "stays" if one.keep else self.verb
                self.lines.append(
                    f"{fate}: {archive.title} of {archive.created:%Y-%m-%d %H:%M}. {one.reason}"
                )

    def answer(self) -> Answer:
        """Return what the command says."""
        removed = 0 if self.dry else self.going
        data = {"dry_run": self.dry, "removed": removed, "decisions": self.decisions}
        stay = len(self.decisions) - self.going
        return Answer(data, [*self.lines, f"{self.going} {self.verb}, {stay} stay."])


def _verified_lines(data: dict[str, Any]) -> Iterator[str]:
    for one in data["damaged"]:
        for error in one["errors"]:
            yield f"archive {one['archive']}: {Finding(**error).sentence()}"
    for one in data["failed"]:
        yield f"archive {one['archive']}: {one['error']}"
    yield f"{data['verified']} verified: {len(data['damaged'])} damaged, {len(data['failed'])} could not be checked."


def _chunks(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    """Yield the numbers in lists of `size`. They are read at once: rows that come in meanwhile are not verified."""
    waiting = iter(list(numbers))
    while chunk := list(islice(waiting, size)):
        yield chunk


def _archives() -> QuerySet[StoredArchive]:
    return StoredArchive.objects.select_related("created_by")


def _found(options: dict[str, Any]) -> QuerySet[StoredArchive]:
    """Return the archives that the filters find. Raises NotFound for a person, a course or a schedule that is not there."""
    found = _archives()
    if options["state"]:
        found = found.filter(STATES[options["state"]])
    if options["source"]:
        found = found.filter(source=options["source"])
    if options["person"]:
        found = found.filter(created_by=account_named(options["person"]))
    if options["course"] is not None:
        found = found.filter(course=course_with(options["course"]))
    if options["schedule"] is not None:
        found = found.filter(schedule=schedule_with(options["schedule"]))
    return found
