"""What classes enter when they are made, and that the modules of `courses` import one another in one direction."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from courses import links, registry, structure
from courses.activities.forum import Forum, ForumPost
from courses.activities.quiz import Quiz
from courses.content import Content
from courses.fields.logged import LoggedDetails
from courses.models import Activity

PROJECT = Path(__file__).resolve().parents[2]


def modules(package: str) -> dict[str, Path]:
    """The files of a package's modules, by their full names; migrations are none of them."""
    found = {}
    for path in (PROJECT / package).rglob("*.py"):
        parts = path.relative_to(PROJECT).with_suffix("").parts
        if "migrations" not in parts:
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imported(node: ast.AST) -> Iterator[str]:
    """The full names of what is imported in a tree, also inside functions; not what only the type checker imports."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from imported(child)


def graph(package: str) -> dict[str, set[str]]:
    """The modules of a package that each of its modules imports. A name of a module counts as that module."""
    found = modules(package)
    edges: dict[str, set[str]] = {}
    for name, path in found.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {full if full in found else full.rpartition(".")[0] for full in imported(tree)}
        discovered = {
            ".".join(path.relative_to(PROJECT).parts[:-1])
            for call in ast.walk(tree)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "import_all"
            and name == "courses.models"
        }
        of_packages = {one for one in found for inside in discovered if one.startswith(f"{inside}.")}
        edges[name] = ((named & found.keys()) | of_packages) - {name}
    return edges


def test_no_module_of_courses_imports_what_imports_it() -> None:
    edges = graph("courses")
    assert edges["courses.links"] == {"courses.registry"}
    try:
        order = list(TopologicalSorter(edges).static_order())
    except CycleError as error:
        pytest.fail(f"These modules import one another: {' -> '.join(error.args[1])}")
    assert order.index("courses.registry") < order.index("courses.fields.references")


def test_the_registry_imports_nothing_of_courses() -> None:
    assert graph("courses")["courses.registry"] == set()


def test_a_circle_inside_functions_would_be_found() -> None:
    tree = ast.parse("def f():\n    from courses.structure import element\n")
    assert list(imported(tree)) == ["courses.structure.element"]


def test_what_only_the_type_checker_imports_is_no_import() -> None:
    tree = ast.parse("if TYPE_CHECKING:\n    from courses.structure import element\n")
    assert list(imported(tree)) == []


def test_a_model_enters_when_its_class_is_made() -> None:
    assert ForumPost in registry.archived_models()
    assert registry.activity_types()["forum"] is Forum


def test_a_model_that_enters_or_leaves_changes_all_that_was_computed() -> None:
    assert structure.model_of_item_type("visitor") is None
    assert "VISITORPAGE" not in links.links()
    address = ("VISITORPAGE", "/mod/visitor/page.php?id=$1", ("visitor",))
    visitor: Any = type(
        "Visitor", (Content,), {"__module__": "courses.activities.forum", "links": (address,)}
    )
    try:
        assert registry.activity_types()["visitor"] is visitor
        assert structure.model_of_item_type("visitor") is visitor
        assert "VISITORPAGE" in links.links()
    finally:
        registry.leave(visitor)
        del apps.all_models["courses"]["visitor"]
        delattr(Activity, "visitor")
        apps.clear_cache()
    assert structure.model_of_item_type("visitor") is None
    assert "VISITORPAGE" not in links.links()


def test_a_type_says_itself_what_the_rest_must_know() -> None:
    assert registry.uses_questions("quiz")
    assert not registry.uses_questions("forum")
    assert not registry.uses_questions("of_no_app")
    assert registry.owns_section("subsection")
    assert "mod_quiz/response_attachments" in registry.userdata_areas()
    assert Quiz.activity_type.label == ""


def test_an_id_in_a_log_is_what_its_component_says_before_what_all_say() -> None:
    assert registry.logged_ids("mod_wiki")["pageid"] == "wiki_page"
    assert registry.logged_ids("mod_lesson")["pageid"] == "lesson_page"
    assert "pageid" not in registry.logged_ids("mod_forum")
    assert registry.logged_ids("mod_forum")["scoid"] == "scorm_sco"
    assert not LoggedDetails.ITEM_TYPES.keys() & registry.logged_ids("core").keys()


def test_the_component_of_a_type_leads_back_to_it() -> None:
    assert registry.modulename_of(registry.component_of("forum")) == "forum"
    assert registry.modulename_of("core_question") == ""
    assert registry.modulename_of(None) == ""
