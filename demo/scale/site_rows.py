"""Fills an empty site with many courses, people, archives, jobs, runs and audit entries, by statements of the server."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from audit.models import AuditEntry
from courses.activities.forum import Forum
from courses.activities.page import Page
from courses.bulk import reserve
from courses.capabilities import ensure_standard_roles
from courses.models import (
    Activity,
    Category,
    Context,
    Course,
    Enrol,
    Role,
    RoleAssignment,
    Section,
    User,
    UserEnrolment,
)
from demo.scale.series import insert, text, without_checks
from jobs.models import Job, JobFinding, JobLine
from notices.models import Notice, WebHook
from transfer.models import RemovedItem
from vault.models import Schedule, ScheduleEntry, ScheduleRun, StoredArchive

CATEGORIES = 100
ENROLLED = 20
"""People in each course, beside its two teachers."""
OF_TEACHER = 20
"""Courses of the person whose pages are asked for as a teacher's."""
SMALL = 200
"""Schedules beside the nightly one, at most."""
SCHEDULED_OF_TEN = 7
"""Jobs of ten that schedules asked for."""
SECOND = "interval '1 second'"
NO_SECRET = "''"
SPAN = 3 * 365 * 24 * 3600
"""Seconds over which archives, jobs and audit entries are spread."""
WORDS = "(ARRAY['Biology','Chemistry','Physics','History','Geology','Law','Medicine','Music','Latin','Statistics'])"


@dataclass(frozen=True, slots=True)
class SiteSize:
    """The numbers of rows of a site."""

    archives: int
    jobs: int
    courses: int
    people: int


def fill(size: SiteSize) -> dict[str, int]:
    """Fill a site and return the ids of rows by which pages are asked for; of a series of rows that of the first.

    Foreign keys are not checked meanwhile if the database's user may choose that.
    """
    ensure_standard_roles()
    roles = dict(Role.objects.values_list("shortname", "pk"))
    with without_checks():
        ids = _people(size)
        ids |= _courses(size)
        _roles(size, ids, roles)
        ids |= _archives(size, ids)
        ids |= _schedules(size, ids)
        ids |= _jobs(size, ids)
        _entries(size, ids)
    return ids | {"number_of_courses": size.courses, "last_job": ids["jobs"] + size.jobs - 1}


def _ago(seconds: str) -> str:
    return f"now() - ({seconds}) * {SECOND}"


def _people(size: SiteSize) -> dict[str, int]:
    contexts = reserve(Context, size.people + 3)
    named = {
        "username": text("person{n}"),
        "email": text("person{n}@example.org"),
        "firstname": f"{WORDS}[1 + n % 10]",
        "lastname": text("Name{n}"),
        "confirmed": "1",
        "contextid": f"{contexts} + n - 1",
    }
    people = insert(User, size.people + 3, **named)
    admin, teacher, manager = (people + size.people + number for number in range(3))
    User.objects.filter(pk=admin).update(username="admin", is_superuser=True)
    User.objects.filter(pk=teacher).update(username="teacher")
    User.objects.filter(pk=manager).update(username="manager")
    return {"people": people, "admin": admin, "teacher": teacher, "manager": manager}


