"""Measures the pages of a very large site and of a very large course, backup and restore of that course, and a run's start."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from demo.bench.site import BenchFailed, BenchSite, open_site
from demo.progress import say
from demo.scale.report import is_fault, lines

PARTS = ("site", "course", "engines", "run")
SHARES = (0.25, 0.5, 1.0)


class ScaleSite(BenchSite):
    """A site whose measured operations are those of `demo.scale.operations`."""

    operations = "demo.scale.operations"


def main() -> int:
    """Parse the arguments, measure, print the report and return the exit code: 1 if a page is above the limit or does not come."""
    parser = argparse.ArgumentParser(prog="bin/scale", description=__doc__)
    for name, default, meaning in NUMBERS:
        parser.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{meaning} ({default:,})"
        )
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; can be given again")
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="how often each page is asked for (3)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        found = measure(options)
    except BenchFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))
    pages = [page for part in ("site", "course") for page in found.get(part, ())]
    return int(any(is_fault(page) for page in pages))


NUMBERS = (
    ("archives", 1_000_000, "stored archives of the site"),
    ("jobs", 1_000_000, "jobs of the site, with runs and audit entries"),
    ("courses", 10_000, "courses of the site"),
    ("people", 50_000, "accounts of the site, and people in the large course"),
    ("activities", 2_000, "activities of the large course"),
    ("files", 50_000, "files of the large course"),
    ("records", 200_000, "records of the large course"),
)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return all measurements as data for JSON. Raises BenchFailed."""
    parts = options.only or PARTS
    found: dict[str, Any] = {"sizes": {name: getattr(options, name) for name, _default, _meaning in NUMBERS}}
    with open_site(ScaleSite) as site:
        if {"site", "run"} & set(parts):
            found |= _of_site(site, options, parts)
        if "course" in parts:
            found["course"] = _of_course(site, options)
        if "engines" in parts:
            found["engines"] = [_engines(site, options, share) for share in SHARES]
    return found


def _of_site(site: BenchSite, options: argparse.Namespace, parts: Any) -> dict[str, Any]:
    """Fill the site, ask for its pages, and begin a run."""
    say(f"Filling a site of {options.archives:,} archives and {options.jobs:,} jobs ...")
    database = site.database()
    numbers = {name: getattr(options, name) for name in ("archives", "jobs", "courses", "people")}
    made = site.run("fill_site", database, **numbers)
    site.execute("VACUUM ANALYZE", database=database)
    found: dict[str, Any] = {"filled": made.seconds}
    ids = made.answer
    if "site" in parts:
        say("Asking for its pages ...")
        found["site"] = site.run("ask_site", database, ids=ids, rounds=options.rounds).answer["pages"]
    if "run" in parts:
        say("Beginning a run of all courses ...")
        found["run"] = site.run("start_run", database, ids=ids).answer
    site.drop(database)
    return found


def _of_course(site: BenchSite, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Make the large course and ask for its pages."""
    database, ids = _large_course(site, options, 1.0)
    say("Asking for the pages of the large course ...")
    pages: list[dict[str, Any]] = site.run("ask_course", database, ids=ids, rounds=options.rounds).answer[
        "pages"
    ]
    site.drop(database)
    return pages


def _engines(site: BenchSite, options: argparse.Namespace, share: float) -> dict[str, Any]:
    """Back up and restore the large course in a part of its size; return times and peak memory."""
    database, ids = _large_course(site, options, share)
    archive = str(site.home / f"{database}.mbz")
    say(f"Backing up and restoring {share:.0%} of the large course ...")
    backup = site.run("backup", database, course=ids["course"], target=archive)
    site.drop(database)
    target = site.database()
    restore = site.run("restore", target, archive=archive)
    site.drop(target)
    found: dict[str, Any] = {"share": share}
    for name, run in (("backup", backup), ("restore", restore)):
        found[name] = {
            "seconds": run.seconds,
            "cpu": run.cpu,
            "peak": run.peak,
            "records": run.answer["records"],
        }
    return found


def _large_course(site: BenchSite, options: argparse.Namespace, share: float) -> tuple[str, dict[str, int]]:
    """Make a database with a part of the large course; return its name and the ids of the course."""
    say(
        f"Making {share:.0%} of a course of {options.activities:,} activities and {options.people:,} people ..."
    )
    database = site.database()
    numbers = {
        name: max(8, int(getattr(options, name) * share))
        for name in ("activities", "people", "files", "records")
    }
    made = site.run("fill_course", database, **numbers)
    site.execute("VACUUM ANALYZE", database=database)
    return database, made.answer


if __name__ == "__main__":
    sys.exit(main())
