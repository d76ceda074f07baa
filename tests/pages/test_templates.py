"""The templates as files: lines that can be read, and includes that are used."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
LONGEST = 160


def test_no_line_of_a_template_is_longer_than_160_characters() -> None:
    long = [
        f"{path.relative_to(TEMPLATES)}:{number}: {len(line)} characters"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert long == []


def test_every_component_is_included_by_a_template_or_named_in_the_code() -> None:
    sources = [path.read_text() for path in TEMPLATES.rglob("*.html")]
    for package in ("backup", "jobs", "notices", "restore", "selection", "sign_in", "vault", "viewer"):
        sources += [path.read_text() for path in (TEMPLATES.parent / package).rglob("*.py")]
    named = set(re.findall(r"""["']([\w/]+\.html)["']""", "\n".join(sources)))
    components = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.glob("components/*.html")}
    assert components - named == set()
