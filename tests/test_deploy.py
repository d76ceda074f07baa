"""The deployment kit fits the project: its variables, commands, options and addresses exist, and its units are sound."""

from __future__ import annotations

import configparser
import http.client
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.test import Client
from waitress.adjustments import Adjustments

from config.variables import VARIABLES
from tests.conftest import PROJECT
from tests.test_hints import COMMAND, flags

DEPLOY = PROJECT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
TIMERS = sorted(DEPLOY.glob("systemd/*.timer"))
COMPOSE, CONTAINERFILE = DEPLOY / "compose.yaml", DEPLOY / "Containerfile"
EXAMPLE = DEPLOY / "systemd" / "environment.example"
PAGES = ("docs/deployment.md", "docs/disaster.md")
INSTALLED = "/opt/coursekeep"
"""Where the units expect the checkout with its environment."""

OTHERS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE"}
"""Variables of the images of others."""

PYTHON = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK"}
SECONDS_OF_A_WORKER = 10
"""Seconds in which a worker gives its jobs back."""


def unit(path: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string(path.read_text())
    return found


def started() -> Iterator[tuple[str, list[str]]]:
    """Each command line that the kit runs from this project, with the file that has it."""
    for path in UNITS:
        yield (
            path.name,
            shlex.split(unit(path)["Service"]["ExecStart"].removeprefix(f"{INSTALLED}/.venv/bin/")),
        )
    text = COMPOSE.read_text()
    for found in re.findall(r"^    command: \[(.*)\]$", text, re.MULTILINE):
        words = [word.strip().strip('"') for word in found.split(",")]
        if words[0] != "redis-server":
            yield COMPOSE.name, words
    cmd = re.search(r"^CMD (\[.*?\])$", CONTAINERFILE.read_text(), re.MULTILINE | re.DOTALL)
    assert cmd is not None
    yield CONTAINERFILE.name, json.loads(cmd[1].replace("\\\n", ""))


STARTED = list(started())


def variables() -> dict[str, set[str]]:
    """The environment variables that the kit sets, by file."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return {
        EXAMPLE.name: {line.partition("=")[0] for line in lines},
        COMPOSE.name: set(re.findall(r"^      ([A-Z_]+):", COMPOSE.read_text(), re.MULTILINE)),
        CONTAINERFILE.name: set(re.findall(r"\b([A-Z_]{6,})=", CONTAINERFILE.read_text())),
    }


def test_every_variable_of_the_kit_is_a_setting() -> None:
    secrets = {f"{name}_FILE" for name, variable in VARIABLES.items() if variable.secret}
    for file, names in variables().items():
        assert names
        unknown = names - VARIABLES.keys() - secrets - OTHERS - PYTHON
        assert unknown == set(), f"{file} sets what is no setting: {sorted(unknown)}"


def test_the_values_of_the_example_are_values_of_the_settings(tmp_path: Path) -> None:
    for line in EXAMPLE.read_text().splitlines():
        name, _, value = line.partition("=")
        if line and not line.startswith("#") and not name.endswith("_FILE"):
            VARIABLES[name].kind.read(value)


def test_the_kit_starts_what_a_site_needs() -> None:
    programs = {
        (file, words[0], words[words.index("config") + 1] if "config" in words else "")
        for file, words in STARTED
    }
    assert {
        ("coursekeep-web.service", "waitress-serve", ""),
        ("coursekeep-worker.service", "celery", "worker"),
        ("coursekeep-copy.service", "python", ""),
        (COMPOSE.name, "celery", "worker"),
        (COMPOSE.name, "python", ""),
        (CONTAINERFILE.name, "waitress-serve", ""),
    } == programs


@pytest.mark.parametrize(("file", "words"), STARTED)
def test_every_command_of_the_kit_exists_with_its_options(file: str, words: list[str]) -> None:
    program = Path(sys.executable).parent / words[0]
    assert os.access(program, os.X_OK)
    if words[0] == "waitress-serve":
        options, application = Adjustments.parse_args(words[1:])
        assert application == ["config.wsgi:application"] or options
    elif words[0] == "celery":
        helped = subprocess.run(
            [program, "worker", "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert [word for word in words if word.startswith("--") and word not in helped] == []
    else:
        assert words[1] == "manage.py"
        assert words[2] in get_commands()
        assert {word for word in words if word.startswith("--")} <= flags(words[2])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_has_no_more_rights_than_it_needs(path: Path) -> None:
    service = unit(path)["Service"]
    wanted = {
        "User": "coursekeep",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
        "EnvironmentFile": "/etc/coursekeep/environment",
        "WorkingDirectory": INSTALLED,
    }
    assert {name: service[name] for name in wanted} == wanted
    assert f"COURSEKEEP_HOME=/var/lib/{service['StateDirectory']}\n" in EXAMPLE.read_text()


def test_units_that_run_start_again_and_are_given_time_to_end() -> None:
    for path in UNITS:
        service = unit(path)["Service"]
        if service["Type"] != "oneshot":
            assert service["Restart"] in ("always", "on-failure"), path.name
            assert int(service["TimeoutStopSec"]) > SECONDS_OF_A_WORKER, path.name
    graces = re.findall(r"stop_grace_period: (\d+)s", COMPOSE.read_text())
    assert graces
    assert all(int(seconds) > SECONDS_OF_A_WORKER for seconds in graces)


def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed here")
    for path in (*UNITS, *TIMERS):
        text = path.read_text()
        # What cannot be here: the account, the mounted disk, and the checkout at its place.
        text = re.sub(r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE)
        text = text.replace(f"{INSTALLED}/.venv/bin", str(Path(sys.executable).parent)).replace(
            INSTALLED, str(PROJECT)
        )
        (tmp_path / path.name).write_text(text)
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        [program, "verify", "--man=no", *files], capture_output=True, text=True, check=False
    )
    told = [line for line in (done.stdout + done.stderr).splitlines() if "coursekeep" in line]
    assert (done.returncode, told) == (0, [])


def test_nginx_accepts_the_example(tmp_path: Path) -> None:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("nginx and openssl are not installed here")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=courses.example",
    ]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    text = (DEPLOY / "nginx" / "coursekeep.conf").read_text()
    text = re.sub(r"(ssl_certificate) [^;]+", rf"\1 {certificate}", text)
    text = re.sub(r"(ssl_certificate_key) [^;]+", rf"\1 {key}", text)
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n{text}\n}}\n"
    )
    done = subprocess.run(
        [program, "-t", "-p", str(tmp_path), "-c", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_proxy_sets_what_the_site_trusts() -> None:
    text = (DEPLOY / "nginx" / "coursekeep.conf").read_text()
    places = text.split("location ")[1:]
    assert places
    for place in places:
        assert "proxy_set_header X-Forwarded-Proto $scheme;" in place
        assert "proxy_set_header X-Forwarded-For $remote_addr;" in place
    assert "client_max_body_size 0;" in text


def test_the_image_is_made_of_the_lock_file_and_does_not_run_as_root() -> None:
    lines = CONTAINERFILE.read_text().splitlines()
    assert "RUN pip install --require-hashes -r requirements.lock" in lines
    assert "ARG LDAP=no" in lines
    assert any("pip install --require-hashes -r requirements-ldap.lock" in line for line in lines)
    copied = next(line for line in lines if line.startswith("COPY requirements"))
    assert copied == "COPY requirements.lock requirements-ldap.lock ./"
    assert [line.split()[1] for line in lines if line.startswith("USER ")] == ["coursekeep"]
    ignored = (PROJECT / ".containerignore").read_text().split()
    assert {".git", "var", ".env", "deploy/secrets"} <= set(ignored)


def test_the_kit_holds_no_secret() -> None:
    for path in (*UNITS, COMPOSE, CONTAINERFILE, EXAMPLE):
        text = path.read_text()
        for name in (name for name, variable in VARIABLES.items() if variable.secret):
            values = re.findall(rf"\b{name}\s*[:=]\s*(\S+)", text)
            assert all(value.startswith("redis://") and "@" not in value for value in values), path.name
    declared = re.findall(r"^    file: \./secrets/(\w+)$", COMPOSE.read_text(), re.MULTILINE)
    assert set(declared) == set(re.findall(r"/run/secrets/(\w+)", COMPOSE.read_text()))
    assert "deploy/secrets/" in (PROJECT / ".gitignore").read_text().split()


def test_the_address_that_the_image_checks_answers() -> None:
    found = re.search(r"http://127\.0\.0\.1:8000(/\w+)", CONTAINERFILE.read_text())
    assert found is not None
    assert Client().get(found[1], headers={"host": "127.0.0.1:8000"}).status_code == 200


@pytest.mark.parametrize("file", ["coursekeep-web.service", "Containerfile"])
def test_the_web_server_passes_on_what_the_proxy_says(file: str, tmp_path: Path) -> None:
    """waitress takes these headers away unless it is told to leave them, and then every request is sent to TLS again."""
    words = next(words for name, words in STARTED if name == file)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    words = [re.sub(r"--listen=.*", f"--listen=127.0.0.1:{port}", word) for word in words]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "COURSEKEEP_"))
    }
    environment |= {"COURSEKEEP_HOME": str(tmp_path / "home"), "SITE_URL": "https://courses.example"}
    environment |= {"COURSEKEEP_BEHIND_PROXY": "1", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    server = subprocess.Popen(
        [str(Path(sys.executable).parent / words[0]), *words[1:]],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        assert answer(port, {"X-Forwarded-Proto": "http"}) == 301
        assert answer(port, {"X-Forwarded-Proto": "https"}) == 200
    finally:
        server.kill()
        server.wait()


def answer(port: int, headers: dict[str, str]) -> int:
    """The status of a static file, which takes no database, once the server answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request(
                "GET", "/static/admin/css/base.css", headers={"Host": "courses.example", **headers}
            )
            return connection.getresponse().status
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_a_page_names_exist_with_their_options(page: str) -> None:
    found = list(COMMAND.finditer((PROJECT / page).read_text()))
    assert found
    for match in found:
        assert match["name"] in get_commands(), match[0]
        given = {word for word in match["rest"].split() if word.startswith("-")}
        assert given <= flags(match["name"]), match[0]
