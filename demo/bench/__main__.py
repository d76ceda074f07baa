"""Runs the benchmark: makes the courses, measures operations and floors in turns, and prints the report."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from demo.bench import media
from demo.bench.plot import draw
from demo.bench.report import lines
from demo.bench.site import PROJECT, BenchFailed, BenchSite, Run, open_site
from demo.progress import say

FIXTURES = PROJECT.parent / "shared" / "fixtures"
RICH = PROJECT / "tests" / "fixtures" / "rich1-users.mbz"
ATTEMPTS = 2_000
POSTS = 100_000
ORDINARY, SCALE, MEDIA = "ordinary", "scale", "media"
SMALLEST = 10_000
"""Posts of the first course whose time is measured beside those of larger ones."""

SMALL_COURSES = 60
"""Small courses that each process backs up and restores."""

WORKERS = 2

FLOORS = {"backup": "floor_of_backup", "backup_in_worker": "floor_of_backup", "restore": "floor_of_restore"}
"""The operations whose seconds are compared, each with the operation that is its floor."""


@dataclass
class Measured:
    """A measured course: its database, its archive, the folder with the data of the floors, and the runs by operation."""

    name: str
    size: int
    database: str
    course: int
    archive: Path
    folder: Path
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def note(self, operation: str, run: Run) -> None:
        """Add a measurement."""
        self.runs.setdefault(operation, []).append(run)


def main() -> int:
    """Parse the arguments, measure, print the report and return the exit code."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument(
        "--only",
        choices=(*SUBJECTS, ORDINARY, SCALE, MEDIA),
        help="only one of the large courses, only ordinary ones, --up-to, or a course of --megabytes of media",
    )
    parser.add_argument(
        "--megabytes", type=int, default=2048, help=f"the media of the course of --only {MEDIA} (2048)"
    )
    parser.add_argument(
        "--up-to",
        type=int,
        metavar="POSTS",
        help=f"back up and restore courses of {SMALLEST:,} posts, of ten times as many and so on, up to so many, each once",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the seconds of --up-to as an SVG")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the posts, the attempts and the small courses"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.up_to is not None and (options.up_to < SMALLEST or options.only not in (None, SCALE)):
        parser.error(f"--up-to takes a number from {SMALLEST:,} on, and no --only but {SCALE}")
    if options.up_to is None and (options.plot or options.only == SCALE):
        parser.error(f"--only {SCALE} and --plot need --up-to")
    if options.plot and not options.plot.parent.is_dir():
        parser.error(f"there is no folder {options.plot.parent}")
    try:
        found = measure(options)
    except BenchFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))
    if options.plot:
        draw(found["scaling"], options.plot)
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return all measurements as data for JSON. Raises BenchFailed."""
    found: dict[str, Any] = {"rounds": options.rounds, "subjects": [], "statements": {}, "scaling": []}
    with open_site() as site:
        for name, (make, size) in SUBJECTS.items():
            if options.only and name != options.only:
                continue
            subject = make(site, size // 10 if options.quick else size)
            if subject is None:
                found["skipped"] = f"The large real archives are not here ({FIXTURES / 'perf'})."
                continue
            prepare_floors(site, subject)
            for number in range(options.rounds):
                say(f"{subject.name}: round {number + 1} of {options.rounds}")
                run_round(site, subject)
            found["subjects"].append(summarise(subject))
            found["statements"][subject.name] = count_statements(site, subject, make)
            site.drop(subject.database)
        if options.only in (None, ORDINARY):
            found["ordinary"] = ordinary(site, options.rounds, SMALL_COURSES // (10 if options.quick else 1))
        if options.only == MEDIA:
            found["media"] = media.measure(site, options.megabytes, options.rounds)
        if options.up_to:
            found["scaling"] = [scale(site, posts) for posts in sizes(options.up_to)]
    return found


def _from_archive(site: BenchSite, posts: int) -> Measured | None:
    """Return the course of a real archive; None if the real archives are missing."""
    archive = FIXTURES / "perf" / f"forum_{posts}.mbz"
    if not archive.exists():
        return None
    say(f"Restoring {archive.name} ...")
    database = site.database()
    made = site.run("restore", database, archive=str(archive))
    return _measured(site, f"real archive, {posts:,} posts", posts, database, made, archive)


def _from_command(site: BenchSite, posts: int) -> Measured:
    """Return a course of one forum, made by `make_course`."""
    say(f"Making a course of {posts:,} posts ...")
    database = site.database()
    made = site.run("make", database, posts=posts)
    return _measured(site, f"make_course, {posts:,} posts", posts, database, made, None)


def _from_quiz(site: BenchSite, attempts: int) -> Measured:
    """Return the course of a real archive with many attempts added to its quiz."""
    say(f"Making a course of {attempts:,} quiz attempts ...")
    database = site.database()
    restored = site.run("restore", database, archive=str(RICH))
    made = site.run("take_quiz", database, course=restored.answer["course_id"], attempts=attempts)
    return _measured(site, f"quiz, {attempts:,} attempts", attempts, database, made, None)


SUBJECTS: dict[str, tuple[Callable[[BenchSite, int], Measured | None], int]] = {
    "archive": (_from_archive, POSTS),
    "made": (_from_command, POSTS),
    "quiz": (_from_quiz, ATTEMPTS),
}
"""The measured courses: the function that makes each, and its number of posts or attempts."""


def ordinary(site: BenchSite, rounds: int, courses: int) -> dict[str, Any]:
    """Measure a rich course in a process that goes on running, and small courses in one and in as many as there are workers.

    Of the rich course the best of the rounds counts, of the small ones all.
    """
    say("A rich course in a process that goes on running ...")
    folder = site.home / ORDINARY
    folder.mkdir()
    with new_database(site) as database:
        rich = site.run(
            "rich_rounds", database, archive=str(RICH), folder=str(folder), rounds=rounds + 1
        ).answer
    return {
        "rich": {name: min(measured[1:], key=lambda one: one["seconds"]) for name, measured in rich.items()},
        "small": {processes: small_courses(site, folder, courses, processes) for processes in (1, WORKERS)},
    }


def small_courses(site: BenchSite, folder: Path, courses: int, processes: int) -> dict[str, Any]:
    """Measure small courses, as many in each of some processes at once, by operation.

    Returns "seconds" of each, of these "job" for its job, and how many are done "an_hour".
    """
    say(f"{processes * courses} small courses by {processes} processes ...")
    folder = folder / str(processes)
    folder.mkdir()
    with new_database(site) as database, ThreadPoolExecutor(processes) as threads:

        def run(number: int) -> dict[str, Any]:
            first = 1 + number * (courses + 1)
            arguments = {"first": first, "courses": courses, "folder": str(folder), "processes": processes}
            return site.run("small_courses", database, **arguments).answer

        runs = [threads.submit(run, number) for number in range(processes)]
        # Who waits for one that has failed fails too.
        if failed := [str(error) for one in runs if (error := one.exception())]:
            raise BenchFailed("\n".join(failed))
        parts = [one.result() for one in runs]
    return {
        name: {
            "seconds": sum(part[name]["seconds"] for part in parts) / (processes * courses),
            "job": sum(part[name]["job"] for part in parts) / (processes * courses),
            "an_hour": sum(courses / part[name]["seconds"] for part in parts) * 3600,
        }
        for name in ("backup", "restore")
    }


def _measured(
    site: BenchSite, name: str, size: int, database: str, made: Run, archive: Path | None
) -> Measured:
    """Vacuum the database and return the course; back it up if it has no archive yet."""
    site.execute("VACUUM ANALYZE", database=database)
    folder = site.home / database
    folder.mkdir()
    subject = Measured(
        name, size, database, made.answer["course_id"], archive or folder / "again.mbz", folder
    )
    if archive is None:
        _back_up(site, subject)
    return subject


def _back_up(site: BenchSite, subject: Measured, operation: str = "backup") -> None:
    target = str(subject.folder / "again.mbz")
    subject.note(operation, site.run(operation, subject.database, course=subject.course, target=target))


def _restore(site: BenchSite, subject: Measured) -> None:
    with new_database(site) as database:
        subject.note("restore", site.run("restore", database, archive=str(subject.archive)))


def prepare_floors(site: BenchSite, subject: Measured) -> None:
    """Write the data of the floors: the archive's bytes before compression, and the rows."""
    folder = subject.folder
    own = folder / "own.mbz"
    (folder / "rows").mkdir()
    site.run("backup", subject.database, course=subject.course, target=str(own))
    target = {"archive": str(own), "unpacked": str(folder / "own.tar"), "rows": str(folder / "rows")}
    site.run("prepare_floors", subject.database, **target)


