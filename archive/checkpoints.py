"""Checkpoints: long loops over bytes call `checkpoint`, so that whoever runs them sees that they move and can stop them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Hooks(threading.local):
    """The functions that the checkpoints of one thread call, outermost first."""

    def __init__(self) -> None:
        self.called: list[Callable[[], None]] = []


_hooks = _Hooks()


def checkpoint() -> None:
    """Call the hooks of this thread. Raises whatever they raise, to stop the work."""
    for hook in _hooks.called:
        hook()


@contextmanager
def checkpoints(hook: Callable[[], None]) -> Iterator[None]:
    """Context manager: checkpoints of this thread call `hook` inside, after the hooks of outer blocks."""
    _hooks.called.append(hook)
    try:
        yield
    finally:
        _hooks.called.remove(hook)
