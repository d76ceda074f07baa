"""Presets: each mode and target has defaults and fixed values of its own, and rows of the administrator."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from archive.errors import UsageError
from courses.capabilities import EVERYTHING
from selection.defaults import site_defaults
from selection.models import OptionDefault
from selection.option import MODES, TARGET_KINDS
from selection.presets import PRESETS, Preset, preset_options, presets_for
from selection.resolution import resolve
from selection.settings import Item, Settings
from selection.table import ROOT, options_for
from selection.values import parse_value
from tests.people_made import person

FULL = {
    option.name: "1" for option in options_for("backup") if option.level == "root" and option.kind == "switch"
}
every_preset = pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))


def resolved(operation: Any, asked: dict[str, Any] | None = None, **rest: Any) -> Settings:
    given = {"may": EVERYTHING, "items": (Item("section_1"),), **rest}
    if operation == "restore":
        given["archive_settings"] = FULL
    return resolve(asked or {}, operation=operation, **given)


def row(preset: str, name: str, value: str, *, operation: str = "backup", locked: bool = False) -> None:
    OptionDefault.objects.create(preset=preset, operation=operation, name=name, value=value, locked=locked)


def test_every_mode_and_every_target_but_a_new_course_has_a_preset() -> None:
    assert set(PRESETS) == set(MODES) | set(TARGET_KINDS) - {"new"}


@every_preset
def test_a_preset_names_options_and_values_that_there_are(preset: Preset) -> None:
    for name, value in [*preset.defaults.items(), *((n, fixed.value) for n, fixed in preset.fixed.items())]:
        assert parse_value(ROOT[name], name, value) == value
        assert any(ROOT[name].use(operation) for operation in preset.operations)
    assert not set(preset.defaults) & set(preset.fixed)
    assert preset.waived <= EVERYTHING


@every_preset
def test_what_a_mode_fixes_nobody_changes(preset: Preset) -> None:
    for operation in preset.operations:
        for name, fixed in preset.fixed.items():
            if ROOT[name].use(operation) is None:
                continue
            setting = resolved(operation, mode=preset.name)[name]
            assert (setting.value, setting.lock, setting.reason) == (fixed.value, "mode", fixed.reason)
            other = "always" if isinstance(fixed.value, str) else not fixed.value
            with pytest.raises(UsageError, match=f"The option {name} cannot be"):
                resolved(operation, {name: other}, mode=preset.name)


def test_an_import_has_no_people_and_needs_no_right_to_choose() -> None:
    settings = resolved("backup", {"blocks": "0"}, mode="import", may=())
    assert not settings.on("blocks")
    off = {name for name, setting in settings.items() if setting.value is False}
    assert {"users", "files", "badges", "comments", "logs", "grade_histories"} <= off
    assert settings.on("groups")
    restored = resolved("restore", mode="import", target="merge")
    assert not restored.on("permissions")
    assert restored.text("enrolments") == "never"


def test_a_copy_has_people_only_when_they_are_asked_for_and_whoever_copies_names_it() -> None:
    assert not resolved("backup", mode="copy").on("users")
    assert resolved("backup", {"users": "1"}, mode="copy").on("users")
    rights = EVERYTHING - {"moodle/course:changefullname", "moodle/restore:configure"}
    asked = {"course_fullname": "Copy"}
    assert resolved("restore", asked, mode="copy", may=rights).text("course_fullname") == "Copy"


def test_the_recycle_bin_stores_everything() -> None:
    settings = resolved("backup", mode="bin")
    assert {name for name, one in settings.items() if one.value is False} == {"anonymize", "single_names"}
    assert resolved("restore", mode="bin").text("enrolments") == "always"


def test_a_backup_for_this_site_has_no_contents_of_files() -> None:
    assert not resolved("backup", mode="samesite").on("files")


@pytest.mark.django_db
def test_a_row_of_a_preset_beats_a_general_one_only_there() -> None:
    row("general", "blocks", "0", locked=True)
    row("automated", "blocks", "1")
    general, scheduled = site_defaults("backup"), site_defaults("backup", mode="automated")
    assert (general["blocks"].value, general["blocks"].locked) == ("0", True)
    assert (scheduled["blocks"].value, scheduled["blocks"].locked) == ("1", False)


@pytest.mark.django_db
@pytest.mark.parametrize("mode", MODES)
def test_general_defaults_hold_in_the_modes_that_inherit_them(mode: Any) -> None:
    row("general", "blocks", "0", locked=True)
    assert ("blocks" in site_defaults("backup", mode=mode)) is (mode == "general" or PRESETS[mode].inherits)
    assert {one for one in MODES if PRESETS[one].inherits} == {"automated", "samesite"}


@pytest.mark.django_db
def test_the_targets_of_restores_have_defaults_of_their_own() -> None:
    row("merge", "overwrite_conf", "1", operation="restore")
    row("replace", "keep_groups_and_groupings", "1", operation="restore", locked=True)
    row("replace", "course_fullname", "0", operation="restore")
    merge, replace = (
        resolved("restore", target=kind, site=site_defaults("restore", target=kind))
        for kind in ("merge", "replace")
    )
    assert (merge.on("overwrite_conf"), replace.on("overwrite_conf")) == (True, False)
    assert merge["keep_groups_and_groupings"].value is False
    assert (replace["keep_groups_and_groupings"].value, replace["keep_groups_and_groupings"].lock) == (
        True,
        "site",
    )
    assert site_defaults("restore") == {}
    assert site_defaults("restore", mode="import", target="merge") == {}


def test_the_options_of_a_preset_are_those_that_a_site_can_set() -> None:
    names = {name: [option.name for _, option in preset_options(PRESETS[name])] for name in PRESETS}
    of_course = [
        "overwrite_conf",
        "course_fullname",
        "course_shortname",
        "course_idnumber",
        "course_startdate",
    ]
    assert names["merge"] == of_course
    kept = ["keep_roles_and_enrolments", "keep_groups_and_groupings"]
    assert sorted(names["replace"]) == sorted([*of_course, *kept, "backup_first"])
    for name, found in names.items():
        assert "filename" not in found
        assert name in ("merge", "replace") or "users" in found
    for name in ("import", "copy", "bin"):
        assert len(names[name]) == len(set(names[name])), "no option is set twice"
        assert {"permissions", "enrolments"} <= set(names[name])
        assert "container" not in names[name]


def test_the_presets_of_an_operation_stand_in_order() -> None:
    assert [one.name for one in presets_for("restore", "general", "merge")] == ["general", "merge"]
    assert [one.name for one in presets_for("restore", "import", "merge")] == ["import"]
    assert [one.name for one in presets_for("backup", "automated")] == ["general", "automated"]


@pytest.mark.django_db
@every_preset
def test_the_page_of_a_preset_saves_its_rows_and_no_others(preset: Preset) -> None:
    row("general", "blocks", "0") if preset.name != "general" else None
    before = OptionDefault.objects.count()
    client = Client()
    client.force_login(person("root", is_superuser=True))
    address = f"{reverse('administration-options')}?preset={preset.name}"
    assert preset.title in client.get(address).content.decode()
    lines = [one for one in preset_options(preset) if one.option.name not in preset.fixed]
    last = lines[-1]
    value = {"switch": "1"}.get(last.option.kind, "0" if last.option.kind != "choice" else "never")
    field = f"{last.operation}-{last.option.name}"
    form = {
        f"{one.operation}-{one.option.name}": _text(one.option.use(one.operation).default)  # type: ignore[union-attr]
        for one in lines
    }
    answer = client.post(address, {**form, field: value, f"{field}-locked": "on"})
    assert answer.headers["Location"] == address
    saved = OptionDefault.objects.get(preset=preset.name, operation=last.operation, name=last.option.name)
    assert (saved.value, saved.locked) == (value, True)
    assert OptionDefault.objects.exclude(preset=preset.name).count() == before
    for name in preset.fixed:
        assert not OptionDefault.objects.filter(preset=preset.name, name=name).exists()


@pytest.mark.django_db
def test_an_unknown_preset_is_not_there_and_a_wrong_value_is_said_at_its_field() -> None:
    client = Client()
    client.force_login(person("root", is_superuser=True))
    address = reverse("administration-options")
    assert client.get(f"{address}?preset=nosuch").status_code == 404
    answer = client.post(f"{address}?preset=merge", {"restore-course_fullname": "Anything"})
    assert answer.status_code == 400
    assert 'href="#restore-course_fullname"' in answer.content.decode()


def _text(value: bool | str) -> str:
    return value if isinstance(value, str) else "1" if value else "0"
