"""The first element of a document: found without the parser where nothing unusual stands before it, with the same answer."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import xml_bounds
from archive.errors import ArchiveError, HostileArchive
from archive.xml import attributes_of_root, parser_options
from archive.xml_bounds import start_of

PIECES = st.lists(
    st.sampled_from(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            "<?xml version='1.0'?>",
            "\ufeff",
            "\n",
            "<!-- c -->",
            "<!DOCTYPE a>",
            "<a>",
            "<a/>",
            '<a id="1">',
            '<a b=">" xmlns="urn:x">',
            '<a xmlns="urn:x" id="1">',
            '<a\n  id="1"\n  x="&gt;" >',
            "<x:a>",
            '<x:a xmlns:x="urn:x">',
            "<a b='1'>",
            '<a id="1" id="2">',
            '<a id="1\n2" name="é &amp; ü">',
            "<a b>",
            "text",
            "</a>",
        ]
    ),
    max_size=6,
).map("".join)


def name_in(document: bytes) -> str:
    try:
        return start_of(document, parser_options(), member="a.xml")
    except HostileArchive as refused:
        return refused.message


@given(PIECES)
def test_the_short_way_answers_as_the_parser_does(text: str) -> None:
    document = text.encode()
    short = name_in(document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml_bounds, "_ORDINARY", re.compile(rb"(?!)"))
        assert short == name_in(document)


@given(PIECES)
def test_the_attributes_of_the_root_are_the_parsers_unless_it_refuses_what_comes_later(text: str) -> None:
    document = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml_bounds, "_ORDINARY", re.compile(rb"(?!)"))
        try:
            by_parser = attributes_of_root(io.BytesIO(document), member="a.xml")
        except ArchiveError:
            return
    assert attributes_of_root(io.BytesIO(document), member="a.xml") == by_parser


def test_a_document_of_a_few_bytes_has_a_root() -> None:
    assert attributes_of_root(io.BytesIO(b"<a/>"), member="a.xml") == {}


@pytest.mark.parametrize("start", ["<!DOCTYPE a><a/>", "", "<a id='1' id='2'/>", "<a"])
def test_what_the_parser_refuses_at_the_root_is_refused(start: str) -> None:
    with pytest.raises(ArchiveError):
        attributes_of_root(io.BytesIO(start.encode()), member="a.xml")


def test_the_attributes_of_the_root_are_read_in_both_ways() -> None:
    for start in ('<a id="7" b="x y">', '<a id="7" b="x&#32;y">', "<a id='7' b='x y'>"):
        document = f'<?xml version="1.0" encoding="UTF-8"?>\n{start}<b/></a>'.encode()
        assert attributes_of_root(io.BytesIO(document), member="a.xml") == {"id": "7", "b": "x y"}
