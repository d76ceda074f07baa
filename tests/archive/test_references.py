"""References are said once: by the models, written out for the archive room, and by a supplement of what models cannot say."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from archive import references
from archive.comparison.rules import SPECIAL, SPECIAL_NAMES, rule_for
from archive.links import COURSE_LINKS
from courses import links, reference_table, structure

COMMAND = "manage.py describe --references > archive/references.json"


def derived() -> dict[tuple[str, str], references.Reference]:
    """What the models say, without the file."""
    return {(each.record, each.name): each for each in reference_table.references()}


def test_the_file_says_what_the_models_say() -> None:
    told = references.DATA.read_text(encoding="utf-8")
    assert told == reference_table.document(), (
        f"archive/references.json differs from the models. Run: {COMMAND}"
    )


def test_the_command_prints_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("describe", "--references")
    assert capsys.readouterr().out == references.DATA.read_text(encoding="utf-8")


def test_what_is_read_from_the_file_is_what_the_models_say() -> None:
    assert references.described() == derived()
    assert references.links() == links.links()


def test_no_name_is_said_by_the_models_and_by_the_supplement() -> None:
    """A name of the supplement that the models come to say would be two lists again."""
    from_models = references.by_name().keys() - references.CONVENTIONS.keys()
    described = {name for _, name in derived()}
    assert references.CONVENTIONS.keys() & described == set()
    assert references.CONVENTIONS.keys() & references.instances().keys() == set()
    assert references.CONVENTIONS.keys() & references.NEVER_BY_NAME == set()
    assert from_models <= described


def test_each_exception_of_the_supplement_is_one() -> None:
    """A name or record that the models no longer have would be a dead line."""
    described = derived()
    names: dict[str, set[str]] = {}
    for reference in described.values():
        names.setdefault(reference.name, set()).update(reference.item_types)
    for name in references.NEVER_BY_NAME:
        assert len(names[name]) == 1
        assert names[name] <= references.SHARED, f"{name} would be no reference by its name anyway"
    assert {record for record, _ in described} >= references.SHARED_RECORDS
    given_out = {structure.item_type_of(model) for model in structure.archived_models()} | {"context"}
    assert given_out >= references.SHARED | set(references.CONVENTIONS.values())
    assert references.MODULE_OF.keys() <= references.NEVER_BY_NAME


def test_no_link_is_declared_by_the_course_and_by_an_activity_type() -> None:
    from_models = [token for token, _, _ in links.activity_links()]
    assert {token for token, _, _ in COURSE_LINKS} & set(from_models) == set()
    assert len(from_models) == len(set(from_models))


def test_the_comparison_has_rules_of_its_own_only_for_values_of_another_form() -> None:
    """A rule beside the table is for what is more than an id; a plain id would be said twice."""
    plain = [
        key for key, each in derived().items() if each.form in {"id", "scale", "path"} and key in SPECIAL
    ]
    assert plain == []
    assert SPECIAL_NAMES.keys() & references.by_name().keys() == set()


@pytest.mark.parametrize("name", ["userid", "loggeduser", "graderid", "privatereplyto"])
def test_opaque_and_comparison_agree_on_names_of_people(name: str) -> None:
    found = references.in_opaque("wheel", name)
    assert found is not None
    assert found.item_types == ("user",)
    assert rule_for(f"wheels/wheel/{name}").item_type == "user"


def test_all_names_of_people_in_the_models_are_people_wherever_they_stand() -> None:
    """An anonymised backup would show who it was otherwise."""
    people = {name for (_, name), each in derived().items() if each.item_types == ("user",)}
    assert {name for name in people if references.by_name().get(name) != "user"} == set()


READ_AS_THEY_ARE = {
    "userid", "authorid", "reviewerid", "recipientid",  # whose userdata a record is
    "contextid", "moduleid", "sectionid", "parentcmid", "courseid",  # read from the manifest and from root elements
    "course", "role",  # item types, too
}  # fmt: skip


def test_the_room_has_no_second_list_of_references() -> None:
    modules = [references.DATA.with_name(f"{name}.py") for name in ("opaque", "verify")]
    modules += sorted((references.DATA.parent / "comparison").glob("*.py"))
    found = {
        (path.name, name)
        for path in modules
        for name in references.by_name().keys() - READ_AS_THEY_ARE
        if f'"{name}"' in path.read_text(encoding="utf-8")
    }
    assert found == set()
