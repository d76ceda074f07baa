"""The right to people's data follows the archive: it is asked at the archive's own course too, and ids prove nothing."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path, PurePath

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from archive.container import open_archive
from archive.errors import NotAllowed, PrecheckFailed
from archive.manifest import read_manifest
from backup.services import request_backup
from courses.activities.forum import ForumPost
from courses.capabilities import ALLOW, PROHIBIT, may, may_at_each
from courses.models import Activity, Category, Course, Role, RoleAssignment, RoleOverride, Section, User
from courses.services import create_category
from courses.signing import signed_here, site_hash
from jobs import runner
from jobs.models import Job
from restore import origin
from restore.services import request_restore
from restore.uploads import Sent, receive
from tests.archives_made import Change, members, real, small, texts
from tests.jobs_done import back_up, restore, reviewed
from tests.people_made import person
from vault import catalogue, storage
from vault.models import StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def course(transactional_db: None, tmp_path: Path) -> Course:
    """The small course, whose archives are restored elsewhere."""
    return restore(small(tmp_path / "first.mbz")).course


@pytest.fixture
def elsewhere(transactional_db: None) -> Category:
    """A category with nothing in it."""
    return create_category("Elsewhere")


def stored(course: Course, *, archive_type: str = "course", item: int | None = None) -> StoredArchive:
    """An archive of the course in the vault, made by the site with people."""
    job = request_backup(course, by=None, archive_type=archive_type, item=item, notify=False)
    runner.run(job.pk, raising=True)
    job.refresh_from_db()
    assert job.archive is not None
    return job.archive


def teacher_who_manages(elsewhere: Category, course: Course) -> User:
    """A teacher of the course without the right to people's data, who may restore people in the other category."""
    teacher = person("tamara", "manager", at=elsewhere)
    role = Role.objects.get(shortname="editingteacher")
    RoleAssignment.objects.create(roleid=role.pk, userid=teacher.pk, contextid=course.contextid)
    return teacher


def override(role: str, permission: int, owner: Course | Activity) -> None:
    """An exception for the right to people's data."""
    RoleOverride.objects.create(
        roleid=Role.objects.get(shortname=role).pk,
        capability="moodle/backup:userinfo",
        permission=permission,
        contextid=owner.contextid,
    )


def test_people_of_a_course_are_not_restored_elsewhere_without_the_right_to_them_there(
    course: Course, elsewhere: Category
) -> None:
    teacher, archive = teacher_who_manages(elsewhere, course), stored(course)
    target = {"category": elsewhere.pk}
    with pytest.raises(NotAllowed, match=r"you may not take them out of that course"):
        restore(archive, by=teacher, target=target, users=1)
    restored = restore(archive, by=teacher, target=target)
    assert not ForumPost.objects.filter(discussion__forum__owner__course=restored.course).exists()


def test_with_the_right_at_both_ends_people_are_restored(course: Course, elsewhere: Category) -> None:
    teacher, archive = teacher_who_manages(elsewhere, course), stored(course)
    override("editingteacher", ALLOW, course)
    restored = restore(archive, by=teacher, target={"category": elsewhere.pk}, users=1)
    assert ForumPost.objects.filter(discussion__forum__owner__course=restored.course).exists()


def test_administrators_and_the_site_itself_restore_people_anywhere(
    course: Course, elsewhere: Category
) -> None:
    archive = stored(course)
    for by in (None, person("root", is_superuser=True)):
        restored = restore(archive, by=by, target={"category": elsewhere.pk}, users=1)
        assert ForumPost.objects.filter(discussion__forum__owner__course=restored.course).exists()


def test_the_right_at_the_archives_course_is_asked_again_when_the_job_is_done(
    course: Course, elsewhere: Category
) -> None:
    teacher, archive = teacher_who_manages(elsewhere, course), stored(course)
    override("editingteacher", ALLOW, course)
    job = request_restore(
        archive, by=teacher, target={"category": elsewhere.pk}, options={"users": "1"}, notify=False
    )
    RoleOverride.objects.all().delete()
    with pytest.raises(NotAllowed):
        runner.run(job.pk, raising=True)
    assert not Course.objects.filter(category=elsewhere).exists()


def test_the_wizard_says_why_people_stay_away(course: Course, elsewhere: Category) -> None:
    teacher, archive = teacher_who_manages(elsewhere, course), stored(course)
    client = Client()
    client.force_login(teacher)
    chosen = {"where": "new", "category": elsewhere.pk}
    client.post(reverse("restore-destination", args=[archive.pk]), chosen)
    page = client.get(reverse("restore-settings", args=[archive.pk])).content.decode()
    assert "you may not take them out of that course" in page


