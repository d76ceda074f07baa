"""Records are read as values, in this process or in one of their own, which makes no difference."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import IO, Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from archive import records_apart
from archive.errors import ArchiveError, DamagedArchive, HostileArchive
from archive.records import Event, KnownTags, Rest, Shape, Shapes, Start, WholeRecord, read_records
from archive.records_apart import read_records_apart, read_records_of

RATING = Shape({}, {}, KnownTags(frozenset({"value", "tag"}), {}), lists=False, above=("post/subject",))
POST = Shape(
    {},
    {"ratings": {"rating": RATING}, "mark": RATING._replace(above=())},
    KnownTags(frozenset({"subject", "userid", "ratings", "mark"}), {"ratings": {}}),
    lists=False,
    above=(),
)
DISCUSSION = Shape(
    {("posts", "post"): POST, ("tag",): RATING._replace(above=("forum/name",))},
    {},
    KnownTags(frozenset({"name", "posts", "tag"}), {"posts": {}}),
    lists=True,
    above=(),
)
FORUM = Shape(
    {("discussions", "discussion"): DISCUSSION},
    {},
    KnownTags(frozenset({"name", "discussions"}), {"discussions": {}}),
    lists=True,
    above=(),
)
SHAPES: Shapes = {("activity", "forum"): FORUM}
BESIDE = KnownTags(frozenset({"forum"}), {})

TEXT = """<?xml version="1.0" encoding="UTF-8"?>
<activity id="1" contextid="7">
  <forum id="1">
    <name>News &amp; more</name>
    <discussions>
      <discussion id="4">
        <name>Hello</name>
        <posts>
          <post id="9"><userid>5</userid><subject>Hi</subject><extra kind="x">1<b/>2</extra>
            <ratings><rating id="3"><value>1</value></rating><odd/><rating id="4"/></ratings>
            <mark/>
          </post>
          <other/>
        </posts>
        <tag><value>v</value></tag>
      </discussion>
    </discussions>
  </forum>
  <beside><post id="99"/></beside>
