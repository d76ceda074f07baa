"""A database: records with fields that the teacher defined, ratings and tags."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import (
    LONGEST_NAME,
    Code,
    Int,
    LongText,
    Moment,
    Ref,
    RichText,
    ScaleOrMaximum,
    Text,
    UserRef,
    Within,
)
from courses.fields.special import SpecialRef
from courses.models.tags import Rating


class Data(Content):
    """A database of the course. `defaultsort` is the id of a field; 0 and below stand for properties of every record, such
    as its time.
    """

    activity_type: ClassVar[ActivityType] = ActivityType(
        label="Database",
        logged_ids={
            "dataid": "data",
        },
    )

    name = Text(LONGEST_NAME)
    intro = RichText()
    introformat = Int()
    comments = Int()
    timeavailablefrom = Moment(shifts=True)
    timeavailableto = Moment(shifts=True)
    timeviewfrom = Moment(shifts=True)
    timeviewto = Moment(shifts=True)
    requiredentries = Int()
    requiredentriestoview = Int()
    maxentries = Int()
    rssarticles = Int()
    singletemplate = RichText(null=True)
    listtemplate = RichText(null=True)
    listtemplateheader = RichText(null=True)
    listtemplatefooter = RichText(null=True)
    addtemplate = RichText(null=True)
    rsstemplate = RichText(null=True)
    rsstitletemplate = RichText(null=True)
    csstemplate = LongText(null=True)
    jstemplate = LongText(null=True)
    asearchtemplate = RichText(null=True)
    approval = Int()
    manageapproved = Int(default=1)
    scale = ScaleOrMaximum()
    assessed = Int()
    assesstimestart = Moment(shifts=True)
    assesstimefinish = Moment(shifts=True)
    defaultsort = SpecialRef("data_field")
    defaultsortdir = Int()
    editany = Int()
    notification = Int()
    timemodified = Moment()
    config = LongText(null=True)
    completionentries = Int(null=True, default=0)

    links = (
        ("DATAVIEWBYID", "/mod/data/view.php?id=$1", ("course_module",)),
        ("DATAVIEWBYD", "/mod/data/view.php?d=$1", ("data",)),
        ("DATAINDEX", "/mod/data/index.php?id=$1", ("course",)),
        ("DATAVIEWRECORD", "/mod/data/view.php?d=$1&amp;rid=$2", ("data", "data_record")),
        ("DATAEDITBYID", "/mod/data/edit.php?id=$1", ("course_module",)),
        ("DATAEDITBYD", "/mod/data/edit.php?d=$1", ("data",)),
        ("DATAINDEXURLENCODED", "/mod/data/index.php?id=$1", ("course",)),
        ("DATAVIEWBYIDURLENCODED", "/mod/data/view.php?id=$1", ("course_module",)),
        ("DATAVIEWBYDURLENCODED", "/mod/data/view.php?d=$1", ("data",)),
        ("DATAVIEWRECORDURLENCODED", "/mod/data/view.php?d=$1&amp;rid=$2", ("data", "data_record")),
        ("DATAEDITBYIDURLENCODED", "/mod/data/edit.php?id=$1", ("course_module",)),
        ("DATAEDITBYDURLENCODED", "/mod/data/edit.php?d=$1", ("data",)),
    )


class DataField(ArchivedModel):
    """A field that every record has; the field type decides the meaning of the ten parameters."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="data_field")

    data = Within(Data, "fields/field")
    type = Code(255)
    name = Text(255)
    description = RichText()
    required = Int()
    param1 = RichText(null=True)
    param2 = RichText(null=True)
    param3 = RichText(null=True)
    param4 = RichText(null=True)
    param5 = RichText(null=True)
    param6 = RichText(null=True)
    param7 = RichText(null=True)
    param8 = RichText(null=True)
    param9 = RichText(null=True)
    param10 = RichText(null=True)


class DataRecord(ArchivedModel):
    """A person's record: one value for each field."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="data_record", userdata=True, comments=("mod_data/database_entry",)
    )

    data = Within(Data, "records/record")
    userid = UserRef()
    groupid = Ref("group")
    timecreated = Moment()
    timemodified = Moment()
    approved = Int()


class DataContent(ArchivedModel):
    """The value of a field in a record."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="data_content", userdata=True, files=("mod_data/content",)
    )

    record = Within(DataRecord, "contents/content")
    fieldid = Ref("data_field")
    content = RichText(null=True)
    content1 = RichText(null=True)
    content2 = RichText(null=True)
    content3 = RichText(null=True)
    content4 = RichText(null=True)


class DataRating(Rating):
    """A rating of a record."""

    record = Within(DataRecord, "ratings/rating")


class DataRecordTag(ArchivedModel):
    """A tag on a record."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, unique=False)

    data = Within(Data, "recordstags/tag")
    itemid = Ref("data_record")
    rawname = Text(255)
