"""Archives whose members contradict each other, or hold numbers, texts and structures made to do harm."""

from __future__ import annotations

import base64
from functools import partial

from tests.hostile.made import (
    COURSE,
    FORUM,
    MANIFEST,
    MODULE,
    PAGE,
    PAGE_MODULE,
    SECTION,
    UNKNOWN,
    Change,
    Hostile,
    Made,
    archive_with,
    document,
    with_changes,
)

NUMBERS = {
    "minus one": "-1",
    "minus the largest": "-9223372036854775809",
    "20 digits": "9" * 20,
    "5,000 digits": "9" * 5000,
    "superscript": "²",
    "Arabic digits": "٦٢",
    "full width": "\uff16\uff12",
    "an underscore": "6_2",
    "a plus": "+62",
    "hexadecimal": "0x3e",
    "an exponent": "6e1",
    "a fraction": "62.5",
    "infinity": "inf",
    "no number": "nan",
    "spaces": " 6 2 ",
    "SQL": "62; DROP TABLE courses_course",
}
PLACES: dict[str, tuple[str, str, str]] = {
    "the id of a post": (FORUM, '<post id="62"', '<post id="{}"'),
    "a reference": (FORUM, "<userid>11", "<userid>{}"),
    "the id of a person": ("users.xml", 'id="12"', 'id="{}"'),
    "a context of a person": ("users.xml", 'contextid="512"', 'contextid="{}"'),
    "the number of a section": (SECTION, "<number>0", "<number>{}"),
    "the context of a file": ("files.xml", "<contextid>102", "<contextid>{}"),
    "an id in the manifest": (MANIFEST, "<moduleid>31", "<moduleid>{}"),
    "a date in the manifest": (MANIFEST, "<backup_date>1800000000", "<backup_date>{}"),
    "the id of a role": ("roles.xml", 'id="5"', 'id="{}"'),
}
MAY_PASS = {"minus one", "a fraction", "spaces", "a plus", "an exponent"}
"""Numbers that a field may take: below zero, or written as other programs write them."""

SCRIPTS = {
    "script": "<script>steal()</script>",
    "an image": "<img src=x onerror=steal()>",
    "an address": '<a href="javascript:steal()">x</a>',
    "SVG": "<svg onload=steal()>",
    "a frame": "<iframe srcdoc='<script>steal()</script>'></iframe>",
    "a style": "<style>@import 'http://192.0.2.1/'</style>",
    "an open attribute": '"><script>steal()</script>',
    "MathML": "<math><mtext><table><mglyph><style><img src=x onerror=steal()>",
    "a form": "<form action=http://192.0.2.1><button formaction=javascript:steal()>",
    "a template": "{{ 7*7 }}{% load x %}{{ settings.SECRET_KEY }}",
    "a data address": "<object data='data:text/html,<script>steal()</script>'></object>",
    "a base": "<base href='http://192.0.2.1/'>",
}


def all_contents() -> Made:
    """Yield all archives with hostile contents."""
    yield from _numbers()
    yield from _manifests()
    yield from _identities()
    yield from _texts()
    yield from _structures()
    yield from _php()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _numbers() -> Made:
    for order, (place, (member, old, new)) in enumerate(PLACES.items()):
        for turn, (name, number) in enumerate(NUMBERS.items()):
            # Each number in every second place, each place with half of the numbers.
            if name in MAY_PASS or (order + turn) % 2:
                continue
            change = {member: (old, new.format(number), 1)}
            yield Hostile("a number that is none", f"{place}: {name}", partial(archive_with, change))


