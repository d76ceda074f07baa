"""The addresses that are asked for: every page of the site, and of a very large course, with ids that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

ADMIN, TEACHER, MANAGER = "admin", "teacher", "manager"
EVERYBODY = (ADMIN, TEACHER, MANAGER)


@dataclass(frozen=True, slots=True)
class MeasuredAddress:
    """An address with the people who ask for it. `route` is its pattern in the table of addresses.

    With `late`, the key of a row in the middle of its list, the second page and the one after that row are asked for, too.
    """

    route: str
    address: str
    people: tuple[str, ...] = EVERYBODY
    late: str = ""


LATE_MOMENT, LATE_NAME, LATE_NUMBER = "2025-06-01T00:00:00+00:00~500", "Latin 5000~500", "5000"
"""Keys of rows in the middle of lists by time, by name and by number (`courses/paging.py`)."""

NO_PAGES: Mapping[str, str] = {
    "healthz": "a probe",
    "readyz": "a probe that asks workers and storages",
    "accounts/login/": "it leads on who has signed in",
    "accounts/password/<uidb64>/<token>/": "it takes a link that was sent",
    "accounts/link/<str:token>/": "it takes a link that was sent",
    "accounts/oidc/": "it leads on to the provider",
    "accounts/oidc/callback/": "it leads on from the provider",
    "accounts/second-factor/code/": "it leads on who needs no code",
    "archives/<int:pk>/download/": "it sends a file, however large it is",
    "administration/audit/<slug:form>/": "it sends all entries as a file",
    "restore/upload/<int:pk>/": "it takes an upload that was sent",
    "pluginfile.php/<path:path>": "it leads on",
    "course/view.php": "it leads on",
    "course/section.php": "it leads on",
    "grade/index.php": "it leads on",
    "grade/report/index.php": "it leads on",
    "badges/index.php": "it leads on",
    "user/index.php": "it leads on",
    "mod/<slug:modulename>/<slug:script>.php": "it leads on",
    "file/<file:path>": "it sends a file",
}
"""Addresses that answer GET and are not measured, with the reason. Those of Django's own administration are not, either."""


def of_site(ids: Mapping[str, int]) -> Iterator[MeasuredAddress]:
    """Yield the pages of a site of many courses, given the ids of `demo.scale.site_rows`."""
    yield from _lists()
    course, job = ids["courses"], ids["jobs"]
    scheduled = ids["archives"] + 50
    alone = (ADMIN,)
    for rest in ("", "restore/", "bin/", "copy/"):
        yield MeasuredAddress(
            f"course/<int:pk>/{rest}",
            f"course/{course}/{rest}",
            late=LATE_MOMENT if rest == "restore/" else "",
        )
    yield MeasuredAddress("course/<int:pk>/import/", f"course/{course}/import/", late=LATE_NAME)
    yield MeasuredAddress("course/<int:pk>/import/", f"course/{course}/import/?search=9")
    source = course + 1
    yield MeasuredAddress("course/<int:pk>/import/<int:source>/", f"course/{course}/import/{source}/", alone)
    for kind, number in (
        ("course", course),
        ("section", ids["sections"] + 1),
        ("activity", ids["activities"]),
    ):
        yield MeasuredAddress("remove/<slug:archive_type>/<int:pk>/", f"remove/{kind}/{number}/", alone)
    yield MeasuredAddress("archives/<int:pk>/", f"archives/{scheduled}/", alone)
    yield MeasuredAddress("archives/<int:pk>/remove/", f"archives/{scheduled}/remove/", alone)
    # Of the 51st course, whose 50th archive a schedule made; those of the first course are all in the recycle bin.
    activity, archive = ids["activities"] + 100, ids["archives"] + 49
    yield MeasuredAddress("activity/<int:pk>/versions/", f"activity/{activity}/versions/", alone)
    yield MeasuredAddress(
        "activity/<int:pk>/versions/<int:archive>/", f"activity/{activity}/versions/{archive}/", alone
    )
    for rest in ("", "log/"):
        yield MeasuredAddress(f"jobs/<int:pk>/{rest}", f"jobs/{job + 7}/{rest}", alone)
    yield MeasuredAddress("jobs/<int:pk>/", f"jobs/{ids['last_job']}/", alone)
    for rest in ("", "edit/", "remove/"):
        yield MeasuredAddress(
            f"schedules/<int:pk>/{rest}",
            f"schedules/{ids['schedule']}/{rest}",
            alone,
            late="" if rest else LATE_MOMENT,
        )
        yield MeasuredAddress(
            f"schedules/<int:pk>/{rest}",
            f"schedules/{ids['small_schedule']}/{rest}",
            late="" if rest else LATE_MOMENT,
        )
    yield MeasuredAddress(
        "schedules/runs/<int:pk>/", f"schedules/runs/{ids['runs']}/", alone, late=LATE_NUMBER
    )
    yield MeasuredAddress("schedules/runs/<int:pk>/", f"schedules/runs/{ids['runs']}/?state=failed", alone)
    yield MeasuredAddress(
        "administration/people/<int:pk>/", f"administration/people/{ids['teacher']}/", alone
    )
    for rest in ("people", "empty"):
        yield MeasuredAddress(f"bin/<int:pk>/{rest}/", f"bin/{ids['removed']}/{rest}/", alone)