def _courses(size: SiteSize) -> dict[str, int]:
    """Add a tree of categories, and courses of two sections and two activities."""
    contexts = reserve(Context, CATEGORIES)
    categories = insert(
        Category, CATEGORIES, name=text("Faculty {n}"), contextid=f"{contexts} + n - 1", sortorder="n",
        parent_id="CASE WHEN n > 10 THEN first + n % 10 END",
    )  # fmt: skip
    contexts = reserve(Context, size.courses)
    courses = insert(
        Course, size.courses, contextid=f"{contexts} + n - 1", shortname=text("C{n}"),
        fullname=f"concat({WORDS}[1 + n % 10], ' ', n)", category_id=f"{categories} + n % {CATEGORIES}",
        startdate="1788768000", timecreated="1788768000",
    )  # fmt: skip
    sections = insert(Section, 2 * size.courses, course_id=f"{courses} + (n - 1) / 2", number="(n - 1) % 2")
    contexts = reserve(Context, 2 * size.courses)
    activities = insert(
        Activity, 2 * size.courses, modulename="(ARRAY['forum','page'])[1 + n % 2]", title=text("Activity {n}"),
        section_id=f"{sections} + n - 1", course_id=f"{courses} + (n - 1) / 2", contextid=f"{contexts} + n - 1",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("UPDATE courses_section SET sequence = (id - %s + %s)::text", [sections, activities])
        for model, second in ((Page, 0), (Forum, 1)):
            insert(
                model,
                size.courses,
                owner_id=f"{activities} + 2 * (n - 1) + {second}",
                name=text("Activity {n}"),
            )
            table = model._meta.db_table
            cursor.execute(
                f"UPDATE courses_activity a SET instance = c.id FROM {table} c WHERE c.owner_id = a.id"
            )
    return {"categories": categories, "courses": courses, "sections": sections, "activities": activities}


def _roles(size: SiteSize, ids: dict[str, int], roles: dict[str, int]) -> None:
    """Enrol people, two teachers and `ENROLLED` students a course; give the teacher courses, the manager a category."""
    of_course = f"(SELECT contextid FROM courses_course WHERE id = {ids['courses']} + (n - 1) / {{}})"
    enrols = insert(Enrol, size.courses, course_id=f"{ids['courses']} + n - 1", enrol="'manual'")
    someone = f"{ids['people']} + n * 7 % {size.people}"
    insert(
        UserEnrolment, ENROLLED * size.courses, enrol_id=f"{enrols} + (n - 1) / {ENROLLED}", userid=someone
    )
    for count, role in ((ENROLLED, "student"), (2, "editingteacher")):
        insert(
            RoleAssignment, count * size.courses, roleid=f"{roles[role]}", userid=someone,
            contextid=of_course.format(count),
        )  # fmt: skip
    every = max(1, size.courses // OF_TEACHER)
    insert(
        RoleAssignment, min(OF_TEACHER, size.courses), roleid=f"{roles['editingteacher']}", userid=f"{ids['teacher']}",
        contextid=f"(SELECT contextid FROM courses_course WHERE id = {ids['courses']} + (n - 1) * {every})",
    )  # fmt: skip
    insert(
        RoleAssignment, 1, roleid=f"{roles['manager']}", userid=f"{ids['manager']}",
        contextid=f"(SELECT contextid FROM courses_category WHERE id = {ids['categories']} + 1)",
    )  # fmt: skip


def _archives(size: SiteSize, ids: dict[str, int]) -> dict[str, int]:
    """Add archives, nearly all of schedules; of a hundred, one is in the recycle bin, one is damaged, one incomplete."""
    course = f"{ids['courses']} + n % {size.courses}"
    archives = insert(
        StoredArchive, size.archives, file=text("2026/{n}.mbz"), title=text("backup-course-{n}.mbz"),
        course_id=f"CASE WHEN n % 1000 <> 501 THEN {course} END", course_title=f"concat({WORDS}[1 + n % 10], ' ', n % {size.courses})",
        size="1000000 + n", sha256="lpad(n::text, 64, '0')", created=_ago(f"({size.archives} - n)::float8 * {SPAN} / {size.archives}"),
        created_by_id=f"CASE WHEN n % 100 < 26 THEN {ids['people']} + n % {size.people} ELSE {ids['admin']} END",
        source="CASE WHEN n % 100 = 0 THEN 'bin' WHEN n % 100 < 6 THEN 'upload' WHEN n % 100 < 26 THEN 'backup' ELSE 'schedule' END",
        users="n % 3 <> 0", anonymized="n % 50 = 1",
        verify_errors="CASE WHEN n % 100 = 33 THEN 1 ELSE 0 END", missing_contents="CASE WHEN n % 100 = 66 THEN 2 ELSE 0 END",
    )  # fmt: skip
    removed = insert(
        RemovedItem, size.archives // 100, archive_id=f"{archives} + n * 100 - 1", title=text("Removed {n}"),
        category_id=f"CASE WHEN n % 10 <> 0 THEN {ids['categories']} + n % {CATEGORIES} END",
        removed=_ago(f"({size.archives // 100} - n) * 60"),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_storedarchive SET archive_type = CASE WHEN r.category_id IS NULL THEN 'activity' ELSE 'course' END,"
            " course_id = CASE WHEN r.category_id IS NULL THEN course_id END"
            " FROM transfer_removeditem r WHERE r.archive_id = vault_storedarchive.id"
        )
    return {"archives": archives, "removed": removed}


def _schedules(size: SiteSize, ids: dict[str, int]) -> dict[str, int]:
    """Add a nightly schedule of all courses with its runs, and small ones of which the teacher owns one."""
    others = min(SMALL, size.courses)
    weekdays = {"weekdays": "ARRAY[0,1,2,3,4]", "timezone": "'UTC'", "enabled": "false"}
    schedule = insert(Schedule, 1, name="'Nightly'", owner_id=f"{ids['admin']}", scope="'all'", **weekdays)
    small = insert(
        Schedule, others, name=text("Small {n}"), scope="'list'",
        owner_id=f"CASE WHEN n = 1 THEN {ids['teacher']} ELSE {ids['people']} + n END", **weekdays,
    )  # fmt: skip
    insert(
        Schedule.courses.through, others * 20, schedule_id=f"{small} + (n - 1) / 20",
        course_id=f"{ids['courses']} + ((n - 1) % 20) * {max(1, size.courses // 20)}",
    )  # fmt: skip
    entries = size.jobs // 10 * SCHEDULED_OF_TEN
    nights = -(-entries // size.courses)
    ended = {"listed": "true", "options": "'{}'", "report": f"""'{{"succeeded": {size.courses}}}'"""}
    ago = f"({nights} - n) * 86400"
    runs = insert(
        ScheduleRun, nights, schedule_id=f"{schedule}", due=_ago(ago), started=_ago(ago),
        finished=_ago(f"{ago} - 3600"), **ended,
    )  # fmt: skip
    insert(
        ScheduleRun, others * 20, schedule_id=f"{small} + n % {others}", due=_ago("n * 3600"), started=_ago("n * 3600"),
        finished=_ago("n * 3600 - 60"), **ended,
    )  # fmt: skip
    return {"schedule": schedule, "small_schedule": small, "runs": runs}


def _jobs(size: SiteSize, ids: dict[str, int]) -> dict[str, int]:
    """Add jobs, `SCHEDULED_OF_TEN` of ten with an entry of a run; the last hundred of the others are waiting."""
    course = f"{ids['courses']} + (n - 1) % {size.courses}"
    entries = insert(
        ScheduleEntry, size.jobs // 10 * SCHEDULED_OF_TEN, title=text("Course {n}"), course_id=course,
        run_id=f"{ids['runs']} + (n - 1) / {size.courses}",
        state="CASE WHEN n % 40 = 0 THEN 'failed' ELSE 'succeeded' END",
    )  # fmt: skip
    scheduled = f"(n - 1) % 10 < {SCHEDULED_OF_TEN}"
    entry = f"(n - 1) / 10 * {SCHEDULED_OF_TEN} + (n - 1) % 10"
    waits = f"n > {size.jobs} - 300 AND NOT ({scheduled})"
    ago = f"({size.jobs} - n)::float8 * {SPAN} / {size.jobs}"
    jobs = insert(
        Job, size.jobs, title=text("Course {n}"),
        operation=f"CASE WHEN {scheduled} THEN 'backup' ELSE (ARRAY['backup','restore','verify'])[1 + n % 3] END",
        course_id=f"CASE WHEN {scheduled} THEN {ids['courses']} + ({entry}) % {size.courses} ELSE {course} END",
        schedule_entry_id=f"CASE WHEN {scheduled} THEN {entries} + {entry} END",
        archive_id=f"{ids['archives']} + n % {size.archives}",
        requested_by_id=f"CASE WHEN {scheduled} THEN {ids['admin']} WHEN n % 500 = 8 THEN {ids['teacher']}"
        f" ELSE {ids['people']} + n % {size.people} END",
        state=f"CASE WHEN {waits} THEN 'queued' WHEN n % 40 = 0 THEN 'failed' WHEN n % 90 = 0 THEN 'cancelled'"
        " ELSE 'succeeded' END",
        finished=f"CASE WHEN NOT ({waits}) THEN {_ago(f'{ago} - 60')} END",
        created=_ago(ago), notified=_ago(ago), started=f"CASE WHEN NOT ({waits}) THEN {_ago(ago)} END",
        attempts=f"CASE WHEN {waits} THEN 0 ELSE 1 END", priority=f"CASE WHEN {scheduled} THEN 3 ELSE 2 END",
    )  # fmt: skip
    logged = min(size.jobs, 100_000)
    line = {"attempt": "1", "at": "now()", "message": text("Line {n} of the log")}
    lines = insert(JobLine, 5 * logged, job_id=f"{jobs} + {size.jobs - logged} + (n - 1) / 5", **line)
    insert(JobLine, 20_000, job_id=f"{jobs} + 7", **line)
    finding = {
        "attempt": "1",
        "level": "'warning'",
        "message": text("Finding {n/3}"),
        "place": text("file {n}"),
    }
    insert(
        JobFinding, logged, job_id=f"{jobs} + {size.jobs} - n",
        code="CASE WHEN n % 100 = 0 THEN 'content-damaged' ELSE 'reference-missing' END", **finding,
    )  # fmt: skip
    insert(JobFinding, 2_000, job_id=f"{jobs} + 7", code="'reference-missing'", **finding)
    return {"jobs": jobs, "lines": lines}


def _entries(size: SiteSize, ids: dict[str, int]) -> None:
    """Add entries of the audit trail, one for each job, and notices."""
    count = size.jobs
    insert(
        AuditEntry, count, at=_ago(f"({count} - n)::float8 * {SPAN} / {count}"), actor=f"{ids['people']} + n % {size.people}",
        action="(ARRAY['backup','backup','backup','backup','restore','sign-in','sign-in','download','archive-expired','upload'])"
        "[1 + n % 10]",
        outcome="CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'done' END", actor_name=f"concat({WORDS}[1 + n % 10], ' Name', n % {size.people})",
        subject="'job'", subject_id=f"{ids['jobs']} + n - 1", title=text("Course {n}"), course=f"{ids['courses']} + n % {size.courses}",
    )  # fmt: skip
    hook = insert(WebHook, 1, name="'Chat'", url="'https://example.org/hook'", secret=NO_SECRET)
    ids["hook"] = hook
    insert(
        Notice, min(count, 100_000), kind="'failure'", key=text("failure-{n}"), subject=text("Job {n} failed"),
        address=text("person{n}@example.org"), sent="now()", created=_ago("n * 60"),
    )  # fmt: skip
