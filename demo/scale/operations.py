"""The steps of the measurement, each in a process of its own: `python -m demo.scale.operations NAME JSON`."""

from __future__ import annotations

import sys
from typing import Any

# Django is set up by this import, so that the models are there below.
from demo.bench import operations as bench

# ruff: isort: split
from demo.scale import addresses, course_rows, run_of_schedule, site_rows
from demo.scale.requests import PageReader
from vault import figures


def fill_site(archives: int, jobs: int, courses: int, people: int) -> bench.TimedFunction:
    """Return the function that fills the site and returns its ids."""
    size = site_rows.SiteSize(archives, jobs, courses, people)
    return lambda: site_rows.fill(size)


def fill_course(activities: int, people: int, files: int, records: int) -> bench.TimedFunction:
    """Return the function that adds the large course and returns its ids."""
    size = course_rows.CourseSize(activities, people, files, records)
    return lambda: course_rows.add_course(size)


def ask_site(ids: dict[str, int], rounds: int) -> bench.TimedFunction:
    """Return the function that asks for the pages of the site."""
    people = {name: ids[name] for name in addresses.EVERYBODY}
    # As housekeeping does.
    figures.store()
    return lambda: _asked(addresses.of_site(ids), PageReader(people, rounds), ids)


def ask_course(ids: dict[str, int], rounds: int) -> bench.TimedFunction:
    """Return the function that stores an archive of the large course and asks for its pages."""

    def timed() -> bench.Answer:
        found = ids | course_rows.prepare_pages(ids["course"])
        reader = PageReader({addresses.ADMIN: found["admin"]}, rounds)
        # The later stages of the wizard lead back to this one until it is said where the restore goes.
        chosen = {"where": "new", "category": str(found["category"]), "go": "1"}
        reader.send(addresses.ADMIN, f"/restore/{found['archive']}/destination/", **chosen)
        return _asked(addresses.of_course(found), reader, found)

    return timed


def start_run(ids: dict[str, int]) -> bench.TimedFunction:
    """Return the function that begins a run of all courses in a request, and queues its backups as a worker does."""
    return lambda: run_of_schedule.measured(ids["schedule"], ids["admin"])


def _asked(pages: Any, reader: PageReader, ids: dict[str, int]) -> bench.Answer:
    named = {
        "category": ids.get("categories", 0),
        "course": ids.get("courses", 0),
        "teacher": ids.get("teacher", 0),
    }
    filled = [addresses.filled(page, named) for page in pages]
    tell = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    return {"pages": list(reader.measure(filled, tell))}


OPERATIONS: dict[str, Any] = {
    operation.__name__: operation for operation in (fill_site, fill_course, ask_site, ask_course, start_run)
}

if __name__ == "__main__":
    bench.OPERATIONS.update(OPERATIONS)
    bench.main(*sys.argv[1:])
