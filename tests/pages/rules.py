"""The rules of the permission matrix: for every address of the site who may go there, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from courses.models import RoleAssignment
from tests.pages.world import NOBODY, PEOPLE, World

SIGNED_IN = frozenset(PEOPLE) - {NOBODY, "suspended"}
LOOKING = frozenset({"assistant", "teacher", "traveller", "head", "admin"})
TEACHING = LOOKING - {"assistant"}
DATA = frozenset({"head", "admin"})
BACKING_UP_ANYWHERE = TEACHING | {"neighbour", "other_head"}
UPLOADING = BACKING_UP_ANYWHERE
ADMIN = frozenset({"admin"})
OWNER = frozenset({"teacher", "admin"})

CATEGORY, OTHER_SECTION, MANAGER = "{category}", "{other_section}", "{manager}"
"""Values of fields that the world has: ids, as the matrix puts them in."""

LOGIN, ADMIN_LOGIN, HOME = "/accounts/login/", "/admin/login/", "/"


@dataclass(frozen=True)
class Rule:
    """The rule of an address: the people who get `ok`; others get `refused`, and who has not signed in is sent to do so.

    `at` returns the rest of the address, from the world. `why` is the reason for the line.
    """

    route: str
    who: frozenset[str]
    why: str
    at: Callable[[World], str] = lambda _: ""
    ok: int = 200
    refused: int = 403
    post: Mapping[str, object] | None = None
    nobody: int = 302
    login: str = LOGIN
    extra: Mapping[str, int] = field(default_factory=dict)

    def expected(self, name: str) -> int:
        """Return the status for a person."""
        if name in self.extra:
            return self.extra[name]
        if name in (NOBODY, "suspended"):
            return self.nobody
        return self.ok if name in self.who else self.refused


def _backup(stage: str, archive_type: str, post: Mapping[str, object] | None = None, ok: int = 200) -> Rule:
    def at(world: World) -> str:
        subject = {"course": world.course.pk, "section": world.section.pk, "activity": world.forum.pk}
        return f"backup/{archive_type}/{subject[archive_type]}/{stage}"

    why = f"It takes the right to back up the {archive_type}."
    return Rule(f"backup/<slug:archive_type>/<int:pk>/{stage}", TEACHING, why, at, ok=ok, post=post)


def _course(route: str, rest: str, who: frozenset[str], why: str) -> Rule:
    return Rule(f"course/<int:pk>/{route}", who, why, lambda world: f"course/{world.course.pk}/{rest}")


def _administration(route: str, at: str, *, status: int = 200) -> Rule:
    """An address of Django's administration: everybody else is sent to its sign-in."""
    why = "Django's administration is for administrators of the site."
    return Rule(route, ADMIN, why, lambda _: at, ok=status, refused=302, login=ADMIN_LOGIN)


def _link(route: str, at: Callable[[World], str]) -> Rule:
    why = "The address of a link leads on to the page of this site, which asks for the rights."
    return Rule(route, SIGNED_IN, why, at, ok=302)


def _with_course(route: str) -> Callable[[World], str]:
    return lambda world: f"{route}?id={world.course.pk}"


def _of_schedule(rest: str) -> Callable[[World], str]:
    return lambda world: f"schedules/{world.schedule.pk}/{rest}"


def _of_removed(rest: str) -> Callable[[World], str]:
    return lambda world: f"bin/{world.removed.pk}/{rest}/"


def _of_assistant(rest: str) -> Callable[[World], str]:
    """An address below the account of the assistant, whose one role is `{assignment}`."""

    def at(world: World) -> str:
        account = world.people["assistant"].pk
        assignment = RoleAssignment.objects.get(userid=account).pk
        return f"administration/people/{account}/{rest.format(assignment=assignment)}"

    return at


SEES_NO_PEOPLE = "People's work takes the right to people's data in the course."
SEES_COURSE = "It takes the right to look at the course."
OWN_LIST = "Everybody who has signed in has a list of what is theirs to see."
OWN_JOB = "A job is seen by the person who asked for it and by administrators."
TRAIL = "The audit trail says what everybody did: it is for administrators."
ACCOUNTS = "Accounts and roles are made and changed by administrators."
NOTICES = "Web hooks and what was sent to whom are for administrators."
OWN_SCHEDULE = "A schedule is seen and changed by its owner and by administrators."