def _manifests() -> Made:
    directory = "<directory>activities/forum_31"
    yield from with_changes(
        "a manifest that contradicts the rest",
        {
            "an activity that is not there": {MANIFEST: (directory, "<directory>activities/forum_99")},
            "the folder of another": {MANIFEST: (directory, "<directory>activities/page_32")},
            "a section that is not there": {
                MANIFEST: ("<directory>sections/section_21", "<directory>sections/section_99")
            },
            "another course": {COURSE: ('id="2"', 'id="3"')},
            "another context": {COURSE: ('contextid="101"', 'contextid="999"')},
            "another activity": {MODULE: ('id="31"', 'id="33"')},
            "another type": {MODULE: ("<modulename>forum", "<modulename>quiz")},
            "no people": {"users.xml": None},
            "no course": {COURSE: None},
            "no activity": {FORUM: None},
            "no module": {MODULE: None},
            "an activity twice": {MANIFEST: ("<moduleid>32", "<moduleid>31")},
        },
    )
    yield from with_changes(
        "a manifest of nonsense",
        {
            "a folder that climbs": {MANIFEST: (directory, "<directory>../../etc")},
            "an absolute folder": {MANIFEST: (directory, "<directory>/etc")},
            "a folder with NUL": {MANIFEST: (directory, "<directory>a&#1;b")},
            "a type with a path": {MANIFEST: ("<modulename>forum", "<modulename>../forum")},
            "a type with SQL": {MANIFEST: ("<modulename>forum", "<modulename>forum'; DROP TABLE x--")},
            "a type of another script": {MANIFEST: ("<modulename>forum", "<modulename>f\u043erum")},
            "another format": {MANIFEST: ("<format>moodle2", "<format>moodle9")},
            "another archive type": {MANIFEST: ("<type>course", "<type>site")},
            "Moodle 1.9": {MANIFEST: ("<backup_version>2024100700", "<backup_version>2008030300")},
            "another root": {MANIFEST: document("other", "<information/>")},
            "no information": {MANIFEST: document("moodle_backup", "")},
        },
    )


def _identities() -> Made:
    block = '<block id="6" contextid="{}" version="1"><blockname>html</blockname></block>'
    yield from with_changes(
        "ids of another context",
        {
            "a person in the site's context": {"users.xml": ('contextid="511"', 'contextid="1"')},
            "a person in the course's context": {"users.xml": ('contextid="511"', 'contextid="101"')},
            "the course in the site's context": {COURSE: ('contextid="101"', 'contextid="1"')},
            "a block in the site's context": {"course/blocks/html_6/block.xml": block.format(1).encode()},
            "a role in the site's context": {
                "course/roles.xml": b"<roles><role_assignments><assignment id='1'><roleid>5</roleid><userid>11</userid>"
                b"</assignment></role_assignments></roles>",
                COURSE: ('contextid="101"', 'contextid="1"'),
            },
            "two people in one context": {"users.xml": ('contextid="512"', 'contextid="511"')},
            "two people of one number": {"users.xml": ('id="12"', 'id="11"')},
            "two people of one name": {"users.xml": ("<username>boris", "<username>anna")},
            "two posts of one number": {FORUM: ('<post id="62"', '<post id="61"')},
            "a hash that climbs": {"files.xml": ("<contenthash>", "<contenthash>../../../../etc/passwd")},
        },
    )
    yield from with_changes(
        "parents in a circle, or far away",
        {
            "a post under itself": {FORUM: ("<parent>61", "<parent>62")},
            "posts under each other": {FORUM: ("<parent>0", "<parent>64")},
            "a post under another's": {FORUM: ("<parent>61", "<parent>9999999")},
            "a group of nobody": {"groups.xml": ("<userid>11", "<userid>999")},
            "question categories under each other": {
                "questions.xml": document(
                    "question_categories",
                    "".join(
                        f'<question_category id="{n}"><name>c</name><contextid>101</contextid><contextlevel>50</contextlevel>'
                        f"<contextinstanceid>2</contextinstanceid><info></info><infoformat>0</infoformat><stamp>s{n}</stamp>"
                        f"<parent>{3 - n}</parent><sortorder>1</sortorder><idnumber>$@NULL@$</idnumber>"
                        "<question_bank_entries></question_bank_entries></question_category>"
                        for n in (1, 2)
                    ),
                )
            },
            "a section's order of strangers": {SECTION: ("<sequence>31,32", "<sequence>32,32,999999,31")},
        },
    )


def _texts() -> Made:
    texts: dict[str, tuple[str, str, str]] = {
        "a post": (FORUM, "First post", "{}"),
        "a page": (PAGE, "Text\nof two lines", "{}"),
        "an activity's name": (MANIFEST, "<title>News", "<title>{}"),
        "the course's name": (COURSE, "<fullname>A sample", "<fullname>{}"),
        "a file's name": ("files.xml", "<filename>a.png", "<filename>{}"),
        "a person's name": ("users.xml", "<deleted>0", "<firstname>{}</firstname><deleted>0"),
    }
    for order, (place, (member, old, new)) in enumerate(texts.items()):
        for turn, (name, script) in enumerate(SCRIPTS.items()):
            if (order + turn) % 3:
                continue
            changes: dict[str, Change] = {member: (old, new.format(_escaped(script)), 1)}
            yield Hostile("HTML and scripts in a text", f"{place}: {name}", partial(archive_with, changes))
    yield from with_changes(
        "an odd name of a file",
        {
            name: {"files.xml": ("<filename>a.png", f"<filename>{text}")}
            for name, text in {
                "line break": "a&#10;b.png",
                "CR and LF in a header": "a&#13;&#10;Set-Cookie: x=1.png",
                "climbing": "../../etc/passwd",
                "quotes": "a&quot;; x=&quot;.png",
                "right to left": "\u202egnp.exe",
                "a page": "a.html",
                "a picture with scripts": "a.svg",
                "nothing": "",
                "200 characters": "ä" * 200,
            }.items()
        },
    )


