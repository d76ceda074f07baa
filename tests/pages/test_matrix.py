"""The permission matrix: every address of the site's table, for every kind of person and every kind of archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from archive.errors import NotAllowed
from courses.models import Role
from restore import services
from restore.request import RestoreRequest
from tests.pages.rules import ACTIONS, ARCHIVE_RULES, ELSEWHERE, PAGES, PROVEN, ArchiveRule, Rule
from tests.pages.world import ARCHIVES, NOBODY, PEOPLE, World, make_world
from vault import manifests


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The site stands for all tests of this module."""


@pytest.fixture(scope="module")
def world(standing: None) -> World:
    """The site of the matrix."""
    return make_world()


@pytest.fixture(autouse=True)
def untouched(transactional_db: None, world: World) -> Iterator[None]:
    """Roll back the changes of each test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Walk the table of addresses."""
    for one in resolver.url_patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route
        else:
            yield from routes(one, route)


def answered(world: World, name: str, address: str, post: Mapping[str, object] | None) -> Any:
    """The answer that a person gets. What it changed is undone."""
    client, signed_in = world.clients[name], deepcopy(world.clients[name].cookies)
    ids = {
        "{category}": world.category.pk,
        "{other_section}": world.other.sections.get().pk,
        "{manager}": Role.objects.get(shortname="manager").pk,
    }
    data = {
        key: SimpleUploadedFile("a.mbz", value) if isinstance(value, bytes) else ids.get(str(value), value)
        for key, value in (post or {}).items()
    }
    with transaction.atomic():
        answer = client.get(address) if post is None else client.post(address, data)
        if answer.streaming:
            b"".join(answer)
        transaction.set_rollback(True)
    client.cookies = signed_in
    return answer


def test_every_address_of_the_site_has_a_rule() -> None:
    walked = set(routes(get_resolver()))
    ruled = {rule.route for rule in PAGES} | {action.strip() for action in ACTIONS}
    assert walked - ruled == set(), (
        "These addresses have no rule about who may go there: add them to rules.py."
    )
    assert ruled - walked == set(), "These rules are about no address of the site."


def test_every_kind_of_archive_has_a_rule() -> None:
    assert ARCHIVE_RULES.keys() == ARCHIVES.keys()
    people = frozenset(PEOPLE)
    for rule in PAGES:
        assert rule.who <= people
        assert rule.why.endswith(".")


@pytest.mark.parametrize(
    "rule", PAGES, ids=lambda rule: f"{'post' if rule.post is not None else 'get'} {rule.route}"
)
def test_an_address_answers_each_person_as_the_rule_says(world: World, rule: Rule) -> None:
    address = f"/{rule.at(world)}"
    for name in PEOPLE:
        answer = answered(world, name, address, rule.post)
        assert answer.status_code == rule.expected(name), (name, PEOPLE[name], rule.why)
        assert "no-store" in answer.headers["Cache-Control"], name
        if answer.status_code == 302 and name == NOBODY:
            assert answer.headers["Location"].startswith(rule.login)


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("action", ACTIONS)
def test_an_archive_answers_each_person_as_its_rule_says(world: World, action: str, kind: str) -> None:
    column, post, ok = ACTIONS[action]
    rule, archive = ARCHIVE_RULES[kind], world.archives[kind]
    address = "/" + action.strip().replace("<int:pk>", str(archive.pk))
    for name in PEOPLE:
        answer = answered(world, name, address, post)
        assert answer.status_code == status_of(rule, column, name, ok), (name, PEOPLE[name], rule.why)
        assert "no-store" in answer.headers["Cache-Control"], name


def status_of(rule: ArchiveRule, column: str, name: str, ok: int) -> int:
    """The status that a person gets for an action on an archive."""
    if name in (NOBODY, "suspended"):
        return 302
    if name not in rule.sees:
        return 404
    allowed = getattr(rule, column)
    return ok if allowed is None or name in allowed else 403


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, row in ELSEWHERE.items() for kind in row])
def test_a_restore_elsewhere_brings_what_the_right_at_the_archives_own_course_allows(
    world: World, name: str, kind: str
) -> None:
    archive, by = world.archives[kind], world.people[name]
    expected = ELSEWHERE[name][kind]
    with services.opened(archive) as opened:
        target = {"category": world.elsewhere.pk}
        if expected == "not allowed":
            with pytest.raises(NotAllowed):
                services.prepare(opened, RestoreRequest(archive, by, target, {}))
            return
        context = services.prepare(opened, RestoreRequest(archive, by, target, {}))
        assert ("with people" if context.selection.people else "without people") == expected


@pytest.mark.parametrize("kind", ARCHIVES)
def test_only_the_vault_or_a_signature_proves_that_an_archive_is_from_here(world: World, kind: str) -> None:
    archive, admin = world.archives[kind], world.people["admin"]
    manifest = manifests.manifest_of(archive)
    target = {"category": world.elsewhere.pk}
    if manifest.archive_type == "activity":
        target = {"course": world.course.pk}
    with services.opened(archive) as opened:
        context = services.prepare(opened, RestoreRequest(archive, admin, target, {}))
        assert context.made_here == (kind in PROVEN)
