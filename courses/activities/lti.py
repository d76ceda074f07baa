"""An external tool (LTI): the tool's address and settings, and the results that it reports."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import (
    LONGEST_NAME,
    Int,
    LongText,
    Moment,
    Number,
    Ref,
    RichText,
    ScaleOrMaximum,
    Text,
    UserRef,
    Within,
)
from courses.fields.repeated import RepeatedId
from courses.fields.secrets import Secret

GRADEBOOK = "subplugin_ltiservice_gradebookservices_lti"


class Lti(Content):
    """An external tool among the activities."""

    activity_type: ClassVar[ActivityType] = ActivityType(label="External tool")

    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int(null=True, default=0)
    timecreated = Moment()
    timemodified = Moment()
    typeid = Ref("ltitype", null=True)
    toolurl = LongText()
    securetoolurl = LongText(null=True)
    preferheight = Int(null=True, optional=True)
    launchcontainer = Int(default=1)
    instructorchoicesendname = Int(null=True)
    instructorchoicesendemailaddr = Int(null=True)
    instructorchoiceacceptgrades = Int(null=True)
    instructorchoiceallowroster = Int(null=True)
    instructorchoiceallowsetting = Int(null=True)
    grade = ScaleOrMaximum(default=100)
    instructorcustomparameters = LongText(null=True)
    debuglaunch = Int()
    showtitlelaunch = Int()
    showdescriptionlaunch = Int()
    icon = LongText(null=True)
    secureicon = LongText(null=True)
    resourcekey = Secret(null=True)
    password = Secret(null=True)

    links = (
        ("LTIVIEWBYID", "/mod/lti/view.php?id=$1", ("course_module",)),
        ("LTIINDEX", "/mod/lti/index.php?id=$1", ("course",)),
    )

    class Meta:
        verbose_name = "external tool"


class LtiType(ArchivedModel):
    """The configuration of a tool. Each activity that uses a tool has its own copy in the archive, with the same id."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="ltitype", numbered=False)

    lti = Within(Lti, "ltitype")
    number = RepeatedId("ltitype", tag="id", attribute=True)
    name = Text(255, default="basiclti Activity")
    baseurl = LongText()
    tooldomain = Text(255)
    state = Int(default=2)
    course = Ref("course")
    coursevisible = Int()
    ltiversion = Text(10)
    clientid = Text(255, null=True)
    toolproxyid = Ref("ltitoolproxy", null=True)
    enabledcapability = LongText(null=True)
    parameter = LongText(null=True)
    icon = LongText(null=True)
    secureicon = LongText(null=True)
    createdby = UserRef()
    timecreated = Moment()
    timemodified = Moment()
    description = LongText(null=True)

    class Meta:
        verbose_name = "tool"


class LtiTypeSetting(ArchivedModel):
    """A setting of a tool."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="ltitypesconfig", unique=False)

    type = Within(LtiType, "ltitypesconfigs/ltitypesconfig")
    name = Text(255)
    value = LongText()


class LtiTypeSecret(ArchivedModel):
    """A setting of a tool that is a key or a password."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="ltitypesconfigencrypted", unique=False)

    type = Within(LtiType, "ltitypesconfigs/ltitypesconfigencrypted")
    name = Text(255)
    value = Secret()


class LtiToolProxy(ArchivedModel):
    """The registration of a tool that registered itself (LTI 2)."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="ltitoolproxy", numbered=False)

    type = Within(LtiType, "ltitoolproxy")
    number = RepeatedId("ltitoolproxy", tag="id", attribute=True)


class LtiToolSetting(ArchivedModel):
    """Settings that such a tool stored for this activity."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="ltitoolsetting", unique=False)

    proxy = Within(LtiToolProxy, "ltitoolsettings/ltitoolsetting")
    settings = LongText()
    timecreated = Moment()
    timemodified = Moment()


class LtiSubmission(ArchivedModel):
    """A result that the tool reported for a person; both grades are fractions of 1."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="ltisubmission", userdata=True)

    lti = Within(Lti, "ltisubmissions/ltisubmission")
    userid = UserRef()
    datesubmitted = Moment(shifts=True)
    dateupdated = Moment(shifts=True)
    gradepercent = Number(max_digits=10, decimal_places=5, default=0)
    originalgrade = Number(max_digits=10, decimal_places=5, default=0)
    launchid = Int()
    state = Int()


class LtiCourseVisible(ArchivedModel):
    """Whether a tool of the site is offered in a course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="lticoursevisible", unique=False)

    lti = Within(Lti, "lticoursevisible")
    typeid = Ref("ltitype")
    courseid = Ref("course")
    coursevisible = Int()


class LtiLineItem(ArchivedModel):
    """A column of the gradebook that the tool writes to."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="gbsgradeitemrestored")

    lti = Within(Lti, f"{GRADEBOOK}/lineitems/lineitem")
    gradeitemid = Ref("grade_item")
    courseid = Ref("course")
    toolproxyid = Ref("ltitoolproxy", null=True)
    typeid = Ref("ltitype", null=True)
    baseurl = LongText(null=True)
    ltilinkid = Ref("lti", null=True)
    resourceid = Text(512, null=True)
    tag = Text(255, null=True)
    vendorcode = LongText(null=True)
    guid = LongText(null=True)
    subreviewurl = LongText(null=True)
    subreviewparams = LongText(null=True)
