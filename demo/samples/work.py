"""Makes activities of a sample course with much userdata: the assignment with its marking, and the glossary."""

from __future__ import annotations

from random import Random

from courses.activities.assign import (
    Assign,
    AssignCommentFeedback,
    AssignFileFeedback,
    AssignFileSubmission,
    AssignGrade,
    AssignOverride,
    AssignPdfAnnotation,
    AssignPdfComment,
    AssignPluginConfig,
    AssignSubmission,
    AssignTextSubmission,
    AssignUserFlag,
)
from courses.activities.glossary import (
    Glossary,
    GlossaryAlias,
    GlossaryCategory,
    GlossaryCategoryEntry,
    GlossaryEntry,
    GlossaryEntryTag,
    GlossaryRating,
)
from courses.models import Comment
from demo.samples import contents
from demo.samples.draft import DAY, HTML, START, CourseDraft, SamplePerson, Slot
from demo.samples.sizes import Size
from demo.samples.words import CONCEPTS, RIVERS, SENTENCES, TAGS

DUE = START + 28 * DAY
MAXIMUM = 100
PLUGINS = (
    ("file", "assignsubmission", "enabled", "1"),
    ("file", "assignsubmission", "maxfilesubmissions", "3"),
    ("file", "assignsubmission", "maxsubmissionsizebytes", "1048576"),
    ("onlinetext", "assignsubmission", "enabled", "1"),
    ("comments", "assignsubmission", "enabled", "1"),
    ("comments", "assignfeedback", "enabled", "1"),
    ("file", "assignfeedback", "enabled", "1"),
    ("editpdf", "assignfeedback", "enabled", "1"),
)


def add_assign(draft: CourseDraft, slot: Slot, *, names: list[str]) -> None:
    """Add an assignment with submissions of most students, some with a file, and grades. `names` are stored contents."""
    random = draft.random("assign", slot.title)
    draft.add(
        Assign,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random, sentences=4, link=True),
        introformat=HTML,
        alwaysshowdescription=1,
        duedate=DUE,
        cutoffdate=DUE + 7 * DAY,
        gradingduedate=DUE + 14 * DAY,
        allowsubmissionsfromdate=START,
        grade=MAXIMUM,
        maxattempts=2,
        timemodified=START,
        instructions=draft.text(random, sentences=2),
        activityformat=HTML,
    )
    for plugin, subtype, name, value in PLUGINS:
        draft.add(
            AssignPluginConfig,
            assign_id=slot.instance,
            plugin=plugin,
            subtype=subtype,
            name=name,
            value=value,
        )
    content = contents.sheet(slot.title)
    area = "mod_assign/introattachment"
    draft.file(content, contextid=slot.contextid, area=area, name="task.pdf", person=draft.teachers[0])
    for number, person in enumerate(draft.students):
        if random.random() < 0.9:
            _hand_in(draft, slot, person, number, random, names)
    _exceptions(draft, slot)


def _hand_in(
    draft: CourseDraft, slot: Slot, person: SamplePerson, number: int, random: Random, names: list[str]
) -> None:
    """Add the submission of one student, with comments and a grade; every ninth has two attempts."""
    attempts = 2 if number % 9 == 8 else 1
    moment = START + random.randrange(27 * DAY)
    for attempt in range(attempts):
        latest = attempt == attempts - 1
        submission = draft.add(
            AssignSubmission,
            assign_id=slot.instance,
            userid=person.id,
            timecreated=moment,
            timemodified=moment + 3600,
            timestarted=None,
            status="submitted" if latest else "reopened",
            attemptnumber=attempt,
            latest=int(latest),
        )
        text = draft.text(random, language=person.language, sentences=4, link=number % 10 == 0)
        draft.add(AssignTextSubmission, attempt_id=submission, onlinetext=text, onlineformat=HTML)
        if number % 3 == 0:
            name = random.choice(names)
            draft.add(AssignFileSubmission, attempt_id=submission, numfiles=1)
            area = "assignsubmission_file/submission_files"
            draft.file(name, contextid=slot.contextid, area=area, itemid=submission, name=name, person=person)
        if number % 8 == 3:
            _comment(
                draft, slot, "assignsubmission_comments", "submission_comments", submission, person, random
            )
        if not latest or random.random() < 0.8:
            _mark(draft, slot, person, number, attempt, random)


