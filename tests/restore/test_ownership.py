"""Records of a group: a restore and a backup without the group leave them out, and never give them to everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from courses import ownership
from courses.activities.wiki import WikiSubwiki
from courses.fields import Ref
from courses.models import Course, File, Group, OpaqueElement
from courses.models.calendar import CalendarEvent
from courses.models.tags import Comment
from courses.structure import Model
from tests.archives_made import small, texts
from tests.jobs_done import back_up, compared, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)

FORUM = "activities/forum_31/forum.xml"
ALONE = frozenset({"-1", "0", "$@NULL@$", ""})


def rows(course: Course) -> dict[tuple[Model, Ref], int]:
    """The rows that belong to a group, by model and field, of a site that has one course."""
    assert Course.objects.get() == course
    return {
        (model, field): model._base_manager.filter(**{f"{field.name}__gt": 0}).count()
        for model, field in ownership.owned_by("group")
        if model in ownership.owned_models()
    }


def all_rows() -> dict[Model, int]:
    return {model: model._base_manager.count() for model in ownership.owned_models()}


def test_rows_of_groups_stay_away_without_groups_and_all_others_come(fixtures: Path) -> None:
    whole = restore(fixtures / "novel.mbz").course
    of_groups, everything = rows(whole), all_rows()
    assert sum(of_groups.values()) > 8
    Course.objects.all().delete()
    again = restore(fixtures / "novel.mbz", groups=0)
    assert not Group.objects.exists()
    assert set(rows(again.course).values()) == {0}
    left = {model: everything[model] - number for model, number in all_rows().items()}
    assert left == {
        model: sum(number for (one, _), number in of_groups.items() if one is model) for model in left
    }
    [lost] = again.job.findings.filter(code="owner-lost")
    assert (lost.level, "group" in lost.message, "submission" in lost.message) == ("warning", True, True)


def test_files_and_links_of_what_is_left_out_go_with_it(tmp_path: Path) -> None:
    source = small(
        tmp_path / "one.mbz",
        {
            "groups.xml": b"<groups><groupings>\n</groupings></groups>",
            FORUM: ('<discussion id="50">', '<discussion id="50"><groupid>41</groupid>'),
            "files.xml": (
                "<contextid>102</contextid><component>mod_page</component><filearea>content</filearea><itemid>0",
                "<contextid>103</contextid><component>mod_forum</component><filearea>post</filearea><itemid>61",
            ),
            "activities/page_32/page.xml": ("Text\n", "$@FORUMDISCUSSIONVIEW*50@$\n"),
        },
    )
    restored = restore(source)
    assert "owner-lost" in restored.findings
    assert not File.objects.filter(course=restored.course).exists()
    text = texts(back_up(restored.course, tmp_path / "two.mbz"))
    assert "<discussion " not in "".join(text.values())
    assert faults(tmp_path / "two.mbz") == []


def test_opaque_records_of_a_missing_group_are_left_out(tmp_path: Path) -> None:
    own = '<plugin_local_x><turn id="1"><groupid>41</groupid></turn><turn id="2"><groupid>0</groupid></turn></plugin_local_x>'
    source = small(
        tmp_path / "one.mbz",
        {
            "groups.xml": b"<groups><groupings>\n</groupings></groups>",
            FORUM: ("</forum>", f"{own}</forum>"),
        },
    )
    course = restore(source).course
    text = "".join(texts(back_up(course, tmp_path / "two.mbz")).values())
    assert text.count("<turn ") == 1
    [element] = OpaqueElement.objects.filter(course=course, xml__contains="turn")
    assert etree.fromstring(element.xml).findtext("turn/groupid") == "0"


def test_a_backup_without_groups_leaves_out_what_belongs_to_one(fixtures: Path, tmp_path: Path) -> None:
    course = restore(fixtures / "novel.mbz").course
    of_groups = sum(rows(course).values())
    path = back_up(course, tmp_path / "without.mbz", groups=0)
    named = {
        (member, element.text)
        for member, text in texts(path).items()
        for element in etree.fromstring(text.encode()).iter("groupid")
        if (element.text or "") not in ALONE
    }
    assert named == set()
    assert faults(path) == []
    full = back_up(course, tmp_path / "with.mbz")
    assert not compared(full, path).equal
    Course.objects.all().delete()
    again = restore(path)
    assert "owner-lost" not in again.findings
    assert set(rows(again.course).values()) == {0}
    assert of_groups > 8


def test_comments_on_what_belongs_to_a_group_stay_away_without_groups(fixtures: Path, tmp_path: Path) -> None:
    course = restore(fixtures / "rich1-users.mbz").course
    WikiSubwiki.objects.update(groupid=Group.objects.values("pk")[:1])
    of_groups: set[int] = set()
    for component, area, model, condition in ownership.owned_items("comments"):
        items = model._base_manager.filter(condition).values("pk")
        found = Comment.objects.filter(component=component, commentarea=area, itemid__in=items)
        of_groups |= set(found.values_list("pk", flat=True))
    assert {one.component for one in Comment.objects.filter(pk__in=of_groups)} >= {"mod_data", "mod_wiki"}

    path = back_up(course, tmp_path / "without.mbz", groups=0)

    written = {
        int(comment.get("id", ""))
        for member, text in texts(path).items()
        if member.endswith("comments.xml")
        for comment in etree.fromstring(text.encode()).iter("comment")
    }
    assert written == set(Comment.objects.values_list("pk", flat=True)) - of_groups
    assert written


def test_events_of_a_missing_group_are_left_out_and_those_of_everybody_come(fixtures: Path) -> None:
    restore(fixtures / "novel.mbz", groups=0)
    assert not CalendarEvent.objects.filter(eventtype="group").exists()
    assert CalendarEvent.objects.exists()
