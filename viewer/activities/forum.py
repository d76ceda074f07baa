"""A forum: its discussions, and each of them as a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from courses.activities.forum import ForumDiscussion, ForumGrade, ForumPost, ForumPostTag, ForumRating
from viewer.page_context import Desk, fact, facts, marks, table, when
from viewer.panels import Detail, Entry, Panel, Sheet, Spot, Table
from viewer.presentation import Form
from viewer.words import many

POSTS = 50
WHOLE_COURSE = -1


def present(desk: Desk) -> Iterator[Panel]:
    """The discussions, pinned and latest first, and the grades for the whole forum."""
    forum = desk.content
    discussions = _discussions_of(desk).order_by("-pinned", "-timemodified", "-pk")
    yield desk.listed("Discussions", discussions, lambda rows: _discussions(desk, rows), work=True)
    grades = ForumGrade._base_manager.filter(of=forum).order_by("pk")
    yield desk.listed(
        "Grades of the whole forum", grades, lambda rows: _grades(desk, rows), name="grades", work=True
    )


def _discussions_of(desk: Desk) -> Any:
    return ForumDiscussion._base_manager.filter(forum=desk.content)


def _discussions(desk: Desk, rows: list[Any]) -> Table:
    posts = desk.counts(ForumPost, "discussion", rows)
    return table(
        "Discussion | Started by | Group | Posts | Last change",
        (
            (
                fact(
                    "Discussion",
                    f"{'Pinned: ' if row.pinned else ''}{row.name}",
                    address=desk.address("discussion", row.pk),
                ),
                desk.person(row.userid),
                desk.group(row.groupid),
                posts.get(row.pk, 0),
                when(row.timemodified),
            )
            for row in rows
        ),
        numeric=[3],
    )


def _grades(desk: Desk, rows: list[Any]) -> Table:
    scale = desk.content.grade_forum
    return table(
        "Person | Grade | Given",
        ((desk.person(row.userid), desk.graded(row.grade, scale), when(row.timemodified)) for row in rows),
    )


def discussion(desk: Desk, number: int) -> Sheet:
    """One discussion: its posts, each under the one that it answers."""
    row = desk.one(_discussions_of(desk), number)
    about = desk.listed(
        "Posts", _threaded(row), lambda pairs: _posts(desk, pairs), size=POSTS, style="thread"
    )
    shown = Panel(
        "This discussion",
        facts=facts(
            fact("Started by", desk.person(row.userid)),
            fact("Group", desk.group(row.groupid)),
            fact("Pinned", "yes" if row.pinned else ""),
            fact("Locked", row.timelocked or "", "moment"),
            fact("Shown from", row.timestart or "", "moment"),
            fact("Shown until", row.timeend or "", "moment"),
        ),
    )
    return Sheet(row.name, (about, shown), about=many(about.total or 0, "post"))


def _threaded(discussion: Any) -> list[tuple[int, int]]:
    """The number of each post and its depth, in the order in which one reads."""
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


def _posts(desk: Desk, pairs: list[tuple[int, int]]) -> Iterable[Entry]:
    posts = ForumPost._base_manager.in_bulk([number for number, _ in pairs])
    ratings = desk.below(ForumRating, "post", posts.values())
    tags: dict[int, list[str]] = {}
    for item, name in ForumPostTag._base_manager.filter(forum=desk.content, itemid__in=posts).values_list(
        "itemid", "rawname"
    ):
        tags.setdefault(item, []).append(name)
    for number, depth in pairs:
        post = posts[number]
        yield Entry(
            title=post.subject,
            who=desk.person(post.userid),
            when=post.created,
            name=f"p{post.pk}",
            marks=(
                *marks(Private_reply=post.privatereplyto, Deleted=post.deleted),
                *(f"#{name}" for name in tags.get(number, ())),
            ),
            texts=(desk.rich("", post, "message"),),
            files=desk.files(post.pk, "mod_forum/attachment"),
            facts=facts(
                fact("Only for", desk.person(post.privatereplyto)),
                fact("Edited", post.modified if post.modified > post.created else "", "moment"),
                *desk.ratings(ratings.get(number, ())),
            ),
            depth=depth,
        )


def _discussion_place(desk: Desk, number: int) -> Spot:
    return Spot(desk.address("discussion", _discussions_of(desk).get(pk=number).pk))


def _post_place(desk: Desk, number: int) -> Spot:
    """In its discussion, on the part of it where the post stands."""
    found = ForumPost._base_manager.select_related("discussion").get(
        pk=number, discussion__forum=desk.content
    )
    numbers = [post for post, _ in _threaded(found.discussion)]
    address = desk.address("discussion", found.discussion_id)
    return desk.spot(address, "Posts", numbers, number, anchor=f"p{number}", size=POSTS)


FORM = Form(
    present,
    details={"discussion": Detail(discussion)},
    places={"forum_discussion": _discussion_place, "forum_post": _post_place},
    covers=(ForumDiscussion, ForumPost, ForumRating, ForumPostTag, ForumGrade),
)
