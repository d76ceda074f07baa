"""Do something for many items in a few threads, with the results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

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
