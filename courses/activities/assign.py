"""An assignment: submissions, grades, feedback and extensions, with the plugins that Moodle itself has."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath
from courses.content import ActivityType, Content
from courses.fields import (
    LONGEST_NAME,
    Code,
    Echo,
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

FILE_SUBMISSION = "subplugin_assignsubmission_file_submission"
TEXT_SUBMISSION = "subplugin_assignsubmission_onlinetext_submission"
COMMENTS_GRADE = "subplugin_assignfeedback_comments_grade"
EDITPDF_GRADE = "subplugin_assignfeedback_editpdf_grade"
FILE_GRADE = "subplugin_assignfeedback_file_grade"


class Assign(Content):
    """An assignment of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        label="Assignment",
        icon="kind-assign",
        logged_ids={
            "assignid": "assign",
            "mod_assign/submissionid": "submission",
            "assignsubmission_file/submissionid": "submission",
            "assignsubmission_onlinetext/submissionid": "submission",
        },
        logged_tables={
            "assign_submission": "submission",
            "assign_grades": "grade",
        },
    )

    name = Text(LONGEST_NAME)
    intro = RichText()
    introformat = Int()
    alwaysshowdescription = Int()
    submissiondrafts = Int()
    sendnotifications = Int()
    sendlatenotifications = Int()
    sendstudentnotifications = Int(default=1)
    duedate = Moment(shifts=True)
    cutoffdate = Moment(shifts=True)
    gradingduedate = Moment(shifts=True)
    allowsubmissionsfromdate = Moment(shifts=True)
    grade = ScaleOrMaximum()
    timemodified = Moment()
    completionsubmit = Int()
    requiresubmissionstatement = Int()
    teamsubmission = Int()
    requireallteammemberssubmit = Int()
    teamsubmissiongroupingid = Ref("grouping")
    blindmarking = Int()
    hidegrader = Int()
    revealidentities = Int()
    attemptreopenmethod = Text(10, default="untilpass")
    maxattempts = Int(default=1)
    markingworkflow = Int()
    markingallocation = Int()
    markercount = Int(null=True, since="5.2")
    optionalmarkercount = Int(null=True, since="5.3")
    multimarkmethod = Text(10, null=True, since="5.2")
    markinganonymous = Int()
    preventsubmissionnotingroup = Int()
    instructions = RichText(null=True, tag="activity")
    activityformat = Int()
    timelimit = Int()
    submissionattachments = Int()
    gradepenalty = Int(null=True, since="5.0")

    links = (
        ("ASSIGNVIEWBYID", "/mod/assign/view.php?id=$1", ("course_module",)),
        ("ASSIGNINDEX", "/mod/assign/index.php?id=$1", ("course_module",)),
    )


class AssignUserFlag(ArchivedModel):
    """An extension, a lock or a stage of the marking for one person.

    `allocatedmarker` is the first of the markers of that person (`AssignAllocatedMarker`).
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    assign = Within(Assign, "userflags/userflag")
    userid = UserRef()
    assignment = Echo()
    mailed = Int()
    locked = Int()
    extensionduedate = Moment(shifts=True)
    workflowstate = Code(20, null=True)
    allocatedmarker = UserRef()


class AssignAllocatedMarker(ArchivedModel):
    """One of the people who mark the work of a student. The first one of a student is the one that the student's flag names.

    Moodle 5.2 and later read these records only, versions before 5.2 the flag only, so an archive has both. One of a course
    from before 5 for such a Moodle has the flag alone (`backup/markers.py`).
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        userdata=True,
        tag="allocatedmarker",
        unique=False,
        archive_paths=[
            ArchivePath(
                "courses.Assign",
                "allocatedmarkers/allocatedmarker",
                column="assign_id",
                parent_column="id",
                since="5.2",
            )
        ],
    )

    assign = models.ForeignKey(Assign, on_delete=models.CASCADE, related_name="allocated_markers")
    student = UserRef()
    assignment = Echo()
    marker = UserRef()


class AssignSubmission(ArchivedModel):
    """A submission of a person or a group: one attempt."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="submission",
        userdata=True,
        files=(
            "assignsubmission_file/submission_files",
            "assignsubmission_onlinetext/submissions_onlinetext",
        ),
        comments=("assignsubmission_comments/submission_comments",),
    )

    assign = Within(Assign, "submissions/submission")
    userid = UserRef()
    timecreated = Moment()
    timemodified = Moment()
    timestarted = Moment(null=True)
    status = Code(10, null=True)
    groupid = Ref("group")
    attemptnumber = Int()
    latest = Int()


class AssignFileSubmission(ArchivedModel):
    """The file part of a submission: the number of files handed in."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    attempt = Within(AssignSubmission, f"{FILE_SUBMISSION}/submission_file")
    numfiles = Int()
    submission = Echo()