EVERYBODY = frozenset(PEOPLE)
PROBE = "A load balancer asks without signing in, and learns only whether the site is there."

PAGES: tuple[Rule, ...] = (
    Rule("healthz", EVERYBODY, PROBE, lambda _: "healthz", nobody=200),
    Rule("readyz", EVERYBODY, PROBE, lambda _: "readyz", nobody=200),
    Rule(
        "metrics",
        ADMIN,
        "Figures of the site are for administrators, and for whom a setting lets in.",
        lambda _: "metrics",
        refused=404,
        nobody=404,
    ),
    Rule(
        "accounts/login/",
        SIGNED_IN,
        "People sign in here; who has done so goes on.",
        lambda _: "accounts/login/",
        ok=302,
        nobody=200,
    ),
    Rule(
        "accounts/logout/",
        SIGNED_IN,
        "Everybody may sign out.",
        lambda _: "accounts/logout/",
        ok=302,
        post={},
    ),
    Rule(
        "accounts/link/<str:token>/",
        EVERYBODY,
        "Who has the link signs in; this one is of nobody, and the page says so.",
        lambda _: "accounts/link/abc/",
        ok=404,
        nobody=404,
    ),
    *(
        Rule(
            route,
            frozenset(),
            "A site without a provider has no way there.",
            lambda _, route=route: route,  # type: ignore[misc]  # a default keeps the route of this turn
            refused=404,
            nobody=404,
        )
        for route in ("accounts/oidc/", "accounts/oidc/callback/")
    ),
    Rule(
        "accounts/second-factor/",
        ADMIN,
        "The second factor is for administrators.",
        lambda _: "accounts/second-factor/",
    ),
    Rule(
        "accounts/second-factor/code/",
        SIGNED_IN,
        "The code is asked of who has a second factor; others go on.",
        lambda _: "accounts/second-factor/code/",
        ok=302,
    ),
    Rule(
        "theme/",
        SIGNED_IN,
        "The colours are a cookie of the browser.",
        lambda _: "theme/",
        ok=302,
        post={"theme": "dark"},
        login=HOME,
    ),
    Rule("", SIGNED_IN, OWN_LIST),
    Rule("archives/", SIGNED_IN, OWN_LIST, lambda _: "archives/"),
    Rule("jobs/", SIGNED_IN, OWN_LIST, lambda _: "jobs/"),
    Rule("jobs/under-way/", SIGNED_IN, OWN_LIST, lambda _: "jobs/under-way/"),
    Rule("schedules/", SIGNED_IN, OWN_LIST, lambda _: "schedules/"),
    Rule("restore/", SIGNED_IN, OWN_LIST, lambda _: "restore/"),
    Rule(
        "restore/upload/",
        UPLOADING,
        "It takes the right to upload archives somewhere.",
        lambda _: "restore/upload/",
        ok=400,
        post={},
    ),
    Rule(
        "restore/upload/<int:pk>/",
        OWNER,
        "The page is for jobs that look into an upload, and this one is a backup.",
        lambda world: f"restore/upload/{world.job.pk}/",
        ok=404,
        refused=404,
    ),
    Rule(
        "schedules/new/",
        BACKING_UP_ANYWHERE,
        "It takes the right to back up a course.",
        lambda _: "schedules/new/",
    ),
    *(
        Rule(
            route,
            OWNER,
            OWN_SCHEDULE,
            _of_schedule(rest),
            refused=404,
            extra=extra,
        )
        for route, rest, extra in (
            ("schedules/<int:pk>/", "", {}),
            ("schedules/<int:pk>/edit/", "edit/", dict.fromkeys(("outsider", "student", "assistant"), 403)),
            ("schedules/<int:pk>/remove/", "remove/", {}),
        )
    ),
    Rule(
        "schedules/<int:pk>/run/",
        OWNER,
        OWN_SCHEDULE,
        lambda world: f"schedules/{world.schedule.pk}/run/",
        ok=302,
        refused=404,
        post={},
    ),
    Rule(
        "schedules/<int:pk>/remove/",
        OWNER,
        OWN_SCHEDULE,
        lambda world: f"schedules/{world.schedule.pk}/remove/",
        ok=302,
        refused=404,
        post={},
    ),
    Rule(
        "schedules/runs/<int:pk>/",
        OWNER,
        OWN_SCHEDULE,
        lambda world: f"schedules/runs/{world.run.pk}/",
        refused=404,
    ),
    Rule("jobs/<int:pk>/", OWNER, OWN_JOB, lambda world: f"jobs/{world.job.pk}/", refused=404),
    Rule("jobs/<int:pk>/log/", OWNER, OWN_JOB, lambda world: f"jobs/{world.job.pk}/log/", refused=404),
    Rule(
        "jobs/<int:pk>/cancel/",
        OWNER,
        OWN_JOB,
        lambda world: f"jobs/{world.job.pk}/cancel/",
        ok=302,
        refused=404,
        post={},
    ),
    Rule("administration/", ADMIN, "The overview is for administrators.", lambda _: "administration/"),
    Rule(
        "administration/options/",
        ADMIN,
        "The site's defaults are for administrators.",
        lambda _: "administration/options/",
    ),
    Rule(
        "administration/options/",
        ADMIN,
        "The site's defaults are for administrators.",
        lambda _: "administration/options/",
        ok=302,
        post={},
    ),
    Rule(
        "administration/limits/",
        ADMIN,
        "The site's limits are for administrators.",
        lambda _: "administration/limits/",
    ),
    Rule("administration/audit/", ADMIN, TRAIL, lambda _: "administration/audit/"),
    Rule("administration/audit/<slug:form>/", ADMIN, TRAIL, lambda _: "administration/audit/csv/"),
    Rule("administration/people/", ADMIN, ACCOUNTS, lambda _: "administration/people/"),
    Rule("administration/people/new/", ADMIN, ACCOUNTS, lambda _: "administration/people/new/"),
    Rule(
        "administration/people/new/", ADMIN, ACCOUNTS, lambda _: "administration/people/new/", post={}, ok=400
    ),
    *(
        Rule(
            f"administration/people/<int:pk>/{route}", ADMIN, ACCOUNTS, _of_assistant(rest), post=post, ok=ok
        )
        for route, rest, post, ok in (
            ("", "", None, 200),
            ("", "", {}, 400),
            ("password/", "password/", {"how": "show"}, 200),
            ("roles/", "roles/", {"where": "site", "role": MANAGER}, 302),
            ("roles/<int:assignment>/", "roles/{assignment}/", {}, 302),
            ("second-factor/", "second-factor/", {}, 302),
            ("<slug:change>/", "suspend/", {}, 302),
            ("<slug:change>/", "administrator/", {}, 302),
        )
    ),
    Rule(
        "accounts/password/",
        SIGNED_IN,
        "Everybody may change their own password.",
        lambda _: "accounts/password/",
    ),
    Rule(
        "accounts/password/<uidb64>/<token>/",
        SIGNED_IN,
        "Who has the link sets the password; this one is of nobody, and the page says so.",
        lambda _: "accounts/password/MQ/abc-def/",
        nobody=200,
    ),
    Rule("notices/", SIGNED_IN, "Everybody chooses their own notices.", lambda _: "notices/"),
    Rule(
        "notices/", SIGNED_IN, "Everybody chooses their own notices.", lambda _: "notices/", post={}, ok=302
    ),
    Rule("administration/notices/", ADMIN, NOTICES, lambda _: "administration/notices/"),
    Rule("administration/notices/", ADMIN, NOTICES, lambda _: "administration/notices/", post={}, ok=400),
    Rule(
        "administration/notices/test/",
        ADMIN,
        NOTICES,
        lambda _: "administration/notices/test/",
        post={},
        ok=400,
    ),
    Rule(
        "administration/notices/hooks/<int:pk>/",
        ADMIN,
        NOTICES,
        lambda world: f"administration/notices/hooks/{world.hook.pk}/",
        post={"change": "off"},
        ok=302,
    ),
    *(
        # The options of one activity are on one page, to which the other addresses lead.
        _backup(stage, archive_type, ok=302 if archive_type == "activity" and stage != "confirm/" else 200)
        for stage in ("", "schema/", "confirm/")
        for archive_type in ("course", "section", "activity")
    ),
    *(_backup("confirm/", archive_type, {}, 302) for archive_type in ("course", "section", "activity")),
    *(_backup("now/", archive_type, {}, 302) for archive_type in ("course", "section", "activity")),
    Rule(
        "backup/again/<int:pk>/",
        OWNER,
        OWN_JOB,
        lambda world: f"backup/again/{world.job.pk}/",
        ok=302,
        refused=404,
        post={},
    ),
    Rule(
        "restore/again/<int:pk>/",
        OWNER,
        "The page is for restores, and this job is a backup.",
        lambda world: f"restore/again/{world.job.pk}/",
        ok=404,
        refused=404,
        post={},
    ),
    _course("restore/", "restore/", TEACHING, "It takes the right to restore into the course."),
    Rule(
        "backup/<slug:archive_type>/<int:pk>/reset/",
        SIGNED_IN,
        "Everybody may forget their own choices.",
        lambda world: f"backup/course/{world.course.pk}/reset/",
        ok=302,
        post={},
    ),
    _course("", "", LOOKING, SEES_COURSE),
    _course("<slug:name>/", "people/", LOOKING, SEES_COURSE),
    _course("<slug:name>/", "gradebook/", LOOKING, SEES_COURSE),
    _course("records/<slug:name>/", "records/enrol/", LOOKING, SEES_COURSE),
    _course("records/<slug:name>/", "records/userenrolment/", DATA, SEES_NO_PEOPLE),
    Rule(
        "course/<int:pk>/<slug:name>/<int:number>/",
        DATA,
        SEES_NO_PEOPLE,
        lambda world: f"course/{world.course.pk}/grades/{world.grade_item.pk}/",
    ),
    Rule(
        "course/<int:pk>/<slug:name>/<int:number>/",
        DATA,
        SEES_NO_PEOPLE,
        lambda world: f"course/{world.course.pk}/person/{world.people['student'].pk}/",
    ),
    Rule(
        "course/<int:pk>/copy/",
        TEACHING,
        "It takes the right to back up the course.",
        lambda world: f"course/{world.course.pk}/copy/",
    ),
    Rule(
        "course/<int:pk>/copy/",
        DATA,
        "It takes the rights to restore and create courses in the category, too.",
        lambda world: f"course/{world.course.pk}/copy/",
        post={"category": CATEGORY, "people": "none"},
        ok=302,
    ),
    Rule(
        "course/<int:pk>/import/",
        TEACHING,
        "It takes the right to import into the course.",
        lambda world: f"course/{world.course.pk}/import/",
    ),
    *(
        Rule(
            "course/<int:pk>/import/<int:source>/",
            frozenset({"traveller", "admin"}),
            "It takes the rights to import into the course, and from the other one.",
            lambda world: f"course/{world.course.pk}/import/{world.other.pk}/",
            ok=ok,
            post=post,
        )
        for post, ok in ((None, 200), ({"section": OTHER_SECTION}, 302))
    ),
    Rule(
        "activity/<int:pk>/versions/",
        TEACHING,
        "It takes the right to restore into the course.",
        lambda world: f"activity/{world.forum.pk}/versions/",
    ),
    Rule(
        "activity/<int:pk>/versions/<int:archive>/",
        DATA,
        "It takes the right to restore people's work into the course.",
        lambda world: f"activity/{world.forum.pk}/versions/{world.archives['with people'].pk}/",
    ),
    Rule(
        "activity/<int:pk>/duplicate/",
        TEACHING,
        "It takes the right to change activities, and to import.",
        lambda world: f"activity/{world.forum.pk}/duplicate/",
        ok=302,
        post={},
    ),
    *(
        Rule(
            "remove/<slug:archive_type>/<int:pk>/",
            who,
            f"It takes the right to remove the {archive_type}.",
            at,
            ok=ok,
            post=post,
        )
        for archive_type, who, at in (
            ("activity", TEACHING, lambda world: f"remove/activity/{world.forum.pk}/"),
            ("section", TEACHING, lambda world: f"remove/section/{world.second.pk}/"),
            ("course", DATA, lambda world: f"remove/course/{world.course.pk}/"),
        )
        for post, ok in ((None, 200), ({}, 302))
    ),
    Rule(
        "course/<int:pk>/bin/",
        LOOKING,
        "It takes the right to see what was removed from the course.",
        lambda world: f"course/{world.course.pk}/bin/",
    ),
    Rule("bin/", SIGNED_IN, OWN_LIST, lambda _: "bin/"),
    *(
        Rule(
            f"bin/<int:pk>/{route}/",
            TEACHING,
            "Who sees the course's recycle bin sees the entry; the rest takes a right of its own.",
            _of_removed(route),
            ok=ok,
            post=post,
            refused=404,
            extra={"assistant": 403},
        )
        for route, post, ok in (
            ("restore", {}, 302),
            ("people", None, 200),
            ("empty", None, 200),
            ("empty", {}, 302),
        )
    ),
    Rule("activity/<int:pk>/", LOOKING, SEES_COURSE, lambda world: f"activity/{world.forum.pk}/"),
    Rule(
        "activity/<int:pk>/records/<slug:name>/",
        DATA,
        SEES_NO_PEOPLE,
        lambda world: f"activity/{world.forum.pk}/records/forumpost/",
    ),
    Rule(
        "activity/<int:pk>/<slug:name>/<int:number>/",
        DATA,
        SEES_NO_PEOPLE,
        lambda world: f"activity/{world.forum.pk}/discussion/{world.discussion.pk}/",
    ),
    Rule("file/<file:path>", DATA, SEES_NO_PEOPLE, lambda world: f"file/{world.file}"),
    _link("pluginfile.php/<path:path>", lambda world: f"pluginfile.php/{world.file}"),
    _link("course/view.php", lambda world: f"course/view.php?id={world.course.pk}"),
    _link("course/section.php", lambda world: f"course/section.php?id={world.section.pk}"),
    *(
        _link(route, _with_course(route))
        for route in ("grade/index.php", "grade/report/index.php", "badges/index.php", "user/index.php")
    ),
    _link("mod/<slug:modulename>/<slug:script>.php", lambda world: f"mod/forum/view.php?id={world.forum.pk}"),
    Rule(
        "admin/login/",
        ADMIN,
        "Administrators sign in here; others are told that they may not.",
        lambda _: "admin/login/",
        ok=302,
        refused=200,
        nobody=200,
    ),
    _administration("admin/", "admin/"),
    Rule(
        "admin/logout/",
        SIGNED_IN,
        "Everybody may sign out.",
        lambda _: "admin/logout/",
        ok=302,
        post={},
        login=HOME,
    ),
    _administration("admin/password_change/", "admin/password_change/"),
    _administration("admin/password_change/done/", "admin/password_change/done/"),
    _administration("admin/autocomplete/", "admin/autocomplete/", status=403),
    _administration("admin/jsi18n/", "admin/jsi18n/"),
    _administration("admin/r/<path:content_type_id>/<path:object_id>/", "admin/r/1/1/", status=404),
    _administration("admin/auth/group/", "admin/auth/group/"),
    _administration("admin/auth/group/add/", "admin/auth/group/add/"),
    _administration("admin/auth/group/<path:object_id>/history/", "admin/auth/group/1/history/", status=302),
    _administration("admin/auth/group/<path:object_id>/delete/", "admin/auth/group/1/delete/", status=302),
    _administration("admin/auth/group/<path:object_id>/change/", "admin/auth/group/1/change/", status=302),
    _administration("admin/auth/group/<path:object_id>/", "admin/auth/group/1/", status=302),
    _administration("admin/^(?P<app_label>auth)/$", "admin/auth/"),
    _administration("admin/(?P<url>.*)$", "admin/nothing/", status=404),
)
"""The addresses that are not about one archive."""


