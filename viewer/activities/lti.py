"""An external tool: which tool it is, how it is set up, and the results that it reported. Its keys are never shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.secrets import WITHHELD, shown
from courses.activities.lti import LtiSubmission, LtiType, LtiTypeSecret, LtiTypeSetting
from viewer.page_context import Desk, fact, facts, table, when
from viewer.panels import Entry, Panel, Table
from viewer.presentation import Form
from viewer.words import number


def present(desk: Desk) -> Iterator[Panel]:
    """The tool and the results."""
    lti = desk.content
    yield Panel(
        "Tool",
        facts=facts(
            fact("Address", lti.toolurl),
            fact("Secure address", lti.securetoolurl),
            fact("Own parameters", lti.instructorcustomparameters),
            fact("Key and secret", WITHHELD if lti.resourcekey or lti.password else ""),
        ),
        entries=tuple(_types(desk)),
    )
    results = LtiSubmission._base_manager.filter(lti=lti).order_by("pk")
    yield desk.listed("Results", results, lambda rows: _results(desk, rows), work=True)


def _types(desk: Desk) -> Iterable[Entry]:
    rows = list(LtiType._base_manager.filter(lti=desk.content).order_by("pk"))
    settings = desk.below(LtiTypeSetting, "type", rows)
    secrets = desk.below(LtiTypeSecret, "type", rows)
    for row in rows:
        yield Entry(
            title=row.name,
            marks=(f"LTI {row.ltiversion}",) if row.ltiversion else (),
            texts=(desk.text("", row.description, 2),),
            facts=facts(
                fact("Address", row.baseurl),
                fact("Domain", row.tooldomain),
                *(
                    fact(one.name, shown(one.name, one.value))
                    for one in settings.get(row.pk, ())
                ),
                *(fact(one.name, WITHHELD) for one in secrets.get(row.pk, ())),
            ),
        )


def _results(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "Person | Grade | Reported | Changed",
        (
            (
                desk.person(row.userid),
                f"{number(row.gradepercent * 100, 2)} %",
                when(row.datesubmitted),
                when(row.dateupdated),
            )
            for row in rows
        ),
        numeric=[1],
    )


FORM = Form(
    present,
    covers=(LtiType, LtiTypeSetting, LtiTypeSecret, LtiSubmission),
    own=frozenset({"toolurl", "securetoolurl", "instructorcustomparameters"}),
)