class AssignTextSubmission(ArchivedModel):
    """The text part of a submission."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    attempt = Within(AssignSubmission, f"{TEXT_SUBMISSION}/submission_onlinetext")
    onlinetext = RichText(null=True)
    onlineformat = Int()
    submission = Echo()


class AssignGrade(ArchivedModel):
    """The grade of an attempt."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="grade",
        graded=("submissions",),
        userdata=True,
        files=(
            "assignfeedback_comments/feedback",
            "assignfeedback_editpdf/download",
            "assignfeedback_editpdf/readonlypages",
            "assignfeedback_editpdf/stamps",
            "assignfeedback_file/feedback_files",
        ),
    )

    assign = Within(Assign, "grades/grade")
    userid = UserRef()
    timecreated = Moment()
    timemodified = Moment()
    grader = UserRef()
    grade = Number(max_digits=10, decimal_places=5, null=True, default=0)
    penalty = Number(max_digits=10, decimal_places=5, null=True, since="5.0")
    attemptnumber = Int()


class AssignMark(ArchivedModel):
    """The mark of one marker for an attempt; the grade is made of the marks."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="mark",
        userdata=True,
        repeat=True,
        files=("assignfeedback_comments/feedback_marker", "assignfeedback_file/feedback_marker"),
    )

    assign = Within(Assign, "marks/mark", since="5.2")
    assignment = Echo()
    gradeid = Ref("grade", owning=True)
    timecreated = Moment()
    timemodified = Moment()
    marker = UserRef()
    mark = Number(max_digits=10, decimal_places=5, null=True)
    workflowstate = Code(20, null=True)


class AssignCommentFeedback(ArchivedModel):
    """The marker's comment on a submission."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    of = Within(AssignGrade, f"{COMMENTS_GRADE}/feedback_comments")
    commenttext = RichText(null=True)
    commentformat = Int()
    grade = Echo()
    mark = Ref("mark", null=True, since="5.2")


class AssignPdfFiles(ArchivedModel):
    """A marker for the files of an annotated PDF, which belong to the grade: pages, stamps and the combined document."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    grade = Within(AssignGrade, f"{EDITPDF_GRADE}/feedback_editpdf_files")
    gradeid = Echo()


class AssignPdfMarkerFiles(ArchivedModel):
    """A sign that one of the markers has annotated the PDF; the document belongs to the mark."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    grade = Within(AssignGrade, f"{EDITPDF_GRADE}/feedback_editpdf_marker_files", since="5.2")
    markid = Ref("mark", null=True)


class AssignPdfAnnotation(ArchivedModel):
    """A drawing of the marker's on a page of the submission."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    grade = Within(AssignGrade, f"{EDITPDF_GRADE}/feedback_editpdf_annotations/annotation")
    gradeid = Echo()
    pageno = Int()
    type = Code(10, null=True, default="line")
    x = Int(null=True, default=0)
    y = Int(null=True, default=0)
    endx = Int(null=True, default=0)
    endy = Int(null=True, default=0)
    colour = Code(10, null=True, default="black")
    path = LongText(null=True)
    draft = Int(default=1)
    markid = Ref("mark", null=True, since="5.2")


class AssignPdfComment(ArchivedModel):
    """A note of the marker's on a page of the submission."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    grade = Within(AssignGrade, f"{EDITPDF_GRADE}/feedback_editpdf_comments/comment")
    gradeid = Echo()
    pageno = Int()
    x = Int(null=True, default=0)
    y = Int(null=True, default=0)
    width = Int(null=True, default=120)
    rawtext = LongText(null=True)
    colour = Code(10, null=True, default="black")
    draft = Int(default=1)
    markid = Ref("mark", null=True, since="5.2")


class AssignPdfRotation(ArchivedModel):
    """The rotation of a page of the submission."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    grade = Within(AssignGrade, f"{EDITPDF_GRADE}/feedback_editpdf_rotation/pagerotation")
    gradeid = Echo()
    pageno = Int()
    pathnamehash = LongText()
    isrotated = Int()
    degree = Int()
    markid = Ref("mark", null=True, since="5.2")


class AssignFileFeedback(ArchivedModel):
    """The file part of the feedback: the number of files that the marker returned."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    of = Within(AssignGrade, f"{FILE_GRADE}/feedback_file")
    numfiles = Int()
    grade = Echo()
    mark = Ref("mark", null=True, since="5.2")


class AssignPluginConfig(ArchivedModel):
    """A setting of a submission plugin or a feedback plugin."""

    assign = Within(Assign, "plugin_configs/plugin_config")
    plugin = Text(28)
    subtype = Text(28)
    name = Text(28)
    value = LongText(null=True)


class AssignOverride(ArchivedModel):
    """Dates that differ for one person or one group."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="assign_override", userdata=True, person="userid"
    )

    assign = Within(Assign, "overrides/override")
    groupid = Ref("group", null=True)
    userid = UserRef(null=True)
    sortorder = Int(null=True)
    allowsubmissionsfromdate = Moment(null=True, shifts=True)
    duedate = Moment(null=True, shifts=True)
    cutoffdate = Moment(null=True, shifts=True)
    timelimit = Int(null=True)
    reason = RichText(null=True, since="5.2", personal="null")
    reasonformat = Int(null=True, since="5.2")
