"""Makes people of a sample course: accounts, enrolments, roles, groups.

The people of a seed are the same in every course of that seed; their accounts are made once and cannot sign in.
"""

from __future__ import annotations

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from courses.models import (
    Enrol,
    Group,
    Grouping,
    GroupingGroup,
    GroupMember,
    Preference,
    ProfileField,
    Role,
    RoleAssignment,
    RoleName,
    RoleOverride,
    User,
    UserEnrolment,
    UserTag,
)
from demo.samples import contents
from demo.samples.draft import DAY, START, CourseDraft, SamplePerson
from demo.samples.words import PEOPLE, RIVERS, TAGS

STUDENTS_PER_TEACHER = 30
PICTURES = 40
"""Number of people with a picture."""
GROUP_SIZE = 12


def add_people(draft: CourseDraft, count: int) -> None:
    """Find or make `count` people and enrol them, the first ones as teachers."""
    prefix = f"sample{draft.seed}."
    known = dict(User.objects.filter(username__startswith=prefix).values_list("username", "pk"))
    people = []
    for number in range(1, count + 1):
        username = f"{prefix}{number:04}"
        people.append(_person(draft, number, username, known.get(username, 0)))
    teachers = max(1, count // STUDENTS_PER_TEACHER)
    draft.teachers, draft.students = people[:teachers], people[teachers:]
    _enrol(draft)


def _person(draft: CourseDraft, number: int, username: str, known: int) -> SamplePerson:
    random = draft.random("person", number)
    language, country, given, family = random.choice(PEOPLE)
    first, last = random.choice(given), random.choice(family)
    person = SamplePerson(known or draft.rows.number(User), language, f"{first} {last}")
    if known:
        return person
    contextid = draft.context()
    picture = 0
    if number <= PICTURES:
        content = contents.picture(random, width=48, height=48)
        area = "user/icon"
        picture = draft.file(
            content, contextid=contextid, area=area, name="f1.png", course=False, person=person
        )
    draft.add(
        User,
        id=person.id,
        contextid=contextid,
        username=username,
        password=UNUSABLE_PASSWORD_PREFIX,
        email=f"{username}@example.com",
        idnumber=f"W-{draft.seed}-{number:04}",
        firstname=first,
        lastname=last,
        city=random.choice(RIVERS),
        country=country,
        lang=language,
        institution="School of the River",
        department=random.choice(("Geography", "Literature & Arts", "Sciences")),
        phone1=f"+00 555 {number:04}",
        description=draft.text(random, language=language, sentences=1),
        picture=picture,
        confirmed=1,
        timezone=random.choice(("99", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland")),
        timecreated=START - 30 * DAY,
        timemodified=START - 20 * DAY,
        firstaccess=START,
        lastaccess=START + random.randrange(60 * DAY),
    )
    _profile(draft, person, number)
    return person


def _profile(draft: CourseDraft, person: SamplePerson, number: int) -> None:
    """Add profile fields, a preference and, for some, an interest of a person."""
    random = draft.random("profile", number)
    draft.add(
        ProfileField,
        user_id=person.id,
        field_name="river",
        field_type="text",
        field_data=random.choice(RIVERS),
    )
    newsletter = str(random.randrange(2))
    draft.add(
        ProfileField, user_id=person.id, field_name="newsletter", field_type="checkbox", field_data=newsletter
    )
    draft.add(Preference, user_id=person.id, name="forum_markasreadonnotification", value=newsletter)
    if number % 4 == 0:
        tag = random.choice(TAGS)
        draft.add(UserTag, user_id=person.id, name=tag.lower(), rawname=tag)


def _enrol(draft: CourseDraft) -> None:
    """Enrol teachers and half of the students manually, the others by self-enrolment; add roles and overrides."""
    roles = dict(Role.objects.values_list("shortname", "pk"))
    times = {"timecreated": START, "timemodified": START}
    common = {"course_id": draft.course, "roleid": roles["student"], **times}
    manual = draft.add(Enrol, **common, enrol="manual", expirythreshold=DAY)
    joining = draft.add(
        Enrol,
        **common,
        enrol="self",
        name="Come along",
        password="water",  # noqa: S106
        expirythreshold=DAY,
        customint1=0,
        customint2=0,
        customint3=0,
        customint4=1,
        customint5=0,
        customint6=1,
    )
    modifier = draft.teachers[0].id
    for number, person in enumerate(draft.everybody):
        teaches = number < len(draft.teachers)
        by = manual if teaches or number % 2 else joining
        draft.add(
            UserEnrolment,
            enrol_id=by,
            userid=person.id,
            timestart=START,
            timeend=0,
            modifierid=modifier,
            timemodified=START,
        )
        role = (
            roles["student"]
            if not teaches
            else roles["teacher"]
            if number % 3 == 2
            else roles["editingteacher"]
        )
        draft.add(
            RoleAssignment,
            contextid=draft.contextid,
            roleid=role,
            userid=person.id,
            timemodified=START,
            modifierid=modifier,
        )
    draft.add(RoleName, role_id=roles["student"], course_id=draft.course, name="Explorer")
    override = {"contextid": draft.contextid, "modifierid": modifier, "timemodified": START}
    draft.add(
        RoleOverride,
        **override,
        roleid=roles["student"],
        capability="mod/forum:createattachment",
        permission=1,
    )
    draft.add(
        RoleOverride,
        **override,
        roleid=roles["teacher"],
        capability="moodle/backup:backupcourse",
        permission=-1,
    )


def add_groups(draft: CourseDraft) -> None:
    """Add groups of a dozen students, named after rivers, and two groupings."""
    times = {"timecreated": START, "timemodified": START}
    groupings = [
        draft.add(Grouping, course_id=draft.course, name=name, description="", configdata="", **times)
        for name in ("Field teams", "Presenting first")
    ]
    draft.grouping = groupings[0]
    for number in range(max(1, len(draft.students) // GROUP_SIZE)):
        random = draft.random("group", number)
        group = draft.add(
            Group,
            course_id=draft.course,
            name=f"Team {RIVERS[number % len(RIVERS)]} {number + 1}",
            idnumber=f"T{number + 1}",
            description=draft.text(random, sentences=1, link=True),
            **times,
        )
        draft.groups.append(group)
        for grouping in groupings[: 2 - number % 2]:
            draft.add(GroupingGroup, grouping_id=grouping, groupid=group, timeadded=START)
        start = number * GROUP_SIZE
        for person in draft.students[start : start + GROUP_SIZE]:
            draft.add(GroupMember, group_id=group, userid=person.id, timeadded=START)
