"""Competencies of a course and its activities; the competencies themselves belong to the site and keep their numbers."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import Part, Traits
from courses.fields import Int, Text, UserRef, Within
from courses.models.course import Activity, Course

MEMBER = "course/competencies.xml"


class CompetencySettings(Part):
    """How the course uses competencies."""

    traits: ClassVar[Traits] = Traits(unique=False)

    course = Within(Course, "settings", member=MEMBER)
    pushratingstouserplans = Int(null=True)


class CourseCompetency(Part):
    """A competency of the course, by the number and name that the site and its framework give it."""

    traits: ClassVar[Traits] = Traits(numbered=False)

    course = Within(Course, "competencies/competency", member=MEMBER)
    competencyid = Int(tag="id")
    idnumber = Text(100)
    ruleoutcome = Int()
    sortorder = Int()
    frameworkid = Int()
    frameworkidnumber = Text(100)


class UserCompetency(Part):
    """What a person has reached in the course."""

    traits: ClassVar[Traits] = Traits(userdata=True, numbered=False)

    course = Within(Course, "user_competencies/user_competency", member=MEMBER)
    userid = UserRef()
    competencyid = Int()
    proficiency = Int(null=True)
    grade = Int(null=True)


class ActivityCompetency(Part):
    """A competency that an activity is for."""

    traits: ClassVar[Traits] = Traits(numbered=False)

    activity = Within(Activity, "competencies/competency", member="competencies.xml")
    idnumber = Text(100)
    ruleoutcome = Int()
    sortorder = Int()
    frameworkidnumber = Text(100)
    overridegrade = Int(null=True, optional=True)
