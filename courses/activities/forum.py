"""A forum: discussions with posts, and subscriptions, read marks, ratings and grades."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import (
    LONGEST_NAME,
    Code,
    Echo,
    Int,
    Moment,
    Number,
    Ref,
    RichText,
    ScaleOrMaximum,
    Text,
    UserRef,
    Within,
)
from courses.models.tags import Rating

LEFT_OUT = "(left out)"
"""The subject of a post whose author was left out of a restore, and to which others replied."""


class Forum(Content):
    """A forum of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        icon="kind-forum",
        logged_ids={
            "forumid": "forum",
            "fromforumid": "forum",
            "toforumid": "forum",
            "discussionid": "forum_discussion",
            "discussion": "forum_discussion",
        },
    )

    type = Code(20, default="general")
    name = Text(LONGEST_NAME)
    intro = RichText()
    introformat = Int()
    duedate = Moment(shifts=True)
    cutoffdate = Moment(shifts=True)
    assessed = Int()
    assesstimestart = Moment(shifts=True)
    assesstimefinish = Moment(shifts=True)
    scale = ScaleOrMaximum()
    maxbytes = Int()
    maxattachments = Int(default=1)
    forcesubscribe = Int()
    trackingtype = Int(default=1)
    rsstype = Int()
    rssarticles = Int()
    timemodified = Moment()
    warnafter = Int()
    blockafter = Int()
    blockperiod = Int()
    completiondiscussions = Int()
    completionreplies = Int()
    completionposts = Int()
    displaywordcount = Int()
    lockdiscussionafter = Int()
    grade_forum = ScaleOrMaximum()
    # Moodle has this column, does not back it up and ignores it in an archive.
    grade_forum_notify = Int(null=True, optional=True)
    showimmediately = Int(null=True, since="5.2")

    links = (
        ("FORUMINDEX", "/mod/forum/index.php?id=$1", ("course",)),
        ("FORUMVIEWBYID", "/mod/forum/view.php?id=$1", ("course_module",)),
        ("FORUMVIEWBYF", "/mod/forum/view.php?f=$1", ("forum",)),
        (
            "FORUMDISCUSSIONVIEWPARENT",
            "/mod/forum/discuss.php?d=$1&parent=$2",
            ("forum_discussion", "forum_post"),
        ),
        ("FORUMDISCUSSIONVIEWINSIDE", "/mod/forum/discuss.php?d=$1#$2", ("forum_discussion", "forum_post")),
        ("FORUMDISCUSSIONVIEW", "/mod/forum/discuss.php?d=$1", ("forum_discussion",)),
    )


class ForumDiscussion(ArchivedModel):
    """A discussion: a first post and its replies."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="forum_discussion", userdata=True, emptied={"name": LEFT_OUT}
    )

    forum = Within(Forum, "discussions/discussion")
    name = Text(255)
    firstpost = Ref("forum_post")
    userid = UserRef()
    groupid = Ref("group", none=-1)
    assessed = Int(default=1)
    timemodified = Moment()
    usermodified = UserRef()
    timestart = Moment(shifts=True)
    timeend = Moment(shifts=True)
    pinned = Int()
    timelocked = Moment()


class ForumPost(ArchivedModel):
    """A post in a discussion."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="forum_post",
        userdata=True,
        files=("mod_forum/post", "mod_forum/attachment"),
        emptied={"subject": LEFT_OUT, "message": "", "attachment": ""},
    )

    discussion = Within(ForumDiscussion, "posts/post")
    parent = Ref("forum_post")
    userid = UserRef()
    created = Moment()
    modified = Moment()
    mailed = Int()
    subject = Text(255)
    message = RichText()
    messageformat = Int()
    messagetrust = Int()
    attachment = Text(100)
    totalscore = Int()
    mailnow = Int()
    privatereplyto = UserRef()
    # Moodle does not back it up, so a deleted post would be an ordinary one after a restore.
    deleted = Int(null=True, optional=True)


class ForumRating(Rating):
    """A rating of a post."""

    post = Within(ForumPost, "ratings/rating")


class ForumDiscussionSub(ArchivedModel):
    """A person's choice to follow a discussion or not."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="forum_discussion_sub", userdata=True)

    discussion = Within(ForumDiscussion, "discussion_subs/discussion_sub")
    userid = UserRef()
    preference = Int(default=1)


class ForumSubscription(ArchivedModel):
    """A person's subscription to the forum."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="forum_subscription", userdata=True)

    forum = Within(Forum, "subscriptions/subscription")
    userid = UserRef()


class ForumDigest(ArchivedModel):
    """A person's mail digest setting for the forum."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    forum = Within(Forum, "digests/digest")
    userid = UserRef()
    maildigest = Int(default=-1)


class ForumRead(ArchivedModel):
    """A read mark: a person has read a post, and when."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    forum = Within(Forum, "readposts/read")
    userid = UserRef()
    discussionid = Ref("forum_discussion")
    postid = Ref("forum_post")
    firstread = Moment()
    lastread = Moment()


class ForumTrack(ArchivedModel):
    """A person who switched off read tracking for the forum."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True)

    forum = Within(Forum, "trackedprefs/track")
    userid = UserRef()


class ForumPostTag(ArchivedModel):
    """A tag on a post."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, unique=False)

    forum = Within(Forum, "poststags/tag")
    itemid = Ref("forum_post")
    rawname = Text(255)


class ForumGrade(ArchivedModel):
    """The grade of a person for all their posts in the forum."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="forum_grade", userdata=True, graded=("forum",)
    )

    of = Within(Forum, "grades/grade")
    forum = Echo()
    itemnumber = Int()
    userid = UserRef()
    grade = Number(max_digits=10, decimal_places=5, null=True)
    timecreated = Moment()
    timemodified = Moment()
