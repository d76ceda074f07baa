"""Every action of the list is carried out by the door that people use for it, and leaves its entry in the audit trail."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.actions import ACTIONS
from audit.models import AuditEntry
from backup.services import request_backup
from courses import sentinel
from courses.changes import create_section
from courses.models import Role, RoleAssignment, User
from courses.services import create_course
from jobs import limits, operations, queue, runner, trail
from jobs.models import Job
from notices.models import WebHook
from restore import uploads
from restore.services import request_restore
from sign_in.second_factor import renew_codes
from tests.archives_made import members, packed, small
from tests.pages.places import PASSWORD, Place, make_place
from tests.sign_in.authenticator import shown, with_device
from transfer import imports, removals, returns
from transfer.copies import Choices, request_copy
from transfer.models import RemovedItem
from transfer.person_returns import request_person_return
from vault import expiry, retention, storage
from vault.models import Schedule, StoredArchive

pytestmark = pytest.mark.django_db(transaction=True)

SITE = frozenset(
    {
        "storage-initialised",
        "archive-expired",
        "archive-recorded",
        "audit-expired",
        "disaster-copied",
        "disaster-put-back",
        "identity-linked",
        "identity-unlinked",
        "job-retried",
        "sign-in-failed",
        "sign-in-link",
    }
)
"""Actions that no person does: the site itself, a command, or somebody who is not known."""


@dataclass
class Scene:
    """The site on which the actions are done, the browser of its administrator, and a folder."""

    place: Place
    client: Client
    folder: Path

    def post(self, page: str, /, *parts: object, **data: object) -> None:
        """Press a button of a page, which leads on."""
        answer = self.client.post(reverse(page, args=parts), data)
        assert answer.status_code in (200, 302), answer.content.decode()

    def archive(self, **facts: Any) -> StoredArchive:
        """Store a small archive of the course."""
        path = small(self.folder / "small.mbz")
        stored = storage.put(path, title="small.mbz")
        return storage.record(stored, course=self.place.course, course_title="Geology", **facts)

    def schedule(self) -> Schedule:
        """Make a schedule of the course."""
        made = Schedule.objects.create(name="Nightly", scope="list", weekdays=[0], owner=self.place.admin)
        made.courses.add(self.place.course)
        return made

    def in_bin(self) -> RemovedItem:
        """Remove a page, without an entry of anybody."""
        done(removals.request_removal(self.place.page, by=self.place.admin, notify=False))
        return RemovedItem.objects.get()


@pytest.fixture
def scene(transactional_db: None, own_storages: Path, tmp_path: Path) -> Scene:
    """A small course with people, and its administrator signed in."""
    place = make_place()
    client = Client()
    client.force_login(place.admin)
    return Scene(place, client, tmp_path)


def done(job: Job) -> None:
    """Do a job. Raises its error."""
    runner.run(job.pk, raising=True)


DOORS: dict[str, Callable[[Scene], object]] = {}
"""The function that does each action by its door."""

Door = Callable[[Scene], object]


def door(action: str) -> Callable[[Door], Door]:
    """Decorator: register what does an action."""

    def register(do: Door) -> Door:
        DOORS[action] = do
        return do

    return register


@door("backup")
def back_up(scene: Scene) -> None:
    done(request_backup(scene.place.course, by=scene.place.admin, notify=False))


@door("restore")
def restore(scene: Scene) -> None:
    done(request_restore(scene.archive(), by=scene.place.admin, target={}, options={}, notify=False))


@door("copy")
def copy(scene: Scene) -> None:
    place = scene.place
    chosen = Choices(fullname="Copy", shortname="C1", category=place.course.category_id)
    done(request_copy(place.course, chosen, by=place.admin, notify=False))


@door("import")
def take_over(scene: Scene) -> None:
    target = create_course("T", "Target")
    parts = imports.Parts(activities=(scene.place.page.pk,))
    done(imports.request_import(scene.place.course, target, parts, by=scene.place.admin, notify=False))


@door("removal")
def remove(scene: Scene) -> None:
    scene.in_bin()


@door("return")
def bring_back(scene: Scene) -> None:
    done(returns.request_return(scene.in_bin(), by=scene.place.admin, notify=False))


@door("person-return")
def bring_person_back(scene: Scene) -> None:
    place = scene.place
    done(request_backup(place.course, by=None, notify=False))
    archive = StoredArchive.objects.get()
    done(
        request_person_return(place.forum, archive, place.student, replace=True, by=place.admin, notify=False)
    )


@door("bin-emptied")
def empty_bin(scene: Scene) -> None:
    scene.post("bin-empty", scene.in_bin().pk)


@door("upload")
def upload(scene: Scene) -> None:
    data = packed(members())
    done(
        uploads.receive(
            uploads.Sent(io.BytesIO(data), "a.mbz", len(data)), by=scene.place.admin, notify=False
        )
    )


@door("download")
def download(scene: Scene) -> None:
    assert b"".join(scene.client.get(reverse("archive-download", args=[scene.archive().pk])))


@door("archive-held")
def hold(scene: Scene) -> None:
    scene.post("archive-hold", scene.archive().pk, keep="1")


@door("archive-released")
def release(scene: Scene) -> None:
    archive = scene.archive(keep=True, held_by=scene.place.admin)
    scene.post("archive-hold", archive.pk, keep="0")


@door("archive-removed")
def remove_archive(scene: Scene) -> None:
    scene.post("archive-remove", scene.archive().pk)


@door("archive-expired")
def prune(scene: Scene) -> None:
    schedule = scene.schedule()
    Schedule.objects.filter(pk=schedule.pk).update(keep_count=1)
    for _ in range(2):
        scene.archive(source="schedule", schedule=schedule)
    schedule.refresh_from_db()
    retention.prune(schedule, scene.place.course)


@door("job-cancelled")
def cancel(scene: Scene) -> None:
    job = queue.request("verify", by=scene.place.teacher, notify=False)
    scene.post("job-cancel", job.pk)


@door("job-retried")
def retry(scene: Scene) -> None:
    job = queue.request("verify", by=scene.place.teacher, notify=False)
    queue.end(Job.objects.filter(pk=job.pk), "failed", error="The disk was full.")
    call_command("jobs", "retry", str(job.pk))


@door("archive-recorded")
def record_archive(scene: Scene) -> None:
    scene.archive()
    StoredArchive.objects.all().delete()
    call_command("record_archives")


@door("storage-initialised")
def mark_storage(scene: Scene) -> None:
    call_command("storages", "init", "archives")


@door("disaster-copied")
def copy_site(scene: Scene) -> None:
    sentinel.make_all()
    call_command("disaster_copy", "make", str(scene.folder / "copy"))


@door("disaster-put-back")
def put_archives_back(scene: Scene) -> None:
    copy_site(scene)
    call_command("disaster_copy", "put_back", str(scene.folder / "copy"), "--part", "archives")


def schedule_form(scene: Scene, **changes: object) -> dict[str, object]:
    """Return a form of a schedule that is filled in."""
    return {
        "name": "Nightly",
        "enabled": "on",
        "scope": "list",
        "courses": [scene.place.course.pk],
        "weekdays": [0],
        "time": "02:30",
        "timezone": "UTC",
        "people": "without",
        "keep_count": "7",
        **changes,
    }


@door("schedule-created")
def create_schedule(scene: Scene) -> None:
    scene.post("schedule-new", **schedule_form(scene))


@door("schedule-changed")
def change_schedule(scene: Scene) -> None:
    scene.post("schedule-edit", scene.schedule().pk, **schedule_form(scene, name="Weekly"))


@door("schedule-removed")
def remove_schedule(scene: Scene) -> None:
    scene.post("schedule-remove", scene.schedule().pk)


@door("schedule-run")
def run_schedule(scene: Scene) -> None:
    scene.post("schedule-run", scene.schedule().pk)


@door("defaults-changed")
def change_defaults(scene: Scene) -> None:
    scene.post("administration-options", **{"backup-badges": "0", "backup-badges-locked": "1"})


@door("limits-changed")
def change_limits(scene: Scene) -> None:
    sent = {one.name: str(one.default) for one in limits.LIMITS} | {"members": "1000"}
    scene.post("administration-limits", **sent)


PERSON = {"username": "newton", "firstname": "Isaac", "lastname": "Newton", "email": "isaac@example.org"}


@door("account-created")
def create_account(scene: Scene) -> None:
    scene.post("account-new", **PERSON)


@door("account-changed")
def change_account(scene: Scene) -> None:
    scene.post("account", scene.place.stranger.pk, **PERSON)


@door("account-suspended")
def suspend(scene: Scene) -> None:
    scene.post("account-access", scene.place.stranger.pk, "suspend")


@door("account-reactivated")
def reactivate(scene: Scene) -> None:
    User.objects.filter(pk=scene.place.stranger.pk).update(suspended=True)
    scene.post("account-access", scene.place.stranger.pk, "reactivate")


@door("administrator-made")
def make_administrator(scene: Scene) -> None:
    scene.post("account-access", scene.place.stranger.pk, "administrator")


@door("administrator-unmade")
def unmake_administrator(scene: Scene) -> None:
    User.objects.filter(pk=scene.place.stranger.pk).update(is_superuser=True)
    scene.post("account-access", scene.place.stranger.pk, "no-administrator")


@door("password-link")
def link(scene: Scene) -> None:
    scene.post("account-password", scene.place.stranger.pk, how="show")


@door("password-changed")
def change_password(scene: Scene) -> None:
    words = {
        "old_password": PASSWORD,
        "new_password1": "granite and gneiss",
        "new_password2": "granite and gneiss",
    }
    scene.post("password", **words)


@door("role-given")
def give_role(scene: Scene) -> None:
    role = Role.objects.get(shortname="manager")
    scene.post("account-role", scene.place.stranger.pk, where="site", role=role.pk)


@door("role-taken")
def take_role(scene: Scene) -> None:
    given = RoleAssignment.objects.get(userid=scene.place.teacher.pk)
    scene.post("account-role-taken", scene.place.teacher.pk, given.pk)


@door("identity-linked")
def link_identity(scene: Scene) -> None:
    call_command("accounts", "link", "ada", "--provider", "ldap", "--person", "7", stdout=io.StringIO())


@door("identity-unlinked")
def unlink_identity(scene: Scene) -> None:
    link_identity(scene)
    call_command("accounts", "unlink", "ada", stdout=io.StringIO())


@door("sign-in-link")
def make_sign_in_link(scene: Scene) -> None:
    call_command("accounts", "sign-in-link", "ada", stdout=io.StringIO())


@door("second-factor-set")
def set_up_second_factor(scene: Scene) -> None:
    scene.client.get(reverse("second-factor"))
    scene.post("second-factor", code=shown(scene.client.session["coursekeep.second_factor_key"]))


@door("second-factor-removed")
def remove_second_factor(scene: Scene) -> None:
    with_device(scene.place.stranger)
    scene.post("account-second-factor", scene.place.stranger.pk)


@door("recovery-codes-made")
def make_recovery_codes(scene: Scene) -> None:
    set_up_second_factor(scene)
    key = TOTPDevice.objects.get().key
    scene.post("second-factor", what="codes", code=shown(key, steps=1))


@door("recovery-code-used")
def use_recovery_code(scene: Scene) -> None:
    set_up_second_factor(scene)
    codes = renew_codes(scene.place.admin)
    scene.post("second-factor", what="remove", code=codes[0])


@door("sign-in-begun")
def begin_to_sign_in(scene: Scene) -> None:
    set_up_second_factor(scene)
    sign_in(scene)


@door("sign-in")
def sign_in(scene: Scene) -> None:
    scene.client = Client()
    scene.post("login", username="ada", password=PASSWORD)


@door("sign-in-failed")
def fail_to_sign_in(scene: Scene) -> None:
    Client().post(reverse("login"), {"username": "ada", "password": "wrong"})


@door("sign-out")
def sign_out(scene: Scene) -> None:
    scene.post("logout")


@door("hook-created")
def create_hook(scene: Scene) -> None:
    scene.post("notices", name="Chat", url="https://example.org/hook", secret="sixteen letters!")


@door("hook-changed")
def change_hook(scene: Scene) -> None:
    create_hook(scene)
    scene.post("hook", WebHook.objects.get().pk, change="off")


@door("hook-removed")
def remove_hook(scene: Scene) -> None:
    create_hook(scene)
    scene.post("hook", WebHook.objects.get().pk, change="remove")


@door("audit-exported")
def export(scene: Scene) -> None:
    b"".join(scene.client.get(reverse("audit-export", args=["csv"])))


@door("audit-expired")
def expire(scene: Scene) -> None:
    AuditEntry.objects.create(action="download", at=timezone.now() - timedelta(days=3000))
    expiry.sweep()


def test_each_action_of_the_list_has_its_door() -> None:
    assert DOORS.keys() == ACTIONS.keys()


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_leaves_one_entry_with_who_did_it(action: str, scene: Scene) -> None:
    known = set(AuditEntry.objects.filter(action=action).values_list("pk", flat=True))
    DOORS[action](scene)
    entry = AuditEntry.objects.filter(action=action).exclude(pk__in=known).get()
    assert entry.outcome == ("failed" if action == "sign-in-failed" else "done")
    assert entry.actor == (None if action in SITE else scene.place.admin.pk)
    assert entry.subject
    if action not in SITE:
        assert entry.actor_name == "Ada Byron"
    said = f"{entry.title} {entry.details}"
    assert PASSWORD not in said
    assert "sixteen letters" not in said


def test_each_operation_is_recorded_or_only_looks() -> None:
    own = {name for name in operations.operations if not name.startswith("test-")}
    assert trail.RECORDED.keys() | trail.ONLY_LOOKS == own
    assert not trail.RECORDED.keys() & trail.ONLY_LOOKS
    assert set(trail.RECORDED.values()) <= ACTIONS.keys()


@contextmanager
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the process die that ends a job, before the watchers are called."""
    with monkeypatch.context() as patched:
        patched.setattr(operations, "watchers", [])
        yield


