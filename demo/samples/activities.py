"""Makes activities of a sample course: label, page, URL, file, folder, book and choice."""

from __future__ import annotations

from courses.activities.book import Book, BookChapter, BookChapterTag
from courses.activities.choice import Choice, ChoiceAnswer, ChoiceOption
from courses.activities.folder import Folder
from courses.activities.label import Label
from courses.activities.page import Page
from courses.activities.resource import Resource
from courses.activities.url import Url
from demo.samples import contents
from demo.samples.draft import DAY, HTML, START, CourseDraft, Slot
from demo.samples.sizes import Size
from demo.samples.words import RIVERS, SENTENCES, TAGS

DISPLAY = 'a:1:{s:10:"printintro";s:1:"0";}'
"""The display options of pages, URLs and files: serialised by PHP."""
LANGUAGES = tuple(SENTENCES)


def _picture(draft: CourseDraft, slot: Slot, area: str, *, itemid: int = 0, name: str = "water.png") -> str:
    """Add a picture to a file area and return the HTML that shows it."""
    content = contents.picture(draft.random("picture", slot.title, itemid and name))
    draft.file(
        content, contextid=slot.contextid, area=area, itemid=itemid, name=name, person=draft.teachers[0]
    )
    return f'<p><img src="@@PLUGINFILE@@/{name}" alt="Waves below a sky" width="160" height="100"></p>'


def add_label(draft: CourseDraft, slot: Slot, size: Size) -> None:
    """Add a label with a picture."""
    random = draft.random("label", slot.title)
    intro = (
        f"<h4>{slot.title}</h4>" + draft.text(random, link=True) + _picture(draft, slot, "mod_label/intro")
    )
    draft.add(
        Label,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=intro,
        introformat=HTML,
        timemodified=START,
    )


def add_page(draft: CourseDraft, slot: Slot, size: Size) -> None:
    """Add a page in several languages, with links and a picture."""
    random = draft.random("page", slot.title)
    parts = [
        draft.text(random, language=random.choice(LANGUAGES), sentences=4, link=n % 2 == 0) for n in range(4)
    ]
    draft.add(
        Page,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random, sentences=1),
        introformat=HTML,
        content="".join(parts) + _picture(draft, slot, "mod_page/content"),
        contentformat=HTML,
        display=5,
        displayoptions=DISPLAY,
        revision=1,
        timemodified=START,
    )


def add_url(draft: CourseDraft, slot: Slot, size: Size) -> None:
    """Add a URL activity that leads to another site."""
    random = draft.random("url", slot.title)
    draft.add(
        Url,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random, sentences=1, link=True),
        introformat=HTML,
        externalurl=f"https://water.example.org/levels?river={random.randrange(1000)}&lang=en#today",
        displayoptions=DISPLAY,
        parameters="a:0:{}",
        timemodified=START,
    )


def add_resource(draft: CourseDraft, slot: Slot, size: Size) -> None:
    """Add a file to download."""
    random = draft.random("resource", slot.title)
    draft.add(
        Resource,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random, sentences=1),
        introformat=HTML,
        displayoptions=DISPLAY,
        revision=1,
        timemodified=START,
    )
    table = random.random() < 0.5
    content = contents.measurements(random, lines=400) if table else contents.sheet(slot.title)
    draft.file(
        content,
        contextid=slot.contextid,
        area="mod_resource/content",
        name="levels.csv" if table else "sheet.pdf",
        person=draft.teachers[0],
    )


def add_folder(draft: CourseDraft, slot: Slot, size: Size) -> None:
    """Add a folder with files in subfolders, one of them large."""
    random = draft.random("folder", slot.title)
    draft.add(
        Folder,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random, sentences=1),
        introformat=HTML,
        revision=1,
        timemodified=START,
    )
    inside = [("/photographs/", f"{river}.png", contents.picture(random)) for river in RIVERS[:3]]
    inside += [
        ("/raw/", "logger.dat", contents.logged(random)),
        ("/", "levels.csv", contents.measurements(random)),
    ]
    for path, name, content in inside:
        draft.file(
            content,
            contextid=slot.contextid,
            area="mod_folder/content",
            path=path,
            name=name,
            person=draft.teachers[0],
        )


def add_book(draft: CourseDraft, slot: Slot, size: Size) -> None:
    """Add a book of chapters and subchapters in several languages; each links to the one before."""
    random = draft.random("book", slot.title)
    draft.add(
        Book,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random, sentences=1, link=True),
        introformat=HTML,
        numbering=1,
        timecreated=START,
        timemodified=START,
    )
    before = 0
    for number in range(1, size.chapters + 1):
        chapter, river = draft.rows.number(BookChapter), RIVERS[number % len(RIVERS)]
        parts = [draft.text(random, language=random.choice(LANGUAGES), sentences=5) for _ in range(3)]
        if before:
            address = f"{draft.root}/mod/book/view.php?id={slot.cmid}&amp;chapterid={before}"
            parts.append(f'<p><a href="{address}">The chapter before</a></p>')
        if number == 1:
            parts.append(_picture(draft, slot, "mod_book/chapter", itemid=chapter, name="spring.png"))
        draft.add(
            BookChapter,
            id=chapter,
            book_id=slot.instance,
            pagenum=number,
            subchapter=int(number % 3 == 0),
            title=f"{number}. {river}",
            content="".join(parts),
            contentformat=HTML,
            timecreated=START,
            timemodified=START,
            hidden=int(number % 11 == 10),
        )
        if number % 3 == 1:
            draft.add(BookChapterTag, book_id=slot.instance, itemid=chapter, rawname=TAGS[number % len(TAGS)])
        before = chapter


def add_choice(draft: CourseDraft, slot: Slot, size: Size) -> None:
    """Add a choice with options, answered by most students."""
    random = draft.random("choice", slot.title)
    draft.add(
        Choice,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random),
        introformat=HTML,
        publish=1,
        showresults=1,
        allowupdate=1,
        timeopen=START,
        timeclose=START + 14 * DAY,
        timemodified=START,
    )
    options = [
        draft.add(ChoiceOption, choice_id=slot.instance, text=river, maxanswers=0, timemodified=START)
        for river in random.sample(RIVERS, 4)
    ]
    for person in draft.students:
        if random.random() < 0.9:
            draft.add(
                ChoiceAnswer,
                choice_id=slot.instance,
                userid=person.id,
                optionid=random.choice(options),
                timemodified=START + random.randrange(14 * DAY),
            )
