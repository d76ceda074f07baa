"""Work in threads: results in the order of the items, bounded in memory, and errors at their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from archive.parallel import AHEAD, Background, in_order


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


def test_calls_are_made_in_their_order_in_another_thread() -> None:
    made: list[tuple[int, str]] = []

    def note(number: int) -> None:
        made.append((number, threading.current_thread().name))

    behind = Background("calls", ahead=3)
    for number in range(20):
        behind.submit(note, number)
    behind.wait()
    behind.close()
    assert made == [(number, "calls_0") for number in range(20)]


def test_the_error_of_a_call_is_raised_by_what_comes_next_and_only_once() -> None:
    behind = Background("calls", ahead=1)
    behind.submit(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        behind.submit(list)
    behind.submit(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        behind.wait()
    behind.wait()
    behind.close()


def test_no_more_calls_wait_than_may() -> None:
    go, begun = threading.Event(), threading.Semaphore(0)
    behind = Background("calls", ahead=2)
    for _ in range(2):
        behind.submit(go.wait)

    def submit_and_say_so() -> None:
        behind.submit(list)
        begun.release()

    third = threading.Thread(target=submit_and_say_so)
    third.start()
    assert not begun.acquire(timeout=0.2)
    go.set()
    assert begun.acquire(timeout=30)
    third.join()
    behind.close()
