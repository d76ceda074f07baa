"""A lesson: pages whose answers lead to other pages, and the paths that people took through them."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import (
    LONGEST_NAME,
    Echo,
    Int,
    LongText,
    Moment,
    Real,
    Ref,
    RichText,
    ScaleOrMaximum,
    Text,
    UserRef,
    Within,
)
from courses.fields.answers import ChosenAnswers
from courses.fields.secrets import Password
from courses.fields.special import SpecialRef

COURSE = "(SELECT course_id FROM courses_activity WHERE id = {row}.owner_id)"


class Lesson(Content):
    """A lesson of the course. `dependency` is a lesson to finish before it, `activitylink` the activity that it links to at
    its end.
    """

    activity_type: ClassVar[ActivityType] = ActivityType(
        logged_ids={
            "lessonid": "lesson",
            "prevpageid": "lesson_page",
            "nextpageid": "lesson_page",
            "mod_lesson/pageid": "lesson_page",
            "mod_lesson/attemptid": "lesson_attempt",
        }
    )

    course = Echo(COURSE)
    name = Text(LONGEST_NAME)
    intro = RichText(null=True)
    introformat = Int()
    practice = Int()
    modattempts = Int()
    usepassword = Int()
    password = Password(32)
    dependency = Ref("lesson")
    conditions = LongText()
    grade = ScaleOrMaximum()
    custom = Int()
    ongoing = Int()
    usemaxgrade = Int()
    maxanswers = Int(default=4)
    maxattempts = Int(default=5)
    review = Int()
    nextpagedefault = Int()
    feedback = Int(default=1)
    minquestions = Int()
    maxpages = Int()
    timelimit = Int()
    retake = Int(default=1)
    activitylink = Ref("course_module")
    mediafile = Text(255)
    mediaheight = Int(default=100)
    mediawidth = Int(default=650)
    mediaclose = Int()
    slideshow = Int()
    width = Int(default=640)
    height = Int(default=480)
    bgcolor = Text(7, default="#FFFFFF")
    displayleft = Int()
    displayleftif = Int()
    progressbar = Int()
    available = Moment(shifts=True)
    deadline = Moment(shifts=True)
    timemodified = Moment()
    completionendreached = Int(null=True, default=0)
    completiontimespent = Int(null=True, default=0)
    allowofflineattempts = Int(null=True, default=0)

    links = (
        ("LESSONEDIT", "/mod/lesson/edit.php?id=$1", ("course_module",)),
        ("LESSONESAY", "/mod/lesson/essay.php?id=$1", ("course_module",)),
        ("LESSONREPORT", "/mod/lesson/report.php?id=$1", ("course_module",)),
        ("LESSONMEDIAFILE", "/mod/lesson/mediafile.php?id=$1", ("course_module",)),
        ("LESSONVIEWBYID", "/mod/lesson/view.php?id=$1", ("course_module",)),
        ("LESSONINDEX", "/mod/lesson/index.php?id=$1", ("course",)),
        ("LESSONVIEWPAGE", "/mod/lesson/view.php?id=$1&pageid=$2", ("course_module", "lesson_page")),
        ("LESSONEDITPAGE", "/mod/lesson/edit.php?id=$1&pageid=$2", ("course_module", "lesson_page")),
    )


class LessonPage(ArchivedModel):
    """A page: a text, a question, or a mark such as the end of a branch. Each page names the previous and the next one."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="lesson_page", files=("mod_lesson/page_contents",)
    )

    lesson = Within(Lesson, "pages/page")
    prevpageid = Ref("lesson_page")
    nextpageid = Ref("lesson_page")
    qtype = Int()
    qoption = Int()
    layout = Int(default=1)
    display = Int(default=1)
    timecreated = Moment()
    timemodified = Moment()
    title = Text(255)
    contents = RichText()
    contentsformat = Int()


class LessonAnswer(ArchivedModel):
    """An answer to a page's question, or a button of the page, with the page that it leads to."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="lesson_answer", files=("mod_lesson/page_answers", "mod_lesson/page_responses")
    )

    page = Within(LessonPage, "answers/answer")
    jumpto = SpecialRef("lesson_page")
    grade = Int()
    score = Int()
    flags = Int()
    timecreated = Moment()
    timemodified = Moment()
    answer_text = RichText(null=True)
    response = RichText(null=True)
    answerformat = Int()
    responseformat = Int()


class LessonAttempt(ArchivedModel):
    """A person's answer to a question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="lesson_attempt",
        userdata=True,
        files=("mod_lesson/essay_responses", "mod_lesson/essay_answers"),
    )

    answer = Within(LessonAnswer, "attempts/attempt")
    userid = UserRef()
    retry = Int()
    correct = Int()
    useranswer = ChosenAnswers(null=True)
    timeseen = Moment()


class LessonBranch(ArchivedModel):
    """A person's visit to a page with branches, and the branch that was taken."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    page = Within(LessonPage, "branches/branch")
    userid = UserRef()
    retry = Int()
    flag = Int()
    timeseen = Moment()
    nextpageid = SpecialRef("lesson_page")


class LessonGrade(ArchivedModel):
    """The grade of a person for one attempt at the lesson."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="lesson_grade", userdata=True)

    lesson = Within(Lesson, "grades/grade")
    userid = UserRef()
    grade = Real()
    late = Int()
    completed = Moment()


class LessonTimer(ArchivedModel):
    """The time at which a person started an attempt at the lesson, and was last active in it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    lesson = Within(Lesson, "timers/timer")
    userid = UserRef()
    starttime = Moment()
    lessontime = Moment()
    completed = Int(null=True, default=0)
    timemodifiedoffline = Moment()


class LessonOverride(ArchivedModel):
    """Dates and rules that differ for one person or one group."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="lesson_override", userdata=True, person="userid"
    )

    lesson = Within(Lesson, "overrides/override")
    groupid = Ref("group", null=True)
    userid = UserRef(null=True)
    available = Moment(null=True, shifts=True)
    deadline = Moment(null=True, shifts=True)
    timelimit = Int(null=True)
    review = Int(null=True)
    maxattempts = Int(null=True)
    retake = Int(null=True)
    password = Password(32, null=True)
    reason = RichText(null=True, since="5.2", personal="null")
    reasonformat = Int(null=True, since="5.2")
