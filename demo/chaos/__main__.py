"""Runs chaos on a site of its own for some minutes, waits until all jobs have ended, checks the outcome and prints it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import django

from demo.chaos.site import ChaosSite, site_in
from demo.progress import listed, say

GAP = 2.0
"""Most seconds between two events."""


def main() -> int:
    """Parse the arguments, run, print the outcome; return 0 if nothing was lost, else 1."""
    parser = argparse.ArgumentParser(prog="bin/chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same events (1)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long events happen (5)")
    parser.add_argument("--events", type=int, help="stop after so many events")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coursekeep-chaos-") as folder, site_in(Path(folder)) as site:
        os.environ.update(site.environment())
        os.environ.pop("DATABASE_URL", None)
        django.setup()
        found = run(site, options)
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))
    return 1 if found["faults"] else 0


def run(site: ChaosSite, options: argparse.Namespace) -> dict[str, Any]:
    """Let events happen, heal the site, and return all that was counted and found, as data for JSON."""
    # Models can be imported only now.
    from demo.chaos import outcome
    from demo.chaos.events import Chaos, heal
    from demo.chaos.logs import failed_attempts
    from demo.chaos.work import Work

    work = Work(Random(options.seed))
    site.fill_up()
    work.begin()
    chaos = Chaos(site, Random(options.seed), work.wait)
    began = time.monotonic()
    until = began + options.minutes * 60
    while time.monotonic() < until and (options.events is None or chaos.counts.total() < options.events):
        say(f"{time.monotonic() - began:6.1f} s  {chaos.happen()}")
        work.wait(chaos.random.uniform(0.0, GAP))
    seconds = time.monotonic() - began
    say("Nothing disturbs the site any more; waiting for its jobs.")
    heal(chaos)
    outcome.wait_for_jobs()
    site.end(list(site.workers))
    unfinished = outcome.unfinished()
    faults = [*chaos.faults, *outcome.faults(work.samples)]
    if site.late:
        faults.append(f"{site.late} workers had not ended 10 seconds after they were asked to.")
    return {
        "seed": options.seed,
        "seconds": round(seconds, 1),
        "events": dict(chaos.counts),
        "requests": dict(work.counts),
        "jobs": outcome.jobs_table(),
        "unfinished": unfinished,
        "failed_attempts": dict(failed_attempts(site.logs)),
        "queue": "Redis" if site.has_redis else "files",
        "faults": faults,
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the report for people."""
    total = sum(found["events"].values())
    yield f"{total} events in {found['seconds']:.0f} s with seed {found['seed']}, queue of {found['queue']}"
    for name, number in sorted(found["events"].items(), key=lambda item: -item[1]):
        yield f"  {number:>6}  {name}"
    yield "Requested"
    for name, number in sorted(found["requests"].items(), key=lambda item: -item[1]):
        yield f"  {number:>6}  {name}"
    yield "Jobs"
    for operation, state, code, number in found["jobs"]:
        yield f"  {number:>6}  {operation} {state}{f' ({code})' if code else ''}"
    yield "Attempts that failed by an error of the program or of the database"
    for error, number in sorted(found["failed_attempts"].items(), key=lambda item: -item[1]):
        yield f"  {number:>6}  {error}"
    left = ", ".join(f"{number} in {name}" for name, number in found["unfinished"].items() if number)
    yield f"Unfinished files that wait for their sweep: {left or 'none'}"
    yield from listed("Faults", found["faults"])


if __name__ == "__main__":
    sys.exit(main())
