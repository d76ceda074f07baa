"""A Redis server of its own for a site that is tried out; nothing of it is on a disk."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path


class RedisServer:
    """The server and its address. Where redis-server is not installed, `installed` is false and nothing starts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    @property
    def installed(self) -> bool:
        """Whether this machine has redis-server."""
        return shutil.which("redis-server") is not None

    def start(self) -> None:
        """Start the server if it is installed and does not run."""
        if not self.installed or (self._process is not None and self._process.poll() is None):
            return
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """Kill the server; all messages in it are lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
