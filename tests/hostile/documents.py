"""Hostile XML: document types, encodings, depth, width, attributes, namespaces, names without end."""

from __future__ import annotations

from functools import partial

from tests.hostile.made import (
    COURSE,
    FORUM,
    HEAD,
    MANIFEST,
    MODULE,
    PAGE,
    SECTION,
    UNKNOWN,
    Change,
    Hostile,
    Made,
    archive_with,
    document,
    letters,
    with_changes,
)

READ = {
    "users": "users.xml",
    "forum": FORUM,
    "module": MODULE,
    "section": SECTION,
    "an unknown member": UNKNOWN,
}
"""Members of each way in which one is read."""

TYPES = {
    "empty": b"<!DOCTYPE a>",
    "entities": b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    "a file": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "an address": b'<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd">',
    "parameter entities": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>',
    "attributes": b'<!DOCTYPE a [<!ATTLIST a b CDATA "x">]>',
    "after a comment": b"<!-- c --><!DOCTYPE a>",
    "after an instruction": b"<?pi x?><!DOCTYPE a>",
    "after 15 KB of comment": b"<!--" + b"c" * 15_000 + b"--><!DOCTYPE a>",
    "after 300 KB of comment": b"<!--" + b"c" * 300_000 + b"--><!DOCTYPE a>",
    "after 300 KB of instruction": b"<?pi " + b"c" * 300_000 + b"?><!DOCTYPE a>",
    "after many lines": b"\n" * 10_000 + b"<!DOCTYPE a>",
    "after 300,000 spaces": b" " * 300_000 + b"<!DOCTYPE a>",
}


def all_documents() -> Made:
    """Yield all archives with hostile XML."""
    yield from _types()
    yield from _encodings()
    yield from _shapes()
    yield from _names()
    yield from _texts()
    yield from _sizes()


def _types() -> Made:
    for name, doctype in TYPES.items():
        yield Hostile(
            "XML: a document type", name, partial(archive_with, {"users.xml": HEAD + doctype + b"<users/>"})
        )
    for name, member in READ.items():
        content = HEAD + TYPES["entities"] + b"<activity>&b;</activity>"
        yield Hostile("XML: a document type", f"in {name}", partial(archive_with, {member: content}))
    manifest = HEAD + TYPES["a file"] + b"<moodle_backup>&x;</moodle_backup>"
    yield Hostile("XML: a document type", "in the manifest", partial(archive_with, {MANIFEST: manifest}))


def _encodings() -> Made:
    users = "<users/>"
    cases: dict[str, bytes] = {
        "UTF-16": users.encode("utf-16"),
        "UTF-16 without a mark": users.encode("utf-16-be"),
        "UTF-32": users.encode("utf-32"),
        "UTF-7 by name": b"<?xml version='1.0' encoding='UTF-7'?><users/>",
        "UTF-16 by name": b"<?xml version='1.0' encoding='UTF-16'?><users/>",
        "EBCDIC by name": b"<?xml version='1.0' encoding='IBM037'?><users/>",
        "a name of 5,000 letters": b"<?xml version='1.0' encoding='" + b"a" * 5000 + b"'?><users/>",
        "bytes of Latin 1": b"<users>\xe9</users>",
        "overlong UTF-8": b"<users>\xc0\xbcscript></users>",
        "a surrogate": b"<users>\xed\xa0\x80</users>",
        "NUL": b"<users>\0</users>",
        "NUL as a reference": b"<users>&#0;</users>",
        "a character of no XML": b"<users>\x1b</users>",
        "U+FFFF": b"<users>\xef\xbf\xbf</users>",
        "empty": b"",
        "spaces": b"   \n",
        "no element": b"<?xml version='1.0'?><!-- nothing -->",
        "two roots": b"<users/><users/>",
        "cut": b"<users><user id='1'>",
        "crossed tags": b"<users><a></users></a>",
        "an unknown entity": b"<users>&nothing;</users>",
        "an attribute twice": b"<users a='1' a='2'/>",
        "an unbound prefix": b"<users><x:a/></users>",
        "an open comment": b"<users><!-- ",
        "an open CDATA": b"<users><![CDATA[ ",
        "a tag of 1 MB": b"<users><" + b"a" * 1_000_000 + b"/></users>",
        "a text of 11 MB": b"<users><user id='5' contextid='6'><city>"
        + letters(11_000_000)
        + b"</city></user></users>",
    }
    for name, content in cases.items():
        yield Hostile("XML: malformed", name, partial(archive_with, {"users.xml": content}))


