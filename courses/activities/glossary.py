"""A glossary: entries with aliases, categories and ratings."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Int, Moment, Ref, RichText, ScaleOrMaximum, Text, UserRef, Within
from courses.models.tags import Rating


class Glossary(Content):
    """A glossary of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(icon="kind-glossary")

    name = Text(LONGEST_NAME)
    intro = RichText()
    introformat = Int()
    allowduplicatedentries = Int()
    displayformat = Text(50, default="dictionary")
    mainglossary = Int()
    showspecial = Int(default=1)
    showalphabet = Int(default=1)
    showall = Int(default=1)
    allowcomments = Int()
    allowprintview = Int(default=1)
    usedynalink = Int(default=1)
    defaultapproval = Int(default=1)
    globalglossary = Int()
    entbypage = Int(default=10)
    editalways = Int()
    rsstype = Int()
    rssarticles = Int()
    assessed = Int()
    assesstimestart = Moment(shifts=True)
    assesstimefinish = Moment(shifts=True)
    scale = ScaleOrMaximum()
    timecreated = Moment()
    timemodified = Moment()
    completionentries = Int()
    # Moodle has this column, does not back it up and ignores it in an archive.
    approvaldisplayformat = Text(50, null=True, optional=True)

    links = (
        ("GLOSSARYVIEWBYID", "/mod/glossary/view.php?id=$1", ("course_module",)),
        ("GLOSSARYINDEX", "/mod/glossary/index.php?id=$1", ("course",)),
        (
            "GLOSSARYSHOWENTRY",
            "/mod/glossary/showentry.php?courseid=$1&eid=$2",
            ("course", "glossary_entry"),
        ),
    )


class GlossaryEntry(ArchivedModel):
    """A concept and its definition."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="glossary_entry",
        userdata=True,
        files=("mod_glossary/entry", "mod_glossary/attachment"),
        comments=("mod_glossary/glossary_entry",),
    )

    glossary = Within(Glossary, "entries/entry")
    userid = UserRef()
    concept = Text(255)
    definition = RichText()
    definitionformat = Int()
    definitiontrust = Int()
    attachment = Text(100)
    timecreated = Moment()
    timemodified = Moment()
    teacherentry = Int()
    sourceglossaryid = Ref("glossary")
    usedynalink = Int(default=1)
    casesensitive = Int()
    fullmatch = Int(default=1)
    approved = Int(default=1)


class GlossaryAlias(ArchivedModel):
    """Another word for a concept."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    entry = Within(GlossaryEntry, "aliases/alias")
    alias_text = Text(255)


class GlossaryRating(Rating):
    """A rating of an entry."""

    entry = Within(GlossaryEntry, "ratings/rating")


class GlossaryEntryTag(ArchivedModel):
    """A tag on an entry."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, unique=False)

    glossary = Within(Glossary, "entriestags/tag")
    itemid = Ref("glossary_entry")
    rawname = Text(255)


class GlossaryCategory(ArchivedModel):
    """A category of entries."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="glossary_category")

    glossary = Within(Glossary, "categories/category")
    name = Text(255)
    usedynalink = Int(default=1)


class GlossaryCategoryEntry(ArchivedModel):
    """An entry in a category."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    category = Within(GlossaryCategory, "category_entries/category_entry")
    entryid = Ref("glossary_entry")
