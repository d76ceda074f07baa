"""Work in threads: results in the order of the items, bounded in memory, and errors at their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from archive.parallel import AHEAD, in_order


@pytest.mark.parametrize("threads", [1, 4])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    assert list(in_order(lambda number: number * 2, range(100), threads=threads)) == list(range(0, 200, 2))


@pytest.mark.parametrize("threads", [1, 4])
def test_an_error_is_raised_at_its_item(threads: int) -> None:
    found: list[int] = []
    with pytest.raises(ZeroDivisionError):
        found.extend(in_order(lambda number: 10 // number, [1, 2, 0, 5], threads=threads))
    results = in_order(lambda number: 10 // number, [1, 2, 0, 5], threads=threads)
    assert [next(results), next(results)] == [10, 5]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_more_is_begun_than_may_wait() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    results = in_order(lambda number: number, items(), threads=3)
    next(results)
    assert taken <= 3 * AHEAD + 1
    results.close()


def test_several_run_at_once() -> None:
    together = threading.Barrier(4, timeout=30)

    def meet(_: int) -> int:
        return together.wait()

    assert sorted(in_order(meet, range(4), threads=4)) == [0, 1, 2, 3]


def test_one_thread_is_that_of_the_caller() -> None:
    assert list(in_order(lambda _: threading.get_ident(), [1], threads=1)) == [threading.get_ident()]
