"""Codes: the meanings of numbers and short words in columns whose values are codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from viewer import presentation
from viewer.words import duration_text, size_text

RATING = {1: "average", 2: "number", 3: "highest", 4: "lowest", 5: "sum"}
DISPLAY = {
    1: "embedded",
    2: "in a frame",
    3: "in a new window",
    4: "downloaded",
    5: "opened",
    6: "in a pop-up",
}

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
    "feedbackcompleted.anonymous_response": {1: "without names", 2: "with names"},
    "groupmode": {1: "separate groups", 2: "visible groups"},
    "page.display": DISPLAY,
}
"""Meanings of values, by column or by "model.column". A value without a meaning is shown as it is."""

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
"""Names of the question behaviours."""

SWITCHES = frozenset(
    [
        "allowcomments",
        "allowduplicatedentries",
        "allowmultiple",
        "allowofflineattempts",
        "allowprintview",
        "allowscreencapture",
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
        "enableaitools",
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
        "gradepenalty",
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
        "precreateattempts",
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
        "showimmediately",
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
"""Columns with durations in seconds."""

SIZES = frozenset(("maxbytes", "overallfeedbackmaxbytes", "filesize"))
"""Columns with sizes in bytes."""

MOMENTS = frozenset(("forumdiscussionsub.preference",))
"""Columns with moments (epoch seconds) whose field class does not say so."""

MARKED = frozenset(("imagedrag.label", "imagedrop.label", "rubriclevel.definition"))
"""Columns of plain text that may contain HTML."""


def meaning(model: str, column: str, value: Any) -> str:
    """Return the meaning of a column's value as text, "" if the value has none. Meanings of presentations come first."""
    if value is None:
        return ""
    declared = presentation.meanings().get(f"{model}.{column}", {})
    if callable(declared):
        return declared(value)
    for said in (declared, MEANINGS.get(f"{model}.{column}", {}), MEANINGS.get(column, {})):
        if value in said:
            return said[value]
    if column in SWITCHES and value == 1:
        return "yes"
    if column in LENGTHS and isinstance(value, int) and value > 0:
        return duration_text(value)
    if column in SIZES and isinstance(value, int) and value > 0:
        return size_text(value)
    if column in ("preferredbehaviour", "behaviour"):
        return BEHAVIOURS.get(value, "")
    return ""
