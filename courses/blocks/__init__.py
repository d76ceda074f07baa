"""The block types of which more is known than that they are blocks, one file each; a new type is a new file here.

Of every block its place and its configuration are described (`courses.models.blocks`). A file says which ids are in the
configuration, by a `BlockType`, and holds the models of what the type keeps in members of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from courses import registry
from courses.discovery import import_all


@dataclass(frozen=True, slots=True)
class BlockType:
    """What is true of a type of block; making one enters it into the registry.

    `name` is what archives call it. `ids` are the properties of the configuration that are ids, and what they refer to: an item
    type, or, after `=`, the property that names the activity type. A name with `[]` is an array of ids.
    """

    name: str
    ids: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        registry.enter_block_type(self)


def discover() -> None:
    """Import every module of this package, so that its models exist."""
    import_all(__name__, __path__)
