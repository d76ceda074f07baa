"""Every page of a course in which every field of every kind is filled: it opens, and nothing that came in runs on it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

import pytest
from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat, Left
from django.test import Client
from django.urls import reverse
from lxml import html

from courses import links, structure
from courses.archived import ArchivedModel
from courses.file_areas import is_userdata
from courses.models import Activity, Block, Course, File, Section, User
from courses.summaries import content_of
from tests.exhaustive import Exhaustive
from tests.people_made import person
from viewer.presentation import course_presentations
from viewer.records import record_groups
from viewer.templatetags.coursekeep import file_path
from viewer.views import SHOWN

HOSTILE = (
    '<img src=x onerror="steal()"><a href="javascript:steal()">a</a><script>steal()</script>'
    '"><svg onload=steal()><iframe srcdoc="<script>steal()</script>"></iframe>'
    '<b style="position:fixed" hx-get="/" data-x="1">b</b><form action="/"><button formaction="javascript:steal()">'
)
OWN_ATTRIBUTES = ("hx-", "data-", "on", "style", "srcdoc", "formaction", "autofocus", "background", "poster")
ADDRESSES = ("href", "src", "action", "formaction", "xlink:href", "data", "cite")
ONLY_OURS = frozenset(
    {"script", "style", "iframe", "object", "embed", "form", "input", "button", "base", "meta"}
)
SAFE = re.compile(r"(https?://|mailto:|tel:|/|\?|#|[^:]*\Z)", re.IGNORECASE)
NEEDED = {"modulename", "contenthash", "password"}
"""Columns without which there is no page: the type of an activity, the content of a file, the password one signed in with."""


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The course stands for all tests of this module."""


@pytest.fixture(scope="module")
def made(standing: None) -> Exhaustive:
    """A course with every field of every kind."""
    course = Exhaustive(1)
    course.make()
    person("page.admin", is_superuser=True)
    return course


@pytest.fixture(autouse=True)
def untouched(transactional_db: None, made: Exhaustive) -> Iterator[None]:
    """Roll back the changes of each test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def client() -> Client:
    """The browser of an administrator, who may see everything."""
    signed_in = Client()
    signed_in.force_login(User.objects.get(is_superuser=True))
    return signed_in


def the_course(made: Exhaustive) -> Course:
    found = made.rows[Course][0]
    assert isinstance(found, Course)
    return found


def crawled(client: Client, course: Course) -> dict[str, str]:
    """All pages of a course that can be reached from its first one, by their addresses without their parts."""
    own = [
        f"/course/{course.pk}/",
        *(f"/activity/{pk}/" for pk in Activity.objects.values_list("pk", flat=True)),
    ]
    waiting, found = [own[0]], {}
    client.raise_request_exception = False
    broken: dict[str, int] = {}
    while waiting:
        address = waiting.pop()
        if address in found:
            continue
        answer = client.get(address)
        if answer.status_code != 200:
            broken[address] = answer.status_code
        found[address] = answer.content.decode()
        said = {unescape(one).partition("?")[0] for one in re.findall(r'href="([^"#]*)', found[address])}
        waiting += [one for one in said if one.startswith(tuple(own))]
    assert broken == {}
    return found


def test_every_page_opens_whatever_a_field_says(made: Exhaustive, client: Client) -> None:
    course = the_course(made)
    found = crawled(client, course)
    for name in course_presentations():
        assert reverse("course-page", args=[course.pk, name]) in found
    for activity in made.rows[Activity]:
        assert reverse("activity", args=[activity.pk]) in found
    assert len(found) > 300


ELSEWHERE = {
    "User", "ProfileField", "UserTag", "Preference", "Block", "BlockPosition", "Feed", "FeedReader", "Category", "Role",
}  # fmt: skip
"""What is shown with the people, the blocks and the course."""


def test_every_kind_of_record_is_among_those_of_the_course_or_of_an_activity(made: Exhaustive) -> None:
    shown = {one.model for one in record_groups(the_course(made))}
    for activity in made.rows[Activity]:
        assert isinstance(activity, Activity)
        content = content_of(activity)
        assert content is not None
        shown |= {type(content), *(one.model for one in record_groups(activity, content))}
    missing = {model.__name__ for model in made.rows if model not in shown}
    assert missing - ELSEWHERE - {"Course", "Activity"} == set()


def plant() -> int:
    """Put hostile text into every column of text, and say into how many."""
    planted = 0
    for model in structure.archived_models():
        for column in model._meta.concrete_fields:
            if not isinstance(column, models.CharField | models.TextField) or column.name in NEEDED:
                continue
            text = Concat(Cast(F("pk"), models.TextField()), Value(HOSTILE), output_field=models.TextField())
            longest = column.max_length or len(HOSTILE) + 20
            model._base_manager.update(**{column.name: Left(text, longest)})
            planted += 1
    pairs = (("title", HOSTILE), ("text", HOSTILE), (HOSTILE, HOSTILE))
    said = "".join(f's:{len(text)}:"{text}";' for pair in pairs for text in pair)
    Block.objects.update(configdata=b64encode(f"a:{len(pairs)}:{{{said}}}".encode()).decode())
    return planted


def test_nothing_that_came_in_runs_on_any_page(made: Exhaustive, client: Client) -> None:
    assert plant() > 500
    pages = crawled(client, the_course(made))
    assert sum("steal()" in page for page in pages.values()) > 300, "the text is there, and harmless"
    for address, page in pages.items():
        assert faults(page, of_forms=OF_FORMS.match(address) is not None) == [], address


OF_FORMS = re.compile(
    r"/course/[0-9]+/(import|copy|restore|remove|bin)/|/(activity|section)/[0-9]+/(versions|remove)/"
)
"""Addresses of pages that are forms themselves."""


def faults(page: str, *, of_forms: bool) -> list[str]:
    """Return elements, attributes and addresses of a page that could run, or reach beyond what people's text may.

    Pages that are `of_forms` have controls of their own all over.
    """
    tree = html.document_fromstring(page)
    main = tree.find(".//*[@id='main']")
    assert main is not None
    found = [
        html.tostring(script, encoding="unicode")
        for script in tree.iter("script")
        if script.text or not str(script.get("src")).startswith("/static/")
    ]
    for element in main.iter("*"):
        if element.tag in ONLY_OURS and not of_forms and not _ours(element):
            found.append(html.tostring(element, encoding="unicode")[:200])
        for name, value in ((str(name), str(value)) for name, value in element.items()):
            if name.startswith(OWN_ATTRIBUTES) and name != "data-label":
                found.append(f"{element.tag} {name}={value}")
            if name in ADDRESSES and not SAFE.match(value.strip()):
                found.append(f"{element.tag} {name}={value}")
    return found


OWN_FORM = re.compile(r"/backup/|/activity/[0-9]+/duplicate/\Z")


def _ours(element: html.HtmlElement) -> bool:
    """Whether a form or a button is one of this site's: those that start a backup or duplicate an activity."""
    form = element if element.tag == "form" else next(element.iterancestors("form"), None)
    return (
        form is not None
        and OWN_FORM.match(str(form.get("action"))) is not None
        and "formaction" not in element.attrib
    )


