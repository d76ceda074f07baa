"""A book: chapters and subchapters."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, Moment, Ref, RichText, Text, Within


class Book(Content):
    """A book of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(icon="kind-book")

    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int()
    numbering = Int()
    navstyle = Int(default=1)
    customtitles = Int()
    timecreated = Moment()
    timemodified = Moment()

    links = (
        ("BOOKINDEX", "/mod/book/index.php?id=$1", ("course",)),
        ("BOOKVIEWBYIDCH", "/mod/book/view.php?id=$1&amp;chapterid=$2", ("course_module", "book_chapter")),
        ("BOOKVIEWBYID", "/mod/book/view.php?id=$1", ("course_module",)),
        ("BOOKVIEWBYBCH", "/mod/book/view.php?b=$1&amp;chapterid=$2", ("book", "book_chapter")),
        ("BOOKVIEWBYB", "/mod/book/view.php?b=$1", ("book",)),
        ("BOOKCHAPTER", "/mod/book/view.php?id=$1&amp;chapterid=$2", ("course_module", "book_chapter")),
        ("BOOKSTART", "/mod/book/view.php?id=$1", ("course_module",)),
    )


class BookChapter(ArchivedModel):
    """A chapter; `timemcreated` is the format's spelling."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="book_chapter", files=("mod_book/chapter",))

    book = Within(Book, "chapters/chapter")
    pagenum = Int()
    subchapter = Int()
    title = Text(LONGEST_NAME)
    content = RichText()
    contentformat = Int()
    hidden = Int()
    timecreated = Moment(tag="timemcreated", null=True, optional=True)
    timemodified = Moment()
    importsrc = Text(255)


class BookChapterTag(ArchivedModel):
    """A tag on a chapter."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(unique=False)

    book = Within(Book, "chaptertags/tag")
    itemid = Ref("book_chapter")
    rawname = Text(255)
