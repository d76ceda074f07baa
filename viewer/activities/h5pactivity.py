"""Interactive content (H5P): the package, and people's attempts with the result of each part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.h5pactivity import H5pActivityAttempt, H5pActivityResult
from viewer.page_context import Desk, fact, facts
from viewer.panels import Entry, Panel, Value
from viewer.presentation import Form
from viewer.words import number, seconds

YES = {None: "", 0: "no", 1: "yes"}


def present(desk: Desk) -> Iterator[Panel]:
    """The package to download, then the attempts."""
    yield Panel("Package", facts=(Value("Files", desk.files(0, "mod_h5pactivity/package"), "files"),))
    attempts = H5pActivityAttempt._base_manager.filter(activity=desk.content).order_by(
        "userid", "attempt", "pk"
    )
    yield desk.listed("Attempts", attempts, lambda rows: _attempts(desk, rows), work=True)


def _attempts(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    results = desk.below(H5pActivityResult, "attempt", rows)
    for row in rows:
        parts = results.get(row.pk, [])
        yield Entry(
            title=desk.person(row.userid),
            when=row.timemodified,
            marks=(
                f"Attempt {row.attempt}",
                f"{row.rawscore} / {row.maxscore}",
                f"{number(row.scaled * 100, 1)} %",
            ),
            facts=facts(
                fact("Completed", YES.get(row.completion, "")),
                fact("Passed", YES.get(row.success, "")),
                fact("Time", seconds(row.duration) if row.duration else ""),
            ),
            below=tuple(_result(desk, one) for one in parts),
            folded=f"{len(parts)} results" if parts else "",
        )


def _result(desk: Desk, row: Any) -> Entry:
    return Entry(
        title=desk.text("", row.description).value or row.interactiontype,
        marks=(row.interactiontype, f"{row.rawscore} / {row.maxscore}"),
        facts=facts(
            fact("Response", row.response),
            fact("Right", row.correctpattern),
            fact("Completed", YES.get(row.completion, "")),
            fact("Part", row.subcontent),
            fact("Time", seconds(row.duration) if row.duration else ""),
        ),
        texts=(Value("Details", row.additionals or "", "code"),),
    )


FORM = Form(present, covers=(H5pActivityAttempt, H5pActivityResult))
