"""A link: where it leads, and what it takes along."""

from __future__ import annotations

from collections.abc import Iterator

from viewer import unserialised
from viewer.page_context import Desk, fact, facts
from viewer.panels import Panel
from viewer.presentation import Form

OPENABLE = ("http://", "https://", "mailto:")


def present(desk: Desk) -> Iterator[Panel]:
    """The address, and the parameters that are added to it."""
    address = desk.content.externalurl.strip()
    taken = unserialised.read(desk.content.parameters or "")
    yield Panel(
        "Link",
        facts=facts(
            fact("Leads to", address, address=address if address.lower().startswith(OPENABLE) else ""),
            *(
                fact(f"With {name}", value)
                for name, value in (taken.items() if isinstance(taken, dict) else ())
            ),
        ),
    )


FORM = Form(present, own=frozenset({"externalurl", "parameters"}))
