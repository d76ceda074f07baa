"""The queue of files: every message is taken once and whole, however many put and take at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES

from config import queue_of_files
from config.celery import app

MESSAGES, AT_ONCE = 300, 3


@pytest.fixture
def channels(tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Opens channels to one queue, each as a process of its own has it."""
    folders = {"data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"}
    options = {name: str(tmp_path / folder) for name, folder in folders.items()}
    for folder in options.values():
        Path(folder).mkdir(exist_ok=True)
    opened: list[Connection] = []

    def open_channel() -> Any:
        connection = Connection("filesystem://", transport_options=options)
        opened.append(connection)
        return connection.channel()

    yield open_channel
    for connection in opened:
        connection.release()


def together(*functions: Callable[[], None]) -> list[Exception]:
    """Call functions at the same moment, each in a thread, and return their errors."""
    errors: list[Exception] = []
    start = threading.Barrier(len(functions))

    def call(function: Callable[[], None]) -> None:
        start.wait()
        try:
            function()
        except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
            errors.append(error)

    threads = [threading.Thread(target=call, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_the_application_uses_this_transport() -> None:
    assert TRANSPORT_ALIASES["filesystem"] == "config.queue_of_files:Transport"
    with app.connection_for_write("filesystem://") as connection:
        assert isinstance(connection.transport, queue_of_files.Transport)


def test_a_message_is_taken_whole_and_once_while_others_are_put(channels: Callable[[], Any]) -> None:
    taken: list[int] = []
    done = threading.Event()

    def put(first: int) -> Callable[[], None]:
        channel = channels()

        def run() -> None:
            for number in range(first, first + MESSAGES):
                channel._put("celery", {"number": number, "text": "x" * 5000})

        return run

    def take() -> Callable[[], None]:
        channel = channels()

        def run() -> None:
            while len(taken) < MESSAGES * AT_ONCE and not done.wait(0.001):
                try:
                    taken.append(channel._get("celery")["number"])
                except Empty:
                    continue

        return run

    watch = threading.Timer(60, done.set)
    watch.start()
    errors = together(
        *(put(number * MESSAGES) for number in range(AT_ONCE)), *(take() for _ in range(AT_ONCE))
    )
    watch.cancel()
    assert errors == []
    assert sorted(taken) == list(range(MESSAGES * AT_ONCE))


def test_messages_are_taken_in_their_order_and_leave_nothing(
    channels: Callable[[], Any], tmp_path: Path
) -> None:
    channel = channels()
    for number in range(3):
        channel._put("celery", number)
    channel._put("other", "of another queue")
    assert sorted(channel._get("celery") for _ in range(3)) == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get("celery")
    assert channel._get("other") == "of another queue"
    assert list((tmp_path / "messages").iterdir()) == []


def test_processes_that_begin_at_the_same_moment_bind_their_queues(
    channels: Callable[[], Any], tmp_path: Path
) -> None:
    def binding(exchange: str, queue: str) -> Callable[[], None]:
        return partial(channels()._queue_bind, exchange, "", "", queue)

    for exchange in (f"exchange{number}" for number in range(20)):
        assert together(*(binding(exchange, f"queue{number}") for number in range(4))) == []
        assert len(channels().get_table(exchange)) == 4
    assert not list((tmp_path / "control").glob(".*"))


def test_a_folder_that_is_gone_is_an_error_of_the_channel(
    channels: Callable[[], Any], tmp_path: Path
) -> None:
    channel = channels()
    (tmp_path / "messages").rmdir()
    with pytest.raises(ChannelError, match="cannot be written"):
        channel._put("celery", 1)
