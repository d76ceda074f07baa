"""URL: its address, and the parameters that are added to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from viewer import unserialised
from viewer.codes import DISPLAY
from viewer.page_context import PageContext, fact, facts
from viewer.panels import Panel
from viewer.presentation import Presentation

OPENABLE = ("http://", "https://", "mailto:")


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the address, and the parameters that are added to it."""
    address = page.content.externalurl.strip()
    taken = unserialised.read(page.content.parameters or "")
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


MEANINGS: dict[str, dict[Any, str]] = {
    "url.display": DISPLAY,
}

PRESENTATION = Presentation(present, own=frozenset({"externalurl", "parameters"}), meanings=MEANINGS)
