"""People of a site under load: each signs in and then goes through wizards and lists, with pauses, until the time is over."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from random import Random

from demo.load.browser import Browser, Record, Unexpected

PASSWORD = "load-1-load-2-load"  # noqa: S105 - accounts of a site that ends with the command
LISTS = (
    "/",
    "/?search=Water",
    "/archives/",
    "/jobs/",
    "/jobs/under-way/",
    "/schedules/",
    "/restore/",
    "/bin/",
)
PAUSE = (0.2, 1.5)
"""Seconds that a person looks at a page, at least and at most."""

POLLS = 20
"""Times that a person looks at the page of a job before going on."""

JOB = re.compile(r"/jobs/\d+/")


class Person:
    """A person with a browser. `done` counts what was carried through, `errors` has what was not as it should be."""

    def __init__(self, name: str, port: int, random: Random, record: Record, ended: threading.Event) -> None:
        self.name = name
        self.random = random
        self.browser = Browser(port, record)
        self.done: Counter[str] = Counter()
        self.errors: list[str] = []
        self._ended = ended

    def live(self, *, after: float = 0.0) -> None:
        """Sign in after so many seconds, back up a course, and do one thing after the other until the time is over.

        Everyone who signs in asks for a backup, however short the time is: a run in which nobody did shows nothing.
        """
        if self._ended.wait(after) or not self._try("sign-in", self.sign_in):
            return
        self._do("backup")
        while not self._ended.is_set():
            self._do(self.random.choices(list(DEEDS), [weight for _, weight in DEEDS.values()])[0])

    def _do(self, name: str) -> None:
        """Do one of DEEDS."""
        self._try(name, lambda: DEEDS[name][0](self))

    def _try(self, name: str, deed: Callable[[], bool]) -> bool:
        """Do something; count it if it was carried through, and note what went wrong."""
        try:
            if deed():
                self.done[name] += 1
        except Exception as problem:  # noqa: BLE001 - a person who stops would be no load, and would not be missed
            self.errors.append(f"{name}: {type(problem).__name__}: {problem}")
            return False
        return True

    def pause(self) -> None:
        """Look at a page for a while."""
        self._ended.wait(self.random.uniform(*PAUSE))

    def sign_in(self) -> bool:
        """Sign in by the form."""
        self.browser.get("/accounts/login/")
        self.browser.send(username=self.name, password=PASSWORD)
        self._expect(r"/")
        return True

    def browse(self) -> bool:
        """Open some lists, a course and an archive."""
        for path in self.random.sample(LISTS, 3):
            self.browser.get(path)
            self.pause()
        for kind, path in (("course", "/"), ("archives", "/archives/")):
            self.browser.get(self._link(path, kind))
            self.pause()
        return True

    def back_up(self) -> bool:
        """Go through the wizard of a backup to the page of its job."""
        course = self._link("/", "course")
        self.browser.get(f"/backup{course}")
        self.pause()
        for stage in ("schema", "confirm"):
            self.browser.send()
            self._expect(rf"/backup{course}{stage}/")
            self.pause()
        self.browser.send({"go": "1"})
        return self._follow_job()

    def restore(self) -> bool:
        """Go through the wizard of a restore as a new course to the page of its job."""
        archive = self._link("/archives/", "archives")
        wizard = archive.replace("/archives/", "/restore/")
        self.browser.get(wizard)
        self.pause()
        self.browser.get(f"{wizard}destination/")
        self.pause()
        self.browser.send({"go": "1"}, where="new")
        for stage, following in (("settings", "schema"), ("schema", "(people|review)")):
            self._expect(rf"{wizard}{stage}/")
            self.browser.send()
            self._expect(rf"{wizard}{following}/")
            self.pause()
        if not self._choose_people(wizard):
            return False
        self._expect(rf"{wizard}review/")
        checked = 'name="go" value="checked"' in self.browser.page.text
        self.browser.send({"go": "checked" if checked else "unchecked"}, action=f"{wizard}review/")
        return self._follow_job()

    def _choose_people(self, wizard: str) -> bool:
        """Pass the stage of people and roles, if there is one; False if the time was over first."""
        for _ in range(POLLS):
            if self._ended.is_set():
                return False
            if self.browser.page.path.partition("?")[0] != f"{wizard}people/":
                return True
            if 'id="people-wait"' in self.browser.page.text:
                self.pause()
                self.browser.get(f"{wizard}people/")
            else:
                self.browser.send()
        raise Unexpected(f"The people of {wizard} were not found while a person waited.")

    def _follow_job(self) -> bool:
        """Look at the page of a job until it has ended, or for a while."""
        self._expect(JOB.pattern)
        address = self.browser.page.path
        for _ in range(POLLS):
            if self._ended.is_set():
                break
            self.pause()
            if 'http-equiv="refresh"' not in self.browser.get(address).text:
                break
        return True

    def _link(self, page: str, kind: str) -> str:
        """Return the address of one of the courses or archives on a page. Raises Unexpected if it names none."""
        text = self.browser.get(page).text
        self.pause()
        found: list[str] = sorted(set(re.findall(rf'href="(/{kind}/\d+/)"', text)))
        if not found:
            raise Unexpected(f"{page} has no link to /{kind}/.")
        return self.random.choice(found)

    def _expect(self, pattern: str) -> None:
        """Raise Unexpected unless the page is at an address."""
        path = self.browser.page.path.partition("?")[0]
        if re.fullmatch(pattern, path) is None:
            errors = re.findall(r'<li><a href="#[^"]*">([^<]+)', self.browser.page.text)
            raise Unexpected(f"{path} came instead of {pattern}. {' '.join(errors)}")


DEEDS: dict[str, tuple[Callable[[Person], bool], int]] = {
    "lists": (Person.browse, 3),
    "backup": (Person.back_up, 2),
    "restore": (Person.restore, 2),
}
"""The deeds of people, and how often each is chosen beside the others."""
