"""Each type of activity of a real course on its page: what a teacher looks for is there, for those who may see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client

from courses import activities
from courses.activities.book import BookChapter
from courses.activities.data import Data, DataRecord
from courses.activities.forum import ForumDiscussion, ForumPost
from courses.activities.glossary import GlossaryEntry
from courses.activities.lesson import LessonPage
from courses.activities.lti import Lti
from courses.activities.quiz import Quiz, QuizAttempt, StepVariable
from courses.activities.wiki import WikiPage
from courses.file_areas import path_to_content
from courses.models import Activity, Comment, File, User
from courses.summaries import content_of
from tests.pages.rich import Rich, restored, words
from viewer.locations import location_of
from viewer.page_context import PageContext
from viewer.pages import activity_page
from viewer.panels import Location
from viewer.presentation import presentations
from viewer.records import record_groups


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The restored course stands for all tests of this module."""


@pytest.fixture(scope="module")
def rich(standing: None, fixtures: Path) -> Rich:
    """The rich course that Moodle made, and people who look at it."""
    return restored(fixtures)


@pytest.fixture(autouse=True)
def untouched(transactional_db: None, rich: Rich) -> Iterator[None]:
    """What a test changes is as before for the next one."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# What a teacher looks for on the page of each type: words in the order of the page.
LOOKED_FOR = {
    "Assign1": ["Submissions", "Handed in", "Submission of", "essay", "35 / 100", "Feedback", "Marked by"],
    "Assignguide": ["Marking guide", "Submissions", "Grading form", "Criterion"],
    "Bbb1": ["What happened", "Add"],
    "Book1": ["Chapters"],
    "Chat1": ["Conversation", "hello 1"],
    "Choice1": ["Options", "Chosen by", "Who chose what"],
    "Data1": [
        "Entries",
        "Field checkbox",
        "opt1, opt3",
        "1.1, 2.2",
        "Rating",
        "data comment",
        "Fields",
        "Templates",
    ],
    "Feedback1": ["Questions", "MC feedback1", "Multiple choice", "a & b", "Responses", "short 1"],
    "Folder1": ["Files", "deep/"],
    "Fgeneral": ["Discussions", "D0", "Posts"],
    "Glossary1": ["Terms", "Concept 1", "Def 1", "Category", "Rating", "Categories"],
    "H5p1": ["Package", "Attempts", "Attempt 1", "results"],
    "Imscp1": ["Contents", "Golf Explained", "Package", "Files"],
    "Lesson1": ["Pages", "Content", "True or false", "Leads to", "Answers of people", "Grades", "Time spent"],
    "Lti1": ["Tool", "https://lti.example.com", "Results", "50 %"],
    "Page1": ["Content"],
    "Quiz1": [
        "Questions",
        "multichoice two_of_four",
        "Multiple choice",
        "A random question",
        "Attempts",
        "Finished",
        "Grades",
    ],
    "Resource1": ["Files"],
    "Scorm1": ["Items", "Golf Explained", "How to Play", "Attempts", "Score"],
    "Subsection <one>": ["Activities", "Subpage", "Subquiz"],
    "Survey1": ["COLLES", "Answers", "Question 25", "Notes of teachers", "note & 1"],
    "Url1": ["Link", "https://example.com"],
    "Wiki1": ["Pages", "Front & page", "Versions"],
    "Workshop1": [
        "Assessment form",
        "Aspect 1",
        "Submissions",
        "Sub 1",
        "Assessment",
        "Grades for assessing",
    ],
}


@pytest.mark.parametrize("title", LOOKED_FOR)
def test_what_a_teacher_looks_for_is_on_the_page(rich: Rich, title: str) -> None:
    said = words(rich.page(rich.of(title)))
    at = 0
    for looked_for in LOOKED_FOR[title]:
        assert looked_for in said[at:], looked_for
        at = said.index(looked_for, at)


def test_every_type_of_the_course_is_looked_at_here(rich: Rich) -> None:
    present = set(Activity.objects.filter(course=rich.course).values_list("modulename", flat=True))
    assert present - {rich.activity(title).modulename for title in LOOKED_FOR} == {"label"}
    assert set(activities.types()) - set(presentations()) == {"label", "page"}, (
        "whose texts are all that there is"
    )


def test_every_activity_has_a_page_on_which_all_its_records_can_be_reached(rich: Rich) -> None:
    for activity in Activity.objects.filter(course=rich.course):
        page = rich.page(f"/activity/{activity.pk}/")
        for one in record_groups(activity, content_of(activity)):
            number = one.rows().count()
            address = f"/activity/{activity.pk}/records/{one.name}/"
            assert (address in page) is bool(number), (activity.title, one.name)


def test_no_kind_of_record_is_hidden_behind_a_form(rich: Rich) -> None:
    """What a form does not show itself is listed below it."""
    for activity in Activity.objects.filter(course=rich.course):
        page = PageContext(rich.course, activity=activity, people=True)
        shown = activity_page(page)
        form = presentations().get(activity.modulename)
        covered = form.covers if form else ()
        listed = {panel.title for panel in shown.others}
        for one, number in shown.records:
            seen = one.model is not File or one.seen(people=True).exists()
            assert one.model in covered or one.title in listed or not (number and seen), (
                activity.title,
                one.title,
            )


def test_a_discussion_is_a_thread_in_which_answers_stand_under_what_they_answer(rich: Rich) -> None:
    discussion = ForumDiscussion.objects.get(forum__owner=rich.activity("Fgeneral"), name__startswith="D0")
    page = rich.page(f"/activity/{rich.activity('Fgeneral').pk}/discussion/{discussion.pk}/")
    posts = {post.pk: post for post in ForumPost.objects.filter(discussion=discussion)}
    shown = [(int(pk), int(depth)) for depth, pk in re.findall(r'class="entry depth-(\d)" id="p(\d+)"', page)]
    assert {pk for pk, _ in shown} == set(posts)
    depths = dict(shown)
    for pk, post in posts.items():
        if post.parent:
            assert depths[pk] == min(depths[post.parent] + 1, 6)
            assert [one for one, _ in shown].index(post.parent) < [one for one, _ in shown].index(pk)
    assert "Private reply" in page


@pytest.mark.parametrize(
    ("title", "model", "address"),
    [
        ("Book1", BookChapter, "/mod/book/view.php?id={activity}&chapterid={record}"),
        ("Glossary1", GlossaryEntry, "/mod/glossary/showentry.php?courseid={course}&eid={record}"),
        ("Data1", DataRecord, "/mod/data/view.php?d={instance}&rid={record}"),
        ("Lesson1", LessonPage, "/mod/lesson/view.php?id={activity}&pageid={record}"),
        ("Fgeneral", ForumPost, "/mod/forum/discuss.php?d=0&parent={record}"),
        ("Wiki1", WikiPage, "/mod/wiki/view.php?pageid={record}"),
    ],
)
def test_a_link_to_a_record_leads_to_where_it_stands(
    rich: Rich, title: str, model: type[BookChapter], address: str
) -> None:
    activity = rich.activity(title)
    way = path_to_content(model)
    for record in model.objects.filter(**{f"{way}__owner": activity}).order_by("-pk")[:3]:
        client = Client()
        client.force_login(rich.manager)
        asked = address.format(
            activity=activity.pk, course=rich.course.pk, instance=activity.instance, record=record.pk
        )
        place, _, anchor = client.get(asked).headers["Location"].partition("#")
        page = client.get(place).content.decode()
        assert f'id="{anchor}"' in page if anchor else record.title in unescape(page), asked


def test_a_link_to_a_record_on_a_later_part_of_a_long_page_leads_to_that_part(rich: Rich) -> None:
    first = GlossaryEntry.objects.filter(glossary__owner=rich.activity("Glossary1")).order_by("pk")[0]
    for number in range(40):
        first.pk, first.concept = 8_000_000 + number, f"Zzz {number:02}"
        first.save(force_insert=True)
    location = location_of("glossary", "showentry", {"eid": "8000039"})
    assert location == Location(("activity", rich.activity("Glossary1").pk), "page-terms=3", "entry8000039")


def test_an_attempt_shows_questions_responses_marks_and_steps(rich: Rich) -> None:
    quiz = rich.activity("Quiz1")
    attempt = QuizAttempt.objects.filter(quiz__owner=quiz, state="finished").order_by("pk")[0]
    said = words(rich.page(f"/activity/{quiz.pk}/attempt/{attempt.pk}/"))
    for looked_for in (
        "Which are the odd numbers?",
        "Response",
        "One; Three",
        "Right answer",
        "Correct",
        "3 steps",
    ):
        assert looked_for in said
    assert "Page 1 of 2" in said


def test_an_attempt_shows_the_texts_and_comments_as_they_were_written(rich: Rich) -> None:
    quiz = rich.activity("Quiz1")
    step = StepVariable.objects.filter(
        name="-comment", value__contains="tidy", step__attempt__usage__attempt__quiz__owner=quiz
    ).order_by("pk")[0]
    attempt = step.step.attempt.usage.attempt
    page = rich.page(f"/activity/{quiz.pk}/attempt/{attempt.pk}/")
    assert "Nice &amp; <b>tidy</b>" in page
    assert page.count("Nice &amp; <b>tidy</b>") > 1, "with the question, and with the step"
    said = words(page)
    assert "Behaviour Graded by hand" in said
    assert "Order of the answers" in said
    assert "As it was asked" in said
    for raw in ("-finish", "-comment", "&lt;p&gt;", "<p>", " _order"):
        assert raw not in said


def test_comments_on_wiki_pages_stand_with_them(rich: Rich) -> None:
    page = WikiPage.objects.filter(subwiki__wiki__owner=rich.activity("Wiki1")).order_by("pk")[1]
    Comment.objects.filter(contextid=rich.activity("Wiki1").contextid).update(itemid=page.pk)
    said = words(rich.page(rich.of("Wiki1")))
    assert said.index("Second & page") < said.index("wiki comment") < said.index("Wikis")


def test_what_no_form_shows_is_listed_with_the_columns_that_say_something(rich: Rich) -> None:
    page = rich.page(rich.of("Assign1"))
    grades = page[page.rindex("<summary", 0, page.rindex("Final grade")) :]
    assert "Final grade" in grades
    files = page[page.rindex('<th scope="col">File</th>') :]
    assert 'href="/file/' in files, "a file can be downloaded from there"
    for sentence in ("All 1 with", '<td data-label="Calculation"'):
        assert sentence not in page


def test_a_deleted_post_says_so(rich: Rich) -> None:
    post = ForumPost.objects.filter(discussion__forum__owner=rich.activity("Fgeneral")).order_by("pk")[1]
    address = f"{rich.of('Fgeneral')}discussion/{post.discussion_id}/"
    assert '<span class="tag">Deleted</span>' not in rich.page(address)
    ForumPost.objects.filter(pk=post.pk).update(deleted=1)
    assert '<span class="tag">Deleted</span>' in rich.page(address)


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Quiz1", "Time limit 1 h 0 min"),
        ("Quiz1", "When time is up handed in by itself"),
        ("Quiz1", "How questions behave Deferred feedback"),
        ("Quiz1", "How it is graded highest grade"),
        ("Quiz1", "Review: attempt during, right after, later, while open, after closing"),
        ("Fgeneral", "Type for general use"),
        ("Fgeneral", "Largest file 1.0 MB"),
        ("Glossary1", "How it is shown dictionary"),
        ("Wiki1", "Format"),
    ],
)
def test_settings_are_said_in_words(rich: Rich, title: str, said: str) -> None:
    assert said in words(rich.page(rich.of(title)))


def test_text_of_formats_in_which_lines_count_keeps_them_and_its_html(rich: Rich) -> None:
    post = ForumPost.objects.filter(discussion__forum__owner=rich.activity("Fgeneral")).order_by("pk")[0]
    address = f"{rich.of('Fgeneral')}discussion/{post.discussion_id}/"
    ForumPost.objects.filter(pk=post.pk).update(
        message="one <b>two</b>\nthree <script>x</script>", messageformat=4
    )
    assert '<div class="rich lines">one <b>two</b>\nthree </div>' in rich.page(address)
    ForumPost.objects.filter(pk=post.pk).update(messageformat=2)
    assert "one &lt;b&gt;two&lt;/b&gt;" in rich.page(address)


def test_a_wiki_page_shows_all_its_versions(rich: Rich) -> None:
    page = WikiPage.objects.filter(subwiki__wiki__owner=rich.activity("Wiki1")).order_by("pk")[0]
    said = words(rich.page(f"/activity/{rich.activity('Wiki1').pk}/page/{page.pk}/"))
    assert all(f"Version {number}" in said for number in range(5))
    assert "edit 1 by s3" in said


def test_terms_stand_in_the_order_of_the_alphabet(rich: Rich) -> None:
    said = words(rich.page(rich.of("Glossary1")))
    entries = GlossaryEntry.objects.filter(glossary__owner=rich.activity("Glossary1"))
    concepts = sorted((entry.concept for entry in entries), key=str.lower)
    places = [said.index(" ".join(concept.split())) for concept in concepts]
    assert places == sorted(places)


def test_availability_is_said_in_words(rich: Rich) -> None:
    said = words(rich.page(rich.of("Avnested")))
    assert "Only when not ((in the group" in said
    assert "is not completed" in said
    assert "at least 30 %" in words(rich.page(rich.of("Avgrade")))


def test_files_are_downloaded_by_those_who_may(rich: Rich) -> None:
    page = rich.page(rich.of("Assign1"))
    work = next(
        address for address in re.findall(r'href="(/file/[^"]+)"', page) if "submission_files" in address
    )
    assert rich.status(work, by=rich.manager) == 200
    assert rich.status(work, by=rich.teacher) == 403
    book = rich.page(rich.of("Book1"), by=rich.teacher)
    picture = re.findall(r'src="(/file/[^"]+/mod_book/chapter/[^"]+)"', book)[0]
    assert rich.status(picture, by=rich.teacher) == 200, "a chapter's picture is the course's own"


def test_peoples_work_is_for_those_with_the_right_to_it(rich: Rich) -> None:
    names = {str(user) for user in User.objects.filter(email__istartswith="rich1.s") if len(str(user)) > 9}
    assert names
    for activity in Activity.objects.filter(course=rich.course):
        said = words(rich.page(f"/activity/{activity.pk}/", by=rich.teacher))
        assert not [name for name in names if name in said], activity.title
    said = words(rich.page(rich.of("Assign1"), by=rich.teacher))
    assert "You may not see people and their work in this course" in said
    assert "Submission of" not in said
    discussion = ForumDiscussion.objects.filter(forum__owner=rich.activity("Fgeneral"))[0]
    assert rich.status(f"{rich.of('Fgeneral')}discussion/{discussion.pk}/", by=rich.teacher) == 403
    assert rich.status(f"{rich.of('Data1')}records/datacontent/", by=rich.teacher) == 403


def test_on_a_phone_a_row_does_not_name_what_it_has_not(rich: Rich) -> None:
    page = rich.page(rich.of("Fgeneral"))
    assert re.search(r'<td data-label="Group"\s+class=" ?gone">', page)
    assert re.search(r'<td data-label="Posts"\s+class="num">', page)


def test_a_sheet_of_another_activity_is_not_found(rich: Rich) -> None:
    discussion = ForumDiscussion.objects.filter(forum__owner=rich.activity("Fgeneral"))[0]
    assert rich.status(f"{rich.of('Fnews')}discussion/{discussion.pk}/", by=rich.manager) == 404
    assert rich.status(f"{rich.of('Fnews')}nonsense/1/", by=rich.manager) == 404


def test_secrets_are_never_shown(rich: Rich) -> None:
    tool = rich.activity("Lti1")
    Lti.objects.filter(owner=tool).update(password="sesame-open", resourcekey="sesame-key")
    quiz = rich.activity("Quiz1")
    Quiz.objects.filter(owner=quiz).update(password="sesame-quiz")
    for activity in (tool, quiz):
        page = rich.page(f"/activity/{activity.pk}/")
        assert "sesame" not in page
        for address in set(re.findall(rf'"(/activity/{activity.pk}/records/[a-z]+/)"', page)):
            assert "sesame" not in rich.page(address)
    assert "stored, but not shown" in rich.page(f"/activity/{tool.pk}/")


def test_a_page_asks_the_database_as_often_for_many_records_as_for_few(rich: Rich) -> None:
    data = rich.activity("Data1")
    address = f"/activity/{data.pk}/"
    rich.asked(address)
    _, many = rich.asked(address)
    kept = DataRecord.objects.filter(data__owner=data).order_by("pk")[:2].values_list("pk", flat=True)
    rows = DataRecord.objects.filter(data__owner=data).exclude(pk__in=list(kept))
    assert rows.count() > 3
    elsewhere = Data.objects.create(owner=Activity.objects.filter(modulename="label")[0], name="elsewhere")
    rows.update(data=elsewhere)
    _, few = rich.asked(address)
    assert few == many


@pytest.mark.parametrize(
    ("title", "model", "parent"),
    [
        ("Fgeneral", ForumDiscussion, "forum"),
        ("Glossary1", GlossaryEntry, "glossary"),
        ("Quiz1", QuizAttempt, "quiz"),
    ],
)
def test_long_lists_cost_no_more_queries(
    rich: Rich, title: str, model: type[ForumDiscussion], parent: str
) -> None:
    activity = rich.activity(title)
    address = f"/activity/{activity.pk}/"
    rich.asked(address)
    _, before = rich.asked(address)
    first = model.objects.filter(**{f"{parent}__owner": activity}).order_by("pk")[0]
    for number in range(40):
        first.pk = 8_000_000 + number
        if hasattr(first, "uniqueid"):
            first.uniqueid = first.pk
        first.save(force_insert=True)
    page, after = rich.asked(address)
    assert after == before
    assert "Page 1 of" in page or title == "Quiz1"