@dataclass(frozen=True)
class ArchiveRule:
    """The rule of a kind of archive: the people who may see it, and what each may do. Without sight 404, without right 403."""

    sees: frozenset[str]
    download: frozenset[str]
    remove: frozenset[str]
    why: str
    let_go: frozenset[str] | None = None


OF_COURSE = TEACHING
ARCHIVE_RULES: dict[str, ArchiveRule] = {
    "own": ArchiveRule(
        OF_COURSE,
        OF_COURSE,
        OWNER,
        "No people inside: the course's teachers download it, its maker removes it.",
    ),
    "with people": ArchiveRule(
        OF_COURSE, DATA, DATA, "People inside: downloading takes the right to people's data."
    ),
    "without people": ArchiveRule(OF_COURSE, OF_COURSE, DATA, "No people inside; head made it."),
    "anonymous": ArchiveRule(OF_COURSE, OF_COURSE, DATA, "Nobody can be told by it; head made it."),
    "scheduled": ArchiveRule(OF_COURSE, DATA, DATA, "As one by hand; teachers see automated archives."),
    "activity": ArchiveRule(OF_COURSE, DATA, DATA, "As one of the course."),
    "held": ArchiveRule(
        OF_COURSE, OF_COURSE, ADMIN, "Head protects it: its maker removes it no longer.", let_go=DATA
    ),
    "upload": ArchiveRule(OWNER, OWNER, OWNER, "An upload is its owner's and the administrators'."),
    "forged": ArchiveRule(OWNER, OWNER, OWNER, "A claim of being from here gives nobody a right."),
    "course gone": ArchiveRule(ADMIN, ADMIN, ADMIN, "Without the course nobody has a right to its archives."),
}

