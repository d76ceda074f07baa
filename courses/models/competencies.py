"""Competencies of a course and its activities; the competencies themselves belong to the site and keep their numbers."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, Text, UserRef, Within
from courses.models.course import Activity, Course

MEMBER = "course/competencies.xml"


class CompetencySettings(ArchivedModel):
    """How the course uses competencies."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(unique=False)

    course = Within(Course, "settings", member=MEMBER)
    pushratingstouserplans = Int(null=True)


class CourseCompetency(ArchivedModel):
    """A competency of the course, by the number and name that the site and its framework give it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False)

    course = Within(Course, "competencies/competency", member=MEMBER)
    competencyid = Int(tag="id")
    idnumber = Text(100)
    ruleoutcome = Int()
    sortorder = Int()
    frameworkid = Int()
    frameworkidnumber = Text(100)


class UserCompetency(ArchivedModel):
    """What a person has reached in the course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(userdata=True, numbered=False)

    course = Within(Course, "user_competencies/user_competency", member=MEMBER)
    userid = UserRef()
    competencyid = Int()
    proficiency = Int(null=True)
    grade = Int(null=True)


class ActivityCompetency(ArchivedModel):
    """A competency that an activity is for."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False)

    activity = Within(Activity, "competencies/competency", member="competencies.xml")
    idnumber = Text(100)
    ruleoutcome = Int()
    sortorder = Int()
    frameworkidnumber = Text(100)
    overridegrade = Int(null=True, optional=True)
