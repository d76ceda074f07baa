"""The described block types, one file each; a new type is a new file here.

The position and the configuration of every block are described (`courses.models.blocks`). A file declares the ids in the
configuration by a `BlockType`, and holds the models of the type's own members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from courses import registry
from courses.discovery import import_all


@dataclass(frozen=True, slots=True)
class BlockType:
    """The declarations of a block type; creating one enters it into the registry.

    `name` is the name in archives (`blockname`). `ids` are the properties of the configuration that are ids, and their item
    types; after `=` stands the property that names the activity type instead. A name with `[]` is an array of ids.
    """

    name: str
    ids: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        registry.enter_block_type(self)


def discover() -> None:
    """Import every module of this package, so that its models exist."""
    import_all(__name__, __path__)
