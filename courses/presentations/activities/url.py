"""A link: where it leads, and what it takes along."""

from __future__ import annotations

from collections.abc import Iterator

from courses import unserialised
from courses.presentations import Form
from courses.presentations.desk import Desk, fact, facts
from courses.presentations.shapes import Panel

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
