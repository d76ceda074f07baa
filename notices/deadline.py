"""A deadline for all that is done over a connection: a server that sends a byte now and then holds nobody for longer.

The time limit of a socket is one for each read and each write, which such a server never passes. Names of hosts are looked up
by the system, which has a limit of its own.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer


class Deadline:
    """Seconds in which a connection is made, used and closed. Make it by `within`."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._twin: socket.socket | None = None
        self._timer: Timer | None = None

    @property
    def left(self) -> float:
        """The seconds that are left; 0 if it has passed."""
        return max(0.0, self._end - time.monotonic())

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a connection to a host, which ends at the deadline. Raises OSError if no address of the host takes it.

        The addresses that were not tried yet have equal shares of the time that is left.
        """
        problem: OSError = TimeoutError("It has no address.")
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(found):
            try:
                # The machine may have no sockets of a family.
                raw = socket.socket(family, kind, protocol)
            except OSError as error:
                problem = error
                continue
            try:
                raw.settimeout(self._at_least(self.left / (len(found) - number)))
                raw.connect(address)
                raw.settimeout(self._at_least(self.left))
                self._watch(raw)
            except OSError as error:
                raw.close()
                problem = error
            else:
                return raw
        raise problem

    @staticmethod
    def _at_least(seconds: float) -> float:
        # A time limit of 0 would mean not to wait at all.
        return max(seconds, 0.001)

    def _watch(self, raw: socket.socket) -> None:
        """End a connection at the deadline, also if it becomes one of TLS."""
        self._twin = raw.dup()
        self._timer = Timer(self.left, self._shut, [self._twin])
        self._timer.daemon = True
        self._timer.start()

    @staticmethod
    def _shut(twin: socket.socket) -> None:
        # The connection may have ended by itself.
        with suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Watch no longer."""
        if self._timer is not None and self._twin is not None:
            self._timer.cancel()
            self._twin.close()


@contextmanager
def within(seconds: float, who: str) -> Iterator[Deadline]:
    """Yield a deadline for a block. Raises TimeoutError, which names `who`, if the block fails when it has passed."""
    deadline = Deadline(seconds)
    try:
        yield deadline
    except Exception as problem:
        if deadline.left:
            raise
        raise TimeoutError(f"{who} did not answer within {seconds:g} seconds.") from problem
    finally:
        deadline.close()