def _lists() -> Iterator[MeasuredAddress]:
    """Yield the lists: their pages, their searches, their filters."""
    yield MeasuredAddress("", "", late=LATE_NAME)
    yield MeasuredAddress("schedules/", "schedules/", late="Small 50~50")
    for route in ("archives/", "jobs/", "restore/", "bin/"):
        yield MeasuredAddress(route, route, late=LATE_MOMENT)
    for query in ("search=9", "search=nothing+has+this", "category={category}"):
        yield MeasuredAddress("", f"?{query}")
    for state in ("never", "kept", "partial", "damaged", "running"):
        yield MeasuredAddress("", f"?state={state}")
    for query in (
        "search=Biology",
        "search=course-7777",
        "search=nothing+has+this",
        "source=upload",
        "source=backup",
    ):
        yield MeasuredAddress("archives/", f"archives/?{query}")
    for people in ("with", "anonymous", "without"):
        yield MeasuredAddress("archives/", f"archives/?people={people}")
    yield MeasuredAddress("restore/", "restore/?search=Biology")
    yield MeasuredAddress("restore/", "restore/?search=nothing+has+this")
    for state in ("queued", "running", "succeeded", "failed", "cancelled"):
        yield MeasuredAddress("jobs/", f"jobs/?state={state}")
    yield MeasuredAddress("jobs/under-way/", "jobs/under-way/")
    yield MeasuredAddress("schedules/new/", "schedules/new/")
    yield MeasuredAddress("notices/", "notices/")
    yield MeasuredAddress("accounts/password/", "accounts/password/")
    yield MeasuredAddress("accounts/second-factor/", "accounts/second-factor/", (ADMIN,))
    yield from _administration()


def _administration() -> Iterator[MeasuredAddress]:
    alone = (ADMIN,)
    yield MeasuredAddress("administration/", "administration/", alone, late=LATE_MOMENT)
    yield MeasuredAddress("administration/people/", "administration/people/", alone, late="person30000")
    for name in ("audit", "notices"):
        yield MeasuredAddress(f"administration/{name}/", f"administration/{name}/", alone, late=LATE_NUMBER)
    for rest in ("options/", "limits/", "people/new/"):
        yield MeasuredAddress(f"administration/{rest}", f"administration/{rest}", alone)
    for query in ("search=Biology", "search=nothing+has+this"):
        yield MeasuredAddress("administration/", f"administration/?{query}", alone)
    for query in ("action=restore", "outcome=failed", "words=Biology", "words=nothingelse", "course={course}", "actor={teacher}",
                  "first=2026-01-01"):  # fmt: skip
        yield MeasuredAddress("administration/audit/", f"administration/audit/?{query}", alone)
    for query in ("search=person77", "search=nothing", "search=Biology+Name7"):
        yield MeasuredAddress("administration/people/", f"administration/people/?{query}", alone)
    yield MeasuredAddress("metrics", "metrics", alone)


