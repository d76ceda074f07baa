"""Remote RSS feeds: the feeds of the block, in `rss_client.xml` in the block's folder."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.blocks import BlockType
from courses.fields import Int, LongText, Text, Within
from courses.models.blocks import Block

TYPE = BlockType("rss_client", ids={"rssid[]": "rss_client_feed"})


class FeedReader(ArchivedModel):
    """The root record of `rss_client.xml`, which holds the feeds; the configuration names those that are shown."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="rss_client")

    block = Within(Block, "rss_client", member="rss_client.xml")


class Feed(ArchivedModel):
    """The address of a feed, and its titles."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="rss_client_feed")

    reader = Within(FeedReader, "feeds/feed")
    title = LongText()
    preferredtitle = Text(64)
    description = LongText()
    shared = Int()
    url = Text(255)
