"""Rewrites quizzes and attempts of versions before 4.0 into the form of Moodle 4.5; for slots see `questions`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from archive import xml
from archive.container import Archive
from archive.older.rewriter import Change, OfRecord, Rewriting, is_set, leaf

DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10})?\Z")
THIRDS = ((0.33, 0.34, "0.3333333"), (0.66, 0.67, "0.6666667"))

DURING, AFTERWARDS, WHILE_OPEN, CLOSED = 0x10000, 0x1000, 0x100, 0x10
OLD_MOMENTS = {AFTERWARDS: 0x3C003F, WHILE_OPEN: 0x3C00FC0, CLOSED: 0x3C03F000}
"""The bits of the field `review` of a 2.0 quiz for each moment, by the bit that the moment has since."""

RESPONSES, SCORES, FEEDBACK, ANSWERS, GENERAL = (bit * 0x1041 for bit in (1, 2, 4, 8, 32))
OVERALL = 0x4440000
OLD_REVIEW = {
    "reviewattempt": RESPONSES,
    "reviewcorrectness": SCORES,
    "reviewmarks": SCORES,
    "reviewspecificfeedback": FEEDBACK,
    "reviewgeneralfeedback": GENERAL,
    "reviewrightanswer": ANSWERS,
    "reviewoverallfeedback": OVERALL,
}
ALWAYS_DURING = frozenset({"reviewattempt", "reviewcorrectness", "reviewmarks"})
NEVER_DURING = frozenset({"reviewoverallfeedback"})

ANY_SAFE_BROWSER = "4"
"""`requiresafeexambrowser`: any Safe Exam Browser, with the settings of the person's own computer."""


class QuizSettings(OfRecord):
    """Makes the behaviour and review settings of a quiz of 2.0 from its old options, and a rule of the Safe Exam Browser.

    `completionpass` is removed: `Passing` adds it to the activity.
    """

    record = ("activity", "quiz")
    reads = frozenset({"preferredbehaviour"})
    takes = frozenset(
        {"optionflags", "penaltyscheme", "review", "popup", "browsersecurity", "completionpass"}
    )

    def rest(self) -> Iterator[etree._Element]:
        if "preferredbehaviour" not in self.children and "optionflags" in self.children:
            adaptive = "adaptive" if is_set(self.text("penaltyscheme")) else "adaptivenopenalty"
            yield leaf(
                "preferredbehaviour", adaptive if is_set(self.text("optionflags")) else "deferredfeedback"
            )
        if "review" in self.children:
            yield from _review(self.number("review"))
        security = self.text("browsersecurity")
        if "browsersecurity" not in self.children:
            security = {1: "securewindow", 2: "safebrowser"}.get(self.number("popup"), "-")
        yield leaf("browsersecurity", "-" if security == "safebrowser" else security)
        if security == "safebrowser":
            yield _safe_browser()


def _review(bits: int) -> Iterator[etree._Element]:
    for name, of in OLD_REVIEW.items():
        moments = {moment for moment, those in OLD_MOMENTS.items() if bits & those & of}
        during = name in ALWAYS_DURING or (name not in NEVER_DURING and AFTERWARDS in moments)
        yield leaf(name, str(sum(moments) + (DURING if during else 0)))


def _safe_browser() -> etree._Element:
    plugin = etree.Element("subplugin_quizaccess_seb_quiz")
    settings = etree.SubElement(plugin, "quizaccess_seb_quizsettings")
    settings.append(leaf("templateid", "0"))
    settings.append(leaf("requiresafeexambrowser", ANY_SAFE_BROWSER))
    settings.append(leaf("showsebdownloadlink", "1"))
    return plugin


class MaximumMarks(OfRecord):
    """Shows the maximum marks at all times in a quiz of before 4.3, where nothing could hide them.

    Source: `mod_quiz` upgrade 2023112300 and `restore_quiz_activity_structure_step::process_quiz`, which set 0x11110.
    """

    record = ("activity", "quiz")
    reads = frozenset({"reviewmaxmarks"})

    def rest(self) -> Iterator[etree._Element]:
        if "reviewmaxmarks" not in self.children:
            yield leaf("reviewmaxmarks", str(DURING + AFTERWARDS + WHILE_OPEN + CLOSED))


class Passing(OfRecord):
    """Sets `completionpassgrade` of an activity from `completionpass` of its quiz."""

    record = ("module",)
    takes = frozenset({"completionpassgrade"})

    def __init__(self, archive: Archive, member: str) -> None:
        super().__init__(archive, member)
        self._passed = _completion_needs_pass(archive, f"{member.rpartition('/')[0]}/quiz.xml")

    def rest(self) -> Iterator[etree._Element]:
        if self._passed:
            yield leaf("completionpassgrade", "1")
        else:
            yield from self.children.get("completionpassgrade", ())


def _completion_needs_pass(archive: Archive, path: str) -> bool:
    """True if `completionpass` of the quiz is set; it comes before the questions."""
    if path not in archive:
        return False
    with archive.open_raw(path) as stream:
        for _, element in xml.events(stream, member=path, tags=("completionpass", "question_instances")):
            return element.tag == "completionpass" and is_set(element.text)
    return False


class States(OfRecord):
    """Sets the state of each attempt without one: "finished" if it has an end, else "inprogress"."""

    record = ("activity", "quiz", "attempts", "attempt")
    reads = frozenset({"state", "timefinish"})

    def rest(self) -> Iterator[etree._Element]:
        if "state" not in self.children:
            yield leaf("state", "finished" if self.number("timefinish") > 0 else "inprogress")


class Marks(Rewriting):
    """Renames `defaultgrade` of a question to `defaultmark`, and corrects penalties that are rounded thirds."""

    tags = {("question", "defaultgrade"): "defaultmark"}

    def change(self, around: str, tag: str) -> Change | None:
        return _exact if (around, tag) == ("question", "penalty") else None


def _exact(penalty: etree._Element) -> list[etree._Element]:
    if not DECIMAL.match(penalty.text or ""):
        return [penalty]  # reading the record says what is wrong with it
    number = float(penalty.text or 0)
    for low, high, exact in THIRDS:
        if low <= number <= high:
            penalty.text = exact
    if number >= 1:
        penalty.text = "1"
    return [penalty]
