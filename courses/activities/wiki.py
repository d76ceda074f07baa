"""A wiki: pages with all their versions, in one set for each group or person."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Code, Int, Moment, Ref, RichText, Text, UserRef, Within
from courses.models.tags import TagUse


class Wiki(Content):
    """A wiki of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        icon="kind-wiki",
        logged_ids={
            "wid": "wiki",
            "subwikiid": "wiki_subwiki",
            "versionid": "wiki_version",
            "mod_wiki/pageid": "wiki_page",
        },
    )

    name = Text(LONGEST_NAME, default="Wiki")
    intro = RichText(null=True)
    introformat = Int()
    timecreated = Moment()
    timemodified = Moment()
    firstpagetitle = Text(255, default="First Page")
    wikimode = Text(20, default="collaborative")
    defaultformat = Text(20, default="creole")
    forceformat = Int(default=1)
    editbegin = Moment(shifts=True)
    editend = Moment(null=True, default=0, shifts=True)

    links = (
        ("WIKIINDEX", "/mod/wiki/index.php?id=$1", ("course",)),
        ("WIKIVIEWBYID", "/mod/wiki/view.php?id=$1", ("course_module",)),
        ("WIKIPAGEBYID", "/mod/wiki/view.php?pageid=$1", ("wiki_page",)),
    )


class WikiSubwiki(ArchivedModel):
    """A set of pages: of one group, of one person, or of everybody."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="wiki_subwiki", userdata=True, files=("mod_wiki/attachments",)
    )

    wiki = Within(Wiki, "subwikis/subwiki")
    groupid = Ref("group")
    userid = UserRef()


class WikiPage(ArchivedModel):
    """The current state of a page; `cachedcontent` is its last version as HTML."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="wiki_page", userdata=True, shared=True, comments=("mod_wiki/wiki_page",)
    )

    subwiki = Within(WikiSubwiki, "pages/page")
    title = Text(255, default="title")
    cachedcontent = RichText()
    timecreated = Moment()
    timemodified = Moment()
    timerendered = Moment()
    userid = UserRef()
    pageviews = Int()
    readonly = Int()


class WikiVersion(ArchivedModel):
    """A saved version of a page."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="wiki_version", userdata=True, shared=True)

    page = Within(WikiPage, "versions/version")
    content = RichText()
    contentformat = Code(20, default="creole")
    version = Int()
    timecreated = Moment()
    userid = UserRef()


class WikiPageTag(TagUse):
    """A tag on a page."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, unique=False)

    page = Within(WikiPage, "tags/tag")


class WikiSynonym(ArchivedModel):
    """An alternative title of a page."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="wiki_synonym", userdata=True)

    subwiki = Within(WikiSubwiki, "synonyms/synonym")
    pageid = Ref("wiki_page")
    pagesynonym = Text(255, default="Pagesynonym")


class WikiLink(ArchivedModel):
    """A link from a page to another page, which may not exist yet."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="wiki_link", userdata=True)

    subwiki = Within(WikiSubwiki, "links/link")
    frompageid = Ref("wiki_page")
    topageid = Ref("wiki_page")
    tomissingpage = Text(255, null=True)