def _structures() -> Made:
    nested: dict[str, str] = {
        "5,000 lists": "[" * 5000 + "]" * 5000,
        "100,000 objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "cut": '{"op":"&","c":[',
        "a number of 5,000 digits": '{"op":"&","c":[{"type":"date","d":">=","t":' + "9" * 4200 + "}]}",
        "infinity": '{"op":"&","c":[{"type":"date","d":">=","t":Infinity}]}',
        "a text for a number": '{"op":"&","c":[{"type":"completion","cm":"x","e":[]}]}',
        "a number for a list": '{"op":"&","c":5}',
        "a list for an operator": '{"op":["&"],"c":[null,5,"x",[],{}]}',
        "an unknown type": '{"op":"&","c":[{"type":"<script>steal()</script>","id":{}}]}',
        "conditions in conditions": '{"op":"&","c":[' * 300 + "]}" * 300,
        "a prototype": '{"__proto__":{"a":1},"op":"&","c":[],"showc":[]}',
        "a surrogate": '{"op":"&","c":[{"type":"profile","sf":"\\ud800","op":"isequalto","v":"\\ud800"}]}',
        "NUL": '{"op":"&","c":[{"type":"profile","sf":"email","op":"isequalto","v":"\\u0000"}]}',
    }
    for name, text in nested.items():
        yield Hostile("JSON in conditions", name, partial(archive_with, _rules(text)))


def _rules(text: str) -> dict[str, Change]:
    module = (
        '<module id="32" version="2024"><modulename>page</modulename><sectionid>21</sectionid>'
        f"<availability>{_escaped(text)}</availability></module>"
    )
    return {PAGE_MODULE: module.encode()}


def _php() -> Made:
    values: dict[str, bytes] = {
        "an object": b'O:8:"stdClass":1:{s:4:"text";s:3:"abc";}',
        "an object of a class": b'O:29:"GuzzleHttp\\Psr7\\FnStream":2:{s:7:"methods";a:0:{}s:5:"close";s:6:"system";}',
        "a length that lies": b's:999999999:"a";',
        "a negative length": b's:-5:"a";',
        "a length of 5,000 digits": b"s:" + b"9" * 5000 + b':"a";',
        "a number of 5,000 digits": b"i:" + b"9" * 5000 + b";",
        "10,000 arrays": b"a:1:{i:0;" * 10_000 + b"i:1;" + b"}" * 10_000,
        "an array that lies": b"a:999999999:{i:0;i:1;}",
        "a reference": b'a:2:{i:0;O:8:"stdClass":0:{}i:1;R:2;}',
        "no UTF-8": b's:2:"\xff\xfe";',
        "a float of infinity": b"d:INF;",
        "a pickle": b"cos\nsystem\n(S'id'\ntR.",
        "a script": b's:24:"<script>steal()</script>";',
        "a million quotes": b'"' * 1_000_000,
        "a million numbers": b"i:1;" * 250_000,
    }
    for name, value in values.items():
        for form, text in {
            "": base64.b64encode(value).decode(),
            " in clear": _escaped(value.decode("latin-1")),
        }.items():
            block = (
                '<block id="6" contextid="777" version="1"><blockname>html</blockname>'
                f"<configdata>{text}</configdata></block>"
            )
            yield Hostile(
                "a serialised PHP value",
                name + form,
                partial(archive_with, {"course/blocks/html_6/block.xml": block.encode()}),
            )
    for name, text in {
        "no Base64": "%%%%",
        "cut Base64": "YWJ",
        "a megabyte of Base64": "QUFB" * 250_000,
    }.items():
        content = document("other", f"<configdata>{text}</configdata>")
        yield Hostile("a serialised PHP value", name, partial(archive_with, {UNKNOWN: content}))
