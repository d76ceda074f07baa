"""Competencies of a course and its activities; the competencies themselves belong to the site, and their ids are not
mapped.
"""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.fields import Int, Text, UserRef, Within
from courses.models.course import Activity, Course

MEMBER = "course/competencies.xml"


class CompetencySettings(ArchivedModel):
    """The competency settings of the course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        unique=False, natural_key=("course",), single=True, compared=False
    )

    course = Within(Course, "settings", member=MEMBER)
    pushratingstouserplans = Int(null=True)


class CourseCompetency(ArchivedModel):
    """A competency of the course, identified by the site's id and the framework's idnumber."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        numbered=False, natural_key=("frameworkidnumber", "idnumber"), single=True
    )

    course = Within(Course, "competencies/competency", member=MEMBER)
    competencyid = Int(tag="id")
    idnumber = Text(100)
    ruleoutcome = Int()
    sortorder = Int()
    frameworkid = Int()
    frameworkidnumber = Text(100)


class UserCompetency(ArchivedModel):
    """A person's rating in a competency of the course."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        userdata=True,
        numbered=False,
        natural_key=("course", "userid", "competencyid"),
        single=True,
        compared=False,
    )

    course = Within(Course, "user_competencies/user_competency", member=MEMBER)
    userid = UserRef()
    competencyid = Int()
    proficiency = Int(null=True)
    grade = Int(null=True)


class ActivityCompetency(ArchivedModel):
    """A competency that is linked to an activity."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(numbered=False)

    activity = Within(Activity, "competencies/competency", member="competencies.xml")
    idnumber = Text(100)
    ruleoutcome = Int()
    sortorder = Int()
    frameworkidnumber = Text(100)
    overridegrade = Int(null=True, optional=True)
