"""Text that came out of an archive never runs, and links inside courses lead to their pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from courses import pool
from courses.activities.forum import ForumDiscussion
from courses.models import File
from tests.pages.places import EVIL, Place
from viewer.clean_html import plain, rich
from viewer.templatetags.coursekeep import count, duration, files_at
from viewer.words import size_text

SignIn = Callable[[str], Client]


def test_rich_text_keeps_its_shape_and_loses_what_runs() -> None:
    cleaned = rich(
        EVIL + '<iframe src="//evil"></iframe><img src="/a.png" onerror="x" style="position:fixed"><form>'
    )
    assert cleaned.startswith("<p>Rocks ")
    assert '<img src="/a.png">' in cleaned
    for evil in ("script", "onclick", "javascript:", "iframe", "onerror", "style", "form", "steal"):
        assert evil not in cleaned


def test_addresses_of_a_page_elsewhere_lead_nowhere_and_their_words_stay() -> None:
    cleaned = rich('<a href="edit.php?pageid=1">edit</a> <a href="?a=1">x</a> <a href="#top">up</a>')
    assert "edit.php" not in cleaned
    assert "?a=1" not in cleaned
    assert ">edit</a>" in cleaned
    assert 'href="#top"' in cleaned
    for whole in (
        "https://example.org/a",
        "mailto:a@example.org",
        "/mod/page/view.php?id=1",
        "//example.org/",
    ):
        assert f'href="{whole}"' in rich(f'<a href="{whole}">a</a>')


def test_pictures_of_other_sites_are_links_and_those_of_this_one_stay() -> None:
    assert rich('<img src="https://elsewhere.example/a.png" alt="A &quot;map&quot;">') == (
        '<a href="https://elsewhere.example/a.png" rel="noopener noreferrer nofollow">A &quot;map&quot;</a>'
    )
    assert ">Picture at elsewhere.example</a>" in rich('<img src="//elsewhere.example/a.png">')
    for own in ("/file/1/a/b/0/c.png", f"{settings.SITE_URL}/file/1/a/b/0/c.png"):
        assert "<img" in rich(f'<img src="{own}">')


def test_plain_text_of_rich_text_is_one_line() -> None:
    assert plain("<p>One &amp; two</p><p>three</p>") == "One & two three"
    assert plain("<p>" + "word " * 100 + "</p>", 20) == "word word word word…"


def test_links_to_files_lead_to_where_they_are_served() -> None:
    text = files_at('<img src="@@PLUGINFILE@@/map.png">', "12/mod_page/content/0")
    assert text == '<img src="/file/12/mod_page/content/0/map.png">'


def test_sizes_counts_and_times_are_for_people() -> None:
    assert [size_text(value) for value in (0, 999, 1500, 23_400_000, 7_200_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "23 MB",
        "7.2 GB",
    ]
    assert count(1_234_567) == "1,234,567"
    assert [duration(value) for value in (0.42, 12.3, 185, 7800)] == [
        "0.4 s",
        "12 s",
        "3 min 05 s",
        "2 h 10 min",
    ]


@pytest.mark.django_db
def test_titles_and_texts_of_a_course_are_escaped_or_cleaned(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    for address in (reverse("course", args=[place.course.pk]), reverse("activity", args=[place.page.pk])):
        page = client.get(address).content.decode()
        assert "steal()" not in page
        assert "javascript:" not in page
        assert "Rocks &lt;b&gt;and&lt;/b&gt; minerals" in page


@pytest.mark.django_db
def test_every_page_says_what_it_may_load_and_has_no_script_of_its_own(
    place: Place, as_person: SignIn
) -> None:
    for address in ("/", "/archives/", "/jobs/", "/schedules/", "/restore/", "/administration/"):
        answer = as_person("admin").get(address)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        page = answer.content.decode()
        assert "<script>" not in page
        assert 'style="' not in page
        assert "onclick" not in page


@pytest.mark.django_db
def test_links_of_moodles_form_lead_to_our_pages(place: Place, as_person: SignIn) -> None:
    client = as_person("manager")
    discussion = ForumDiscussion.objects.get()
    thread = reverse("activity-detail", args=[place.forum.pk, "discussion", discussion.pk])
    course, section = reverse("course", args=[place.course.pk]), place.course.sections.get()
    leads = {
        f"/course/view.php?id={place.course.pk}": course,
        f"/mod/forum/view.php?id={place.forum.pk}": reverse("activity", args=[place.forum.pk]),
        f"/mod/forum/view.php?f={place.forum.instance}": reverse("activity", args=[place.forum.pk]),
        f"/mod/forum/discuss.php?d={discussion.pk}": thread,
        f"/mod/forum/discuss.php?d={discussion.pk}&parent={discussion.firstpost}": f"{thread}#p{discussion.firstpost}",
        f"/mod/forum/discuss.php?d={discussion.pk}&parent=999999": thread,
        f"/mod/forum/index.php?id={place.course.pk}": course,
        f"/course/view.php?id={place.course.pk}&section={section.number}": f"{course}#section-{section.pk}",
        f"/course/view.php?id={place.course.pk}&section=77": course,
        f"/course/section.php?id={section.pk}": f"{course}#section-{section.pk}",
        f"/grade/report/index.php?id={place.course.pk}": f"{course}gradebook/",
        f"/badges/index.php?type=2&id={place.course.pk}": f"{course}badges/",
        f"/user/index.php?id={place.course.pk}": f"{course}people/",
        "/pluginfile.php/12/mod_page/content/3/deep/map.png": "/file/12/mod_page/content/3/deep/map.png",
        "/pluginfile.php/12/mod_page/intro/map.png": "/file/12/mod_page/intro/0/map.png",
    }
    for address, target in leads.items():
        assert client.get(address).headers.get("Location") == target, address
    for nowhere in (
        "/mod/forum/view.php",
        "/mod/forum/view.php?id=x",
        "/mod/page/view.php?id=999999",
        "/course/view.php?id=9²",
    ):
        assert client.get(nowhere).status_code == 404, nowhere


@pytest.mark.django_db
def test_a_file_is_served_so_that_nothing_in_it_runs(place: Place, as_person: SignIn) -> None:
    sha1, length = pool.put(ContentFile(b"<script>steal()</script>"))
    File.objects.create(
        course=place.course,
        contenthash=sha1,
        contextid=place.page.contextid,
        component="mod_page",
        filearea="content",
        itemid=0,
        filepath="/",
        filename="evil.html",
        filesize=length,
        mimetype="text/html",
    )
    address = f"/file/{place.page.contextid}/mod_page/content/0/evil.html"
    answer = as_person("manager").get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert as_person("student").get(address).status_code == 403
    assert as_person("manager").get("/file/1/2").status_code == 404


@pytest.mark.django_db
def test_the_theme_is_kept_and_leads_nowhere_else(client: Client) -> None:
    answer = client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"
    assert 'data-bs-theme="dark"' in client.get("/accounts/login/").content.decode()
    client.post("/theme/", {"theme": "", "next": "/"})
    assert "data-bs-theme" not in client.get("/accounts/login/").content.decode()


@pytest.mark.django_db
def test_an_address_that_is_none_says_so(place: Place, as_person: SignIn) -> None:
    answer = as_person("admin").get("/course/999999/")
    assert answer.status_code == 404
    assert "There is no page at this address" in answer.content.decode()
