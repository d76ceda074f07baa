"""Checkpoints: long loops over bytes call `checkpoint`, so that whoever runs them sees that they move and can stop them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


class _Hooks(threading.local):
    """The functions that the checkpoints of one thread call, outermost first."""

    def __init__(self) -> None:
        self.called: list[Callable[[], None]] = []


_hooks = _Hooks()


def checkpoint() -> None:
    """Call the hooks of this thread. Raises whatever they raise, to stop the work."""
    for hook in _hooks.called:
        hook()


def carried(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return `function` so that checkpoints in it call the hooks that this thread has now, whichever thread calls it."""
    hooks = list(_hooks.called)

    def call(*args: Given.args, **named: Given.kwargs) -> Result:
        before, _hooks.called = _hooks.called, hooks
        try:
            return function(*args, **named)
        finally:
            _hooks.called = before

    return call


@contextmanager
def checkpoints(hook: Callable[[], None]) -> Iterator[None]:
    """Context manager: checkpoints of this thread call `hook` inside, after the hooks of outer blocks."""
    _hooks.called.append(hook)
    try:
        yield
    finally:
        _hooks.called.remove(hook)
