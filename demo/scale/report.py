"""Formats the measurements of pages, engines and runs as tables of plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from demo.scale.addresses import ADMIN

LIMIT = 0.3
"""Seconds on processors, of the web process and of its database session, that a page may take."""
MEGABYTE = 1_000_000


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the measurements, as `demo.scale.__main__.measure` returns them, as lines for people."""
    for part, title in (("site", "The pages of the site"), ("course", "The pages of the large course")):
        if part in found:
            yield f"{title}, the slowest first; in ms on processors and by the clock; those above {LIMIT * 1000:.0f} ms, and those that did not come, are marked with !"
            yield from pages(found[part])
            yield ""
    if "engines" in found:
        yield "Backup and restore of the large course"
        yield f"{'share':>6}{'':>10}{'seconds':>9}{'CPU':>8}{'peak MB':>9}{'records':>10}"
        for part in found["engines"]:
            for name in ("backup", "restore"):
                one = part[name]
                yield (
                    f"{part['share']:>6.0%}{name:>10}{one['seconds']:>9.1f}{one['cpu']:>8.1f}"
                    f"{one['peak'] / MEGABYTE:>9.0f}{one['records']:>10,}"
                )
        yield ""
    if "run" in found:
        yield from _run(found["run"])


def is_fault(page: Mapping[str, Any]) -> bool:
    """Whether a page is above the limit or failed, or did not come for the administrator; others may be refused."""
    status = page["status"]
    return bool(page["cpu"] > LIMIT or status >= 500 or (page["person"] == ADMIN and status != 200))


def pages(answers: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each page, the slowest first."""
    yield f"{'':2}{'CPU':>6}{'clock':>6}{'SQL':>5}{'rows':>9}{'KB':>7}  status, person, address"
    for one in sorted(answers, key=lambda one: -one["cpu"]):
        mark = "!" if is_fault(one) else " "
        yield (
            f"{mark:2}{one['cpu'] * 1000:>6.0f}{one['seconds'] * 1000:>6.0f}{one['statements']:>5}{one['rows']:>9,}"
            f"{one['bytes'] // 1000:>7}  {one['status']} {one['person']:<8}{one['address']}"
        )


def _run(found: dict[str, Any]) -> Iterator[str]:
    request, queued, end = found["request"], found["queued"], found["one_cancellation"]
    yield f"A run of {found['entries']:,} courses: {found['jobs']:,} jobs"
    yield f"  the request that begins it: {request['seconds'] * 1000:.0f} ms, {request['statements']} statements"
    each = queued["statements"] / max(1, found["entries"])
    yield f"  until all jobs are visible: {queued['seconds']:.1f} s, {queued['statements']:,} statements ({each:.2f} a course)"
    yield f"  the cancellation of a job: {end['seconds'] * 1000:.1f} ms, {end['statements']:.0f} statements"
