"""docs/operations.md and README.md name commands, options, metrics and settings that are there, and all that there are."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterator

import pytest
from django.core.management import get_commands, load_command_class
from prometheus_client.parser import text_string_to_metric_families

from config import metrics
from config.variables import VARIABLES
from courses.models import Category, Course
from jobs import operations, queue, runner
from tests.conftest import PROJECT
from tests.jobs import sample_operations
from vault.models import StoredArchive

OPERATIONS = (PROJECT / "docs" / "operations.md").read_text()
README = (PROJECT / "README.md").read_text()
COMMAND = re.compile(r"manage\.py (?!of\b)(?P<name>[a-z_]+)(?P<rest>[^`\n]*)")
ACTIONS = ("jobs", "archives", "schedules")


def parser_of(command: str) -> ArgumentParser:
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    assert isinstance(parser, ArgumentParser)
    return parser


def actions(command: str) -> set[str]:
    """The actions of a command of rows."""
    found = next(one for one in parser_of(command)._actions if one.dest == "action")
    return set(found.choices or ())


def named(page: str) -> Iterator[tuple[str, list[str]]]:
    """The commands that a page names, each with the words behind it."""
    for match in COMMAND.finditer(page):
        yield match["name"], match["rest"].replace("|", " ").split()


@pytest.mark.parametrize("page", [OPERATIONS, README], ids=["operations", "readme"])
def test_every_command_that_a_page_names_is_there_with_its_options(page: str) -> None:
    for command, words in named(page):
        assert command in get_commands()
        known = set(parser_of(command)._option_string_actions)
        assert {word.strip("[].,") for word in words if word.startswith(("--", "[--"))} <= known, command
        if command in ACTIONS:
            assert words[0] in actions(command)


@pytest.mark.parametrize("command", ACTIONS)
def test_the_page_names_every_action(command: str) -> None:
    assert {words[0] for name, words in named(OPERATIONS) if name == command} == actions(command)


def test_every_setting_that_the_page_names_is_listed() -> None:
    found = set(re.findall(r"\bCOURSEKEEP_[A-Z_]+\b", OPERATIONS + README))
    assert found <= {*VARIABLES, "COURSEKEEP_FUZZ_RUNS"}


@pytest.mark.django_db(transaction=True)
def test_the_page_names_every_metric_with_its_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "answering_workers", lambda: ["a"])
    monkeypatch.setattr(queue, "notify_workers", lambda job_id: True)
    category = Category.objects.create(name="A", contextid=9101)
    course = Course.objects.create(category=category, contextid=9102, shortname="a", fullname="a")
    StoredArchive.objects.create(file="a", title="a", size=1, sha256="0" * 64, course=course)
    assert "test-work" in operations.operations, sample_operations.__doc__
    job = queue.request("test-work", by=None)
    runner.run(job.pk)
    queue.request("test-work", by=None)
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[family.name + ("_total" if family.type == "counter" else "")] = labels
    table = OPERATIONS.partition("| metric |")[2].partition("\n\n")[0]
    told = {
        match[1]: {label.strip() for label in (match[2] or "").split(",") if label}
        for match in re.finditer(r"^\| `(\w+)(?:\{([^}]*)\})?`", table, re.MULTILINE)
    }
    assert told == found
    for alert in re.findall(r"\bcoursekeep_\w+", OPERATIONS):
        assert alert.removesuffix("_count") in found
