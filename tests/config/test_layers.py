"""Layers that import-linter cannot see: which modules of the domains may know of HTTP and of pages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DOMAINS = (
    "archive",
    "audit",
    "courses",
    "notices",
    "selection",
    "jobs",
    "vault",
    "backup",
    "restore",
    "transfer",
    "viewer",
)
OF_THE_WEB = (
    "django.http",
    "django.shortcuts",
    "django.views",
    "django.urls",
    "django.template",
    "django_htmx",
)
# The text of an e-mail is a template, too.
MAY_KNOW_IT = {
    "email_texts.py",
    "views",
    "views.py",
    "urls.py",
    "forms",
    "forms.py",
    "admin.py",
    "admin",
    "templatetags",
}


def modules() -> Iterator[Path]:
    """Every module of a domain but those that are made for the web, relative to the project."""
    for domain in DOMAINS:
        for path in sorted((PROJECT / domain).rglob("*.py")):
            if MAY_KNOW_IT.isdisjoint(path.relative_to(PROJECT).parts):
                yield path.relative_to(PROJECT)


def imported(path: Path) -> set[str]:
    """The full names of what a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((PROJECT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", list(modules()), ids=str)
def test_the_domain_does_not_know_of_the_web(path: Path) -> None:
    web = {
        name for name in imported(path) if f"{name}.".startswith(tuple(f"{known}." for known in OF_THE_WEB))
    }
    assert not web, f"{path} imports {', '.join(sorted(web))}; that belongs into views"
