"""File areas tell whether their files are people's work."""

from __future__ import annotations

import pytest

from courses.file_areas import is_userdata
from courses.structure import Model


def nothing_held(model: Model, number: int) -> bool:
    return False


@pytest.mark.parametrize(
    "component", ["assignfeedback_editpdf", "assignsubmission_file", "assignfeedback_file"]
)
def test_an_undeclared_area_of_a_plugin_whose_areas_are_all_work_is_work(component: str) -> None:
    assert is_userdata(component, "marker_final_pdf", 5, held=nothing_held)


@pytest.mark.parametrize(
    "area", ["mod_data/intro", "mod_forum/intro", "badges/undeclared", "course/undeclared", "mod_other/area"]
)
def test_an_undeclared_area_of_anything_else_is_content(area: str) -> None:
    component, _, name = area.partition("/")
    assert not is_userdata(component, name, 5, held=nothing_held)