def run_round(site: BenchSite, subject: Measured) -> None:
    """Run one round: backups and a restore, after their floors."""
    folder = subject.folder
    target = {"unpacked": str(folder / "own.tar"), "target": str(folder / "floor.gz")}
    subject.note("floor_of_backup", site.run("floor_of_backup", subject.database, **target))
    _back_up(site, subject)
    _back_up(site, subject, "backup_in_worker")
    arguments = {"archive": str(subject.archive), "rows": str(folder / "rows")}
    with new_database(site) as database:
        subject.note("floor_of_restore", site.run("floor_of_restore", database, **arguments))
    _restore(site, subject)


def count_statements(site: BenchSite, subject: Measured, make: Any) -> dict[str, Any]:
    """Return the numbers of SQL statements of a backup of the course and of one a tenth of its size, by size."""
    say(f"{subject.name}: counting statements")
    small = make(site, subject.size // 10)
    counted = {}
    for one in (small, subject) if small else (subject,):
        target = str(one.folder / "counted.mbz")
        sorts = site.statements("backup", one.database, course=one.course, target=target)
        fetches = sorts["FETCH"]
        statements = sum(sorts.values()) - fetches
        counted[f"{one.size}"] = {"statements": statements, "fetches": sorts["FETCH"], "sorts": sorts}
    if small:
        site.drop(small.database)
    return counted


def sizes(largest: int) -> Iterator[int]:
    """Yield the numbers of posts of the courses that are measured beside one another: each is ten times the one before."""
    posts = SMALLEST
    while posts <= largest:
        yield posts
        posts *= 10


def scale(site: BenchSite, posts: int) -> dict[str, Any]:
    """Make a course of so many posts, back it up and restore it once; return seconds, records and peak memory in bytes."""
    made = _from_command(site, posts)
    say(f"{made.name}: measuring")
    _restore(site, made)
    site.drop(made.database)
    found: dict[str, Any] = {"posts": posts}
    for operation, [run] in made.runs.items():
        facts = {"seconds": run.seconds, "cpu": run.cpu, "peak": run.peak}
        found[operation] = {**facts, "records": run.answer["records"]}
    return found


def best(subject: Measured, operation: str) -> Run:
    """Return the quickest run of an operation."""
    return min(subject.runs[operation], key=lambda run: run.seconds)


def summarise(subject: Measured) -> dict[str, Any]:
    """Return best and median seconds of each operation and floor of a course, their ratios, CPU and memory."""
    found: dict[str, Any] = {"name": subject.name, "size": subject.size, "operations": {}}
    for operation, floor_operation in FLOORS.items():
        runs, floors = subject.runs[operation], subject.runs[floor_operation]
        floor = best(subject, floor_operation)
        found["operations"][operation] = {
            "records": runs[0].answer["records"],
            "rows": floor.answer["records"],
            "best": min(run.seconds for run in runs),
            "median": median(run.seconds for run in runs),
            "floor_best": floor.seconds,
            "floor_median": median(run.seconds for run in floors),
            "floor_parts": {name: value for name, value in floor.answer.items() if isinstance(value, float)},
            "ratio_best": min(run.seconds for run in runs) / floor.seconds,
            "ratio_median": median(run.seconds for run in runs) / median(run.seconds for run in floors),
            "cpu": min(run.cpu for run in runs),
            "floor_cpu": min(run.cpu for run in floors),
            "ratio_cpu": min(run.cpu for run in runs) / min(run.cpu for run in floors),
            "peak": max(run.peak for run in runs),
        }
    return found


@contextmanager
def new_database(site: BenchSite) -> Iterator[str]:
    """Make a database with an empty site for a `with` block; it is dropped at the end."""
    name = site.database()
    try:
        yield name
    finally:
        site.drop(name)


if __name__ == "__main__":
    sys.exit(main())