def test_an_anonymous_archive_and_one_without_people_take_no_right_to_people(
    course: Course, elsewhere: Category
) -> None:
    teacher = teacher_who_manages(elsewhere, course)
    archive = stored(course)
    for users, anonymized in ((True, True), (False, False)):
        StoredArchive.objects.filter(pk=archive.pk).update(users=users, anonymized=anonymized)
        archive.refresh_from_db()
        assert catalogue.access(teacher, [archive])[archive.pk].download


def test_a_right_taken_away_at_an_activity_is_missed_for_its_archive_and_not_for_others(
    course: Course,
) -> None:
    forum = Activity.objects.get(course=course, modulename="forum")
    manager = person("mona", "manager", at=course)
    override("manager", PROHIBIT, forum)
    archives = [stored(course, archive_type="activity", item=forum.pk), stored(course)]
    allowed = catalogue.access(manager, archives)
    assert [allowed[archive.pk].download for archive in archives] == [False, True]
    with pytest.raises(NotAllowed):
        restore(archives[0], by=manager, target={"course": course.pk}, users=1)


def test_rights_at_many_places_are_those_at_each(course: Course, elsewhere: Category) -> None:
    forum = Activity.objects.get(course=course, modulename="forum")
    override("editingteacher", PROHIBIT, forum)
    section = Section.objects.filter(course=course).first()
    owners = [None, course, forum, section, elsewhere]
    for user in (teacher_who_manages(elsewhere, course), person("root", is_superuser=True), person("nora")):
        assert may_at_each(user, owners) == [may(user, owner) for owner in owners]


def forged(path: Path, anna: User, **changes: Change) -> Path:
    """An archive that has the hash of this site, and the id and user name of an account, but not its e-mail address."""
    people = members()["users.xml"].decode().replace('id="11"', f'id="{anna.pk}"')
    return small(
        path, {"moodle_backup.xml": ("0" * 32, site_hash()), "users.xml": people.encode(), **changes}
    )


def test_a_forged_hash_of_this_site_maps_nobody_by_number(transactional_db: None, tmp_path: Path) -> None:
    anna = person("anna")
    with pytest.raises(PrecheckFailed, match="belongs to somebody with another e-mail address"):
        restore(forged(tmp_path / "a.mbz", anna))
    assert not ForumPost.objects.exists()


def test_a_forged_hash_shows_no_details_of_the_account(transactional_db: None, tmp_path: Path) -> None:
    anna = User.objects.get(pk=person("anna").pk)
    User.objects.filter(pk=anna.pk).update(lastname="Verysecret", email="verysecret@example.org")
    admin = person("root", is_superuser=True)
    client = Client()
    client.force_login(admin)
    with forged(tmp_path / "a.mbz", anna).open("rb") as file:
        client.post(reverse("restore-upload"), {"file": file})
    runner.run(Job.objects.get(operation="upload").pk, raising=True)
    archive = StoredArchive.objects.get()
    client.post(
        reverse("restore-destination", args=[archive.pk]),
        {"where": "new", "category": Category.objects.get().pk},
    )
    page = reviewed(client, archive)
    assert "cannot be matched" in page
    assert "erysecret" not in page


def made_before_signatures(course: Course, folder: Path) -> StoredArchive:
    """An archive in the vault whose manifest has no signature, as this site wrote them once."""
    archive, path = stored(course), folder / "unsigned.mbz"
    with storage.open_stored(archive) as stream:
        path.write_bytes(stream.read())
    manifest = texts(path)["moodle_backup.xml"]
    signature = manifest.partition("<integrity>")[2].partition("</integrity>")[0]
    real(path, path, {"moodle_backup.xml": (f"<integrity>{signature}</integrity>", "")})
    name = storage.archives().save("2025-01/unsigned/a.mbz", ContentFile(path.read_bytes()))
    digest = sha256(path.read_bytes()).hexdigest()
    StoredArchive.objects.filter(pk=archive.pk).update(file=name, sha256=digest)
    archive.refresh_from_db()
    return archive


def test_an_archive_of_the_vault_without_a_signature_maps_people_by_number_until_its_file_is_changed(
    course: Course, elsewhere: Category, tmp_path: Path
) -> None:
    archive = made_before_signatures(course, tmp_path)
    moved()
    restored = restore(archive, target={"category": elsewhere.pk})
    assert restored.job.result["people_created"] == 0
    StoredArchive.objects.filter(pk=archive.pk).update(sha256="0" * 64)
    archive.refresh_from_db()
    with pytest.raises(PrecheckFailed, match="belongs to somebody with another e-mail address"):
        restore(archive, target={"category": elsewhere.pk})


def test_an_upload_without_a_signature_is_not_proven_by_the_vault(
    course: Course, elsewhere: Category, tmp_path: Path
) -> None:
    archive = made_before_signatures(course, tmp_path)
    StoredArchive.objects.filter(pk=archive.pk).update(source=StoredArchive.Source.UPLOAD)
    archive.refresh_from_db()
    moved()
    with pytest.raises(PrecheckFailed, match="belongs to somebody with another e-mail address"):
        restore(archive, target={"category": elsewhere.pk})


