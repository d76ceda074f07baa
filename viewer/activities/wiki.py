"""Wiki: the current pages, and each page with all its versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.wiki import WikiLink, WikiPage, WikiPageTag, WikiSubwiki, WikiSynonym, WikiVersion
from viewer.page_context import PageContext, fact, facts, marks, table
from viewer.panels import Detail, Entry, Location, Panel, Sheet, Table, Value
from viewer.presentation import Presentation

FILES = "mod_wiki/attachments"


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the pages of each wiki, the files, the other titles of pages, and the links between pages."""
    wiki = page.content
    pages = (
        WikiPage._base_manager.filter(subwiki__wiki=wiki)
        .select_related("subwiki")
        .order_by("subwiki", "title", "pk")
    )
    yield page.listed("Pages", pages, lambda rows: _pages(page, rows), size=10, userdata=True)
    subwikis = WikiSubwiki._base_manager.filter(wiki=wiki).order_by("pk")
    yield page.listed("Wikis", subwikis, lambda rows: _subwikis(page, rows), userdata=True)
    synonyms = WikiSynonym._base_manager.filter(subwiki__wiki=wiki).order_by("pk")
    yield page.listed(
        "Other titles", synonyms, lambda rows: _synonyms(page, rows), name="synonyms", userdata=True
    )
    links = WikiLink._base_manager.filter(subwiki__wiki=wiki).order_by("pk")
    yield page.listed(
        "Links between pages", links, lambda rows: _links(page, rows), name="links", userdata=True
    )


def _wiki_owner(page: PageContext, subwiki: Any) -> Any:
    return page.person(subwiki.userid) if subwiki.userid else page.group(subwiki.groupid)


def _pages(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    versions = page.counts(WikiVersion, "page", rows)
    tags = page.below(WikiPageTag, "page", rows)
    for row in rows:
        number = versions.get(row.pk, 0)
        yield Entry(
            title=row.title,
            address=page.address("page", row.pk),
            who=page.person(row.userid),
            when=row.timemodified,
            marks=(
                _wiki_owner(page, row.subwiki),
                *marks(Read_only=row.readonly),
                *(f"#{one.rawname}" for one in tags.get(row.pk, ())),
            ),
            texts=(page.rich("", row, "cachedcontent", area=FILES, item=row.subwiki_id),),
            facts=facts(
                fact("Versions", number, "number", address=page.address("page", row.pk)),
                fact("Views", row.pageviews, "number"),
            ),
            comments=page.comments(row.pk, "mod_wiki/wiki_page"),
        )


def _subwikis(page: PageContext, rows: list[Any]) -> Table:
    pages = page.counts(WikiPage, "subwiki", rows)
    return table(
        "Of | Pages | Files",
        (
            (
                _wiki_owner(page, row) if row.userid or row.groupid else "Everybody",
                pages.get(row.pk, 0),
                Value("Files", page.files(row.pk, FILES), "files"),
            )
            for row in rows
        ),
        numeric=[1],
    )


def _synonyms(page: PageContext, rows: list[Any]) -> Table:
    return table("Title | Page", ((row.pagesynonym, page.named("wiki_page", row.pageid)) for row in rows))


def _links(page: PageContext, rows: list[Any]) -> Table:
    return table(
        "From | To | Not written yet",
        (
            (
                page.named("wiki_page", row.frompageid),
                page.named("wiki_page", row.topageid),
                row.tomissingpage or "",
            )
            for row in rows
        ),
    )


def wiki_page(page: PageContext, number: int) -> Sheet:
    """Return the sheet of one page with all its versions, the newest first."""
    row = page.one(
        WikiPage._base_manager.filter(subwiki__wiki=page.content).select_related("subwiki"), number
    )
    versions = WikiVersion._base_manager.filter(page=row).order_by("-version", "-pk")
    now = Panel("As it is now", texts=(page.rich("", row, "cachedcontent", area=FILES, item=row.subwiki_id),))
    return Sheet(row.title, (now, page.listed("Versions", versions, lambda rows: _versions(page, row, rows))))


def _versions(page: PageContext, wiki_page: Any, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        place = f"{page.contextid}/{FILES}/{wiki_page.subwiki_id}"
        said = Value("", row.content, "rich" if row.contentformat == "html" else "lines", place)
        yield Entry(
            title=f"Version {row.version}",
            who=page.person(row.userid),
            when=row.timecreated,
            marks=(row.contentformat,),
            texts=(said,),
        )


def _page_location(page: PageContext, number: int) -> Location:
    return Location(
        page.address("page", WikiPage._base_manager.get(pk=number, subwiki__wiki=page.content).pk)
    )


PRESENTATION = Presentation(
    present,
    details={"page": Detail(wiki_page)},
    locations={"wiki_page": _page_location},
    covers=(WikiSubwiki, WikiPage, WikiVersion, WikiPageTag, WikiSynonym, WikiLink),
)