ACTIONS: dict[str, tuple[str, Mapping[str, str] | None, int]] = {
    "archives/<int:pk>/": ("sees", None, 200),
    "archives/<int:pk>/download/": ("download", None, 200),
    "archives/<int:pk>/check/": ("sees", {}, 302),
    "archives/<int:pk>/hold/": ("sees", {"keep": "1"}, 302),
    "archives/<int:pk>/hold/ ": ("let_go", {"keep": "0"}, 302),
    "archives/<int:pk>/remove/": ("remove", None, 200),
    "archives/<int:pk>/remove/ ": ("remove", {}, 302),
    "restore/<int:pk>/": ("sees", None, 200),
    "restore/<int:pk>/destination/": ("sees", None, 200),
    "restore/<int:pk>/settings/": ("sees", None, 302),
    "restore/<int:pk>/names/": ("sees", None, 200),
    "restore/<int:pk>/schema/": ("sees", None, 302),
    "restore/<int:pk>/people/": ("sees", None, 302),
    "restore/<int:pk>/review/": ("sees", None, 302),
    "restore/<int:pk>/reset/": ("sees", {}, 302),
}
"""What is done at each address of an archive: the column of its rule, what is posted, the status where it is allowed."""

ELSEWHERE: dict[str, dict[str, str]] = {
    "traveller": {
        "with people": "without people",
        "scheduled": "without people",
        "anonymous": "with people",
        "own": "without people",
        "without people": "without people",
        "held": "without people",
    },
    "admin": {
        "with people": "with people",
        "scheduled": "with people",
        "anonymous": "with people",
        "own": "without people",
        "upload": "with people",
        "forged": "with people",
        "course gone": "with people",
    },
    "head": {"with people": "not allowed", "anonymous": "not allowed", "without people": "not allowed"},
    "teacher": {"own": "not allowed", "upload": "not allowed", "forged": "not allowed"},
    "other_head": {"with people": "not allowed", "upload": "not allowed", "forged": "not allowed"},
}
"""What comes of restoring an archive in the other category, where traveller and other_head are managers.

Traveller, who teaches the archive's course and may not take people from it, brings people of an anonymous archive only. Head
and teacher may not restore there; other_head does not see the archive.
"""

PROVEN = frozenset(
    {"own", "with people", "without people", "anonymous", "scheduled", "activity", "held", "course gone"}
)
"""The kinds whose origin is proven by the vault; ids of people in uploads mean nobody here, whatever hash they claim."""
