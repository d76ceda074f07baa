"""The kinds of block of which more is known than that they are one, one file each; a new kind is a new file here.

Of every block its place and its configuration are described (`courses.models.blocks`). A file says which ids hide in the
configuration, in `KIND`, and holds the models of what the kind keeps in members of its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from courses.discovery import import_all


@dataclass(frozen=True, slots=True)
class BlockKind:
    """What is true of a kind of block.

    `ids` are the properties of the configuration that are ids, and what they refer to: a kind, or, after `=`, the property
    that names the type of activity. A name with `[]` is an array of ids.
    """

    ids: Mapping[str, str] = field(default_factory=dict)


UNKNOWN = BlockKind()


def discover() -> None:
    """Imports every file of this folder, so that their models exist."""
    import_all(__name__, __path__)


@cache
def item_types() -> dict[str, BlockKind]:
    """The described kinds by the name that the archive gives them."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}").KIND for name in names}


def kind_named(name: str) -> BlockKind:
    """What is known of a kind of block; of one that nobody described, that it has no ids."""
    return item_types().get(name, UNKNOWN)
