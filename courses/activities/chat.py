"""A chat: messages that people exchange at the same time."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import Content
from courses.fields import Int, Moment, Ref, RichText, Text, UserRef, Within


class Chat(Content):
    """A chat of the course."""

    name = Text(255)
    intro = RichText()
    introformat = Int()
    keepdays = Int()
    studentlogs = Int()
    chattime = Moment(shifts=True)
    schedule = Int()
    timemodified = Moment()

    links = (
        ("CHATVIEWBYID", "/mod/chat/view.php?id=$1", ("course_module",)),
        ("CHATINDEX", "/mod/chat/index.php?id=$1", ("course",)),
    )


class ChatMessage(ArchivedModel):
    """A message; with `system` it only says that somebody entered or left."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="chat_message", userdata=True)

    chat = Within(Chat, "messages/message")
    userid = UserRef()
    groupid = Ref("group")
    system = Int()
    message_text = RichText()
    timestamp = Moment()
