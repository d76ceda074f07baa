"""The first element of a document: found without the parser where nothing unusual stands before it, with the same answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import xml_bounds
from archive.errors import HostileArchive
from archive.xml import parser_options
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
            "<a b>",
            "text",
            "</a>",
        ]
    ),
    max_size=6,
).map("".join)


def answer(document: bytes) -> str:
    try:
        return start_of(document, parser_options(), member="a.xml")
    except HostileArchive as refused:
        return refused.message


@given(PIECES)
def test_the_short_way_answers_as_the_parser_does(text: str) -> None:
    document = text.encode()
    short = answer(document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml_bounds, "_ORDINARY", re.compile(rb"(?!)"))
        assert short == answer(document)
