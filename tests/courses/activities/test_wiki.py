"""Wikis: what people say about a page stays with that page."""

from __future__ import annotations

from pathlib import Path

import pytest

from courses.activities.wiki import Wiki, WikiPage, WikiSubwiki
from courses.models import Comment
from tests.courses.activities import scene

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_comment_is_on_its_page_and_is_shown_there(tmp_path: Path) -> None:
    course, anna = scene.course(), scene.person("anna")
    wiki = scene.activity(course, Wiki, name="W", firstpagetitle="Start")
    pages = WikiSubwiki.objects.create(wiki=wiki)
    for title in ("Start", "Second"):
        page = WikiPage.objects.create(subwiki=pages, title=title, cachedcontent="", userid=anna.pk)
    Comment.objects.create(
        contextid=wiki.owner.contextid,
        component="mod_wiki",
        commentarea="wiki_page",
        itemid=page.pk,
        content="Well said of the second page",
        userid=anna.pk,
    )
    copy = scene.again(course, tmp_path)
    activity = copy.activities.get(modulename="wiki")
    comment = Comment.objects.get(contextid=activity.contextid)
    assert WikiPage.objects.get(pk=comment.itemid, subwiki__wiki__owner=activity).title == "Second"
    assert "Well said of the second page" in scene.page_of(activity)
