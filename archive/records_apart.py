"""Read the records of a long member in a process of its own: it parses while this process works on what was parsed before.

This process sends the shapes, and then the bytes of the member; it gets back batches of what `read_records` yields, as values
that `marshal` knows, which is five times as fast as `pickle`. When either process ends, the other one sees its pipe closed.
"""

from __future__ import annotations

import marshal
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from lxml import etree

from archive import errors, xml
from archive.checkpoints import checkpoint
from archive.errors import CoursekeepError
from archive.records import NOTHING, Event, Inline, KnownTags, Rest, Shapes, Start, WholeRecord, read_records
from archive.streams import CHUNK

LONG = 16 * 1024 * 1024
"""Bytes of a member from which on a process of its own is worth its start, of about a seventh of a second."""

BATCH = 250
"""Events that are sent at once."""

PIPE = 1024 * 1024
"""Bytes that a pipe holds, so that neither process waits for the other all the time."""

SIZE = struct.Struct(">I")

LastWords = tuple[str, dict[str, str]]
"""The name of the class of the error that ended the reading, and what it says."""


def read_records_of(
    stream: IO[bytes], *, size: int, member: str, shapes: Shapes, beside: KnownTags | None = None
) -> Generator[Event, None, None]:
    """As `read_records`; a member of many bytes is read in a process of its own, if there is a processor for it."""
    apart = size >= LONG and len(os.sched_getaffinity(0)) > 1
    read = read_records_apart if apart else read_records
    return read(stream, member=member, shapes=shapes, beside=beside)


def read_records_apart(
    stream: IO[bytes], *, member: str, shapes: Shapes, beside: KnownTags | None = None
) -> Generator[Event, None, None]:
    """Yield what `read_records` yields, and raise what it raises. The process ends with the generator."""
    root = str(Path(__file__).resolve().parents[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "archive.records_apart"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pipesize=PIPE,
        start_new_session=True,  # what interrupts this process does not end the other one with a traceback
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    sending = _Sending(process.stdin, stream, pickle.dumps((member, shapes, beside)))
    try:
        sending.start()
        for batch in _batches(cast(BinaryIO, process.stdout)):
            checkpoint()
            if isinstance(batch, tuple):
                sending.raise_error()
                raise _error(batch)
            yield from map(_event, batch)
        sending.raise_error()
        if process.wait():
            raise MemoryError(f"The process that read {member} ended with {process.returncode}.")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        sending.join()


class _Sending(threading.Thread):
    """Sends the request and the bytes of a stream to the other process. Its own error is kept for `raise_error`."""

    def __init__(self, target: IO[bytes], stream: IO[bytes], request: bytes) -> None:
        super().__init__(name="send bytes", daemon=True)
        self._target = target
        self._stream = stream
        self._request = request
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            with self._target:
                self._target.write(SIZE.pack(len(self._request)) + self._request)
                while block := self._stream.read(CHUNK):
                    self._target.write(block)
        except BrokenPipeError:
            pass  # the other process has read enough, or was ended
        except Exception as error:  # noqa: BLE001  whatever the stream raises is raised where it is read
            self._error = error

    def raise_error(self) -> None:
        """Raise the error of the stream, if it had one: then the other process has seen a part of the bytes only."""
        if self._error is not None:
            raise self._error


def _batches(source: BinaryIO) -> Iterator[list[Any] | LastWords]:
    """Yield the batches that the other process sends, and at last its error, if it ends with one."""
    while head := source.read(SIZE.size):
        (size,) = SIZE.unpack(head)
        yield marshal.loads(source.read(size))  # noqa: S302  written by this module


def _error(last_words: LastWords) -> Exception:
    """Return the error that ended the other process."""
    name, said = last_words
    if name == MemoryError.__name__:
        return MemoryError(said["message"])
    made: Exception = getattr(errors, name)(said["message"], where=said["where"], hint=said["hint"])
    return made


def _event(sent: tuple[Any, ...]) -> Event:
    """Return an event of `read_records`, as the other process sent it."""
    if len(sent) == 3:
        return Start._make(sent)
    if len(sent) == 4:
        return WholeRecord(*sent, NOTHING, ())
    if len(sent) == 1:
        return Rest(_element(sent[0]))
    return _record(sent)


def _record(sent: tuple[Any, ...]) -> WholeRecord:
    tag, attributes, line, texts, inline, left = sent
    return WholeRecord(tag, attributes, line, texts, _inline(inline), [_element(text) for text in left])


def _inline(sent: dict[str, list[Any]]) -> Inline:
    """Return inline records: those of a tag are tuples, what is in wrappers are dictionaries."""
    found: dict[str, Any] = {
        tag: [_record(one) if isinstance(one, tuple) else _inline(one) for one in inner]
        for tag, inner in sent.items()
    }
    return found


def _element(text: bytes) -> etree._Element:
    return etree.fromstring(text, etree.XMLParser(**xml.parser_options()))


def _sent(event: Event) -> tuple[Any, ...]:
    """Return an event as `marshal` knows it."""
    if type(event) is Start:
        return (*event,)
    if type(event) is Rest:
        return (_text(event.element),)
    record = cast(WholeRecord, event)
    if not record.inline and not record.left:
        return record.tag, record.attributes, record.line, record.texts
    return _sent_record(record)


def _sent_record(record: WholeRecord) -> tuple[Any, ...]:
    tag, attributes, line, texts, inline, left = record
    return tag, attributes, line, texts, _sent_inline(inline), [*map(_text, left)]


def _sent_inline(inline: Inline) -> dict[str, list[Any]]:
    return {
        tag: [_sent_record(one) if isinstance(one, WholeRecord) else _sent_inline(one) for one in found]
        for tag, found in inline.items()
    }


def _text(element: etree._Element) -> bytes:
    return etree.tostring(element, encoding="utf-8", with_tail=False)


def _write(target: BinaryIO, batch: Any) -> None:
    data = marshal.dumps(batch)
    target.write(SIZE.pack(len(data)))
    target.write(data)


def _in_batches(events: Iterable[Event]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield events as they are sent, so many at once."""
    sent = map(_sent, events)
    while batch := [*islice(sent, BATCH)]:
        yield batch


def main() -> None:
    """Read what `read_records_apart` sends, and answer."""
    source, target = cast(BinaryIO, sys.stdin.buffer), cast(BinaryIO, sys.stdout.buffer)
    (size,) = SIZE.unpack(source.read(SIZE.size))
    member, shapes, beside = pickle.loads(source.read(size))  # noqa: S301  written by this module
    try:
        for batch in _in_batches(read_records(source, member=member, shapes=shapes, beside=beside)):
            _write(target, batch)
    except CoursekeepError as error:
        said = {"message": error.message, "where": error.where, "hint": error.hint}
        _write(target, (type(error).__name__, said))
    except MemoryError as error:
        _write(target, (MemoryError.__name__, {"message": str(error)}))
    target.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(1)  # nobody reads any more
