"""Completion of activities and of the course: its criteria, and people's progress."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Code, Echo, Int, LongText, Moment, Number, Ref, Text, UserRef, Within
from courses.models.course import Activity, Course

OF_ACTIVITY = "completion.xml"
OF_COURSE = "completion.xml"


class ActivityCompletion(ArchivedModel):
    """A person's completion state of an activity."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    activity = Within(Activity, "completion", member=OF_ACTIVITY)
    userid = UserRef()
    completionstate = Int()
    viewed = Int(null=True, optional=True)
    timemodified = Moment()


class ActivityViewed(ArchivedModel):
    """A view mark: a person has seen an activity, and when."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    activity = Within(Activity, "completionviews/completionview", member=OF_ACTIVITY)
    userid = UserRef()
    timecreated = Moment()


class CompletionCriterion(ArchivedModel):
    """A criterion for completing the course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="course_completion_criteria")

    within = Within(Course, "course_completion_criteria", member=OF_COURSE)
    course = Ref("course", db_column="courseid")
    criteriatype = Int()
    module = Code(100, null=True)
    # Moodle leaves a criterion out whose activity is not there; with NULL it would keep one that nobody can meet.
    moduleinstance = Ref("course_module", null=True, dangling=True)
    courseinstanceshortname = Text(255, null=True)
    enrolperiod = Int(null=True)
    timeend = Moment(null=True, shifts=True)
    gradepass = Number(max_digits=10, decimal_places=5, null=True)
    role = Ref("role", null=True)
    roleshortname = Text(100, null=True)


class CriterionCompletion(ArchivedModel):
    """A criterion that a person has met."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    criterion = Within(CompletionCriterion, "course_completion_crit_completions/course_completion_crit_compl")
    criteriaid = Echo()
    userid = UserRef()
    gradefinal = Number(max_digits=10, decimal_places=5, null=True)
    unenrolled = Int(null=True, optional=True)
    timecompleted = Moment(null=True)


class CourseCompletion(ArchivedModel):
    """A person's progress in completing the course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        userdata=True, natural_key=("within", "userid"), single=True, compared=False
    )

    within = Within(Course, "course_completions", member=OF_COURSE)
    userid = UserRef()
    course = Ref("course", db_column="courseid")
    timeenrolled = Moment()
    timestarted = Moment()
    timecompleted = Moment(null=True)
    reaggregate = Int()


class CompletionAggregation(ArchivedModel):
    """Whether all criteria of a type have to be met, or any."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        natural_key=("within", "criteriatype"), single=True, compared=False
    )

    within = Within(Course, "course_completion_aggr_methd", member=OF_COURSE)
    course = Ref("course", db_column="courseid")
    criteriatype = Int(null=True)
    method = Int()
    value = Number(max_digits=10, decimal_places=5, null=True)


class CompletionDefault(ArchivedModel):
    """The default completion settings of new activities of a type."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="course_completion_defaults",
        natural_key=("course", "modulename"),
        single=True,
        compared=False,
    )

    course = Within(Course, "course_completion_default", member="course/completiondefaults.xml")
    modulename = Text(50)
    completion = Int()
    completionview = Int()
    completionusegrade = Int()
    completionpassgrade = Int()
    completionexpected = Moment()
    customrules = LongText(null=True)
