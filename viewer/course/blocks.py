"""Blocks: their positions and their settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archive.numbers import natural, whole_or
from archive.secrets import WITHHELD, is_secret
from courses import links
from courses.blocks.rss_client import Feed
from courses.models import Block
from courses.models.blocks import BlockPosition
from courses.registry import block_ids
from viewer import unserialised
from viewer.page_context import PageContext, fact, facts, marks
from viewer.panels import Entry, Panel
from viewer.presentation import Presentation
from viewer.words import label

REGIONS = {"side-pre": "at the side", "side-post": "at the other side", "content": "in the middle"}


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the blocks of the course, then those of its activities."""
    blocks = Block._base_manager.filter(course=page.course).order_by(
        "activity_id", "defaultregion", "defaultweight", "pk"
    )
    yield page.listed("Blocks", blocks, lambda rows: _blocks(page, rows))


def _blocks(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    positions = page.below(BlockPosition, "block", rows)
    feeds: dict[int, list[str]] = {}
    for one in Feed._base_manager.filter(reader__block__in=rows).select_related("reader").order_by("pk"):
        feeds.setdefault(one.reader.block_id, []).append(f"{one.preferredtitle or one.title} ({one.url})")
    for row in rows:
        config = unserialised.read_encoded(row.configdata or "")
        settings = config if isinstance(config, dict) else {}
        text = settings.pop("text", None)
        title = settings.pop("title", "")
        place = f"{row.contextid}/block_{row.blockname}/content/0"
        moved = positions.get(row.pk, ())
        yield Entry(
            title=title or label(row.blockname),
            marks=(
                label(row.blockname) if title else "",
                *marks(Hidden=any(not one.visible for one in moved)),
            ),
            texts=(page.text("", _linked(str(text)) if text else "", settings.get("format") or 1, place),),
            facts=facts(
                fact("Beside", page.named("course_module", row.activity_id)),
                fact("Stands", REGIONS.get(row.defaultregion, row.defaultregion)),
                fact("Pages", row.pagetypepattern),
                fact("Feeds", ", ".join(feeds.get(row.pk, ()))),
                *(fact("On " + one.pagetype, REGIONS.get(one.region, one.region)) for one in moved),
                *(
                    fact(label(str(name)), _setting(page, row.blockname, settings, str(name)))
                    for name in settings
                    if name != "format"
                ),
            ),
        )


def _setting(page: PageContext, block: str, settings: dict[Any, Any], name: str) -> Any:
    """Return one setting of a block for readers: a record's id becomes its name, a secret is withheld."""
    value = settings.get(name)
    if is_secret(name):
        return WITHHELD
    item_type = block_ids(block).get(name, "")
    item_type = str(settings.get(item_type[1:], "")) if item_type.startswith("=") else item_type
    if item_type and natural(str(value)) is not None:
        return page.named(item_type, whole_or(str(value)), instead=value)
    if isinstance(value, dict):
        return ", ".join(str(one) for one in value.values())
    return value if value is not None else ""


def _linked(text: str) -> str:
    """Replace the link tokens in a block's text by links; blocks are stored with tokens."""
    return links.decode(text, known=lambda _kind, number: number, root="", original="")


PRESENTATION = Presentation(present, title="Blocks", order=80, holds=lambda: Block._base_manager.order_by())
