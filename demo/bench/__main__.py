"""Measures: makes the subjects, runs operation and floor in turns, and prints what came of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from demo.bench.report import lines
from demo.bench.site import PROJECT, BenchFailed, BenchSite, Run, open_site

FIXTURES = PROJECT.parent / "shared" / "fixtures"
QUIZ = PROJECT / "tests" / "fixtures" / "rich1-users.mbz"
ATTEMPTS = 2_000
POSTS = 100_000
STREAMED = frozenset({"FETCH", "CLOSE", "MOVE"})


@dataclass
class Measured:
    """A course in a database of its own, its archive, and what the floors need."""

    name: str
    size: int
    database: str
    course: int
    archive: Path
    folder: Path
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def note(self, operation: str, run: Run) -> None:
        """Keeps a measurement."""
        self.runs.setdefault(operation, []).append(run)


def main() -> int:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--only", choices=tuple(SUBJECTS), help="only one of the courses")
    parser.add_argument("--million", action="store_true", help="measure a course ten times as large too")
    parser.add_argument("--quick", action="store_true", help="a tenth of the posts and of the attempts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        found = measure(options)
    except BenchFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements, as data."""
    found: dict[str, Any] = {"rounds": options.rounds, "subjects": [], "statements": {}, "scaling": {}}
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
                play(site, subject)
            found["subjects"].append(facts(subject))
            found["statements"][subject.name] = count(site, subject, make)
            if options.million and make is _from_command:
                found["scaling"] = scale(site, subject)
            site.drop(subject.database)
    return found


def _from_archive(site: BenchSite, posts: int) -> Measured | None:
    """The course of a real archive; None where the real archives are not."""
    archive = FIXTURES / "perf" / f"forum_{posts}.mbz"
    if not archive.exists():
        return None
    say(f"Restoring {archive.name} ...")
    database = site.database()
    made = site.run("restore", database, archive=str(archive))
    return _settled(site, f"real archive, {posts:,} posts", posts, database, made, archive)


def _from_command(site: BenchSite, posts: int) -> Measured:
    """The same course made by `make_course`."""
    say(f"Making a course of {posts:,} posts ...")
    database = site.database()
    made = site.run("make", database, posts=posts)
    return _settled(site, f"make_course, {posts:,} posts", posts, database, made, None)


def _from_quiz(site: BenchSite, attempts: int) -> Measured:
    """The course of a real archive, with many attempts at its quiz."""
    say(f"Making a course of {attempts:,} quiz attempts ...")
    database = site.database()
    restored = site.run("restore", database, archive=str(QUIZ))
    made = site.run("take_quiz", database, course=restored.answer["course_id"], attempts=attempts)
    return _settled(site, f"quiz, {attempts:,} attempts", attempts, database, made, None)


SUBJECTS: dict[str, tuple[Callable[[BenchSite, int], Measured | None], int]] = {
    "archive": (_from_archive, POSTS),
    "made": (_from_command, POSTS),
    "quiz": (_from_quiz, ATTEMPTS),
}
"""The courses that are measured: what makes each, and its posts or attempts."""


def _settled(
    site: BenchSite, name: str, size: int, database: str, made: Run, archive: Path | None
) -> Measured:
    """A course at rest. One that has no archive yet is backed up."""
    site.say("VACUUM ANALYZE", database=database)
    folder = site.home / database
    folder.mkdir()
    subject = Measured(
        name, size, database, made.answer["course_id"], archive or folder / "again.mbz", folder
    )
    if archive is None:
        _back_up(site, subject)
    return subject


def _back_up(site: BenchSite, subject: Measured) -> None:
    target = str(subject.folder / "again.mbz")
    subject.note("backup", site.run("backup", subject.database, course=subject.course, target=target))


def _restore(site: BenchSite, subject: Measured) -> None:
    with new(site) as database:
        subject.note("restore", site.run("restore", database, archive=str(subject.archive)))


def prepare_floors(site: BenchSite, subject: Measured) -> None:
    """Makes what the floors take: the archive's bytes before they are compressed, and the rows."""
    folder = subject.folder
    own = folder / "own.mbz"
    (folder / "rows").mkdir()
    site.run("backup", subject.database, course=subject.course, target=str(own))
    target = {"archive": str(own), "unpacked": str(folder / "own.tar"), "rows": str(folder / "rows")}
    site.run("prepare_floors", subject.database, **target)


def play(site: BenchSite, subject: Measured) -> None:
    """One round: backup and restore, each after its floor."""
    folder = subject.folder
    target = {"unpacked": str(folder / "own.tar"), "target": str(folder / "floor.gz")}
    subject.note("backup floor", site.run("floor_of_backup", subject.database, **target))
    _back_up(site, subject)
    arguments = {"archive": str(subject.archive), "rows": str(folder / "rows")}
    with new(site) as database:
        subject.note("restore floor", site.run("floor_of_restore", database, **arguments))
    _restore(site, subject)


def count(site: BenchSite, subject: Measured, make: Any) -> dict[str, Any]:
    """The number of SQL statements of a backup of the subject, and of a course a tenth of its size."""
    say(f"{subject.name}: counting statements")
    small = make(site, subject.size // 10)
    counted = {}
    for one in (small, subject) if small else (subject,):
        target = str(one.folder / "counted.mbz")
        sorts = site.statements("backup", one.database, course=one.course, target=target)
        fetches = sum(sorts[sort] for sort in STREAMED)
        statements = sum(sorts.values()) - fetches
        counted[f"{one.size}"] = {"statements": statements, "fetches": sorts["FETCH"], "sorts": sorts}
    if small:
        site.drop(small.database)
    return counted


def scale(site: BenchSite, subject: Measured) -> dict[str, Any]:
    """Time and memory of a course ten times as large, against the subject's best."""
    large = _from_command(site, subject.size * 10)
    say(f"{large.name}: measuring")
    _restore(site, large)
    found: dict[str, Any] = {"posts": [subject.size, large.size]}
    for operation in ("backup", "restore"):
        one, ten = best(subject, operation), best(large, operation)
        found[operation] = {
            "seconds": [one.seconds, ten.seconds],
            "times": ten.seconds / one.seconds,
            "times_cpu": ten.cpu / min(run.cpu for run in subject.runs[operation]),
            "peaks": [max(run.peak for run in subject.runs[operation]), ten.peak],
            "records": [one.answer["records"], ten.answer["records"]],
        }
    site.drop(large.database)
    return found


def best(subject: Measured, operation: str) -> Run:
    """The quickest run."""
    return min(subject.runs[operation], key=lambda run: run.seconds)


def facts(subject: Measured) -> dict[str, Any]:
    """What was measured of a subject: best and median seconds of each operation and floor, and the ratios."""
    found: dict[str, Any] = {"name": subject.name, "size": subject.size, "operations": {}}
    for operation in ("backup", "restore"):
        runs, floors = subject.runs[operation], subject.runs[f"{operation} floor"]
        floor = best(subject, f"{operation} floor")
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
def new(site: BenchSite) -> Iterator[str]:
    """A database with an empty site, for as long as the `with` lasts."""
    name = site.database()
    try:
        yield name
    finally:
        site.drop(name)


def say(text: str) -> None:
    """Tells on standard error what is going on."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
