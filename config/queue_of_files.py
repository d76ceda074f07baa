"""The queue of a site without Redis: kombu's queue of files, in which files appear whole and are taken by one.

kombu makes the file of a message or of an exchange and writes into it then: a worker that looks in between reads an empty one,
and ends with an error of the decoder. And it moves a message to the system's temporary folder: if that is on another file
system, two workers can take the same.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any, cast

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

NAME = "filesystem"
"""The scheme of the broker's address."""


class Channel(filesystem.Channel):
    """A channel of `filesystem`. A file whose name begins with a dot belongs to one process, and others look over it."""

    # kombu's classes have two names for the second argument.
    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        """Put a message into the folder. Raises ChannelError if it cannot be written."""
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        _write(Path(self.data_folder_out), name, dumps(payload).encode())

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """Take the oldest message of a queue that no other process takes. Raises Empty if there is none."""
        folder = Path(self.data_folder_in)
        for name in sorted(path.name for path in folder.iterdir()):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = folder / f".{name}.{os.getpid()}"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue  # another process was first
            payload = taken.read_bytes()
            taken.unlink()
            return loads(payload.decode())
        raise Empty

    def _queue_bind(self, exchange: str, *binding: Any) -> None:
        """Note that messages of an exchange go to a queue. Raises ChannelError if that cannot be written."""
        file: Path = cast(Any, self)._exchange_file(exchange)
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            _write(file.parent, file.name, b"[]")
        super()._queue_bind(exchange, *binding)


def _write(folder: Path, name: str, data: bytes) -> None:
    """Write a file that appears whole; if there is one of that name, it stays. Raises ChannelError."""
    part = folder / f".{name}.{uuid.uuid4()}"
    try:
        part.write_bytes(data)
        with suppress(FileExistsError):  # another process was first
            (folder / name).hardlink_to(part)
    except OSError as error:
        raise ChannelError(f"The file {name} of the queue cannot be written in {folder}.") from error
    finally:
        part.unlink(missing_ok=True)


class Transport(filesystem.Transport):
    """kombu's transport of this name, with the channel above."""

    Channel = Channel


def use() -> None:
    """Let every connection of this process to a queue of files have this transport."""
    TRANSPORT_ALIASES[NAME] = f"{__name__}:Transport"