# Archives that this site signed, and that came back as files.


def moved(username: str = "anna") -> None:
    """Change what tells a person beside the id: only an archive from here still finds the account."""
    User.objects.filter(username=username).update(email="moved@example.org", firstaccess=0)


def test_a_signed_archive_maps_people_by_number(course: Course, elsewhere: Category, tmp_path: Path) -> None:
    path = back_up(course, tmp_path / "signed.mbz")
    moved()
    restored = restore(path, target={"category": elsewhere.pk})
    assert restored.job.result["people_created"] == 0


@pytest.mark.parametrize(
    ("member", "old", "new"),
    [
        ("users.xml", "<city>", "<city>Gotham"),
        ("activities/*/forum.xml", "<message>", "<message>I resign. "),
        ("moodle_backup.xml", "<backup_date>", "<backup_date>1"),
        ("groups.xml", "<groups>", "<groups><!-- -->"),
    ],
)
def test_a_signed_archive_in_which_anything_was_changed_speaks_for_nobody(
    course: Course, elsewhere: Category, tmp_path: Path, member: str, old: str, new: str
) -> None:
    path = back_up(course, tmp_path / "signed.mbz")
    name = next(each for each in texts(path) if PurePath(each).match(member))
    changed = real(path, tmp_path / "changed.mbz", {name: (old, new, 1)})
    moved()
    with pytest.raises(PrecheckFailed, match="belongs to somebody with another e-mail address"):
        restore(changed, target={"category": elsewhere.pk})


def test_a_signature_on_another_archive_proves_nothing(
    course: Course, elsewhere: Category, tmp_path: Path
) -> None:
    signed = texts(back_up(course, tmp_path / "signed.mbz"))["moodle_backup.xml"]
    taken = "<integrity>" + signed.partition("<integrity>")[2].partition("</integrity>")[0] + "</integrity>"
    anna = User.objects.get(username="anna")
    changes: dict[str, Change] = {
        "moodle_backup.xml": members()["moodle_backup.xml"]
        .replace(b"0" * 32, site_hash().encode())
        .replace(b"</moodle_backup>", f"{taken}</moodle_backup>".encode()),
        "users.xml": members()["users.xml"].replace(b'id="11"', f'id="{anna.pk}"'.encode()),
    }
    moved()
    with pytest.raises(PrecheckFailed, match="belongs to somebody with another e-mail address"):
        restore(small(tmp_path / "forged.mbz", changes), target={"category": elsewhere.pk})


def uploaded(path: Path, by: User) -> StoredArchive:
    """The file as an upload of a person."""
    with path.open("rb") as file:
        job = receive(Sent(file, "a.mbz", path.stat().st_size), by=by, notify=False)
    runner.run(job.pk, raising=True)
    return StoredArchive.objects.get(jobs=job)


@pytest.mark.parametrize("kind", ["course", "activity"])
def test_an_upload_that_this_site_signed_asks_for_the_right_at_its_course(
    course: Course, elsewhere: Category, tmp_path: Path, kind: str
) -> None:
    teacher = teacher_who_manages(elsewhere, course)
    forum = Activity.objects.get(course=course, modulename="forum")
    item = forum.pk if kind == "activity" else None
    archive = uploaded(back_up(course, tmp_path / "a.mbz", archive_type=kind, item=item), teacher)
    target = {"category": elsewhere.pk}
    with pytest.raises(NotAllowed, match="you may not take them out of that course"):
        restore(archive, by=teacher, target=target, users=1)
    override("editingteacher", ALLOW, forum if kind == "activity" else course)
    restore(archive, by=teacher, target=target, users=1)


def test_an_upload_whose_course_is_gone_is_its_holders(
    course: Course, elsewhere: Category, tmp_path: Path
) -> None:
    teacher = teacher_who_manages(elsewhere, course)
    archive = uploaded(back_up(course, tmp_path / "a.mbz"), teacher)
    course.delete()
    restored = restore(archive, by=teacher, target={"category": elsewhere.pk}, users=1)
    assert ForumPost.objects.filter(discussion__forum__owner__course=restored.course).exists()


@pytest.mark.django_db(transaction=True)
def test_an_anonymous_copy_of_another_sites_archive_is_not_from_here(tmp_path: Path) -> None:
    target = tmp_path / "copy.mbz"
    call_command("anonymise", str(small(tmp_path / "a.mbz")), str(target))
    with open_archive(target) as archive:
        manifest = read_manifest(archive)
        assert signed_here(manifest)
        assert not origin.made_here(archive, manifest, target)
        assert origin.home_of(manifest, target) is None
