"""Forum: its discussions, each of them as a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.forum import ForumDiscussion, ForumGrade, ForumPost, ForumPostTag, ForumRating
from viewer.page_context import PageContext, fact, facts, marks, table, when
from viewer.panels import Detail, Entry, Location, Panel, Sheet, Table
from viewer.presentation import Presentation
from viewer.words import many

POSTS = 50
WHOLE_COURSE = -1


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the discussions, pinned and latest first, and the grades for the whole forum."""
    forum = page.content
    discussions = _discussions_of(page).order_by("-pinned", "-timemodified", "-pk")
    yield page.listed("Discussions", discussions, lambda rows: _discussions(page, rows), userdata=True)
    grades = ForumGrade._base_manager.filter(of=forum).order_by("pk")
    yield page.listed(
        "Grades of the whole forum", grades, lambda rows: _grades(page, rows), name="grades", userdata=True
    )


def _discussions_of(page: PageContext) -> Any:
    return ForumDiscussion._base_manager.filter(forum=page.content)


def _discussions(page: PageContext, rows: list[Any]) -> Table:
    posts = page.counts(ForumPost, "discussion", rows)
    return table(
        "Discussion | Started by | Group | Posts | Last change",
        (
            (
                fact(
                    "Discussion",
                    f"{'Pinned: ' if row.pinned else ''}{row.name}",
                    address=page.address("discussion", row.pk),
                ),
                page.person(row.userid),
                page.group(row.groupid),
                posts.get(row.pk, 0),
                when(row.timemodified),
            )
            for row in rows
        ),
        numeric=[3],
    )


def _grades(page: PageContext, rows: list[Any]) -> Table:
    scale = page.content.grade_forum
    return table(
        "Person | Grade | Given",
        ((page.person(row.userid), page.graded(row.grade, scale), when(row.timemodified)) for row in rows),
    )


def discussion(page: PageContext, number: int) -> Sheet:
    """Return the sheet of one discussion: its posts, each under the post that it answers."""
    row = page.one(_discussions_of(page), number)
    about = page.listed(
        "Posts", _threaded(row), lambda pairs: _posts(page, pairs), size=POSTS, style="thread"
    )
    shown = Panel(
        "This discussion",
        facts=facts(
            fact("Started by", page.person(row.userid)),
            fact("Group", page.group(row.groupid)),
            fact("Pinned", "yes" if row.pinned else ""),
            fact("Locked", row.timelocked or "", "moment"),
            fact("Shown from", row.timestart or "", "moment"),
            fact("Shown until", row.timeend or "", "moment"),
        ),
    )
    return Sheet(row.name, (about, shown), about=many(about.total or 0, "post"))


def _threaded(discussion: Any) -> list[tuple[int, int]]:
    """Return the id and depth of each post, in reading order."""
    answers: dict[int, list[int]] = {}
    posts = list(
        ForumPost._base_manager.filter(discussion=discussion)
        .order_by("created", "pk")
        .values_list("pk", "parent")
    )
    known = {number for number, _ in posts}
    for number, parent in posts:
        answers.setdefault(parent if parent in known and parent != number else 0, []).append(number)
    ordered: list[tuple[int, int]] = []
    waiting = [(number, 0) for number in reversed(answers.pop(0, []))]
    while waiting:
        number, depth = waiting.pop()
        ordered.append((number, depth))
        waiting += [(answer, depth + 1) for answer in reversed(answers.pop(number, []))]
    ordered += [(number, 0) for left in answers.values() for number in left]
    return ordered


def _posts(page: PageContext, pairs: list[tuple[int, int]]) -> Iterable[Entry]:
    posts = ForumPost._base_manager.in_bulk([number for number, _ in pairs])
    ratings = page.below(ForumRating, "post", posts.values())
    tags: dict[int, list[str]] = {}
    for item, name in ForumPostTag._base_manager.filter(forum=page.content, itemid__in=posts).values_list(
        "itemid", "rawname"
    ):
        tags.setdefault(item, []).append(name)
    for number, depth in pairs:
        post = posts[number]
        yield Entry(
            title=post.subject,
            who=page.person(post.userid),
            when=post.created,
            name=f"p{post.pk}",
            marks=(
                *marks(Private_reply=post.privatereplyto, Deleted=post.deleted),
                *(f"#{name}" for name in tags.get(number, ())),
            ),
            texts=(page.rich("", post, "message"),),
            files=page.files(post.pk, "mod_forum/attachment"),
            facts=facts(
                fact("Only for", page.person(post.privatereplyto)),
                fact("Edited", post.modified if post.modified > post.created else "", "moment"),
                *page.ratings(ratings.get(number, ())),
            ),
            depth=depth,
        )


def _discussion_location(page: PageContext, number: int) -> Location:
    return Location(page.address("discussion", _discussions_of(page).get(pk=number).pk))


def _post_location(page: PageContext, number: int) -> Location:
    """Return the location of a post: its discussion, on the page of the list that shows the post."""
    found = ForumPost._base_manager.select_related("discussion").get(
        pk=number, discussion__forum=page.content
    )
    numbers = [post for post, _ in _threaded(found.discussion)]
    address = page.address("discussion", found.discussion_id)
    return page.location(address, "Posts", numbers, number, anchor=f"p{number}", size=POSTS)


MEANINGS: dict[str, dict[Any, str]] = {
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
}

PRESENTATION = Presentation(
    present,
    details={"discussion": Detail(discussion)},
    locations={"forum_discussion": _discussion_location, "forum_post": _post_location},
    covers=(ForumDiscussion, ForumPost, ForumRating, ForumPostTag, ForumGrade),
    meanings=MEANINGS,
)
