"""Numbers that other programs write otherwise, `5.0`, ` 5 `, `5e0` and blanks, are read wherever a number stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from courses import structure
from courses.fields import ArchiveField, Number, Reading, Real, integer
from courses.models import Activity, Course, File, User
from tests.archives_made import members, small
from tests.jobs_done import back_up, faults, restore


class SameIds:
    """Every id is its own new one."""

    def mention(self, item_type: str, old: int) -> int | None:
        return old

    def arrive(self, item_type: str, old: int) -> int | None:
        return old


READING = Reading(SameIds())


def fields_of(*classes: type[Any]) -> Iterator[ArchiveField]:
    """Every described column of these classes that is parsed by itself."""
    for model in structure.archived_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, ArchiveField) and isinstance(field, classes) and not field.needs_row:
                yield field


@pytest.mark.parametrize("rough", [" 5 ", "5.0", "5.00000", "+5", "5e0", "\n5\n", "0.5E1", "5."])
def test_every_number_is_read_however_it_is_written(rough: str) -> None:
    found = list(fields_of(models.BigIntegerField, models.DecimalField, models.FloatField))
    assert len(found) > 500
    for field in found:
        parse = field.parser(READING)
        read = parse(rough)
        assert read is not None, field
        assert float(read) == float(parse("5") or "nan"), field


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_blanks_are_what_each_field_makes_of_nothing(blank: str) -> None:
    for field in fields_of(models.BigIntegerField, models.DecimalField, models.FloatField):
        read = field.parser(READING)(blank)
        expected = {field.missing(), "0", None if field.null else "0"}
        assert read in expected, field


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(["{}.0", " {} ", "{}.", "{}.000", "\t{}\n"]))
def test_a_whole_number_is_the_same_however_it_is_written(number: int, form: str) -> None:
    assert integer(form.format(number)) == str(number)


@given(st.decimals(-999, 999, places=2), st.sampled_from(["{}", " {} ", "{}e0", "{}E+0"]))
def test_a_decimal_number_is_the_same_however_it_is_written(number: object, form: str) -> None:
    parse = Number(max_digits=5, decimal_places=2).parser(READING)
    assert float(parse(form.format(number)) or "nan") == float(str(number))
    assert float(Real().parser(READING)(form.format(number)) or "nan") == float(str(number))


IDS = re.compile(r"(<(?!user |detail )[a-z_]+[^>]*? (?:id|contextid)=\")([0-9]+)(\")")
LEAVES = re.compile(
    r"(<(?:userid|parent|groupid|sectionid|contextid|itemid|filesize|roleid|number|scale)>)(-?[0-9]+)(<)"
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", [r"\g<1> \g<2> \g<3>", r"\g<1>\g<2>.0\g<3>"])
def test_an_archive_with_rough_numbers_comes_in_whole(tmp_path: Path, form: str) -> None:
    rough = {
        path: LEAVES.sub(form, IDS.sub(form, content.decode())).encode()
        for path, content in members().items()
        if path.endswith(".xml") and path != "moodle_backup.xml"
    }
    assert sum(rough[path] != content for path, content in members().items() if path in rough) > 8
    plain = restore(small(tmp_path / "a.mbz"))
    done = restore(small(tmp_path / "b.mbz", rough))
    lost = [finding.message for finding in done.job.findings.filter(code="reference-lost")]
    assert lost == []
    assert set(done.findings) - {"same-name"} == set(plain.findings) - {"same-name"}
    for model in (Activity, File):
        assert (
            model.objects.filter(course=done.course).count()
            == model.objects.filter(course=plain.course).count()
        )
    assert User.objects.filter(username="anna").count() == 1
    assert Course.objects.filter(pk=done.course.pk, fullname="A sample copy 1").exists()
    assert faults(back_up(done.course, tmp_path / "c.mbz")) == []
