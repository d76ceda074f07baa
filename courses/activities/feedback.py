"""A feedback: the teacher's questionnaire and people's answers to it."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import LONGEST_NAME, Echo, Int, LongText, Moment, Ref, RichText, Text, UserRef, Within


class Feedback(Content):
    """A questionnaire of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        userdata_files=("mod_feedback/item_file",),
        logged_ids={
            "mod_feedback/instanceid": "feedback",
        },
    )

    name = Text(LONGEST_NAME)
    intro = RichText()
    introformat = Int()
    anonymous = Int(default=1)
    email_notification = Int(default=1)
    multiple_submit = Int(default=1)
    autonumbering = Int(default=1)
    # 255 characters in Moodle, with a token where there is an address; the address itself may be longer.
    site_after_submit = RichText()
    page_after_submit = RichText()
    page_after_submitformat = Int()
    publish_stats = Int()
    timeopen = Moment(shifts=True)
    timeclose = Moment(shifts=True)
    timemodified = Moment()
    completionsubmit = Int()

    links = (
        ("FEEDBACKINDEX", "/mod/feedback/index.php?id=$1", ("course",)),
        ("FEEDBACKVIEWBYID", "/mod/feedback/view.php?id=$1", ("course_module",)),
        ("FEEDBACKANALYSISBYID", "/mod/feedback/analysis.php?id=$1", ("course_module",)),
        ("FEEDBACKSHOWENTRIESBYID", "/mod/feedback/show_entries.php?id=$1", ("course_module",)),
    )


class FeedbackItem(ArchivedModel):
    """A question, a label or a page break; it may depend on the answer to another question.

    `template` is 0 here: the questions of a site's templates are not in courses.
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="feedback_item", files=("mod_feedback/item",))

    feedback = Within(Feedback, "items/item")
    template = Int()
    name = Text(LONGEST_NAME)
    label = Text(255)
    presentation = RichText()
    typ = Text(255)
    hasvalue = Int()
    position = Int()
    required = Int()
    dependitem = Ref("feedback_item")
    dependvalue = Text(255)
    options = Text(255)


class FeedbackCompleted(ArchivedModel):
    """A person's completed questionnaire; `random_response` numbers the anonymous ones."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="feedback_completed", userdata=True)

    feedback = Within(Feedback, "completeds/completed")
    userid = UserRef()
    timemodified = Moment()
    random_response = Int()
    anonymous_response = Int()
    courseid = Ref("course")


class FeedbackValue(ArchivedModel):
    """A person's answer to one question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="feedback_value", userdata=True)

    of = Within(FeedbackCompleted, "values/value")
    item = Ref("feedback_item")
    template = LongText(null=True, optional=True)
    completed = Echo()
    value = RichText()
    course_id = Ref("course")
