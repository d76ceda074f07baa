"""Work in threads: for many items with the results in their order, or call by call while the caller goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, TypeVar

from archive.checkpoints import carried, checkpoint

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4
"""Items for each thread that are begun before the result of the first one is asked for."""


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Generator[Result, None, None]:
    """Yield `function(item)` for each item, in the order of the items; an error is raised at its item's position.

    At most `threads` run at once, and at most four times as many results wait, so memory is bounded. With one thread
    everything is done in the caller's. When the caller stops, what has not begun is given up.
    """
    if threads <= 1:
        for item in items:
            checkpoint()
            yield function(item)
        return
    rest = iter(items)
    function = carried(function)
    executor = ThreadPoolExecutor(threads, thread_name_prefix="in-order")
    waiting: deque[Future[Result]] = deque()
    try:
        waiting.extend(executor.submit(function, item) for item in islice(rest, threads * AHEAD))
        while waiting:
            checkpoint()
            result = waiting.popleft().result()
            waiting.extend(executor.submit(function, item) for item in islice(rest, 1))
            yield result
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


class Background:
    """Makes calls in one thread, in their order, while the caller goes on; at most `ahead` of them wait.

    The error of a call is raised by the first `submit` that has to wait for it, whose own call is not made, or by `wait`. Calls
    that were submitted before that are made all the same.
    """

    def __init__(self, name: str, *, ahead: int) -> None:
        self._ahead = ahead
        self._thread = ThreadPoolExecutor(1, name)
        self._pending: deque[Future[Any]] = deque()

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Make a call after those before it; waits only while as many as may be are pending."""
        while len(self._pending) >= self._ahead:
            self._pending.popleft().result()
        future = self._thread.submit(function, *arguments)
        self._pending.append(future)
        return future

    def wait(self) -> None:
        """Wait for all that is pending. Raises the error of the first call that failed; those of the others are forgotten."""
        try:
            while self._pending:
                self._pending.popleft().result()
        finally:
            wait(self._pending)
            self._pending.clear()

    def close(self) -> None:
        """Wait for all that is pending and end the thread; errors are ignored."""
        self._thread.shutdown()
