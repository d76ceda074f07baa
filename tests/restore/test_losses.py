"""What Moodle forgets to map, or loses on a restore, is kept here."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from courses import pool
from courses.activities.assign import Assign, AssignUserFlag
from courses.activities.forum import Forum, ForumDiscussion, ForumGrade, ForumPost
from courses.activities.workshop.activity import Workshop
from courses.activities.workshop.submissions import WorkshopAssessment, WorkshopSubmission
from courses.models import (
    Course,
    Enrol,
    File,
    Group,
    Grouping,
    GroupMember,
    Role,
    RoleAssignment,
    Section,
    User,
    UserEnrolment,
)
from courses.models.badges import Badge, BadgeAward
from courses.models.competencies import CourseCompetency, UserCompetency
from courses.models.grades import GradeGrade, GradeItem
from courses.models.grading import GradingArea, GradingDefinition, GradingInstance
from courses.services import delete_course
from tests.courses.activities import scene
from tests.jobs_done import back_up, restore

pytestmark = pytest.mark.django_db(transaction=True)

THEN = 1_600_000_000


@pytest.fixture
def people() -> tuple[User, User]:
    """A teacher and a student, neither of whom is the first record of anything."""
    scene.person("somebody")
    return scene.person("tina"), scene.person("sam")


def moved(course: Course, folder: Path, *people: User, **options: Any) -> tuple[Course, list[int]]:
    """The course and its people gone and restored, and the new ids of the people."""
    path = back_up(course, folder / "lost.mbz")
    delete_course(course)
    names = [one.username for one in people]
    for one in people:
        one.delete()
    again = restore(path, **options).course
    return again, [User.objects.get(username=name).pk for name in names]


def test_a_private_reply_keeps_whom_it_is_for(tmp_path: Path, people: tuple[User, User]) -> None:
    teacher, student = people
    course = scene.course()
    discussion = ForumDiscussion.objects.create(
        forum=scene.activity(course, Forum, name="F", intro=""), name="D", userid=student.pk
    )
    post = {"discussion": discussion, "message": "."}
    first = ForumPost.objects.create(userid=student.pk, subject="Question", **post)
    ForumPost.objects.create(
        userid=teacher.pk, subject="For you", parent=first.pk, privatereplyto=student.pk, **post
    )
    again, (tina, sam) = moved(course, tmp_path, teacher, student)
    reply = ForumPost.objects.get(discussion__forum__owner__course=again, subject="For you")
    assert (reply.userid, reply.privatereplyto) == (tina, sam)
    assert reply.parent == ForumPost.objects.get(discussion=reply.discussion, subject="Question").pk


def test_a_deleted_post_stays_deleted_and_notices_of_grades_stay_on(
    tmp_path: Path, people: tuple[User, User]
) -> None:
    _, student = people
    course = scene.course()
    forum = scene.activity(course, Forum, name="F", intro="", grade_forum_notify=1)
    discussion = ForumDiscussion.objects.create(forum=forum, name="D", userid=student.pk)
    for number in (0, 1):
        ForumPost.objects.create(
            discussion=discussion, userid=student.pk, subject=str(number), deleted=number
        )
    again, _ = moved(course, tmp_path, student)
    posts = ForumPost.objects.filter(discussion__forum__owner__course=again)
    assert set(posts.values_list("subject", "deleted")) == {("0", 0), ("1", 1)}
    assert Forum.objects.get(owner__course=again).grade_forum_notify == 1


def test_who_overrode_grades_of_a_workshop_is_kept(tmp_path: Path, people: tuple[User, User]) -> None:
    teacher, student = people
    course = scene.course()
    work = WorkshopSubmission.objects.create(
        workshop=scene.activity(course, Workshop, name="W"), authorid=student.pk, gradeoverby=teacher.pk
    )
    WorkshopAssessment.objects.create(submission=work, reviewerid=student.pk, gradinggradeoverby=teacher.pk)
    again, (tina, _) = moved(course, tmp_path, teacher, student)
    work = WorkshopSubmission.objects.get(workshop__owner__course=again)
    assert work.gradeoverby == tina
    assert WorkshopAssessment.objects.get(submission=work).gradinggradeoverby == tina


def test_a_form_of_a_forums_grade_belongs_to_that_grade(tmp_path: Path, people: tuple[User, User]) -> None:
    """An assignment counts its grades too, and by other numbers."""
    teacher, student = people
    course = scene.course()
    forum = scene.activity(course, Forum, name="F", intro="")
    for person in (teacher, student):
        grade = ForumGrade.objects.create(of=forum, itemnumber=1, userid=person.pk, grade=50)
    area = GradingArea.objects.create(activity=forum.owner, areaname="forum", activemethod="guide")
    form = GradingDefinition.objects.create(area=area, method="guide", name="G")
    GradingInstance.objects.create(definition=form, raterid=teacher.pk, itemid=grade.pk)
    again, (tina, sam) = moved(course, tmp_path, teacher, student)
    filled = GradingInstance.objects.get(definition__area__activity__course=again)
    assert filled.raterid == tina
    assert ForumGrade.objects.get(pk=filled.itemid, of__owner__course=again).userid == sam


def test_times_of_enrolments_groups_roles_and_files_stay(tmp_path: Path, people: tuple[User, User]) -> None:
    teacher, student = people
    course = scene.course()
    way = Enrol.objects.create(course=course, enrol="cohort", timecreated=THEN, timemodified=THEN + 1)
    UserEnrolment.objects.create(
        enrol=way,
        userid=student.pk,
        timestart=THEN,
        timeend=THEN + 9,
        timemodified=THEN + 2,
        modifierid=teacher.pk,
    )
    role = Role.objects.get(shortname="student")
    RoleAssignment.objects.create(
        contextid=course.contextid, roleid=role.pk, userid=student.pk, modifierid=teacher.pk, timemodified=THEN + 3,
        component="enrol_cohort", itemid=way.pk,
    )  # fmt: skip
    group = Group.objects.create(course=course, name="Red", timecreated=THEN)
    GroupMember.objects.create(
        group=group, userid=student.pk, timeadded=THEN + 4, component="enrol_cohort", itemid=way.pk
    )
    picture = b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00and what a camera says\xff\xd9"
    sha1, size = pool.put(io.BytesIO(picture))
    File.objects.create(
        course=course, contextid=course.contextid, component="course", filearea="summary", filepath="/",
        filename="photo.jpg", contenthash=sha1, filesize=size, timecreated=THEN + 5, timemodified=THEN + 6,
        userid=teacher.pk, mimetype="image/jpeg",
    )  # fmt: skip
    again, (tina, sam) = moved(course, tmp_path, teacher, student)
    way = Enrol.objects.get(course=again, enrol="cohort")
    enrolment = UserEnrolment.objects.get(enrol=way)
    assert (enrolment.userid, enrolment.modifierid) == (sam, tina)
    assert (enrolment.timestart, enrolment.timeend, enrolment.timemodified) == (THEN, THEN + 9, THEN + 2)
    held = RoleAssignment.objects.get(contextid=again.contextid)
    assert (held.userid, held.modifierid, held.itemid, held.timemodified) == (sam, tina, way.pk, THEN + 3)
    member = GroupMember.objects.get(group__course=again)
    assert (member.userid, member.itemid, member.component) == (sam, way.pk, "enrol_cohort")
    assert member.timeadded == THEN + 4
    photo = File.objects.get(course=again, filename="photo.jpg")
    assert (photo.timecreated, photo.timemodified, photo.userid) == (THEN + 5, THEN + 6, tina)
    with pool.open_content(photo.contenthash) as content:
        assert content.read() == picture


def test_markers_awards_grades_of_competencies_and_files_of_feedback_stay(
    tmp_path: Path, people: tuple[User, User]
) -> None:
    teacher, student = people
    course = scene.course()
    Course.objects.filter(pk=course.pk).update(idnumber="C-1")
    course.refresh_from_db()
    AssignUserFlag.objects.create(
        assign=scene.activity(course, Assign, name="A", intro=""),
        userid=student.pk,
        allocatedmarker=teacher.pk,
    )
    badge = Badge.objects.create(
        course=course, name="B", message="", messagesubject="", usercreated=teacher.pk
    )
    BadgeAward.objects.create(
        badge=badge, recipientid=student.pk, issuerid=teacher.pk, datemet=THEN,
        issuerrole=Role.objects.get(shortname="editingteacher").pk,
    )  # fmt: skip
    CourseCompetency.objects.create(course=course, competencyid=7, idnumber="k7")
    UserCompetency.objects.create(course=course, userid=student.pk, competencyid=7, proficiency=1, grade=3)
    item = GradeItem.objects.create(course=course, itemtype="manual", itemname="By hand")
    GradeGrade.objects.create(item=item, userid=teacher.pk)
    grade = GradeGrade.objects.create(item=item, userid=student.pk, finalgrade=9, feedback="See the file")
    sha1, size = pool.put(io.BytesIO(b"feedback"))
    File.objects.create(
        course=course, contextid=course.contextid, component="grade", filearea="feedback", itemid=grade.pk,
        filepath="/", filename="feedback.txt", contenthash=sha1, filesize=size,
    )  # fmt: skip
    again, (tina, sam) = moved(course, tmp_path, teacher, student)
    assert again.idnumber == "C-1"
    flag = AssignUserFlag.objects.get(assign=Assign.objects.get(owner__course=again))
    assert (flag.userid, flag.allocatedmarker) == (sam, tina)
    award = BadgeAward.objects.get(badge__course=again)
    assert (award.recipientid, award.issuerid, award.datemet) == (sam, tina, THEN)
    assert Role.objects.get(pk=award.issuerrole).shortname == "editingteacher"
    reached = UserCompetency.objects.get(course=again)
    assert (reached.userid, reached.proficiency, reached.grade) == (sam, 1, 3)
    written = File.objects.get(course=again, filename="feedback.txt")
    assert GradeGrade.objects.get(pk=written.itemid, item__course=again).userid == sam


def test_a_condition_on_a_grouping_that_nothing_else_names_still_holds(tmp_path: Path) -> None:
    course = scene.course()
    Grouping.objects.create(course=course, name="Others")
    grouping = Grouping.objects.create(course=course, name="Half")
    Section.objects.filter(course=course).update(
        availabilityjson=f'{{"op":"&","c":[{{"type":"grouping","id":{grouping.pk}}}],"showc":[true]}}'
    )
    again, _ = moved(course, tmp_path)
    half = Grouping.objects.get(course=again, name="Half").pk
    assert f'"id":{half}' in (Section.objects.get(course=again, number=0).availabilityjson or "")
