"""Badges of a course: their criteria, and the awards that were made by hand."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import (
    LONGEST_NAME,
    CriterionText,
    Echo,
    Int,
    LongText,
    Moment,
    Ref,
    RichText,
    Text,
    UserRef,
    Within,
)
from courses.models.course import Course
from courses.models.tags import TagUse


class Badge(ArchivedModel):
    """A badge of the course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="badge", files=("badges/badgeimage",), natural_key=("name",)
    )

    course = Within(Course, "badge", member="badges.xml")
    name = Text(LONGEST_NAME)
    description = RichText(null=True)
    timecreated = Moment()
    timemodified = Moment()
    usercreated = UserRef()
    usermodified = UserRef()
    issuername = Text(LONGEST_NAME)
    issuerurl = Text(255)
    issuercontact = Text(255, null=True, personal="null")
    expiredate = Moment(null=True, shifts=True)
    expireperiod = Int(null=True)
    type = Int(default=1)
    courseid = Ref("course", null=True)
    message = RichText()
    messagesubject = LongText()
    attachment = Int(default=1)
    notification = Int(default=1)
    status = Int()
    nextcron = Moment(null=True)
    version = Text(255, null=True)
    language = Text(255, null=True)
    imageauthorname = Text(255, null=True, personal="null")
    imageauthoremail = Text(255, null=True, personal="null")
    imageauthorurl = Text(255, null=True, personal="null")
    imagecaption = LongText(null=True)


class BadgeCriterion(ArchivedModel):
    """A condition for getting a badge."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="criterion")

    badge = Within(Badge, "criteria/criterion")
    badgeid = Echo()
    criteriatype = Int(null=True)
    method = Int(default=1)
    description = RichText(null=True)
    descriptionformat = Int()


class BadgeParameter(ArchivedModel):
    """A parameter of a criterion; its name or value contains the id of a record."""

    criterion = Within(BadgeCriterion, "parameters/parameter")
    critid = Echo()
    name = CriterionText(255)
    value = CriterionText(255, null=True)
    criteriatype = Int(null=True)


class BadgeEndorsement(ArchivedModel):
    """An endorsement of a badge by an organisation."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="endorsement")

    badge = Within(Badge, "endorsement")
    badgeid = Echo()
    issuername = Text(255)
    issuerurl = Text(255)
    issueremail = Text(255, personal="empty")
    claimid = Text(255, null=True)
    claimcomment = LongText(null=True)
    dateissued = Moment(shifts=True)


class BadgeAlignment(ArchivedModel):
    """An alignment of a badge with an external framework or standard."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="alignment")

    badge = Within(Badge, "alignments/alignment")
    badgeid = Echo()
    targetname = Text(255)
    targeturl = Text(255)
    targetdescription = LongText(null=True)
    targetframework = Text(255, null=True)
    targetcode = Text(255, null=True)


class RelatedBadge(ArchivedModel):
    """A reference to a related badge."""

    badge = Within(Badge, "relatedbadges/relatedbadge")
    badgeid = Echo()
    relatedbadgeid = Ref("badge", null=True)


class BadgeAward(ArchivedModel):
    """An award of a badge to a person, made by hand."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        userdata=True, person="recipientid", natural_key=("recipientid", "issuerrole"), single=True
    )

    badge = Within(Badge, "manual_awards/manual_award")
    badgeid = Echo()
    recipientid = UserRef()
    issuerid = UserRef()
    issuerrole = Ref("role")
    datemet = Moment(shifts=True)


class BadgeTag(TagUse):
    """A tag on a badge."""

    badge = Within(Badge, "tags/tag")
