"""The report of the measurement of pages: which of them are faults."""

from __future__ import annotations

import pytest

from demo.scale.report import LIMIT, is_fault, lines


@pytest.mark.parametrize(
    ("person", "status", "cpu", "fault"),
    [
        ("admin", 200, LIMIT, False),
        ("admin", 200, LIMIT * 1.1, True),
        ("teacher", 200, LIMIT * 1.1, True),
        ("admin", 302, 0.0, True),
        ("admin", 404, 0.0, True),
        ("teacher", 404, 0.0, False),
        ("teacher", 500, 0.0, True),
    ],
)
def test_a_page_that_is_slow_or_does_not_come_is_a_fault(
    person: str, status: int, cpu: float, fault: bool
) -> None:
    page = {"person": person, "status": status, "cpu": cpu, "seconds": cpu}
    page |= {"statements": 1, "rows": 1, "bytes": 1, "address": "/jobs/"}
    assert is_fault(page) is fault
    marked = [line for line in lines({"site": [page]}) if line.endswith("/jobs/")]
    assert [line.startswith("!") for line in marked] == [fault]
