"""Whether an archive is whole: real ones are, and each kind of damage is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.container import open_archive
from archive.findings import Finding
from archive.verify import verify

from . import sample
from .test_container import REAL


def found(contents: dict[str, bytes]) -> list[Finding]:
    with sample.archive_of(contents) as archive:
        return list(verify(archive))


def without(path: str) -> list[Finding]:
    return found({name: content for name, content in sample.members().items() if name != path})


def changed(path: str, old: bytes, new: bytes) -> list[Finding]:
    contents = sample.members()
    assert old in contents[path]
    return found({**contents, path: contents[path].replace(old, new)})


@pytest.mark.parametrize("name", REAL)
def test_a_real_archive_is_whole(fixtures: Path, name: str) -> None:
    with open_archive(fixtures / name) as archive:
        findings = list(verify(archive))
    assert [finding.sentence() for finding in findings if finding.level != "info"] == []


def test_the_sample_is_whole() -> None:
    assert found(sample.members()) == []


@pytest.mark.parametrize(
    ("leaf", "told"),
    [
        ("<more>1</more>", True),
        ("<more></more>", False),
        ("<more>$@NULL@$</more>", False),
        ("<more>\n</more>", False),
        ('<more><deep id="1"><x>1</x></deep></more>', False),
    ],
)
def test_a_leaf_with_a_value_behind_a_nested_element_is_a_warning(leaf: str, told: bool) -> None:
    path = "activities/forum_31/forum.xml"
    findings = changed(path, b"</forum>", f"{leaf}</forum>".encode())
    assert [(one.level, one.code, one.place) for one in findings] == (
        [("warning", "leaf-behind-nested", f"{path}, activity/forum/more")] if told else []
    )


def test_a_wrong_hash_is_an_error(tmp_path: Path) -> None:
    for path, content in sample.members().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / sample.PICTURE_PATH).write_bytes(sample.PICTURE[::-1])
    with open_archive(tmp_path) as archive:
        [finding] = verify(archive)
    assert (finding.level, finding.code, finding.place) == ("error", "wrong-hash", sample.PICTURE_PATH)


@pytest.mark.parametrize(
    "path",
    [
        "activities/forum_31/forum.xml",
        "activities/page_32/module.xml",
        "users.xml",
        "files.xml",
        "course/course.xml",
        "sections/section_21/section.xml",
        "groups.xml",
    ],
)
def test_a_missing_member_is_an_error(path: str) -> None:
    assert ("error", "missing-member", path) in {
        (each.level, each.code, each.place) for each in without(path)
    }


def test_a_missing_content_is_an_error() -> None:
    [finding] = without(sample.PICTURE_PATH)
    assert (finding.level, finding.code) == ("error", "missing-content")
    assert "a.png" in finding.message


def test_the_index_tells_what_was_taken_out(fixtures: Path) -> None:
    with open_archive(fixtures / "rich1-activity-forum.mbz") as archive:
        del archive.members["activities/forum_681/calendar.xml"]
        codes = {(finding.level, finding.code, finding.place) for finding in verify(archive)}
    assert ("error", "missing-member", "activities/forum_681/calendar.xml") in codes


def test_malformed_xml_is_an_error_with_its_line_and_the_rest_is_still_checked() -> None:
    contents = sample.members()
    contents["course/roles.xml"] = b"<roles>\n<x></roles>"
    contents["groups.xml"] = b"<groups>"
    findings = found(contents)
    assert {each.place for each in findings if each.level == "error"} == {
        "course/roles.xml, line 2",
        "groups.xml, line 1",
    }


def test_a_file_listed_in_vain_is_an_error() -> None:
    findings = changed("activities/page_32/inforef.xml", b"<id>71</id>", b"<id>99</id>")
    assert [(each.level, each.code) for each in findings] == [("error", "unresolved-reference")]


def test_a_person_listed_in_vain_is_a_warning() -> None:
    [finding] = changed("course/inforef.xml", b"<id>11</id>", b"<id>99</id>")
    assert (finding.level, finding.place) == ("warning", "course/inforef.xml")


def test_a_file_of_an_unknown_place_is_told() -> None:
    findings = changed("files.xml", b"<contextid>102<", b"<contextid>999<")
    assert ("info", "outside-file") in {(each.level, each.code) for each in findings}


def test_a_reply_to_a_post_that_is_not_there_is_told() -> None:
    [finding] = changed("activities/forum_31/forum.xml", b"<parent>62<", b"<parent>99<")
    assert (finding.level, finding.code) == ("info", "outside-reference")


def test_a_wrong_size_is_an_error() -> None:
    [finding] = changed("files.xml", f"<filesize>{len(sample.PICTURE)}<".encode(), b"<filesize>1<")
    assert finding.code == "wrong-size"


def test_an_archive_without_a_manifest_is_told_once() -> None:
    [finding] = found({"users.xml": b"<users/>"})
    assert finding.code == "not-an-archive"


def test_an_entity_bomb_inside_is_told() -> None:
    findings = found({**sample.members(), "course/roles.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'})
    assert [finding.code for finding in findings] == ["hostile-archive"]
