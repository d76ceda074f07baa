"""Runs a year of a site's nights in minutes, on a site of its own whose clock is moved on, and prints what was found.

Each night schedules are run, jobs are done and the house is kept by the product's own functions, while courses change and come
and go, owners leave, storages are away and workers die. Each noon the site is compared with what was promised.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import django

from demo.progress import listed, say
from demo.year.logged import LoggedErrors
from embedded_postgres.server import Embedded

FIRST_DAY = datetime(2027, 9, 1, 12, tzinfo=UTC)
"""The year has both changes of the clock, in October and March, and a leap day."""


def main() -> int:
    """Parse the arguments, run, print the outcome; return 0 if all was as promised, else 1."""
    parser = argparse.ArgumentParser(prog="bin/year", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same year (1)")
    parser.add_argument("--courses", type=int, default=10, help="courses at the beginning (10)")
    parser.add_argument("--nights", type=int, default=365, help="how many nights (365)")
    parser.add_argument(
        "--changes", type=float, default=2.0, help="per cent of the courses that change in a day (2)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.courses < 1 or options.nights < 1 or not 0 <= options.changes <= 100:
        parser.error("there are one course and one night at least, and 0 to 100 per cent of changes")
    with tempfile.TemporaryDirectory(prefix="coursekeep-year-") as folder:
        home = Path(folder) / "home"
        os.environ |= {"COURSEKEEP_HOME": str(home), "COURSEKEEP_EMBEDDED_FSYNC": "off"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "demo.year.settings"
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        django.setup()
        server = Embedded(home)
        server.ensure_running()
        try:
            found = run(home, options)
        finally:
            server.stop()
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))
    return 1 if found["faults"] else 0


def run(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Make the site, let the nights pass, and return all that was counted and found, as data for JSON."""
    # Models can be imported only now.
    from django.core.management import call_command

    from demo.year.clock import Clock

    clock = Clock(FIRST_DAY)
    clock.install()
    with clock.shown_to_python():
        call_command("migrate", verbosity=0)
        from demo.year.calendar import Year

        began = time.monotonic()
        year = Year(home, clock, Random(options.seed), courses=options.courses, changes=options.changes / 100)
        for night in range(options.nights):
            for fault in year.pass_night():
                say(f"{clock.moment:%Y-%m-%d}  {fault}")
            if night % 10 == 9:
                say(f"{clock.moment:%Y-%m-%d}  {night + 1} nights in {time.monotonic() - began:.0f} s")
        return {
            "seed": options.seed,
            "nights": options.nights,
            "until": f"{clock.moment:%Y-%m-%d}",
            "seconds": round(time.monotonic() - began, 1),
            **year.report(),
            "errors": dict(LoggedErrors.counts),
        }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the report for people."""
    yield f"{found['nights']} nights until {found['until']} in {found['seconds']:.0f} s with seed {found['seed']}"
    for title, name in (
        ("What happened", "events"),
        ("Jobs", "jobs"),
        ("Entries of runs", "entries"),
        ("Notices", "notices"),
        ("Errors that were logged", "errors"),
        ("Most rows", "most_rows"),
        ("Now", "now"),
    ):
        yield title
        for what, number in sorted(found[name].items(), key=lambda item: -item[1]):
            yield f"  {number:>8,}  {what}"
    yield from listed("Faults", found["faults"])


if __name__ == "__main__":
    sys.exit(main())
