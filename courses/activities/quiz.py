"""A quiz: slots of questions, people's attempts and their grades."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta, ordered_index
from courses.content import ActivityType, Content
from courses.fields import (
    LONGEST_NAME,
    Code,
    Echo,
    FilterConditions,
    Int,
    LongText,
    Moment,
    Number,
    Ref,
    RichText,
    StepName,
    StepValue,
    Text,
    UserRef,
    Within,
)
from courses.fields.secrets import Key, Password


class Quiz(Content):
    """A quiz of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        icon="kind-quiz",
        uses_questions=True,
        userdata_files=("mod_quiz/response_attachments",),
        logged_ids={
            "quizid": "quiz",
            "firstslotid": "quiz_question_instance",
            "mod_quiz/attemptid": "quiz_attempt",
        },
        logged_tables={
            "quiz_slots": "quiz_question_instance",
        },
    )

    name = Text(LONGEST_NAME)
    intro = RichText()
    introformat = Int()
    timeopen = Moment(shifts=True)
    timeclose = Moment(shifts=True)
    timelimit = Int()
    overduehandling = Text(16, default="autoabandon")
    graceperiod = Int()
    preferredbehaviour = Code(32)
    canredoquestions = Int()
    attempts_number = Int()
    attemptonlast = Int()
    grademethod = Int(default=1)
    decimalpoints = Int(default=2)
    questiondecimalpoints = Int(default=-1)
    reviewattempt = Int()
    reviewcorrectness = Int()
    reviewmaxmarks = Int()
    reviewmarks = Int()
    reviewspecificfeedback = Int()
    reviewgeneralfeedback = Int()
    reviewrightanswer = Int()
    reviewoverallfeedback = Int()
    questionsperpage = Int()
    navmethod = Text(16, default="free")
    shuffleanswers = Int()
    sumgrades = Number(max_digits=10, decimal_places=5, default=0)
    grade = Number(max_digits=10, decimal_places=5, default=0)
    timecreated = Moment()
    timemodified = Moment()
    password = Password(255)
    subnet = Text(255)
    browsersecurity = Text(32)
    delay1 = Int()
    delay2 = Int()
    showuserpicture = Int()
    showblocks = Int()
    completionattemptsexhausted = Int(null=True, default=0)
    completionminattempts = Int()
    allowofflineattempts = Int(null=True, default=0)
    precreateattempts = Int(null=True, since="5.0")
    duedate = Moment(null=True, since="5.3", shifts=True)

    links = (
        ("QUIZINDEX", "/mod/quiz/index.php?id=$1", ("course",)),
        ("QUIZVIEWBYID", "/mod/quiz/view.php?id=$1", ("course_module",)),
        ("QUIZVIEWBYQ", "/mod/quiz/view.php?q=$1", ("quiz",)),
    )


class QuizSafeBrowser(ArchivedModel):
    """The settings that the quiz requires of the Safe Exam Browser."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="quizaccess_seb_quizsettings", numbered=False)

    quiz = Within(Quiz, "subplugin_quizaccess_seb_quiz/quizaccess_seb_quizsettings")
    quizid = Echo()
    cmid = Echo("SELECT owner_id FROM courses_quiz WHERE id = {row}.quiz_id")
    templateid = Int()
    requiresafeexambrowser = Int()
    showsebtaskbar = Int(null=True)
    showwificontrol = Int(null=True)
    showreloadbutton = Int(null=True)
    showtime = Int(null=True)
    showkeyboardlayout = Int(null=True)
    allowuserquitseb = Int(null=True)
    quitpassword = Key(null=True)
    linkquitseb = LongText(null=True)
    userconfirmquit = Int(null=True)
    enableaudiocontrol = Int(null=True)
    muteonstartup = Int(null=True)
    allowcapturecamera = Int(null=True)
    allowcapturemicrophone = Int(null=True)
    allowscreencapture = Int(null=True, since="5.3")
    alloweddisplaysmaxnumber = Int(null=True, since="5.3")
    allowspellchecking = Int(null=True)
    allowreloadinexam = Int(null=True)
    activateurlfiltering = Int(null=True)
    filterembeddedcontent = Int(null=True)
    expressionsallowed = LongText(null=True)
    regexallowed = LongText(null=True)
    expressionsblocked = LongText(null=True)
    regexblocked = LongText(null=True)
    showsebdownloadlink = Int(null=True)
    allowedbrowserexamkeys = LongText(null=True)
    timecreated = Moment()


class QuizSafeBrowserTemplate(ArchivedModel):
    """A copy of the site's template of those settings; `templateid` is its id at its own site."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="quizaccess_seb_template", numbered=False)

    settings = Within(QuizSafeBrowser, "quizaccess_seb_template")
    name = Text(255)
    description = LongText()
    content = LongText()
    enabled = Int()
    sortorder = Int()
    number = Int(tag="id")
    timecreated = Moment()


class QuizGradeItem(ArchivedModel):
    """A grade that is computed from some of the slots."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="quiz_grade_item")

    quiz = Within(Quiz, "quiz_grade_items/quiz_grade_item")
    sortorder = Int()
    name = Text(255)


class QuizSlot(ArchivedModel):
    """A slot: a position for a question, either a fixed one or a random one."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="quiz_question_instance")

    quiz = Within(Quiz, "question_instances/question_instance")
    quizid = Echo()
    slot = Int()
    page = Int()
    displaynumber = Text(16, null=True)
    requireprevious = Int()
    maxmark = Number(max_digits=12, decimal_places=7, default=0)
    quizgradeitemid = Ref("quiz_grade_item", null=True)


