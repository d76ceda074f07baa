"""Pictures of every page, phone and desktop, light and dark, of a site made for it: `python -m tests.pages.screens`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROJECT = Path(__file__).resolve().parents[2]
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
SQUEEZED = """[...document.querySelectorAll("main *")].filter(one => {
    const box = one.getBoundingClientRect();
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim().length > 7);
    return own && box.width > 1 && box.width < 48 && box.height > 80;
}).map(one => one.textContent.trim().slice(0, 40))"""
"""Texts that stand in a column of a few letters."""

TALLEST = {"desktop": 1500, "phone": 2000}


def main() -> int:
    """Make the site, take the pictures, take the site down. The exit code."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else PROJECT / "var" / "screens").absolute()
    with tempfile.TemporaryDirectory(prefix="coursekeep-screens-") as home:
        os.environ.update(COURSEKEEP_HOME=home, DJANGO_SETTINGS_MODULE="config.settings")
        os.environ.pop("DATABASE_URL", None)
        from embedded_postgres.server import Embedded

        server = Embedded(Path(home))
        try:
            return _take(Path(home), target)
        finally:
            server.stop()


def _take(home: Path, target: Path) -> int:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from tests.pages import gallery

    call_command("migrate", verbosity=0)
    gallery.ensure_site()
    pages = dict(_pages())
    connections.close_all()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with _site(home) as address:
        return _photograph(address, pages, target)


def _pages() -> Iterator[tuple[str, str]]:
    """The name and the address of every page."""
    from courses.models import Activity, Course, User
    from jobs.models import Job
    from vault.models import Schedule, StoredArchive

    course = Course.objects.get(shortname="GEO1")
    archive = StoredArchive.objects.filter(course=course, verified__isnull=False).order_by("pk").first()
    other = Course.objects.get(shortname="BIO1")
    section = course.sections.get(number=1)
    forum = Activity.objects.get(course=course, title__startswith="Why")
    schedule = Schedule.objects.get(name="Every night")
    run = schedule.runs.order_by("pk").first()
    assert archive is not None
    assert run is not None

    def job(**which: Any) -> int:
        found = Job.objects.filter(**which).order_by("pk").last()
        assert found is not None
        return found.pk

    yield "courses", "/"
    yield "courses-none-found", "/?search=astronomy"
    yield "course", f"/course/{course.pk}/"
    yield "activity", f"/activity/{forum.pk}/"
    yield "backup-1-settings", f"/backup/course/{course.pk}/"
    yield "backup-2-schema", f"/backup/course/{course.pk}/schema/"
    yield "backup-3-confirmation", f"/backup/course/{course.pk}/confirm/"
    yield "backup-4-perform", f"/jobs/{job(state='running')}/"
    yield "backup-5-complete", f"/jobs/{job(state='succeeded', operation='backup')}/"
    yield "backup-section", f"/backup/section/{section.pk}/schema/"
    yield "archives", "/archives/"
    yield "archive", f"/archives/{archive.pk}/"
    yield "restore", "/restore/"
    yield "restore-1-confirm", f"/restore/{archive.pk}/"
    yield "restore-2-destination", f"/restore/{archive.pk}/destination/"
    yield "restore-3-settings", f"/restore/{archive.pk}/settings/"
    yield "restore-4-schema", f"/restore/{archive.pk}/schema/"
    yield "restore-5-review", f"/restore/{archive.pk}/review/"
    yield "restore-7-complete", f"/jobs/{job(state='succeeded', operation='restore')}/"
    yield "course-copy", f"/course/{course.pk}/copy/"
    yield "course-import", f"/course/{course.pk}/import/"
    yield "course-import-parts", f"/course/{course.pk}/import/{other.pk}/"
    yield "activity-versions", f"/activity/{forum.pk}/versions/"
    yield "activity-version-people", f"/activity/{forum.pk}/versions/{archive.pk}/"
    yield "remove", f"/remove/section/{section.pk}/"
    yield "course-bin", f"/course/{course.pk}/bin/"
    yield "jobs", "/jobs/"
    yield "job-failed", f"/jobs/{job(state='failed')}/"
    yield "schedules", "/schedules/"
    yield "schedule", f"/schedules/{schedule.pk}/"
    yield "schedule-form", "/schedules/new/"
    yield "schedule-run", f"/schedules/runs/{run.pk}/"
    yield "administration", "/administration/"
    yield "administration-limits", "/administration/limits/"
    yield "administration-options", "/administration/options/"
    yield "notice-choices", "/notices/"
    yield "notices", "/administration/notices/"
    yield "audit", "/administration/audit/"
    yield "accounts", "/administration/people/"
    yield "account-new", "/administration/people/new/"
    yield "account", f"/administration/people/{User.objects.get(username='tess').pk}/"
    yield "password", "/accounts/password/"
    yield "not-found", "/course/999/"


@contextmanager
def _site(home: Path) -> Iterator[str]:
    """The site served at an address of its own, without a worker, so that jobs stay as they are."""
    from demo.processes import ChildProcesses

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with ChildProcesses(PROJECT, home / "logs") as beside:
        arguments = ["-m", "waitress", f"--listen=127.0.0.1:{port}", "config.wsgi:application"]
        beside.start("web", arguments, environment={"SITE_URL": address})
        for _ in range(200):
            beside.check()
            try:
                with urllib.request.urlopen(f"{address}/accounts/login/", timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield address


def _photograph(address: str, pages: dict[str, str], target: Path) -> int:
    from playwright.sync_api import sync_playwright

    from tests.pages.conftest import CHROMIUM, FLAGS

    if CHROMIUM is None:
        print("Chromium is not installed. On Debian: apt-get install chromium", file=sys.stderr)
        return 1
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for size in SIZES:
            for theme in THEMES:
                faults += _photograph_all(browser, address, pages, target, size, theme)
        browser.close()
    _shrink(target)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(list(target.glob('*.png')))} pictures in {target}")
    return 1 if faults else 0


def _shrink(target: Path) -> None:
    """Make the files smaller with pngquant, where the machine has it."""
    program = shutil.which("pngquant")
    if program:
        pictures = [str(path) for path in sorted(target.glob("*.png"))]
        subprocess.run([program, "--ext", ".png", "--force", "--speed", "3", *pictures], check=True)


def _photograph_all(
    browser: Browser, address: str, pages: dict[str, str], target: Path, size: str, theme: Theme
) -> list[str]:
    """Every page in one size and theme; what is wrong with any of them, as sentences."""
    from tests.pages.places import PASSWORD

    width, height = SIZES[size]
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": height},
        color_scheme=theme,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.screenshot(path=target / f"sign-in-{size}-{theme}.png")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    faults = []
    for name, path in pages.items():
        page.set_viewport_size({"width": width, "height": height})
        if name == "restore-3-settings":
            page.goto(path.replace("settings", "destination"))
            page.get_by_role("button", name="Continue to “").click()
        answer = page.goto(path)
        wide, tall = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        if answer is None or (answer.status >= 400) != (name == "not-found"):
            faults.append(f"{name}: status {answer.status if answer else 'none'}")
        if wide > width:
            faults.append(f"{name}, {size}: {wide} pixels wide")
        faults += [f"{name}, {size}: no room for “{text}”" for text in page.evaluate(SQUEEZED)]
        # The bar at the foot of a phone's window belongs at the foot of the picture.
        page.set_viewport_size({"width": width, "height": max(height, min(tall, TALLEST[size]))})
        page.screenshot(path=target / f"{name}-{size}-{theme}.png")
    context.close()
    return faults


if __name__ == "__main__":
    sys.exit(main())
