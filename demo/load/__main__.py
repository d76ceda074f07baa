"""Lets people go through the wizards of a site of its own while jobs wait in its queue, and prints how fast pages answer.

Web, worker, Redis and PostgreSQL are processes as in production, but PostgreSQL does not wait for the disk; people are HTTP
clients on this machine. The exit code is 1 if any request failed, or led to another page than a person expects, or the 95th
percentile is above --most-p95.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median_low
from typing import TYPE_CHECKING, Any

import django

from demo.load.site import LoadSite, site_in
from demo.progress import say
from embedded_postgres.server import survives_power_loss

if TYPE_CHECKING:
    from demo.load.people import Person
    from demo.load.work import Queue

MOST_PEOPLE, MOST_JOBS, MOST_MINUTES = 500, 500, 120.0
MOST_ARRIVING = 60.0
"""Seconds in which all people arrive, at most: the check of a password takes a processor for a while."""

SAMPLES = ("XS", "XS", "S", "S")
"""The sizes of the courses of the site."""


def main() -> int:
    """Parse the arguments, run, print the figures; return 0 if no request failed and pages were fast enough, else 1."""
    parser = argparse.ArgumentParser(prog="bin/load", description=__doc__)
    parser.add_argument(
        "--people", type=int, default=50, help=f"people at the same time (50; at most {MOST_PEOPLE})"
    )
    parser.add_argument("--jobs", type=int, default=20, help=f"jobs in the queue (20; at most {MOST_JOBS})")
    parser.add_argument(
        "--minutes", type=float, default=2.0, help=f"how long (2; at most {MOST_MINUTES:.0f})"
    )
    parser.add_argument(
        "--most-p95",
        type=float,
        metavar="SECONDS",
        help="the highest 95th percentile that is no failure (any)",
    )
    parser.add_argument("--seed", type=int, default=1, help="for the choices of the people (1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not (0 < options.people <= MOST_PEOPLE and 0 <= options.jobs <= MOST_JOBS):
        parser.error(f"there are 1 to {MOST_PEOPLE} people and 0 to {MOST_JOBS} jobs")
    if not 0 < options.minutes <= MOST_MINUTES:
        parser.error(f"it takes up to {MOST_MINUTES:.0f} minutes")
    with tempfile.TemporaryDirectory(prefix="coursekeep-load-") as folder, site_in(Path(folder)) as site:
        django.setup()
        found = run(site, options)
    print(json.dumps(found, indent=2) if options.json else "\n".join(lines(found)))
    return 1 if has_failed(found, options.most_p95) else 0


def has_failed(found: dict[str, Any], most_p95: float | None) -> bool:
    """Whether a request failed, something was not as a person expects, or the 95th percentile is above a number of seconds."""
    slow = most_p95 is not None and found["p95"] > most_p95
    return bool(found["errors"] or found["problems"] or slow)


def run(site: LoadSite, options: argparse.Namespace) -> dict[str, Any]:
    """Make courses and accounts, let people work, and return the figures, as data for JSON."""
    # Models can be imported only now.
    from demo.load.browser import Request
    from demo.load.figures import figures
    from demo.load.people import Person
    from demo.load.work import Queue, make_accounts, make_archives

    accounts = make_accounts(options.people)
    queue = Queue(make_archives(SAMPLES), options.jobs)
    site.serve()
    say(f"{options.people} people and {options.jobs} jobs for {options.minutes:g} minutes ...")
    requests: list[Request] = []
    ended = threading.Event()
    people = [
        Person(name, site.port, Random(options.seed * 1000 + number), requests.append, ended)
        for number, name in enumerate(accounts)
    ]
    seconds = _let_work(site, people, queue, ended, seconds=options.minutes * 60)
    return {
        "people": options.people,
        "jobs": options.jobs,
        "seconds": round(seconds, 1),
        "fsync": survives_power_loss(),
        "open_jobs": {"least": min(queue.open), "median": median_low(queue.open), "most": max(queue.open)},
        **figures(requests, seconds=seconds),
        "done": dict(sum((one.done for one in people), Counter())),
        "ended_jobs": queue.outcome(),
        "problems": [f"{one.name}, {problem}" for one in people for problem in one.errors] + queue.problems(),
    }


def _let_work(
    site: LoadSite, people: Sequence[Person], queue: Queue, ended: threading.Event, *, seconds: float
) -> float:
    """Let people arrive one after the other and work, and keep the queue filled; return the seconds until the last one left."""
    arriving = min(MOST_ARRIVING, seconds / 4)
    threads = [
        threading.Thread(
            target=one.live, kwargs={"after": arriving * number / len(people)}, name=one.name, daemon=True
        )
        for number, one in enumerate(people)
    ]
    queue.fill()
    began = time.monotonic()
    for thread in threads:
        thread.start()
    while time.monotonic() - began < seconds:
        site.processes.check()
        queue.fill()
        time.sleep(0.5)
    ended.set()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the figures for people."""
    yield f"{found['people']} people and {found['jobs']} jobs, {found['seconds']:.0f} s"
    queue = found["open_jobs"]
    yield f"Jobs that waited or ran: {queue['least']} to {queue['most']}, median {queue['median']}"
    yield f"PostgreSQL {'waited for the disk (fsync on)' if found['fsync'] else 'did not wait for the disk (fsync off)'}"
    yield f"{found['requests']:,} requests, {found['requests_per_second']:.1f} a second"
    yield f"Median {found['median']:.3f} s, 95th percentile {found['p95']:.3f} s, errors: {found['errors'] or 'none'}"
    yield f"  {'requests':>8}  {'median':>8}  {'95 %':>8}  errors"
    for name, page in found["pages"].items():
        errors = ", ".join(f"{number} x {status}" for status, number in page["errors"].items()) or "-"
        yield f"  {page['requests']:>8,}  {page['median']:>8.3f}  {page['p95']:>8.3f}  {errors:<8} {name}"
    yield "Done: " + ", ".join(f"{number:,} x {name}" for name, number in sorted(found["done"].items()))
    yield "Jobs: " + ", ".join(f"{number:,} x {name}" for name, number in sorted(found["ended_jobs"].items()))
    yield f"Problems: {len(found['problems']) or 'none'}"
    yield from (f"  {problem}" for problem in found["problems"][:50])


if __name__ == "__main__":
    sys.exit(main())
