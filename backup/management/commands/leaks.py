"""manage.py leaks FILE: search an archive for details of people who should not be in it."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from archive.container import Archive, open_archive
from archive.details import KnownDetails, PersonDetail
from archive.errors import UsageError
from backup import leaks
from backup.known_people import details_in_archive, details_of_people, people_of
from courses.models import User
from jobs.commands import Answer, JsonCommand
from jobs.job_command import course_with


class Command(JsonCommand):
    """Look for the details of the people of a course, of another archive, or of everybody on this site."""

    help = "Search an archive for names, addresses and numbers of known people. Exit code 1 if any is found."

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the archive to search (.mbz)")
        known = parser.add_mutually_exclusive_group()
        known.add_argument(
            "--course",
            type=int,
            metavar="ID",
            help="only the people of this course; else everybody on this site",
        )
        known.add_argument(
            "--people", metavar="FILE", help="the people of this archive, such as the original"
        )
        parser.add_argument(
            "--single-names",
            action="store_true",
            help="first and family names by themselves are details, too",
        )

    def answer(self, options: dict[str, Any]) -> Answer:
        details, people = _people(options)
        known = KnownDetails(details)
        if not known.details:
            raise UsageError(
                "There is nobody to look for.", hint="Name a course or an archive that has people."
            )
        with (
            open_archive(options["file"]) as archive,
            self.bar("Searching", total=archive.unpacked_size) as bar,
        ):
            found = leaks.scan(archive, known, people=people, progress=bar.advance)
            data = _data(archive, found, known)
        return Answer(data, _lines(data, found), int(bool(found)))


def _people(options: dict[str, Any]) -> tuple[list[PersonDetail], set[int]]:
    """Return the details to look for and the ids of the people. Ids in an archive of another site say nothing here."""
    single_names = options["single_names"]
    if options["people"]:
        with open_archive(options["people"]) as archive:
            found = list(details_in_archive(archive, single_names=single_names))
        return found, {detail.person for detail in found}
    if options["course"] is None:
        people = set(User.objects.values_list("pk", flat=True))
        return list(details_of_people(people, single_names=single_names)), set()
    people = people_of(course_with(options["course"]))
    return list(details_of_people(people, single_names=single_names)), people


def _data(archive: Archive, found: Mapping[leaks.Leak, int], known: KnownDetails) -> dict[str, Any]:
    places = [{**leak._asdict(), "count": count} for leak, count in sorted(found.items())]
    return {
        "members": len(archive.members),
        **leaks.summary(found, details=len(known.details)),
        "leaks": places,
    }


def _lines(data: dict[str, Any], found: Mapping[leaks.Leak, int]) -> Iterator[str]:
    for finding in leaks.findings(found):
        yield f"{finding.level}: {finding.sentence()}"
    searched = f"{data['members']:,} members searched for {data['details']:,} details"
    yield f"{searched}: {data['found']:,} found." if found else f"{searched}: none found."