def of_course(ids: Mapping[str, int]) -> Iterator[MeasuredAddress]:
    """Yield the pages of a very large course, given the ids of `demo.scale.course_rows` and its archive's."""
    course, archive, alone = ids["course"], ids["archive"], (ADMIN,)
    for rest in ("", "restore/", "copy/", "import/", "bin/"):
        yield MeasuredAddress(f"course/<int:pk>/{rest}", f"course/{course}/{rest}", alone)
    for stage in ("", "schema/", "confirm/"):
        yield MeasuredAddress(
            f"backup/<slug:archive_type>/<int:pk>/{stage}", f"backup/course/{course}/{stage}", alone
        )
    yield MeasuredAddress(
        "backup/<slug:archive_type>/<int:pk>/schema/", f"backup/course/{course}/schema/?search=Forum+1", alone
    )
    for kind, number in (("section", ids["section"]), ("activity", ids["forum"])):
        yield MeasuredAddress(
            "backup/<slug:archive_type>/<int:pk>/confirm/", f"backup/{kind}/{number}/confirm/", alone
        )
    for stage in ("", "destination/", "settings/", "names/", "schema/", "people/", "review/"):
        # Where nobody has to decide, the page of people is shown if it is asked for.
        shown = "?show=1" if stage == "people/" else ""
        yield MeasuredAddress(f"restore/<int:pk>/{stage}", f"restore/{archive}/{stage}{shown}", alone)
    yield MeasuredAddress("archives/<int:pk>/", f"archives/{archive}/", alone)
    yield MeasuredAddress(
        "course/<int:pk>/import/<int:source>/", f"course/{ids['other']}/import/{course}/", alone
    )
    yield MeasuredAddress("remove/<slug:archive_type>/<int:pk>/", f"remove/course/{course}/", alone)
    for name in (
        "everything",
        "people",
        "groups",
        "gradebook",
        "questions",
        "badges",
        "calendar",
        "completion",
        "competencies",
        "blocks",
    ):
        yield MeasuredAddress("course/<int:pk>/<slug:name>/", f"course/{course}/{name}/", alone)
    yield MeasuredAddress("course/<int:pk>/<slug:name>/", f"course/{course}/people/?page-enrolled=400", alone)
    for name in ("userenrolment", "roleassignment", "groupmember", "file", "gradegrade", "gradeitem"):
        yield MeasuredAddress(
            "course/<int:pk>/records/<slug:name>/", f"course/{course}/records/{name}/", alone
        )
    yield MeasuredAddress(
        "course/<int:pk>/records/<slug:name>/",
        f"course/{course}/records/userenrolment/?page-records=900",
        alone,
    )
    for name, number in (("person", ids["student"]), ("grades", ids["grade_item"])):
        yield MeasuredAddress(
            "course/<int:pk>/<slug:name>/<int:number>/", f"course/{course}/{name}/{number}/", alone
        )
    for kind in ("page", "label", "url", "folder", "forum", "assign"):
        yield MeasuredAddress("activity/<int:pk>/", f"activity/{ids[kind]}/", alone)
    for kind, name in (
        ("forum", "forumpost"),
        ("forum", "forumdiscussion"),
        ("assign", "assignsubmission"),
        ("folder", "file"),
    ):
        yield MeasuredAddress(
            "activity/<int:pk>/records/<slug:name>/", f"activity/{ids[kind]}/records/{name}/", alone
        )
    yield MeasuredAddress(
        "activity/<int:pk>/<slug:name>/<int:number>/",
        f"activity/{ids['forum']}/discussion/{ids['discussion'] + 1}/",
        alone,
    )
    yield MeasuredAddress("activity/<int:pk>/versions/", f"activity/{ids['forum']}/versions/", alone)
    yield MeasuredAddress(
        "activity/<int:pk>/versions/<int:archive>/", f"activity/{ids['forum']}/versions/{archive}/", alone
    )


def filled(page: MeasuredAddress, ids: Mapping[str, int]) -> MeasuredAddress:
    """Return a page with the ids in the query of its address."""
    return replace(page, address=page.address.format(**ids))
