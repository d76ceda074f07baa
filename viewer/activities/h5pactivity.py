"""H5P activity: the package, and the attempts with the result of each part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.h5pactivity import H5pActivityAttempt, H5pActivityResult
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Entry, Panel, Value
from viewer.presentation import Presentation
from viewer.words import duration_text, number

YES = {None: "", 0: "no", 1: "yes"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the package to download, then the attempts."""
    yield Panel("Package", facts=(Value("Files", page.files(0, "mod_h5pactivity/package"), "files"),))
    attempts = H5pActivityAttempt._base_manager.filter(activity=page.content).order_by(
        "userid", "attempt", "pk"
    )
    yield page.listed("Attempts", attempts, lambda rows: _attempts(page, rows), userdata=True)


def _attempts(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    results = page.below(H5pActivityResult, "attempt", rows)
    for row in rows:
        parts = results.get(row.pk, [])
        yield Entry(
            title=page.person(row.userid),
            when=row.timemodified,
            marks=(
                f"Attempt {row.attempt}",
                f"{row.rawscore} / {row.maxscore}",
                f"{number(row.scaled * 100, 1)} %",
            ),
            facts=facts(
                fact("Completed", YES.get(row.completion, "")),
                fact("Passed", YES.get(row.success, "")),
                fact("Time", duration_text(row.duration) if row.duration else ""),
            ),
            below=tuple(_result(page, one) for one in parts),
            folded=f"{len(parts)} results" if parts else "",
        )


def _result(page: PageContext, row: Any) -> Entry:
    return Entry(
        title=page.text("", row.description).value or row.interactiontype,
        marks=(row.interactiontype, f"{row.rawscore} / {row.maxscore}"),
        facts=facts(
            fact("Response", row.response),
            fact("Right", row.correctpattern),
            fact("Completed", YES.get(row.completion, "")),
            fact("Part", row.subcontent),
            fact("Time", duration_text(row.duration) if row.duration else ""),
        ),
        texts=(Value("Details", row.additionals or "", "code"),),
    )


MEANINGS: dict[str, dict[Any, str]] = {
    "h5pactivity.grademethod": {1: "highest attempt", 2: "average", 3: "last attempt", 4: "first attempt"},
    "h5pactivity.reviewmode": {1: "when completed"},
}

PRESENTATION = Presentation(present, covers=(H5pActivityAttempt, H5pActivityResult), meanings=MEANINGS)