SECRET = "kept-from-others"


def test_what_people_wrote_is_on_no_page_for_those_without_the_right_to_it(
    made: Exhaustive, client: Client
) -> None:
    course = the_course(made)
    for model in structure.archived_models():
        if not model.archive_meta.userdata and model is not User:
            continue
        person_column = model.archive_meta.person
        rows = (
            model._base_manager.exclude(**{f"{person_column}__isnull": True})
            if person_column
            else model._base_manager
        )
        for column in model._meta.concrete_fields:
            if isinstance(column, models.CharField | models.TextField) and column.name not in NEEDED:
                text = Concat(
                    Cast(F("pk"), models.TextField()), Value(SECRET), output_field=models.TextField()
                )
                rows.update(**{column.name: Left(text, column.max_length or 100)})
    teacher = person("page.teacher", "editingteacher", at=course)
    looking = Client()
    looking.force_login(teacher)
    seen = crawled(client, course)
    assert sum(SECRET in page for page in seen.values()) > 100
    for address in seen:
        answer = looking.get(address)
        assert answer.status_code in (200, 403), address
        assert SECRET not in answer.content.decode(), address


def test_each_file_is_given_to_those_who_may_have_it_and_to_nobody_else(
    made: Exhaustive, client: Client
) -> None:
    course = the_course(made)
    looking = Client()
    looking.force_login(person("page.teacher", "editingteacher", at=course))
    for stored in made.rows[File]:
        assert isinstance(stored, File)
        address = reverse("file", args=[file_path(stored)])
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["Content-Type"] in SHOWN or answer.headers["Content-Disposition"].startswith(
            "attachment"
        )
        work = is_userdata(stored.component, stored.filearea, stored.itemid, held=holds)
        assert looking.get(address).status_code == (403 if work else 200), address


def holds(model: type[ArchivedModel], item: int) -> bool:
    """Whether a model has a record of a number."""
    return bool(model._base_manager.filter(pk=item).exists())


def test_the_test_of_hostile_text_would_notice_it() -> None:
    page = f'<html><body><main id="main">{HOSTILE}</main></body></html>'
    found = " ".join(faults(page, of_forms=False))
    for evil in ("onerror", "javascript:", "<script>", "onload", "srcdoc", "style=", "hx-get", "form"):
        assert evil in found


def test_every_address_that_a_token_stands_for_leads_to_a_page_that_is_there(
    made: Exhaustive, client: Client
) -> None:
    course = the_course(made)
    leads = {}
    for link in links.links().values():
        if link.token.startswith("PLUGINFILE"):
            continue
        numbers = [number(made, kind, link.address) for kind in link.item_types]
        address = link.url("", numbers)
        if link.token.endswith("URLENCODED"):
            address = unquote(address)
        address = unescape(address).partition("#")[0]
        answer = client.get(address, follow=True)
        assert answer.status_code == 200, (link.token, address)
        leads[link.token] = answer.redirect_chain[-1][0].partition("?")[0]
    assert leads["COURSEVIEWBYID"] == f"/course/{course.pk}/"
    assert leads["GRADEREPORTINDEXBYID"] == f"/course/{course.pk}/gradebook/"
    assert leads["FORUMINDEX"] == f"/course/{course.pk}/"


def number(made: Exhaustive, kind: str, address: str) -> int:
    """The number of the first record of a kind in the course; of an activity, of the address's type."""
    if kind == "course_module":
        name = address.split("/")[2]
        if address.startswith("/mod/assign/index.php"):
            return the_course(made).pk
        found = (one for one in made.rows[Activity] if isinstance(one, Activity))
        return next(one.pk for one in found if one.modulename == name)
    tops: dict[str, structure.Model] = {"course": Course, "course_section": Section}
    model = tops.get(kind) or structure.model_of_item_type(kind)
    assert model is not None, kind
    return int(made.rows[model][0].pk)
