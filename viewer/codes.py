"""Codes: what the numbers and short words in columns mean, for the columns whose values are codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from viewer import presentation
from viewer.words import number, seconds, size

RATING = {1: "average", 2: "number", 3: "highest", 4: "lowest", 5: "sum"}
DISPLAY = {
    1: "embedded",
    2: "in a frame",
    3: "in a new window",
    4: "downloaded",
    5: "opened",
    6: "in a pop-up",
}
WORKFLOW = {
    "notmarked": "not marked",
    "inmarking": "being marked",
    "readyforreview": "ready for review",
    "inreview": "being reviewed",
    "readyforrelease": "ready for release",
    "released": "released",
}
CHOSEN = {1: "yes", 2: "as the teacher says"}

MEANINGS: Mapping[str, Mapping[Any, str]] = {
    "assessed": RATING,
    "gradegrade.aggregationstatus": {
        "dropped": "dropped",
        "extra": "extra credit",
        "novalue": "no grade",
        "unknown": "",
        "used": "counted",
    },
    "activitycompletion.completionstate": {0: "not completed", 1: "completed", 2: "passed", 3: "failed"},
    "roleoverride.permission": {1: "allow", -1: "prevent", -1000: "prohibit", 0: "inherit"},
    "assign.attemptreopenmethod": {"none": "never", "manual": "by a teacher", "untilpass": "until passed"},
    "assign.maxattempts": {-1: "unlimited"},
    "book.navstyle": {1: "pictures", 2: "words"},
    "book.numbering": {0: "none", 1: "numbers", 2: "bullets", 3: "indented"},
    "chat.schedule": {1: "once", 2: "every day", 3: "every week"},
    "choice.display": {1: "one below the other"},
    "choice.publish": {0: "without names", 1: "with names"},
    "choice.showresults": {1: "after answering", 2: "after closing", 3: "always"},
    "data.defaultsortdir": {1: "descending"},
    "feedback.anonymous": {1: "without names", 2: "with names"},
    "feedbackcompleted.anonymous_response": {1: "without names", 2: "with names"},
    "folder.display": {1: "on the course page"},
    "forum.forcesubscribe": {1: "everybody, for good", 2: "everybody at first", 3: "nobody"},
    "forum.rsstype": {1: "discussions", 2: "posts"},
    "forum.trackingtype": {1: "as people like", 2: "always"},
    "forum.type": {
        "blog": "like a blog",
        "eachuser": "one discussion a person",
        "general": "for general use",
        "news": "for news",
        "qanda": "questions and answers",
        "single": "a single discussion",
    },
    "groupmode": {1: "separate groups", 2: "visible groups"},
    "glossary.rsstype": {1: "with authors", 2: "without authors"},
    "h5pactivity.grademethod": {1: "highest attempt", 2: "average", 3: "last attempt", 4: "first attempt"},
    "h5pactivity.reviewmode": {1: "when completed"},
    "lesson.nextpagedefault": {1: "an unseen page", 2: "an unanswered page"},
    "lti.instructorchoiceacceptgrades": CHOSEN,
    "lti.instructorchoiceallowroster": CHOSEN,
    "lti.instructorchoiceallowsetting": CHOSEN,
    "lti.instructorchoicesendemailaddr": CHOSEN,
    "lti.instructorchoicesendname": CHOSEN,
    "lti.launchcontainer": {
        1: "as the tool says",
        2: "the page",
        3: "the page without blocks",
        4: "a new window",
        5: "the window",
    },
    "page.display": DISPLAY,
    "quiz.attempts_number": {0: "unlimited"},
    "quiz.grademethod": {1: "highest grade", 2: "average", 3: "first attempt", 4: "last attempt"},
    "quiz.navmethod": {"free": "free", "sequential": "one after the other"},
    "quiz.overduehandling": {
        "autoabandon": "not counted",
        "autosubmit": "handed in by itself",
        "graceperiod": "extra time to hand in",
    },
    "quiz.questiondecimalpoints": {-1: "as for grades"},
    "resource.display": DISPLAY,
    "resource.filterfiles": {1: "all files", 2: "HTML files"},
    "scorm.completionstatusrequired": {2: "passed", 4: "completed", 6: "passed or completed"},
    "scorm.displayattemptstatus": {1: "everywhere", 2: "on the dashboard", 3: "on entry"},
    "scorm.forcenewattempt": {1: "when one is completed", 2: "always"},
    "scorm.grademethod": {0: "items done", 1: "highest grade", 2: "average", 3: "sum"},
    "scorm.hidetoc": {1: "hidden", 2: "in a list", 3: "switched off"},
    "scorm.nav": {1: "under the content", 2: "floating"},
    "scorm.popup": {1: "in a new window"},
    "scorm.skipview": {1: "at first", 2: "always"},
    "scorm.updatefreq": {1: "always", 2: "every day", 3: "every time it is used"},
    "scorm.whatgrade": {0: "highest", 1: "average", 2: "first", 3: "last"},
    "url.display": DISPLAY,
    "assignuserflag.workflowstate": WORKFLOW,
    "workshop.examplesmode": {1: "before handing in", 2: "before assessing"},
    "workshop.evaluation": {"best": "comparison with the best"},
    "workshop.overallfeedbackmode": {1: "as people like", 2: "required"},
    "workshop.strategy": {"numerrors": "number of errors"},
    "workshop.submissiontypefile": {1: "allowed", 2: "required"},
    "workshop.submissiontypetext": {1: "allowed", 2: "required"},
}
"""The meanings of values, by column or by model and column. A value without one is shown as it is."""

BEHAVIOURS = {
    "adaptive": "Adaptive",
    "adaptivenopenalty": "Adaptive without penalties",
    "deferredcbm": "Deferred feedback with certainty",
    "deferredfeedback": "Deferred feedback",
    "immediatecbm": "Immediate feedback with certainty",
    "immediatefeedback": "Immediate feedback",
    "informationitem": "Information",
    "interactive": "Interactive with several tries",
    "interactivecountback": "Interactive with several tries",
    "manualgraded": "Graded by hand",
    "missing": "Of a missing kind",
}
"""How questions behave, which plugins may add to."""

SWITCHES = frozenset(
    [
        "allowcomments",
        "allowduplicatedentries",
        "allowmultiple",
        "allowofflineattempts",
        "allowprintview",
        "allowupdate",
        "alwaysshowdescription",
        "approval",
        "approved",
        "attemptonlast",
        "autocommit",
        "auto",
        "autonumbering",
        "blindmarking",
        "canredoquestions",
        "casesensitive",
        "clearwrong",
        "comments",
        "completionattemptsexhausted",
        "completionendreached",
        "completionnotify",
        "completionsubmit",
        "completionusegrade",
        "completionview",
        "completionpassgrade",
        "custom",
        "customtitles",
        "debuglaunch",
        "defaultapproval",
        "displaycoursestructure",
        "displayleft",
        "displaywordcount",
        "editalways",
        "editany",
        "email_notification",
        "enablecompletion",
        "enabletracking",
        "excluded",
        "feedback",
        "forcecompleted",
        "forceddownload",
        "forcedownload",
        "forceformat",
        "fullmatch",
        "globalglossary",
        "groupmodeforce",
        "guestallowed",
        "hidebrowse",
        "hidegrader",
        "includeinactive",
        "lastattemptlock",
        "late",
        "latesubmissions",
        "latest",
        "limitanswers",
        "locked",
        "mainglossary",
        "manageapproved",
        "markingallocation",
        "markinganonymous",
        "markingworkflow",
        "masteryoverride",
        "modattempts",
        "multiple_submit",
        "mustapproveuser",
        "muteonstart",
        "notifyall",
        "ongoing",
        "pinned",
        "practice",
        "preventsubmissionnotingroup",
        "preview",
        "progressbar",
        "published",
        "publish_stats",
        "readonly",
        "record",
        "recordallfromstart",
        "recordhidebutton",
        "recordings_deleted",
        "recordings_html",
        "recordings_imported",
        "recordings_preview",
        "required",
        "requireallteammemberssubmit",
        "requireprevious",
        "requiresubmissionstatement",
        "retake",
        "revealidentities",
        "review",
        "sendlatenotifications",
        "sendnotifications",
        "sendstudentnotifications",
        "showactivitydates",
        "showall",
        "showalphabet",
        "showavailable",
        "showblocks",
        "showcompletionconditions",
        "showdescription",
        "showdescriptionlaunch",
        "showdownloadfolder",
        "showexpanded",
        "showgrades",
        "shownumcorrect",
        "showpresentation",
        "showpreview",
        "showreports",
        "showspecial",
        "showtitlelaunch",
        "showunanswered",
        "shuffleanswers",
        "shufflequestions",
        "single",
        "showmisplaced",
        "showstandardinstruction",
        "slideshow",
        "studentlogs",
        "submissionattachments",
        "submissiondrafts",
        "suspended",
        "teacherentry",
        "teamsubmission",
        "tobemigrated",
        "usecase",
        "usedynalink",
        "useexamples",
        "usemaxgrade",
        "usepeerassessment",
        "useselfassessment",
        "usercase",
        "visible",
        "visibleoncoursepage",
        "visibleold",
        "wait",
        "deleted",
        "confirmed",
        "autosubscribe",
        "trackforums",
        "flagged",
        "subchapter",
        "enabled",
        "infinite",
    ]
)
"""Columns in which 1 means yes."""

LENGTHS = frozenset(
    [
        "blockperiod",
        "completiontimespent",
        "delay1",
        "delay2",
        "duration",
        "enrolperiod",
        "expireperiod",
        "expirythreshold",
        "graceperiod",
        "lockdiscussionafter",
        "timeduration",
        "timelimit",
    ]
)
"""Columns with lengths of time in seconds."""

SIZES = frozenset(("maxbytes", "overallfeedbackmaxbytes", "filesize"))
"""Columns with sizes in bytes."""

MOMENTS = frozenset(("forumdiscussionsub.preference",))
"""Columns with moments that the format does not take for such."""

MARKED = frozenset(("imagedrag.label", "imagedrop.label", "rubriclevel.definition"))
"""Columns of plain text in which HTML may stand."""

REVIEW = {0x10000: "during", 0x01000: "right after", 0x00100: "later, while open", 0x00010: "after closing"}
"""When something of a quiz may be looked at: one bit each."""


def meaning(model: str, column: str, value: Any) -> str:
    """What a value means in a column of a model; empty when it means itself."""
    if value is None:
        return ""
    for said in (
        presentation.meanings().get(f"{model}.{column}"),
        MEANINGS.get(f"{model}.{column}"),
        MEANINGS.get(column),
    ):
        if said is not None and value in said:
            return said[value]
    if column in SWITCHES and value == 1:
        return "yes"
    if column in LENGTHS and isinstance(value, int) and value > 0:
        return seconds(value)
    if column in SIZES and isinstance(value, int) and value > 0:
        return size(value)
    if model == "quiz" and column.startswith("review") and value:
        return ", ".join(word for bit, word in REVIEW.items() if value & bit) or number(value)
    if column in ("preferredbehaviour", "behaviour"):
        return BEHAVIOURS.get(value, "")
    return ""