class QuestionReference(ArchivedModel):
    """The fixed question of a slot: an entry of the question bank; without a version, its newest one."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_reference")

    within = Within(QuizSlot, "question_reference")
    usingcontextid = Ref("context", db_index=True)
    component = Code(100, null=True)
    questionarea = Text(50, null=True)
    questionbankentryid = Ref("question_bank_entry")
    version = Int(null=True)


class QuestionSetReference(ArchivedModel):
    """The conditions by which a slot draws a random question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_set_reference")

    within = Within(QuizSlot, "question_set_reference")
    usingcontextid = Ref("context", db_index=True)
    component = Code(100, null=True)
    questionarea = Text(50, null=True)
    questionscontextid = Ref("context")
    filtercondition = FilterConditions(null=True)


class QuizSection(ArchivedModel):
    """A heading for the slots from one slot up to the next heading."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="quiz_section")

    quiz = Within(Quiz, "sections/section")
    firstslot = Int()
    heading = Text(1333, null=True)
    shufflequestions = Int()


class QuizFeedback(ArchivedModel):
    """The feedback for grades in a range."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="quiz_feedback", files=("mod_quiz/feedback",))

    quiz = Within(Quiz, "feedbacks/feedback")
    feedbacktext = RichText()
    feedbacktextformat = Int()
    mingrade = Number(max_digits=10, decimal_places=5, default=0)
    maxgrade = Number(max_digits=10, decimal_places=5, default=0)


class QuizOverride(ArchivedModel):
    """Times and limits that differ for one person or one group."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="quiz_override", userdata=True, person="userid"
    )

    quiz = Within(Quiz, "overrides/override")
    userid = UserRef(null=True)
    groupid = Ref("group", null=True)
    timeopen = Moment(null=True, shifts=True)
    timeclose = Moment(null=True, shifts=True)
    timelimit = Int(null=True)
    attempts = Int(null=True)
    password = Password(255, null=True)
    reason = RichText(null=True, since="5.2", personal="null")
    reasonformat = Int(null=True, since="5.2")
    duedate = Moment(null=True, since="5.3", shifts=True)


class QuizGrade(ArchivedModel):
    """The grade of a person for the quiz."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="quiz_grade", userdata=True)

    quiz = Within(Quiz, "grades/grade")
    userid = UserRef()
    gradeval = Number(max_digits=10, decimal_places=5, default=0)
    timemodified = Moment()


class QuizAttempt(ArchivedModel):
    """A person's attempt. `layout` lists the slots in their order; 0 ends a page."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="quiz_attempt",
        userdata=True,
        newer_values={"state": {"notstarted": None, "submitted": "finished"}},
    )

    quiz = Within(Quiz, "attempts/attempt")
    userid = UserRef()
    attemptnum = Int()
    uniqueid = Ref("question_usage")
    layout = LongText()
    currentpage = Int()
    preview = Int()
    state = Code(16, default="inprogress")
    timestart = Moment()
    timefinish = Moment()
    timemodified = Moment()
    timemodifiedoffline = Moment()
    timecheckstate = Moment(null=True, default=0, shifts=True)
    sumgrades = Number(max_digits=10, decimal_places=5, null=True)
    gradednotificationsenttime = Moment(null=True)


class QuestionUsage(ArchivedModel):
    """The questions of an attempt and their behaviour (`question_usage`)."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="question_usage", userdata=True, inline=True)

    attempt = Within(QuizAttempt, "question_usage", db_index=False)
    component = Code(255)
    preferredbehaviour = Code(32)

    class Meta:
        indexes = (ordered_index("attempt"),)


class QuestionAttempt(ArchivedModel):
    """A person's attempt at one question."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="question_attempt", userdata=True, inline=True
    )

    usage = Within(QuestionUsage, "question_attempts/question_attempt", db_index=False)
    slot = Int()
    behaviour = Code(32)
    questionid = Ref("question")
    variant = Int(default=1)
    maxmark = Number(max_digits=12, decimal_places=7, default=0)
    minfraction = Number(max_digits=12, decimal_places=7, default=0)
    maxfraction = Number(max_digits=12, decimal_places=7, default=1)
    flagged = Int()
    questionsummary = RichText(null=True)
    rightanswer = RichText(null=True)
    responsesummary = RichText(null=True)
    timemodified = Moment()

    class Meta:
        indexes = (ordered_index("usage"),)


class QuestionStep(ArchivedModel):
    """A step of an attempt at a question: it was started, answered or graded.

    `timecreated` is -1 in the first step of an attempt that was made ahead and that its person has not opened yet.
    """

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="question_attempt_step",
        userdata=True,
        shared=True,
        inline=True,
        files=("question/response_attachments", "question/response_answer", "question/response_bf_comment"),
    )

    attempt = Within(QuestionAttempt, "steps/step", db_index=False)
    sequencenumber = Int()
    state = Code(13)
    fraction = Number(max_digits=12, decimal_places=7, null=True)
    timecreated = Moment()
    userid = UserRef(null=True)

    class Meta:
        indexes = (ordered_index("attempt"),)


class StepVariable(ArchivedModel):
    """A variable of a step: an answer, or the order in which the question showed its choices."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False, userdata=True, inline=True)

    step = Within(QuestionStep, "response/variable", db_index=False)
    name = StepName(32)
    value = StepValue(null=True)

    class Meta:
        indexes = (ordered_index("step"),)
