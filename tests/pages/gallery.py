"""A site for screenshots: courses with content, people, archives, jobs in every state, schedules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from backup import services as backups
from courses import activities, pool
from courses.models import Activity, Category, Context, Course, File, Section, User
from courses.services import create_category, create_course
from jobs import queue, runner
from jobs.models import Job, JobFinding, JobLine
from restore import services as restores
from selection.models import OptionDefault
from tests.pages.places import PASSWORD, person
from transfer import removals
from vault import checks, schedules
from vault.models import Schedule, StoredArchive

DAY = 86_400
NOW = 1_760_000_000
TREE = {"Sciences": ("Geology", "Biology"), "Languages": ("Spanish", "Basque"), "Arts": ()}
COURSES = (
    ("GEO1", "Geology of the Alps", "Geology"),
    ("GEO2", "Minerals and crystals", "Geology"),
    ("BIO1", "Introduction to cell biology", "Biology"),
    ("BIO7", "Field methods in ecology", "Biology"),
    ("ES-A1", "Spanish for beginners", "Spanish"),
    ("ES-B2", "Spanish: conversation and debate", "Spanish"),
    ("EU-A1", "Euskara, lehen urratsak", "Basque"),
    ("ART3", "Reading pictures: from Giotto to Klee", "Arts"),
)
SECTIONS = ("General", "What rocks tell", "How mountains grow", "The excursion")
CONTENT: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("forum", "News", {"type": "news", "intro": "<p>What is new in the course.</p>"}),
    ("page", "How this course works", {"content": "<p>Each week has a text, a task and a question.</p>"}),
    ("book", "Reading rocks, step by step", {"intro": "<p>Three chapters with many pictures.</p>"}),
    ("resource", "Geological map 1:50,000", {"intro": "<p>The sheet of the region.</p>"}),
    ("url", "Webcam on the glacier", {"externalurl": "https://example.org/webcam", "intro": ""}),
    (
        "assign",
        "Describe a hand specimen",
        {"intro": "<p>One page, with a drawing.</p>", "duedate": NOW + 30 * DAY},
    ),
    ("glossary", "Terms of structural geology", {"intro": "<p>Everybody adds three terms.</p>"}),
    (
        "forum",
        "Why are the layers folded?",
        {"intro": "<p>Say what you think <em>before</em> you read on.</p>"},
    ),
    ("choice", "Which day suits you?", {"intro": "<p>For the excursion.</p>"}),
    ("folder", "Photographs of last year", {"intro": ""}),
    ("label", "What to bring", {"intro": "<p><strong>What to bring:</strong> boots, water, a hammer.</p>"}),
)
PEOPLE = (
    "Amaia Etxeberria",
    "Bruno Keller",
    "Chiara Bianchi",
    "Daniel Okafor",
    "Elena Ruiz",
    "Farid Haddad",
    "Greta Lund",
    "Hugo Martin",
    "Inés Prado",
    "Jon Agirre",
    "Karmele Urrutia",
    "Luca Moretti",
)


def ensure_site() -> User:
    """Fill an empty site and return the administrator, who signs in as ada."""
    admin = User.objects.create_superuser(
        "ada", "ada@example.org", PASSWORD, firstname="Ada", lastname="Byron"
    )
    places = _categories()
    made = [
        create_course(
            shortname, fullname, category=places[category], startdate=NOW, summary=_summary(fullname)
        )
        for shortname, fullname, category in COURSES
    ]
    for number, course in enumerate(made):
        _fill(course, sections=4 if number == 0 else 2)
    students = [_named(name, "student", made[0]) for name in PEOPLE]
    _named("Tess Alvarez", "editingteacher", made[0])
    _talk(made[0], students)
    _archives(made, admin)
    _schedules(admin, places)
    _jobs(made, admin)
    _run(
        removals.request_removal(
            Activity.objects.get(course=made[0], modulename="choice"), by=admin, notify=False
        )
    )
    OptionDefault.objects.create(operation="backup", name="logs", value="0", locked=True)
    return admin


def _named(name: str, role: str, course: Course) -> User:
    user = person(name.split()[0].lower(), role, course)
    user.firstname, user.lastname = name.split()
    user.save()
    return user


def _summary(fullname: str) -> str:
    return f"<p>{fullname}: eight weeks, two hours a week, and one day outside.</p>"


def _categories() -> dict[str, Category]:
    places: dict[str, Category] = {}
    for name, below in TREE.items():
        places[name] = create_category(name)
        for child in below:
            places[child] = create_category(child, parent=places[name])
    return places


def _fill(course: Course, *, sections: int) -> None:
    rows = [course.sections.get()]
    rows += [
        Section.objects.create(course=course, number=number, summary="") for number in range(1, sections)
    ]
    for section, name in zip(rows, SECTIONS, strict=False):
        section.name = name
    per = -(-len(CONTENT) // len(rows))
    for number, (modulename, title, columns) in enumerate(CONTENT):
        section = rows[number // per]
        owner = _activity(course, section, modulename, title, columns)
        section.sequence = ",".join(filter(None, [section.sequence, str(owner.pk)]))
    for section in rows:
        section.save()


def _activity(
    course: Course, section: Section, modulename: str, title: str, columns: dict[str, Any]
) -> Activity:
    instance = Activity.objects.filter(modulename=modulename).count() + 1
    owner = Activity.objects.create(
        course=course,
        section=section,
        modulename=modulename,
        version=2024100700,
        instance=instance,
        contextid=Context.objects.create().pk,
        title=title,
        added=NOW,
    )
    values = {"owner": owner, "name": title, "timemodified": NOW, **columns}
    content = activities.types()[modulename]._default_manager.create(**values)
    Activity.objects.filter(pk=owner.pk).update(instance=content.pk)
    if modulename in ("resource", "folder"):
        for number in range(1 if modulename == "resource" else 4):
            _file(
                course,
                owner,
                modulename,
                f"picture {number + 1}.jpg",
                b"picture of a rock " * 9000 * (number + 1),
            )
    return owner


def _file(course: Course, owner: Activity, modulename: str, name: str, content: bytes) -> None:
    sha1, size = pool.put(ContentFile(content))
    File.objects.create(
        course=course,
        contenthash=sha1,
        contextid=owner.contextid,
        component=f"mod_{modulename}",
        filearea="content",
        itemid=0,
        filepath="/",
        filename=name,
        filesize=size,
        mimetype="image/jpeg",
        timecreated=NOW,
        timemodified=NOW,
    )


def _talk(course: Course, people: list[User]) -> None:
    """Add userdata to the first course: discussions, glossary entries, submissions."""
    from courses.activities.assign import AssignSubmission
    from courses.activities.book import BookChapter
    from courses.activities.forum import Forum, ForumDiscussion, ForumPost
    from courses.activities.glossary import GlossaryEntry

    forum = Forum.objects.get(owner__course=course, name__startswith="Why")
    for number, topic in enumerate(
        ("They were pushed from both sides", "Is it heat?", "Look at the photograph")
    ):
        author = people[number]
        discussion = ForumDiscussion.objects.create(
            forum=forum, name=topic, userid=author.pk, usermodified=author.pk, timemodified=NOW + number * DAY
        )
        for order, by in enumerate(people[number : number + 5]):
            subject = topic if order == 0 else f"Re: {topic}"
            message = (
                f"<p>{topic}, I think, and the map shows it: the same layer comes up {order + 2} times.</p>"
            )
            post = ForumPost.objects.create(
                discussion=discussion,
                userid=by.pk,
                subject=subject,
                message=message,
                created=NOW + number * DAY + order * 900,
                modified=NOW + number * DAY + order * 900,
            )
            if order == 0:
                ForumDiscussion.objects.filter(pk=discussion.pk).update(firstpost=post.pk)
    for name, by in zip(("Anticline", "Nappe", "Strike", "Dip", "Gneiss"), people, strict=False):
        entry = {
            "concept": name,
            "definition": f"<p>{name} is explained in chapter two.</p>",
            "userid": by.pk,
        }
        _of(course, "glossary", GlossaryEntry, **entry, timecreated=NOW, timemodified=NOW)
    for number, title in enumerate(("Colour and grain", "Hardness", "Layers"), start=1):
        _of(
            course,
            "book",
            BookChapter,
            pagenum=number,
            title=title,
            content=f"<p>{title}, with examples.</p>",
        )
    for by in people[:9]:
        _of(
            course,
            "assign",
            AssignSubmission,
            userid=by.pk,
            status="submitted",
            latest=1,
            timecreated=NOW,
            timemodified=NOW,
        )


def _of(course: Course, modulename: str, model: Any, **columns: Any) -> None:
    content = activities.types()[modulename]._default_manager.filter(owner__course=course).first()
    model.objects.create(**{modulename: content}, **columns)


def _archives(made: list[Course], admin: User) -> None:
    for number, course in enumerate(made[:6]):
        for options in ({}, {"anonymize": "1"}, {"users": "0"})[: 3 if number == 0 else 1]:
            _run(backups.request_backup(course, by=admin, options=options, notify=False))
    archive = StoredArchive.objects.filter(course=made[0], users=True, anonymized=False).first()
    assert archive is not None
    _run(checks.request_check(archive, by=admin))
    for age, row in enumerate(StoredArchive.objects.order_by("-pk")):
        StoredArchive.objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(hours=7 * age + 2))
    other = StoredArchive.objects.order_by("pk").last()
    assert other is not None
    _run(restores.request_restore(other, by=admin, options={"course_shortname": "ES-B2-copy"}, notify=False))


def _run(job: Job) -> None:
    runner.run(job.pk, raising=True)


def _schedules(admin: User, places: dict[str, Category]) -> None:
    night = Schedule(
        name="Every night",
        scope="category",
        category=places["Sciences"],
        weekdays=[0, 1, 2, 3, 4],
        hour=2,
        minute=30,
        timezone="Europe/Madrid",
        owner=admin,
        options={"users": "1", "anonymize": "0"},
    )
    night.save()
    week = {
        "weekdays": [6],
        "hour": 4,
        "timezone": "Europe/Madrid",
        "owner": admin,
        "options": {"users": "0"},
    }
    Schedule(name="Everything, on Sundays", enabled=False, keep_count=4, **week).save()
    for _ in range(2):
        run = schedules.start_run(night)
        for entry in run.entries.exclude(job=None):
            runner.run(entry.job.pk)


def _jobs(made: list[Course], admin: User) -> None:
    """A job that runs, one that waits, one that failed, and one that was cancelled."""
    now = timezone.now()
    running = queue.request("backup", by=admin, course=made[0], title=made[0].fullname, notify=False)
    began = now.timestamp() - 48
    names = (
        "Write the course",
        "Write the sections",
        "Write the activities",
        "Write what is kept as it came",
    )
    steps = [
        {
            "step": name,
            "started": began + 9 * number,
            "finished": began + 9 * number + 9,
            "records": 1870 * (number + 1),
        }
        for number, name in enumerate(names)
    ]
    steps[-1]["finished"] = None
    JobLine.objects.create(
        job=running, attempt=1, at=now, step=names[-1], message="212 files in the pool, 318 MB."
    )
    Job.objects.filter(pk=running.pk).update(
        state="running",
        attempts=1,
        started=now - timedelta(seconds=48),
        heartbeat=now + timedelta(hours=1),
        step=names[-1],
        steps=steps,
        done=5,
        total=11,
        records=18_700,
        worker="worker-1:4711",
    )
    queue.request("backup", by=admin, course=made[1], title=made[1].fullname, notify=False)
    failed = queue.request("restore", by=admin, title="Spanish for beginners", notify=False)
    Job.objects.filter(pk=failed.pk).update(
        state="failed",
        attempts=1,
        started=now - timedelta(minutes=9),
        finished=now - timedelta(minutes=9),
        steps=[{"step": "Match the people", "started": began, "finished": began + 2, "records": 12}],
        error="users.xml, user 2: The person “admin” cannot be matched: the user name belongs to somebody else here.",
        error_code="precheck-failed",
        error_hint="Rename one of the two accounts, or restore without people.",
        archive=StoredArchive.objects.filter(course=made[4]).first(),
    )
    rename = "Rename one of the two accounts, or restore without people."
    role = "Make the role first, or its holders come without it."
    kept = "2 activities of the type quiz are kept as they are, and come out again unchanged."
    found = (
        ("error", "The person “admin” cannot be matched.", "users.xml, user 2", rename),
        ("warning", "The role “tutor” is not known here.", "roles.xml, role 9", role),
        ("warning", "The role “reviewer” is not known here.", "roles.xml, role 12", role),
        ("info", kept, "activities/", ""),
    )
    for level, message, place, hint in found:
        JobFinding.objects.create(
            job=failed, attempt=1, level=level, code="c", message=message, place=place, hint=hint
        )
    stopped = queue.request("backup", by=admin, course=made[2], title=made[2].fullname, notify=False)
    queue.cancel(stopped, by=admin)