</activity>
"""


def plain(event: Event) -> Any:
    """An event that can be compared: elements as XML, inline records as tuples."""
    if isinstance(event, Start):
        return (*event,)
    if isinstance(event, Rest):
        return etree.tostring(event.element, with_tail=False)
    tag, attributes, line, texts, inline, left = event
    inner = {name: [plain_inline(one) for one in found] for name, found in inline.items()}
    return tag, attributes, line, texts, inner, [etree.tostring(one, with_tail=False) for one in left]


def plain_inline(found: Any) -> Any:
    if isinstance(found, WholeRecord):
        return plain(found)
    return {name: [plain_inline(one) for one in inner] for name, inner in found.items()}


def here(text: bytes) -> list[Any]:
    return [
        plain(one) for one in read_records(io.BytesIO(text), member="m.xml", shapes=SHAPES, beside=BESIDE)
    ]


def apart(text: bytes) -> list[Any]:
    found = read_records_apart(io.BytesIO(text), member="m.xml", shapes=SHAPES, beside=BESIDE)
    return [plain(one) for one in found]


@pytest.mark.parametrize("read", [here, apart])
def test_records_come_when_they_start_and_end_with_inline_records_and_what_is_opaque(read: Any) -> None:
    posts, discussions = ("posts", "post"), ("discussions", "discussion")
    rating: Any = ("rating", {"id": "3"}, 10, {"value": "1"}, {}, [])
    assert read(TEXT.encode()) == [
        (("activity", "forum"), {"id": "1"}, 3),
        (discussions, {"id": "4"}, 6),
        (posts, {"id": "9"}, 9),
        (
            "post",
            {"id": "9"},
            9,
            {"userid": "5", "subject": "Hi", "extra": "1", "ratings": None, "mark": None},
            {
                "ratings": [{"rating": [rating, ("rating", {"id": "4"}, 10, {}, {}, [])]}],
                "mark": [("mark", {}, 11, {}, {}, [])],
            },
            [b'<extra kind="x">1<b/>2</extra>', b"<ratings><odd/></ratings>"],
        ),
        (("tag",), {}, 15),
        ("tag", {}, 15, {"value": "v", "forum/name": "News & more"}, {}, []),
        (
            "discussion",
            {"id": "4"},
            6,
            {"name": "Hello", "posts": "\n          "},
            {},
            [b"<posts>\n          <other/>\n        </posts>"],
        ),
        (
            "forum",
            {"id": "1"},
            3,
            {"name": "News & more", "discussions": "\n      "},
            {},
            [],
        ),
        b'<beside><post id="99"/></beside>',
    ]


LEAVES = st.sampled_from(
    ["<name>é &lt;b&gt;</name>", "<extra/>", "<userid>5</userid>", "<a><post id='7'/></a>", "<name>x</name>"]
)
RATINGS = st.lists(
    st.sampled_from(["<rating id='1'><value>2</value></rating>", "<odd>1</odd>", "\n"]), max_size=3
)
POSTS = st.builds(
    lambda number, leaves, ratings: (
        f'<post id="{number}">{"".join(leaves)}<ratings>{"".join(ratings)}</ratings></post>'
    ),
    st.integers(0, 99),
    st.lists(LEAVES, max_size=3),
    RATINGS,
)
DISCUSSIONS = st.builds(
    lambda leaves, posts: f'<discussion id="4">{"".join(leaves)}<posts>{"".join(posts)}</posts></discussion>',
    st.lists(LEAVES, max_size=2),
    st.lists(POSTS, max_size=3),
)
MEMBERS = st.builds(
    lambda found, beside: (
        f'<activity><forum id="1"><discussions>{"".join(found)}</discussions></forum>{"".join(beside)}</activity>'
    ),
    st.lists(DISCUSSIONS, max_size=3),
    st.lists(LEAVES, max_size=2),
)


@settings(max_examples=25, deadline=None)
@given(MEMBERS)
def test_a_process_of_its_own_reads_the_same(text: str) -> None:
    assert apart(text.encode()) == here(text.encode())


MANY = b"".join(b'<discussion id="%d"><name>D</name></discussion>' % number for number in range(20_000))


def test_many_records_come_in_their_order() -> None:
    text = b"<activity><forum id='1'><discussions>" + MANY + b"</discussions></forum></activity>"
    found = apart(text)
    assert found == here(text)
    assert len(found) == 2 * 20_000 + 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"<activity><forum id='1'><name>", DamagedArchive),
        (b"", DamagedArchive),
        (b"<activity><forum id='1'></activity>", DamagedArchive),
        (b"<!DOCTYPE a><activity/>", HostileArchive),
        (b"<activity>" + b"<a>" * 300 + b"</a>" * 300 + b"</activity>", HostileArchive),
        (b"<activity><forum id='1'><discussions>" + MANY + b"</forum></activity>", DamagedArchive),
    ],
)
def test_both_refuse_the_same_with_the_same_words(text: bytes, error: type[ArchiveError]) -> None:
    said = []
    for read in (here, apart):
        with pytest.raises(error) as caught:
            read(text)
        said.append((type(caught.value), caught.value.message, caught.value.where, caught.value.hint))
    assert said[0] == said[1]


class Breaking(io.BytesIO):
    """A stream that ends with an error."""

    def read(self, size: int | None = -1) -> bytes:
        if data := super().read(size):
            return data
        raise DamagedArchive("The compressed data is damaged.", where="m.xml")


def test_the_error_of_the_stream_is_that_of_the_reading() -> None:
    text = b"<activity><forum id='1'><discussions>" + MANY
    with pytest.raises(DamagedArchive, match="The compressed data is damaged"):
        list(read_records_apart(Breaking(text), member="m.xml", shapes=SHAPES, beside=BESIDE))


class Endless(io.RawIOBase):
    """A member without an end."""

    def __init__(self) -> None:
        self._first = b"<activity><forum id='1'><discussions>"

    def read(self, size: int = -1) -> bytes:
        data, self._first = self._first or MANY, b""
        return data


def children() -> list[psutil.Process]:
    return [
        one
        for one in psutil.Process().children()
        if one.status() != psutil.STATUS_ZOMBIE and "archive.records_apart" in one.cmdline()
    ]


def test_who_stops_reading_ends_the_process() -> None:
    stream: IO[bytes] = Endless()  # type: ignore[assignment]
    with closing(read_records_apart(stream, member="m.xml", shapes=SHAPES)) as found:
        assert isinstance(next(found), Start)
        assert len(children()) == 1
    assert children() == []
    assert "send bytes" not in {thread.name for thread in threading.enumerate()}


def test_a_process_that_is_killed_is_too_little_memory() -> None:
    stream: IO[bytes] = Endless()  # type: ignore[assignment]
    with closing(read_records_apart(stream, member="m.xml", shapes=SHAPES)) as found:
        next(found)
        children()[0].kill()
        with pytest.raises(MemoryError):
            list(found)


def test_the_process_ends_when_the_one_that_asked_is_killed() -> None:
    program = (
        "import sys; from tests.archive.test_records import *\n"
        "found = read_records_apart(Endless(), member='m.xml', shapes=SHAPES); next(found)\n"
        "print(children()[0].pid, flush=True); time.sleep(600)"
    )
    asking = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert asking.stdout is not None
    reading = psutil.Process(int(asking.stdout.readline()))
    os.kill(asking.pid, signal.SIGKILL)
    asking.wait()
    assert reading.wait(timeout=60) != 0 or not reading.is_running()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ways in which members were read."""
    found: list[str] = []

    def noting(name: str) -> Any:
        def read(*_: Any, **__: Any) -> Iterator[Event]:
            found.append(name)
            yield from ()

        return read

    monkeypatch.setattr(records_apart, "read_records", noting("here"))
    monkeypatch.setattr(records_apart, "read_records_apart", noting("apart"))
    return found


@pytest.mark.parametrize(
    ("size", "processors", "way"),
    [(records_apart.LONG - 1, 2, "here"), (records_apart.LONG, 2, "apart"), (records_apart.LONG, 1, "here")],
)
def test_a_long_member_is_read_apart_if_there_is_a_processor_for_it(
    started: list[str], monkeypatch: pytest.MonkeyPatch, size: int, processors: int, way: str
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    assert list(read_records_of(io.BytesIO(), size=size, member="m.xml", shapes=SHAPES)) == []
    assert started == [way]
