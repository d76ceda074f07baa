"""External tool: its address and settings, and the results that it reported. Its keys are never shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.secrets import WITHHELD, shown
from courses.activities.lti import LtiSubmission, LtiType, LtiTypeSecret, LtiTypeSetting
from viewer.page_context import PageContext, fact, facts, table, when
from viewer.panels import Entry, Panel, Table
from viewer.presentation import Presentation
from viewer.words import number


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the tool and the results."""
    lti = page.content
    yield Panel(
        "Tool",
        facts=facts(
            fact("Address", lti.toolurl),
            fact("Secure address", lti.securetoolurl),
            fact("Own parameters", lti.instructorcustomparameters),
            fact("Key and secret", WITHHELD if lti.resourcekey or lti.password else ""),
        ),
        entries=tuple(_types(page)),
    )
    results = LtiSubmission._base_manager.filter(lti=lti).order_by("pk")
    yield page.listed("Results", results, lambda rows: _results(page, rows), userdata=True)


def _types(page: PageContext) -> Iterable[Entry]:
    rows = list(LtiType._base_manager.filter(lti=page.content).order_by("pk"))
    settings = page.below(LtiTypeSetting, "type", rows)
    secrets = page.below(LtiTypeSecret, "type", rows)
    for row in rows:
        yield Entry(
            title=row.name,
            marks=(f"LTI {row.ltiversion}",) if row.ltiversion else (),
            texts=(page.text("", row.description, 2),),
            facts=facts(
                fact("Address", row.baseurl),
                fact("Domain", row.tooldomain),
                *(fact(one.name, shown(one.name, one.value)) for one in settings.get(row.pk, ())),
                *(fact(one.name, WITHHELD) for one in secrets.get(row.pk, ())),
            ),
        )


def _results(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "Person | Grade | Reported | Changed",
        (
            (
                page.person(row.userid),
                f"{number(row.gradepercent * 100, 2)} %",
                when(row.datesubmitted),
                when(row.dateupdated),
            )
            for row in rows
        ),
        numeric=[1],
    )


CHOSEN = {1: "yes", 2: "as the teacher says"}

MEANINGS: dict[str, dict[Any, str]] = {
    "lti.instructorchoiceacceptgrades": CHOSEN,
    "lti.instructorchoiceallowroster": CHOSEN,
    "lti.instructorchoiceallowsetting": CHOSEN,
    "lti.instructorchoicesendemailaddr": CHOSEN,
    "lti.instructorchoicesendname": CHOSEN,
    "lti.launchcontainer": {
        1: "as the tool says",
        2: "the page",
        3: "the page without blocks",
        4: "a new window",
        5: "the window",
    },
}

PRESENTATION = Presentation(
    present,
    covers=(LtiType, LtiTypeSetting, LtiTypeSecret, LtiSubmission),
    own=frozenset({"toolurl", "securetoolurl", "instructorcustomparameters"}),
    meanings=MEANINGS,
)
