"""The figures of a load: requests per second, and for each page the number, the median, the 95th percentile and the errors."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from django.urls import Resolver404, resolve

from demo.load.browser import Request

REFUSED = 400
"""Statuses from here on are errors: whoever follows the links and forms of pages meets none."""


def figures(requests: Sequence[Request], *, seconds: float) -> dict[str, Any]:
    """Return the figures of requests that were made in so many seconds, as data for JSON."""
    by_page: dict[str, list[Request]] = defaultdict(list)
    for one in requests:
        by_page[f"{one.method} {page_of(one.path)}"].append(one)
    return {
        "requests": len(requests),
        "requests_per_second": round(len(requests) / seconds, 1) if seconds else 0.0,
        **_times(requests),
        "errors": sum(is_error(one) for one in requests),
        "pages": {name: _of_page(found) for name, found in sorted(by_page.items())},
    }


def is_error(one: Request) -> bool:
    """Whether a request has no answer, or one that people should not meet."""
    return not 0 < one.status < REFUSED


def page_of(path: str) -> str:
    """Return the name of the page at a path."""
    try:
        return resolve(path).url_name or path
    except Resolver404:
        return path


def percentile(values: Sequence[float], part: float) -> float:
    """Return the smallest value that is not exceeded by this part of all, from 0 to 1. Raises ValueError for no values."""
    if not values:
        raise ValueError("No values have no percentile.")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def _of_page(found: Sequence[Request]) -> dict[str, Any]:
    statuses = Counter(str(one.status or "no answer") for one in found if is_error(one))
    return {"requests": len(found), **_times(found), "errors": dict(statuses)}


def _times(found: Sequence[Request]) -> dict[str, float]:
    """Return the median and the 95th percentile in seconds."""
    times = [one.seconds for one in found]
    if not times:
        return {"median": 0.0, "p95": 0.0}
    return {"median": round(percentile(times, 0.5), 3), "p95": round(percentile(times, 0.95), 3)}
