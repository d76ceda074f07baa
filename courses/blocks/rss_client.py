"""News from elsewhere: the feeds of a block that shows them, `rss_client.xml` in the block's folder."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.blocks import BlockType
from courses.fields import Int, LongText, Text, Within
from courses.models.blocks import Block

TYPE = BlockType("rss_client", ids={"rssid[]": "rss_client_feed"})


class FeedReader(ArchivedModel):
    """What a block has besides its configuration, which names the feeds that are shown."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="rss_client")

    block = Within(Block, "rss_client", member="rss_client.xml")


class Feed(ArchivedModel):
    """An address with news, and what to call it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="rss_client_feed")

    reader = Within(FeedReader, "feeds/feed")
    title = LongText()
    preferredtitle = Text(64)
    description = LongText()
    shared = Int()
    url = Text(255)