def _mark(
    draft: CourseDraft, slot: Slot, person: SamplePerson, number: int, attempt: int, random: Random
) -> None:
    """Add a grade with feedback, for some with a file or annotations."""
    grader = draft.teachers[number % len(draft.teachers)]
    moment = DUE + random.randrange(14 * DAY)
    grade = draft.add(
        AssignGrade,
        assign_id=slot.instance,
        userid=person.id,
        timecreated=moment,
        timemodified=moment,
        grader=grader.id,
        grade=f"{random.randrange(8000, 20001) / 200:.5f}",
        attemptnumber=attempt,
    )
    comment = draft.text(random, language=person.language, sentences=2)
    draft.add(AssignCommentFeedback, of_id=grade, commenttext=comment, commentformat=HTML)
    if number % 20 == 4:
        draft.add(AssignFileFeedback, of_id=grade, numfiles=1)
        content, area = contents.sheet(f"Marked {number}"), "assignfeedback_file/feedback_files"
        draft.file(
            content, contextid=slot.contextid, area=area, itemid=grade, name="marked.pdf", person=grader
        )
    if number % 12 == 6:
        draft.add(
            AssignPdfAnnotation, grade_id=grade, pageno=0, type="line", x=60, y=80, endx=300, endy=82, draft=0
        )
        draft.add(
            AssignPdfComment, grade_id=grade, pageno=0, x=310, y=70, rawtext="Why? Pourquoi ? なぜ", draft=0
        )


def _exceptions(draft: CourseDraft, slot: Slot) -> None:
    """Add overrides of the due date for a group and a person, and an extension."""
    later = {"duedate": DUE + 3 * DAY, "cutoffdate": DUE + 10 * DAY}
    if draft.groups:
        draft.add(AssignOverride, assign_id=slot.instance, groupid=draft.groups[0], sortorder=1, **later)
    draft.add(AssignOverride, assign_id=slot.instance, userid=draft.students[0].id, **later)
    draft.add(
        AssignUserFlag, assign_id=slot.instance, userid=draft.students[-1].id, extensionduedate=DUE + 5 * DAY
    )


def add_glossary(draft: CourseDraft, slot: Slot, size: Size) -> None:
    """Add a glossary with entries that people wrote, rated and commented on."""
    random = draft.random("glossary", slot.title)
    draft.add(
        Glossary,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random),
        introformat=HTML,
        allowcomments=1,
        assessed=1,
        scale=MAXIMUM,
        timecreated=START,
        timemodified=START,
    )
    entries = [_entry(draft, slot, number, random) for number in range(size.entries)]
    for number, name in enumerate(("Salt water & ice", "Süßwasser")):
        category = draft.add(GlossaryCategory, glossary_id=slot.instance, name=name)
        for entry in entries[number::2]:
            draft.add(GlossaryCategoryEntry, category_id=category, entryid=entry)


def _entry(draft: CourseDraft, slot: Slot, number: int, random: Random) -> int:
    """Add an entry with an alias, a rating and comments, and return its id."""
    concept, alias, definition = CONCEPTS[number % len(CONCEPTS)]
    if number >= len(CONCEPTS):
        concept = f"{concept} ({RIVERS[number % len(RIVERS)]}, {number})"
    people = draft.everybody
    author = people[number % len(people)]
    entry = draft.add(
        GlossaryEntry,
        glossary_id=slot.instance,
        userid=author.id,
        concept=concept,
        definition=f"<p>{definition}</p>"
        + draft.text(random, language=author.language, link=number % 4 == 0),
        definitionformat=HTML,
        attachment="1" if number == 0 else "",
        timecreated=START + number * 60,
        timemodified=START + number * 60,
        teacherentry=int(author in draft.teachers),
    )
    draft.add(GlossaryAlias, entry_id=entry, alias_text=alias)
    draft.add(
        GlossaryRating,
        entry_id=entry,
        component="mod_glossary",
        ratingarea="entry",
        scaleid=MAXIMUM,
        value=random.randrange(40, MAXIMUM + 1),
        userid=people[(number + 1) % len(people)].id,
        timecreated=START + DAY,
        timemodified=START + DAY,
    )
    if number == 0:
        area = "mod_glossary/attachment"
        draft.file(
            contents.picture(random),
            contextid=slot.contextid,
            area=area,
            itemid=entry,
            name="map.png",
            person=author,
        )
    if number % 3 == 0:
        draft.add(GlossaryEntryTag, glossary_id=slot.instance, itemid=entry, rawname=TAGS[number % len(TAGS)])
        _comment(
            draft, slot, "mod_glossary", "glossary_entry", entry, people[(number + 2) % len(people)], random
        )
    return entry


def _comment(
    draft: CourseDraft, slot: Slot, component: str, area: str, item: int, person: SamplePerson, random: Random
) -> None:
    """Add a comment of a person on an item."""
    draft.add(
        Comment,
        contextid=slot.contextid,
        component=component,
        commentarea=area,
        itemid=item,
        content=random.choice(SENTENCES[person.language]),
        format=HTML,
        userid=person.id,
        timecreated=START + random.randrange(40 * DAY),
    )
