"""Makes the written names of elements and attributes with namespaces.

lxml gives `{urn:x}b`; a document says `x:b` and declares `xmlns:x="urn:x"` around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from archive.errors import HostileArchive
from archive.xml import escape_attribute

MOST_NAMESPACES = 100
"""Namespaces in scope at an element. The names of all elements in it are looked up among them."""

NOTHING: Mapping[str | None, str] = MappingProxyType({})
XML = {"xml": "http://www.w3.org/XML/1998/namespace"}


class Names:
    """The namespaces in scope at each open element. Call `begin` and `end` for each element."""

    def __init__(self) -> None:
        self._open: list[dict[str, str]] = [dict(XML)]

    def begin(self, tag: str, declared: Mapping[str | None, str]) -> tuple[str, list[str]]:
        """Enter an element; return its written name and the declarations of its start tag, each after a space."""
        here = {prefix or "": uri or "" for prefix, uri in declared.items() if prefix != "xml"}
        uri, _, _ = tag.removeprefix("{").rpartition("}")
        if not uri and self._open[-1].get("") and "" not in here:
            here[""] = ""
        scope = {**self._open[-1], **here} if here else self._open[-1]
        if len(scope) > MOST_NAMESPACES:
            raise HostileArchive(
                f"An element lies in more than {MOST_NAMESPACES} namespaces.",
                hint="No program writes that; get the archive again.",
            )
        self._open.append(scope)
        declarations = [
            f' xmlns{prefix and ":"}{prefix}="{escape_attribute(space)}"' for prefix, space in here.items()
        ]
        return self.written(tag), declarations

    def end(self) -> None:
        """Leave the innermost element and forget its declarations."""
        self._open.pop()

    def written(self, name: str, *, attribute: bool = False) -> str:
        """Return a name as it is written; an attribute's own namespace always has a prefix."""
        if not name.startswith("{"):
            return name
        uri, _, local = name[1:].rpartition("}")
        for prefix, space in reversed(self._open[-1].items()):
            if space == uri and (prefix or not attribute):
                return f"{prefix}:{local}" if prefix else local
        return local
