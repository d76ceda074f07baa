"""Logs of a course and its activities, before and since Moodle 2.7, and people's last access."""

from __future__ import annotations

from typing import Any, ClassVar

from courses.archived import ArchivedModel, ArchiveMeta, ArchivePath
from courses.fields import Code, Int, Moment, Ref, Text, UserRef, Within
from courses.fields.logged import LoggedAddress, LoggedDetails, LoggedObject, LoggedUserRef
from courses.models.course import Course


def _archive_paths(path: str, member: str) -> list[ArchivePath]:
    return [
        ArchivePath("courses.Course", path, member=f"course/{member}", column="placeid"),
        ArchivePath("courses.Activity", path, member=member, column="placeid"),
    ]


def _context_of_element(**options: Any) -> Ref:
    return Ref("context", omit="it follows from the path of the element", db_index=True, **options)


class Log(ArchivedModel):
    """An entry of the log of Moodle before 2.7."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        userdata=True, personal=True, archive_paths=_archive_paths("log", "logs.xml")
    )

    placeid = _context_of_element()
    time = Moment()
    userid = UserRef()
    ip = Text(45)
    module = Code(20)
    action = Code(40)
    url = LoggedAddress(100)
    info = Text(255)


class StoredLog(ArchivedModel):
    """The columns of a log store entry: an event and the record that it is about."""

    placeid = _context_of_element()
    eventname = Code(255)
    component = Code(100)
    action = Code(100)
    target = Code(100)
    objecttable = Code(50, null=True)
    objectid = LoggedObject(null=True)
    crud = Code(1)
    edulevel = Int()
    contextid = Ref("context")
    userid = UserRef()
    relateduserid = LoggedUserRef(null=True)
    anonymous = Int()
    other = LoggedDetails(null=True)
    timecreated = Moment()
    ip = Text(45, null=True)
    realuserid = LoggedUserRef(null=True)

    class Meta:
        abstract = True


def _store(name: str) -> ArchiveMeta:
    path = f"logstore/subplugin_logstore_{name}_logstore/logstore_{name}_log"
    return ArchiveMeta(userdata=True, personal=True, archive_paths=_archive_paths(path, "logstores.xml"))


class StandardLog(StoredLog):
    """An entry of the standard log store."""

    archive_meta: ClassVar[ArchiveMeta] = _store("standard")


class DatabaseLog(StoredLog):
    """An entry of an external database's log store."""

    archive_meta: ClassVar[ArchiveMeta] = _store("database")


class LastAccess(ArchivedModel):
    """A person's last access to the course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        userdata=True, personal=True, natural_key=("course", "userid"), single=True, compared=False
    )

    course = Within(Course, "lastaccess", member="course/loglastaccess.xml")
    userid = UserRef()
    timeaccess = Moment()