def _shapes() -> Made:
    for depth in (201, 300, 100_000):
        deep = "<a>" * depth + "</a>" * depth
        for name, member in READ.items():
            end = f"</{member.rpartition('/')[2].removesuffix('.xml')}>"
            change: Change = document("other", deep) if member == UNKNOWN else (end, deep + end)
            yield Hostile("XML: too deep", f"{depth:,} in {name}", partial(archive_with, {member: change}))
    wide = "<a/>" * 1_500_000
    yield Hostile(
        "XML: one record too large", "wide", lambda: archive_with({FORUM: ("</forum>", wide + "</forum>")})
    )
    yield Hostile(
        "XML: one record too large",
        "a tree",
        lambda: archive_with({FORUM: ("</forum>", f"<x>{wide}</x></forum>")}),
    )
    beside = "<b><c>1</c></b>" * 100_000
    yield Hostile(
        "XML: much beside the records",
        "in files",
        lambda: archive_with({"files.xml": ("</files>", beside + "</files>")}),
    )
    yield Hostile(
        "XML: much in a list of people",
        "beside them",
        lambda: archive_with({"users.xml": ("</users>", "<b/>" * 2_000_000 + "</users>")}),
    )
    yield Hostile(
        "XML: a large unknown member",
        "wide",
        lambda: archive_with({UNKNOWN: document("other", "<a>x</a>" * 300_000)}),
    )


def _names() -> Made:
    attributes = " ".join(f'a{n}=""' for n in range(200_000))
    namespaces = " ".join(f'xmlns:n{n}="u{n}"' for n in range(50_000))
    elements = "".join(f"<a{n}/>" for n in range(400_000))
    cases: dict[str, Change] = {
        "elements": document("other", elements),
        "attributes": HEAD + f"<other><a {attributes}/></other>".encode(),
        "attributes of many elements": document("other", "".join(f'<a b{n}="1"/>' for n in range(400_000))),
    }
    for name, change in cases.items():
        yield Hostile("XML: names without end", name, partial(archive_with, {UNKNOWN: change}))
    scope = HEAD + f"<other {namespaces}>{'<b/>' * 50_000}</other>".encode()
    yield Hostile("XML: namespaces without end", "in scope", partial(archive_with, {UNKNOWN: scope}))
    nested = "".join(f'<a xmlns:p{n}="u{n}">' for n in range(150)) + "</a>" * 150
    yield Hostile(
        "XML: namespaces without end", "nested", partial(archive_with, {UNKNOWN: document("other", nested)})
    )
    yield from with_changes(
        "XML: odd names that stay",
        {
            "a default namespace": {UNKNOWN: HEAD + b'<other xmlns="urn:x"><a/></other>'},
            "a prefix": {UNKNOWN: HEAD + b'<x:other xmlns:x="urn:x"><x:a x:b="1"/></x:other>'},
            "our own mark": {
                UNKNOWN: HEAD + b'<other xmlns:c="coursekeep"><c:read done="5"/><a done="1">x</a></other>'
            },
            "in a described record": {PAGE: ("</page>", '<x:a xmlns:x="urn:x">1</x:a></page>')},
            "dots and dashes": {UNKNOWN: document("other", "<a.b-c_d>1</a.b-c_d>")},
            "another script": {UNKNOWN: document("other", "<имя>1</имя>")},
            "a processing instruction": {UNKNOWN: document("other", "<?php system('id'); ?><a>1</a>")},
            "a comment": {UNKNOWN: document("other", "<!-- a --><a>1</a>")},
            "CDATA": {UNKNOWN: document("other", "<a><![CDATA[<script>alert(1)</script>]]></a>")},
            "XInclude": {
                UNKNOWN: HEAD
                + b'<other xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></other>'
            },
            "a stylesheet": {
                UNKNOWN: b'<?xml version="1.0"?><?xml-stylesheet href="http://192.0.2.1/"?><other/>'
            },
            "a schema": {
                UNKNOWN: HEAD
                + b'<other xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="u http://192.0.2.1/"/>'
            },
        },
    )


def _texts() -> Made:
    for name, text in {
        "9 MB in one text": letters(9_000_000).decode(),
        "a million references": "&lt;" * 1_000_000,
        "a hundred thousand parts": "x<![CDATA[y]]>" * 100_000,
        "a million link tokens": "$@PAGEVIEWBYID*32@$ " * 100_000,
        "an open link token": "$@PAGEVIEWBYID" + "*1" * 100_000,
        "equals signs": "=" * 1_000_000,
        "spaces": " " * 1_000_000,
    }.items():
        yield Hostile("XML: a long text that stays", name, partial(_in_page, text))


def _in_page(text: str) -> bytes:
    return archive_with({PAGE: ("Text\nof two lines", text)})


def _sizes() -> Made:
    yield Hostile(
        "XML: a manifest too large",
        "of 40 MB",
        lambda: archive_with({MANIFEST: ("</settings>", "<setting/>" * 4_000_000 + "</settings>")}),
    )
    listed = "".join(f"<user><id>{n}</id></user>" for n in range(800_000))
    yield Hostile(
        "XML: an inforef too large",
        "of 20 MB",
        lambda: archive_with(
            {"activities/forum_31/inforef.xml": document("inforef", f"<userref>{listed}</userref>")}
        ),
    )
    yield Hostile(
        "XML: the course is something else",
        "a page",
        lambda: archive_with({COURSE: document("html", "<script/>")}),
    )
