"""Variables: what each may be is checked at the start, secrets may stand in files, and one list documents them all."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from config.apps import check_variables
from config.environment import FILE, Environment, read_environment
from config.settings_page import documentation
from config.variables import TEST_PREFIX, VARIABLES, Variable
from tests.config.test_settings import PROJECT, run

WRONG = {
    "switch": "ture",
    "number": "many",
    "word": "loud",
    "address": "courses.example",
    "JSON": "{]",
    "networks": "10.0.0.0/99",
    "time zone": "Madrid",
}
"""For each kind of value one that it cannot have; texts, lists and paths can have any."""


def named(kind: str) -> list[Variable]:
    return [variable for variable in VARIABLES.values() if variable.kind.name == kind]


@pytest.mark.parametrize("name", [v.name for v in VARIABLES.values() if v.kind.name in WRONG])
def test_a_value_that_a_variable_cannot_have_is_refused_with_its_name_and_what_it_may_be(name: str) -> None:
    variable = VARIABLES[name]
    value = WRONG[variable.kind.name]
    with pytest.raises(ImproperlyConfigured) as refused:
        Environment({name: value})
    said = str(refused.value)
    assert said.startswith(name)
    assert variable.kind.allowed in said
    assert (value in said) is not variable.secret


def test_every_kind_of_value_is_tried() -> None:
    assert {variable.kind.name for variable in VARIABLES.values()} == {*WRONG, "text", "list", "path"}


def test_a_start_with_a_misspelt_switch_ends_with_one_sentence(tmp_path: Path) -> None:
    code = "import sys, manage; sys.argv = ['manage.py', 'check']; manage.main()"
    done = run(tmp_path, code, COURSEKEEP_DEBUG="ture")
    assert done.returncode == 1
    assert done.stderr == (
        "COURSEKEEP_DEBUG is “ture”, and it may be 1, true, yes, on, 0, false, no or off.\n"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u:hunter2@h/x"),
        ("DATABASE_URL", "postgresql://u:hunter2@h:port/x"),
        ("DATABASE_URL", "postgresql://u:hunter2\u2100@h/x"),
        ("REDIS_URL", "memcached://:hunter2@h/0"),
        ("COURSEKEEP_EMAIL_URL", "imap://u:hunter2@h"),
        ("COURSEKEEP_SENTRY_DSN", "hunter2"),
        ("COURSEKEEP_STORAGES", '{"archives": {"OPTIONS": {"secret_key": "hunter2"}}}'),
        ("COURSEKEEP_STORAGES", '{"archives": {"OPTIONS": {"secret_key": "hunter2"}'),
    ],
)
def test_a_refused_secret_is_in_no_line_of_the_traceback(tmp_path: Path, name: str, value: str) -> None:
    done = run(tmp_path, "from config import settings", **{name: value})
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {name} is not" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("ON", True), (" yes ", True), ("0", False), ("No", False)]
)
def test_a_switch_has_several_words(text: str, value: bool) -> None:
    assert Environment({"COURSEKEEP_DEBUG": text}).switch("COURSEKEEP_DEBUG") is value


@pytest.mark.parametrize("text", ["-1", "1.5", "9" * 30, "٣"])
def test_a_number_is_a_whole_one_within_bounds(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="a whole number from 0 to"):
        Environment({"COURSEKEEP_HSTS_SECONDS": text})


def test_an_empty_value_is_none() -> None:
    found = Environment(
        {"COURSEKEEP_DEBUG": "", "COURSEKEEP_TIME_ZONE": " ", "COURSEKEEP_METRICS_ADDRESSES": ""}
    )
    assert found.switch("COURSEKEEP_DEBUG") is False
    assert found.text("COURSEKEEP_TIME_ZONE") == "UTC"
    assert found.value("COURSEKEEP_METRICS_ADDRESSES") == []


@pytest.mark.parametrize("name", [v.name for v in VARIABLES.values() if not v.secret and v.default])
def test_every_default_is_a_value_of_its_kind(name: str) -> None:
    variable = VARIABLES[name]
    assert Environment({name: variable.default}).value(name) == Environment({}).value(name)


def test_a_variable_that_is_not_listed_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        Environment({"COURSEKEEP_X": "1"}).text("COURSEKEEP_X")


SECRETS = [variable.name for variable in VARIABLES.values() if variable.secret]
VALID = {
    "DATABASE_URL": "postgresql://a:b@c/d",
    "REDIS_URL": "redis://c/0",
    "COURSEKEEP_SENTRY_DSN": "https://a@b/1",
    "COURSEKEEP_EMAIL_URL": "smtp://a:b@c:587?tls=1",
}


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_can_stand_in_a_file(tmp_path: Path, name: str) -> None:
    value = VALID.get(name, '{"archives": {"BACKEND": "a.B"}}')
    path = tmp_path / "secret"
    path.write_text(f"{value}\n")
    given = Environment({name + FILE: str(path)})
    assert given.is_set(name)
    assert given.value(name) == Environment({name: value}).value(name)
    assert given.unknown() == []


def test_a_secret_in_two_places_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("b")
    with pytest.raises(
        ImproperlyConfigured, match="COURSEKEEP_SITE_KEY and COURSEKEEP_SITE_KEY_FILE are both set"
    ):
        Environment({"COURSEKEEP_SITE_KEY": "a", "COURSEKEEP_SITE_KEY_FILE": str(path)})


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), ("\n", "is empty")])
def test_a_file_without_a_secret_is_refused_by_name(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ImproperlyConfigured, match=f"COURSEKEEP_SITE_KEY_FILE names {path}, which {says}"):
        Environment({"COURSEKEEP_SITE_KEY_FILE": str(path)})


def test_a_wrong_value_in_a_secrets_file_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("mysql://anna:hidden@db/x")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL_FILE is not an address") as refused:
        Environment({"DATABASE_URL_FILE": str(path)})
    assert "hidden" not in str(refused.value)


def environment_with(monkeypatch: pytest.MonkeyPatch, checkout: Path, **variables: str) -> Environment:
    """The environment of a process in which nothing of ours is set but these."""
    for name in list(os.environ):
        if name in VARIABLES or name.startswith("COURSEKEEP_"):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read_environment(checkout)


def test_the_environment_goes_before_the_home_folders_file_and_that_before_the_checkouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, checkout = tmp_path / "home", tmp_path / "checkout"
    home.mkdir()
    checkout.mkdir()
    (checkout / ".env").write_text(
        f"# a site\n\nexport COURSEKEEP_HOME={home}\nSITE_NAME='Checkout'\nCOURSEKEEP_HOSTS=a,b\nREDIS_URL=redis://q/0\n"
    )
    (home / ".env").write_text('SITE_NAME="The home"\nCOURSEKEEP_HOSTS=c\nCOURSEKEEP_HOME=/nowhere\n')
    found = environment_with(monkeypatch, checkout, COURSEKEEP_HOSTS="d")
    assert found.text("COURSEKEEP_HOME") == str(home)
    assert found.text("SITE_NAME") == "The home"
    assert found.items("COURSEKEEP_HOSTS") == ["d"]
    assert found.text("REDIS_URL") == "redis://q/0"


def test_a_file_that_is_named_replaces_both_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SITE_NAME=Checkout\n")
    (tmp_path / "own.env").write_text("SITE_URL=https://own.example\n")
    found = environment_with(monkeypatch, tmp_path, COURSEKEEP_ENV_FILE=str(tmp_path / "own.env"))
    assert (found.text("SITE_NAME"), found.text("SITE_URL")) == ("Coursekeep", "https://own.example")
    with pytest.raises(ImproperlyConfigured, match=r"COURSEKEEP_ENV_FILE names .*there is no such file"):
        environment_with(monkeypatch, tmp_path, COURSEKEEP_ENV_FILE=str(tmp_path / "none"))


def test_a_line_that_is_no_variable_is_refused_by_file_and_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("SITE_NAME=A\nCOURSEKEEP_DEBUG: 1\n")
    with pytest.raises(ImproperlyConfigured, match=r"\.env, line 2 is no variable"):
        environment_with(monkeypatch, tmp_path)


def test_a_site_reads_the_file_in_its_home_folder(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SITE_NAME=From the file\nCOURSEKEEP_DEBUG=1\n")
    code = "from config import settings as s; print(s.SITE_NAME, s.DEBUG)"
    done = run(tmp_path, code)
    assert (done.returncode, done.stdout) == (0, "From the file True\n")


def test_variables_that_nothing_reads_are_told_with_the_nearest_name(settings: Any) -> None:
    given = {"COURSEKEEP_DEBG": "1", "COURSEKEEP_HOME_FILE": "x", f"{TEST_PREFIX}X": "1", "SHELL": "sh"}
    settings.UNKNOWN_VARIABLES = Environment(given).unknown()
    found = check_variables()
    assert [(one.id, one.msg) for one in found] == [
        ("config.W002", "Nothing reads the variable COURSEKEEP_DEBG."),
        ("config.W002", "Nothing reads the variable COURSEKEEP_HOME_FILE."),
    ]
    assert found[0].hint == "Did you mean COURSEKEEP_DEBUG? Else remove it."


def test_the_check_command_warns_of_an_unknown_variable(tmp_path: Path) -> None:
    code = "import sys, manage; sys.argv = ['manage.py', 'check']; manage.main()"
    done = run(tmp_path, code, COURSEKEEP_HOST="courses.example")
    assert done.returncode == 0
    assert "Nothing reads the variable COURSEKEEP_HOST." in done.stderr
    assert "Did you mean COURSEKEEP_HOSTS?" in done.stderr


SOURCES = ("archive", "backup", "bin", "config", "courses", "demo", "embedded_postgres", "jobs", "restore", "selection",
           "sign_in", "transfer", "vault", "viewer")  # fmt: skip
READ = re.compile(r"environ(?:\.get\(|\[)\s*\"((?:COURSEKEEP|DATABASE|REDIS|SITE)_[A-Z_]+)\"")


def test_whatever_the_code_reads_from_the_environment_is_listed() -> None:
    paths = [path for room in SOURCES for path in (PROJECT / room).rglob("*") if path.is_file()]
    texts = [path.read_text(encoding="utf-8") for path in paths if path.suffix in ("", ".py")]
    found = {name for text in texts for name in READ.findall(text)}
    assert "COURSEKEEP_ADVISORIES" in found
    assert found <= VARIABLES.keys()


def test_the_page_of_settings_is_current() -> None:
    page = PROJECT / "docs" / "settings.md"
    assert page.read_text() == documentation(), "Run: manage.py describe --variables > docs/settings.md"


def test_describe_prints_the_page_of_settings(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("describe", "--variables")
    assert capsys.readouterr().out == documentation()
