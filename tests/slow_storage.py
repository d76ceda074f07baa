"""A storage in memory as one of another machine is: it counts its calls, answers late, and can be made to fail."""

from __future__ import annotations

import io
import threading
import time
from collections import Counter
from typing import Any

from django.core.files.base import File
from django.core.files.storage import Storage


class SlowStorage(Storage):
    """Files in memory. `calls` counts the requests by name, `most_at_once` how many were made at the same time.

    Like S3 it replaces a file of the same name. `latency` is in seconds; with `failing` each request raises that.
    """

    def __init__(self, latency: float = 0.0) -> None:
        self.files: dict[str, bytes] = {}
        self.calls: Counter[str] = Counter()
        self.latency = latency
        self.most_at_once = 0
        self.failing: Exception | None = None
        self._now = 0
        self._lock = threading.Lock()

    def forget_calls(self) -> None:
        """Count from zero again."""
        self.calls.clear()
        self.most_at_once = 0

    def _request(self, name: str) -> None:
        with self._lock:
            self.calls[name] += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(self.latency)
        with self._lock:
            self._now -= 1
        if self.failing is not None:
            raise self.failing

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        self._request("open")
        try:
            return File(io.BytesIO(self.files[name]), name)
        except KeyError:
            raise FileNotFoundError(name) from None

    def _save(self, name: str, content: File[Any]) -> str:
        data = content.read()
        self._request("save")
        self.files[name] = data
        return name

    def exists(self, name: str) -> bool:
        self._request("exists")
        return name in self.files

    def size(self, name: str) -> int:
        self._request("size")
        return len(self.files[name])

    def delete(self, name: str) -> None:
        self._request("delete")
        self.files.pop(name, None)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        self._request("listdir")
        below = [name[len(path) + 1 :] for name in self.files if name.startswith(f"{path}/")]
        folders = {name.partition("/")[0] for name in below if "/" in name}
        return sorted(folders), sorted(name for name in below if "/" not in name)
