"""Formats the measurements as a table of plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MEGABYTE = 1_000_000

NAMES = {"backup": "backup by a command", "backup_in_worker": "backup in a worker"}
"""The names of operations that are not named as their functions are."""


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the measurements, as `measure` returns them, as lines for people."""
    if "skipped" in found:
        yield found["skipped"]
    parts = [_large(found)] if found["subjects"] else []
    parts += [_ordinary(found["ordinary"])] if "ordinary" in found else []
    parts += [_media(found["media"])] if "media" in found else []
    parts += [_scaling(found["scaling"])] if found["scaling"] else []
    for number, part in enumerate(parts):
        if number:
            yield ""
        yield from part


def _large(found: dict[str, Any]) -> Iterator[str]:
    yield f"Seconds, the best and the median of {found['rounds']} rounds, operation and floor in turns."
    yield "The floor is what the same rows and the same bytes cost at least. CPU: seconds that the process and the server's"
    yield "process for it spent on processors, the least of the rounds; it says more than the clock on a busy machine."
    yield "A backup by a command is the first of its process; one in a worker follows others: its queries are planned."
    yield ""
    heads = ("best", "median", "floor", "median", "ratio", "median", "CPU", "floor", "ratio")
    yield f"{'':<48}{'records':>9}{''.join(f'{head:>8}' for head in heads)}{'peak MB':>9}"
    for subject in found["subjects"]:
        for operation, facts in subject["operations"].items():
            yield _row(f"{NAMES.get(operation, operation)}: {subject['name']}", facts)
    yield ""
    for subject in found["subjects"]:
        for operation in ("backup", "restore"):
            facts = subject["operations"][operation]
            parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in facts["floor_parts"].items())
            yield f"  floor of {operation}, {subject['name']}: {parts}"
    yield ""
    for name, counted in found["statements"].items():
        numbers = [one["statements"] for one in counted.values()]
        fetches = ", ".join(str(one["fetches"]) for one in counted.values())
        sizes = " and ".join(f"{int(size):,}" for size in counted)
        yield (
            f"SQL statements of a backup ({name}) at {sizes}: {' and '.join(map(str, numbers))}"
            f" ({'equal' if len(set(numbers)) == 1 else 'NOT EQUAL'}); fetches from cursors: {fetches}"
        )


def _row(name: str, facts: dict[str, Any]) -> str:
    times = "".join(f"{facts[key]:>8.2f}" for key in ("best", "median", "floor_best", "floor_median"))
    ratios = f"{facts['ratio_best']:>8.2f}{facts['ratio_median']:>8.2f}"
    work = "".join(f"{facts[key]:>8.2f}" for key in ("cpu", "floor_cpu", "ratio_cpu"))
    return f"{name:<48}{facts['records']:>9,}{times}{ratios}{work}{facts['peak'] / MEGABYTE:>9.0f}"


def _ordinary(ordinary: dict[str, Any]) -> Iterator[str]:
    rich = ", ".join(
        f"{name} {facts['seconds']:.2f} s (the job {facts['job']:.2f})"
        for name, facts in ordinary["rich"].items()
    )
    yield f"A rich course, on a site that has its people and files, in a process that goes on running: {rich}"
    for processes, small in ordinary["small"].items():
        for name, facts in small.items():
            yield (
                f"Courses of size S, {processes} {'process' if processes == 1 else 'processes at once'}:"
                f" {name} {facts['seconds']:.3f} s each (the job {facts['job']:.3f}), {facts['an_hour']:,.0f} an hour"
            )


def _media(media: dict[str, Any]) -> Iterator[str]:
    yield (
        f"A course of {media['bytes'] / MEGABYTE:,.0f} MB of media: backup {media['backup']:.2f} s,"
        f" {media['bytes'] / MEGABYTE / media['backup']:,.0f} MB a second; the same bytes read, hashed and written once:"
        f" {media['floor']:.2f} s, ratio {media['backup'] / media['floor']:.2f}; peak {media['peak'] / MEGABYTE:,.0f} MB"
    )


def _scaling(scaling: list[dict[str, Any]]) -> Iterator[str]:
    heads = ("backup", "a million", "peak MB", "restore", "a million", "peak MB")
    yield "Seconds of courses of one forum, and for each million records; each was measured once."
    yield f"{'posts':>12}{'records':>12}{''.join(f'{head:>11}' for head in heads)}"
    for one in scaling:
        values = "".join(
            f"{facts['seconds']:>11.2f}{facts['seconds'] / facts['records'] * 1e6:>11.2f}{facts['peak'] / MEGABYTE:>11.0f}"
            for facts in (one["backup"], one["restore"])
        )
        yield f"{one['posts']:>12,}{one['backup']['records']:>12,}{values}"