def test_a_job_whose_process_died_at_its_end_gets_its_entry_later_and_only_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broken(monkeypatch):
        back_up(scene)
    assert not AuditEntry.objects.filter(action="backup").exists()
    later = timezone.now() + timedelta(minutes=10)
    assert [trail.catch_up(now=later), trail.catch_up(now=later)] == [1, 0]
    assert AuditEntry.objects.get(action="backup").actor == scene.place.admin.pk


def test_the_look_for_jobs_without_an_entry_takes_one_statement_and_some_jobs_at_most(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    Job.objects.all().delete()
    rows = [
        Job(operation=operation, state="failed", finished=now)
        for operation in ("backup", "restore", "rehearse")
        for _ in range(3)
    ]
    Job.objects.bulk_create(rows)
    monkeypatch.setattr(trail, "MOST", 4)
    later = now + timedelta(minutes=10)
    assert [trail.catch_up(now=later) for _ in range(3)] == [4, 2, 0]
    with CaptureQueriesContext(connection) as seen:
        trail.catch_up(now=later)
    assert len(seen) == 1
    assert AuditEntry.objects.filter(action="restore", subject="job").count() == 3


def test_a_job_that_failed_and_one_that_was_cancelled_say_so(scene: Scene) -> None:
    gone = create_course("GONE", "Gone")
    job = request_backup(gone, by=scene.place.admin, notify=False)
    gone.delete()
    runner.run(job.pk)
    queue.cancel(
        request_backup(scene.place.course, by=scene.place.teacher, notify=False), by=scene.place.admin
    )
    found = AuditEntry.objects.filter(action="backup").order_by("pk")
    assert list(found.values_list("outcome", "actor")) == [
        ("failed", scene.place.admin.pk),
        ("cancelled", scene.place.teacher.pk),
    ]
    assert AuditEntry.objects.get(action="job-cancelled").actor == scene.place.admin.pk


def test_a_command_is_recorded_as_the_site_itself(scene: Scene) -> None:
    call_command("backup", str(scene.place.course.pk), "-o", str(scene.folder / "out.mbz"))
    entry = AuditEntry.objects.get(action="backup")
    assert (entry.actor, entry.details["path"]) == (None, str(scene.folder / "out.mbz"))


def test_what_a_change_of_limits_and_defaults_changed_is_recorded(scene: Scene) -> None:
    change_limits(scene)
    assert AuditEntry.objects.get(action="limits-changed").details["changed"]["members"][1] == 1000
    change_limits(scene)  # nothing is another value now
    assert AuditEntry.objects.filter(action="limits-changed").count() == 1
    change_defaults(scene)
    assert (
        "0, locked" in AuditEntry.objects.get(action="defaults-changed").details["changed"]["backup.badges"]
    )


def test_a_name_that_no_account_has_is_not_stored(scene: Scene) -> None:
    Client().post(reverse("login"), {"username": "my-secret-password", "password": "x"})
    entry = AuditEntry.objects.get(action="sign-in-failed")
    assert (entry.subject_id, entry.title, entry.address) == (
        None,
        "an account that is not there",
        "127.0.0.1",
    )


def test_refused_attempts_to_sign_in_do_not_fill_the_trail(scene: Scene) -> None:
    for _ in range(12):
        fail_to_sign_in(scene)
    assert AuditEntry.objects.filter(action="sign-in-failed").count() == 5


def test_a_download_that_is_refused_leaves_no_entry(scene: Scene) -> None:
    archive = scene.archive()
    client = Client()
    client.force_login(scene.place.student)
    assert client.get(reverse("archive-download", args=[archive.pk])).status_code == 404
    assert not AuditEntry.objects.filter(action="download").exists()


def test_a_removed_section_is_recorded_with_its_course(scene: Scene) -> None:
    section = create_section(scene.place.course, "Week 2")
    done(removals.request_removal(section, by=scene.place.admin, notify=False))
    entry = AuditEntry.objects.get(action="removal")
    assert (entry.title, entry.course, entry.details["type"]) == (
        "Geology of the Alps: Week 2",
        scene.place.course.pk,
        "section",
    )


def test_a_run_that_a_command_starts_is_recorded_as_the_site_itself(scene: Scene) -> None:
    schedule = scene.schedule()
    call_command("schedules", "run", str(schedule.pk))
    entry = AuditEntry.objects.get(action="schedule-run")
    assert (entry.actor, entry.subject_id) == (None, schedule.pk)
