"""What the environment decides, seen from fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config.apps import check_identity
from embedded_postgres.server import Embedded
from tests.clean_environment import clean_environment

PROJECT = Path(__file__).resolve().parents[2]


def run(home: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own whose environment holds nothing of ours but this."""
    clean = clean_environment()
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**clean, "COURSEKEEP_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def read(home: Path, *names: str, **environment: str) -> dict[str, Any]:
    """These settings, as another process sees them."""
    code = f"import json; from config import settings as s; found = {{n: getattr(s, n) for n in {names!r}}}"
    done = run(home, code + "; print(json.dumps(found))", **environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_importing_them_starts_no_server(tmp_path: Path) -> None:
    found = read(tmp_path, "DATABASES", "CELERY_BROKER_URL", "DEBUG")
    assert found["DATABASES"]["default"]["ENGINE"] == "embedded_postgres.engine"
    assert found["CELERY_BROKER_URL"] == "filesystem://localhost"
    assert found["DEBUG"] is False
    assert not Embedded(tmp_path).cluster.exists()


def test_existing_servers_are_used_when_named(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "DATABASES",
        "CELERY_BROKER_URL",
        DATABASE_URL="postgresql://u@db/courses",
        REDIS_URL="redis://queue/1",
    )
    assert found["DATABASES"]["default"]["HOST"] == "db"
    assert found["CELERY_BROKER_URL"] == "redis://queue/1"


def test_who_the_site_is_can_come_from_the_environment(tmp_path: Path) -> None:
    given = {
        "COURSEKEEP_SITE_IDENTIFIER": "one",
        "COURSEKEEP_SITE_KEY": "two",
        "COURSEKEEP_SECRET_KEY": "three",
    }
    found = read(tmp_path, "SITE_IDENTIFIER", "SITE_KEY", "SECRET_KEY", **given)
    assert found == {"SITE_IDENTIFIER": "one", "SITE_KEY": "two", "SECRET_KEY": "three"}
    assert not (tmp_path / "site.json").exists()


def test_storages_can_be_shared_ones(tmp_path: Path) -> None:
    shared = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "archives"}}
    found = read(tmp_path, "STORAGES", COURSEKEEP_STORAGES=json.dumps({"archives": shared}))["STORAGES"]
    assert found["archives"] == shared
    assert found["pool"]["OPTIONS"]["location"] == str(tmp_path / "files")


@pytest.mark.parametrize("text", ["no json", '{"archives": 7}', '{"archives": {}}', "[]"])
def test_storages_that_make_no_sense_are_refused_by_name(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, "import config.settings", COURSEKEEP_STORAGES=text)
    assert done.returncode != 0
    assert "COURSEKEEP_STORAGES is not a JSON object" in done.stderr


def test_psycopg_3_is_refused_with_the_way_out(tmp_path: Path) -> None:
    other = tmp_path / "site-packages" / "psycopg"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    code = "import sys, manage; sys.argv = ['manage.py', 'check']; manage.main()"
    done = run(tmp_path / "home", code, PYTHONPATH=str(other.parent))
    assert done.returncode == 1
    assert done.stderr == (
        "psycopg 3 is installed here, Django would use it, and Coursekeep works with psycopg2 only. "
        "Run pip uninstall psycopg, or give Coursekeep an environment of its own.\n"
    )


def test_tls_closes_the_cookies(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "CSRF_TRUSTED_ORIGINS", "ALLOWED_HOSTS")
    found = read(tmp_path, *names, SITE_URL="https://courses.example/")
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://courses.example"]
    assert "courses.example" in found["ALLOWED_HOSTS"]


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    """In a process of its own, because the tests' own database knows of no migrations."""
    code = "import sys, manage; sys.argv = ['manage.py', 'makemigrations', '--check', '--dry-run']; manage.main()"
    try:
        done = run(tmp_path, code)
    finally:
        Embedded(tmp_path).stop()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.django_db
def test_the_system_checks_find_nothing() -> None:
    call_command("check", fail_level="WARNING")


def test_keys_of_one_machine_are_pointed_out_before_there_are_two(settings: Any) -> None:
    settings.DATABASE_URL = "postgresql://db/courses"
    settings.SITE_IDENTITY_IS_SHARED = False
    assert [warning.id for warning in check_identity()] == ["config.W001"]
    settings.SITE_IDENTITY_IS_SHARED = True
    assert check_identity() == []


CHECK = "import sys, manage; sys.argv = ['manage.py', 'check', '--deploy', '--fail-level', 'WARNING']; manage.main()"


@pytest.mark.parametrize(
    "environment",
    [
        {"SITE_URL": "https://courses.example"},
        {"SITE_URL": "https://courses.example", "COURSEKEEP_BEHIND_PROXY": "1"},
        {"SITE_URL": "http://127.0.0.1:8000"},
    ],
    ids=["tls", "tls at a proxy", "this machine"],
)
def test_the_check_of_a_deployment_finds_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run(tmp_path, CHECK, **environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_check_of_a_deployment_finds_a_site_in_the_network_without_tls(tmp_path: Path) -> None:
    done = run(tmp_path, CHECK, SITE_URL="http://courses.example")
    assert done.returncode == 1
    assert "security.W012" in done.stderr


def test_plain_http_is_redirected_only_where_a_proxy_says_how_a_request_came(tmp_path: Path) -> None:
    names = ("SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
    site = {"SITE_URL": "https://courses.example"}
    assert read(tmp_path, *names, **site) == {"SECURE_SSL_REDIRECT": False, "SECURE_HSTS_SECONDS": 3600}
    proxied = read(tmp_path, *names, **site, COURSEKEEP_BEHIND_PROXY="1", COURSEKEEP_HSTS_SECONDS="60")
    assert proxied == {"SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 60}


def test_a_redis_that_does_not_answer_is_an_error_after_some_seconds(tmp_path: Path) -> None:
    found = read(tmp_path, "CELERY_BROKER_TRANSPORT_OPTIONS", REDIS_URL="redis://queue/1")
    options = found["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert 0 < options["socket_connect_timeout"] <= options["socket_timeout"] < 60
