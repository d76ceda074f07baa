"""A wiki: its pages as they are now, and each page with all its versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.wiki import WikiLink, WikiPage, WikiPageTag, WikiSubwiki, WikiSynonym, WikiVersion
from viewer.page_context import Desk, fact, facts, marks, table
from viewer.panels import Detail, Entry, Panel, Sheet, Spot, Table, Value
from viewer.presentation import Form

FILES = "mod_wiki/attachments"


def present(desk: Desk) -> Iterator[Panel]:
    """The pages with whose wiki they are in, files, other titles, and links between them."""
    wiki = desk.content
    pages = (
        WikiPage._base_manager.filter(subwiki__wiki=wiki)
        .select_related("subwiki")
        .order_by("subwiki", "title", "pk")
    )
    yield desk.listed("Pages", pages, lambda rows: _pages(desk, rows), size=10, work=True)
    subwikis = WikiSubwiki._base_manager.filter(wiki=wiki).order_by("pk")
    yield desk.listed("Wikis", subwikis, lambda rows: _subwikis(desk, rows), work=True)
    synonyms = WikiSynonym._base_manager.filter(subwiki__wiki=wiki).order_by("pk")
    yield desk.listed(
        "Other titles", synonyms, lambda rows: _synonyms(desk, rows), name="synonyms", work=True
    )
    links = WikiLink._base_manager.filter(subwiki__wiki=wiki).order_by("pk")
    yield desk.listed("Links between pages", links, lambda rows: _links(desk, rows), name="links", work=True)


def _whose(desk: Desk, subwiki: Any) -> Any:
    return desk.person(subwiki.userid) if subwiki.userid else desk.group(subwiki.groupid)


def _pages(desk: Desk, rows: list[Any]) -> Iterable[Entry]:
    versions = desk.counts(WikiVersion, "page", rows)
    tags = desk.below(WikiPageTag, "page", rows)
    for row in rows:
        number = versions.get(row.pk, 0)
        yield Entry(
            title=row.title,
            address=desk.address("page", row.pk),
            who=desk.person(row.userid),
            when=row.timemodified,
            marks=(
                _whose(desk, row.subwiki),
                *marks(Read_only=row.readonly),
                *(f"#{one.rawname}" for one in tags.get(row.pk, ())),
            ),
            texts=(desk.rich("", row, "cachedcontent", area=FILES, item=row.subwiki_id),),
            facts=facts(
                fact("Versions", number, "number", address=desk.address("page", row.pk)),
                fact("Views", row.pageviews, "number"),
            ),
            comments=desk.comments(row.pk, "mod_wiki/wiki_page"),
        )


def _subwikis(desk: Desk, rows: list[Any]) -> Table:
    pages = desk.counts(WikiPage, "subwiki", rows)
    return table(
        "Of | Pages | Files",
        (
            (
                _whose(desk, row) if row.userid or row.groupid else "Everybody",
                pages.get(row.pk, 0),
                Value("Files", desk.files(row.pk, FILES), "files"),
            )
            for row in rows
        ),
        numeric=[1],
    )


def _synonyms(desk: Desk, rows: list[Any]) -> Table:
    return table("Title | Page", ((row.pagesynonym, desk.named("wiki_page", row.pageid)) for row in rows))


def _links(desk: Desk, rows: list[Any]) -> Table:
    return table(
        "From | To | Not written yet",
        (
            (
                desk.named("wiki_page", row.frompageid),
                desk.named("wiki_page", row.topageid),
                row.tomissingpage or "",
            )
            for row in rows
        ),
    )


def page(desk: Desk, number: int) -> Sheet:
    """One page: what its versions said, the newest first."""
    row = desk.one(
        WikiPage._base_manager.filter(subwiki__wiki=desk.content).select_related("subwiki"), number
    )
    versions = WikiVersion._base_manager.filter(page=row).order_by("-version", "-pk")
    now = Panel("As it is now", texts=(desk.rich("", row, "cachedcontent", area=FILES, item=row.subwiki_id),))
    return Sheet(row.title, (now, desk.listed("Versions", versions, lambda rows: _versions(desk, row, rows))))


def _versions(desk: Desk, page: Any, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        place = f"{desk.contextid}/{FILES}/{page.subwiki_id}"
        said = Value("", row.content, "rich" if row.contentformat == "html" else "lines", place)
        yield Entry(
            title=f"Version {row.version}",
            who=desk.person(row.userid),
            when=row.timecreated,
            marks=(row.contentformat,),
            texts=(said,),
        )


def _page_place(desk: Desk, number: int) -> Spot:
    return Spot(desk.address("page", WikiPage._base_manager.get(pk=number, subwiki__wiki=desk.content).pk))


FORM = Form(
    present,
    details={"page": Detail(page)},
    places={"wiki_page": _page_place},
    covers=(WikiSubwiki, WikiPage, WikiVersion, WikiPageTag, WikiSynonym, WikiLink),
)
