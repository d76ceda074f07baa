"""Makes forums of a sample course: discussions, replies, ratings, attachments, subscriptions and read marks."""

from __future__ import annotations

from courses.activities.forum import (
    Forum,
    ForumDigest,
    ForumDiscussion,
    ForumDiscussionSub,
    ForumGrade,
    ForumPost,
    ForumPostTag,
    ForumRating,
    ForumRead,
    ForumSubscription,
    ForumTrack,
)
from demo.samples import contents
from demo.samples.draft import DAY, HTML, START, TERM, CourseDraft, SamplePerson, Slot, paragraphs
from demo.samples.words import RIVERS, TAGS

MAXIMUM = 100
LENGTH = 300
"""Approximate number of characters of a post."""
READ_EVERY = 4
LINK_EVERY = 25
ATTACHED = (1, 5, 17)
"""Numbers of the posts with a picture."""


def add_forum(draft: CourseDraft, slot: Slot, *, discussions: int, posts: int, grouped: bool = False) -> None:
    """Add a forum with `discussions` discussions of `posts` posts each, subscriptions and grades."""
    random = draft.random("forum", slot.title)
    draft.add(
        Forum,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro=draft.text(random, link=True),
        introformat=HTML,
        assessed=1,
        scale=MAXIMUM,
        maxbytes=512_000,
        maxattachments=9,
        grade_forum=MAXIMUM,
        timemodified=START,
    )
    discuss(draft, slot, posts=discussions * posts, each=posts, length=LENGTH, grouped=grouped, lively=True)
    for number, person in enumerate(draft.students):
        if number % 3 == 0:
            draft.add(ForumSubscription, forum_id=slot.instance, userid=person.id)
        if number % 10 == 1:
            draft.add(ForumDigest, forum_id=slot.instance, userid=person.id, maildigest=1)
        if number % 10 == 2:
            draft.add(ForumTrack, forum_id=slot.instance, userid=person.id)
        if number % 5 == 0:
            draft.add(
                ForumGrade,
                of_id=slot.instance,
                itemnumber=1,
                userid=person.id,
                grade=random.randrange(50, 100),
                timecreated=START + TERM,
                timemodified=START + TERM,
            )


def discuss(
    draft: CourseDraft,
    slot: Slot,
    *,
    posts: int,
    each: int,
    length: int,
    grouped: bool = False,
    lively: bool = False,
) -> None:
    """Add discussions of `each` posts, `posts` in all, of about `length` characters; every other post is rated once.

    If `lively`, posts have replies to replies, attachments, links, tags and read marks; otherwise all posts answer the first
    one. If `grouped`, each discussion belongs to a group.
    """
    random = draft.random("discussions", slot.title)
    texts, people = paragraphs(draft.seed, length), draft.everybody
    discussion, title = 0, ""
    thread: list[int] = []
    for number in range(posts):
        moment = START + TERM * number // posts + random.randrange(3600)
        author = people[(number * 7 + number // each) % len(people)]
        post = draft.rows.number(ForumPost)
        if number % each == 0:
            thread, title = [], f"{RIVERS[number // each % len(RIVERS)]}: question {number // each + 1}"
            group = draft.groups[number // each % len(draft.groups)] if grouped and draft.groups else -1
            discussion = _open(draft, slot, title, first=post, author=author, moment=moment, group=group)
        message = texts[random.randrange(len(texts))]
        if lively and number % LINK_EVERY == 3:
            message += f"<p>{draft.link(random)}</p>"
        parent = (random.choice(thread) if lively and random.random() < 0.5 else thread[0]) if thread else 0
        draft.add(
            ForumPost,
            id=post,
            discussion_id=discussion,
            parent=parent,
            userid=author.id,
            created=moment,
            modified=moment,
            mailed=1,
            subject=f"Re: {title}" if thread else title,
            message=message,
            messageformat=HTML,
            attachment="1" if lively and number in ATTACHED else "",
        )
        thread.append(post)
        if number % 2:
            _rate(
                draft,
                post,
                by=people[(number + 3) % len(people)],
                value=random.randrange(40, 101),
                moment=moment,
            )
        if lively:
            _enliven(draft, slot, number=number, post=post, discussion=discussion, moment=moment)


def _open(
    draft: CourseDraft, slot: Slot, title: str, *, first: int, author: SamplePerson, moment: int, group: int
) -> int:
    """Add a discussion and return its id; those of a group are pinned."""
    return draft.add(
        ForumDiscussion,
        forum_id=slot.instance,
        name=title,
        firstpost=first,
        userid=author.id,
        groupid=group,
        timemodified=moment,
        usermodified=author.id,
        pinned=int(group != -1),
    )


def _rate(draft: CourseDraft, post: int, *, by: SamplePerson, value: int, moment: int) -> None:
    """Add a rating of a post."""
    draft.add(
        ForumRating,
        post_id=post,
        component="mod_forum",
        ratingarea="post",
        scaleid=MAXIMUM,
        value=value,
        userid=by.id,
        timecreated=moment + 3600,
        timemodified=moment + 3600,
    )


def _enliven(draft: CourseDraft, slot: Slot, *, number: int, post: int, discussion: int, moment: int) -> None:
    """Add, to some posts, an attachment, a tag, a subscription or a read mark."""
    people = draft.everybody
    if number in ATTACHED:
        content = contents.picture(draft.random("attachment", slot.title, number))
        draft.file(
            content,
            contextid=slot.contextid,
            area="mod_forum/attachment",
            itemid=post,
            name=f"seen-{number}.png",
            person=people[(number * 7) % len(people)],
        )
    if number % 40 == 2:
        tag = TAGS[number % len(TAGS)]
        draft.add(ForumPostTag, forum_id=slot.instance, itemid=post, rawname=tag)
    if number % 50 == 7:
        draft.add(
            ForumDiscussionSub,
            discussion_id=discussion,
            userid=people[number % len(people)].id,
            preference=moment,
        )
    if number % READ_EVERY == 0:
        reader = people[(number * 11 + 1) % len(people)].id
        draft.add(
            ForumRead,
            forum_id=slot.instance,
            userid=reader,
            discussionid=discussion,
            postid=post,
            firstread=moment + 600,
            lastread=moment + DAY,
        )


def add_big_forum(draft: CourseDraft, slot: Slot, *, posts: int, each: int, length: int) -> None:
    """Add a forum of exactly `posts` posts in discussions of `each`, without subscriptions and grades."""
    draft.add(
        Forum,
        id=slot.instance,
        owner_id=slot.cmid,
        name=slot.title,
        intro="<p>Test of a large forum</p>",
        introformat=HTML,
        assessed=1,
        scale=MAXIMUM,
        timemodified=START,
    )
    discuss(draft, slot, posts=posts, each=each, length=length)
