"""Activities, blocks and course formats of plugins: their ids stay equal to each other, their files stay listed."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from archive.manifest import ActivityEntry, ManifestSetting, format_manifest
from courses.models import Activity, Block, CourseFormatOption, Group, Section
from tests.archive import sample
from tests.archives_made import changed, members, packed, texts
from tests.jobs_done import back_up, faults, restore

pytestmark = pytest.mark.django_db(transaction=True)

TYPE = "kite"
INSTANCES = {33: 9, 34: 10}
"""Course modules of the kites, with the ids of their instances."""

CONTENTS = {name: f"content of {name}".encode() for name in ("own", "tail", "sky", "both", "format")}


def kite(module: int) -> str:
    """The member of a kite: one of its tails has the id of the kite itself, and all of them name the kite."""
    instance = INSTANCES[module]
    return (
        f'{sample.HEAD}<activity id="{instance}" moduleid="{module}" modulename="{TYPE}" contextid="{module + 200}">'
        f'<{TYPE} id="{instance}"><name>Kite {module}</name><tails>'
        f'<tail id="{instance}"><{TYPE}id>{instance}</{TYPE}id><knot>{instance}</knot></tail>'
        f'<tail id="{instance + 70}"><{TYPE}id>{instance}</{TYPE}id></tail></tails>'
        f'<subplugin_kitestring_silk_{TYPE}><silk id="4"><{TYPE}>{instance}</{TYPE}></silk></subplugin_kitestring_silk_{TYPE}>'
        f"</{TYPE}></activity>"
    )


def file(number: int, name: str, context: int, component: str, area: str, item: int) -> str:
    """A row of `files.xml`."""
    content = CONTENTS[name]
    return (
        f'<file id="{number}"><contenthash>{hashlib.sha1(content).hexdigest()}</contenthash><contextid>{context}</contextid>'
        f"<component>{component}</component><filearea>{area}</filearea><itemid>{item}</itemid><filepath>/</filepath>"
        f"<filename>{name}</filename><userid>$@NULL@$</userid><filesize>{len(content)}</filesize>"
        "<mimetype>text/plain</mimetype><repositoryid>$@NULL@$</repositoryid></file>"
    )


def inforef(*files: int) -> bytes:
    entries = "".join(f"<file><id>{number}</id></file>" for number in files)
    return f"{sample.HEAD}<inforef><fileref>{entries}</fileref></inforef>".encode()


def contents() -> dict[str, bytes]:
    """The small archive with two kites, and files of theirs in their contexts and in the course's."""
    course = sample.manifest().original_course_contextid
    files = "".join(
        (
            file(81, "own", 233, "mod_kite", "content", 9),
            file(82, "tail", 233, "mod_kite", "tail", 9),
            file(83, "sky", course, "mod_kite", "sky", 0),
            file(84, "both", course, "mod_kite", "sky", 0),
            file(85, "format", course, "format_clouds", "cover", 21),
        )
    )
    found = changed(members(), {"files.xml": ("</files>", f"{files}</files>")})
    for module in INSTANCES:
        folder = f"activities/{TYPE}_{module}"
        found[f"{folder}/{TYPE}.xml"] = kite(module).encode()
        found[f"{folder}/module.xml"] = (
            f'{sample.HEAD}<module id="{module}" version="1"><modulename>{TYPE}</modulename><sectionid>21</sectionid></module>'
        ).encode()
    found[f"activities/{TYPE}_33/inforef.xml"] = inforef(81, 82, 84)
    found[f"activities/{TYPE}_34/inforef.xml"] = inforef(83, 84)
    found["course/inforef.xml"] = inforef(85)
    for content in CONTENTS.values():
        sha1 = hashlib.sha1(content).hexdigest()
        found[f"files/{sha1[:2]}/{sha1}"] = content
    found["moodle_backup.xml"] = manifest()
    return found


def manifest() -> bytes:
    told = sample.manifest()
    entries = tuple(
        ActivityEntry(module, 21, TYPE, f"Kite {module}", f"activities/{TYPE}_{module}")
        for module in INSTANCES
    )
    own = tuple(
        ManifestSetting("activity", f"{TYPE}_{module}_{what}", "1", f"{TYPE}_{module}")
        for module in INSTANCES
        for what in ("included", "userinfo")
    )
    return format_manifest(
        replace(told, activities=(*told.activities, *entries), settings=(*told.settings, *own))
    )


def made(tmp_path: Path, changes: Mapping[str, tuple[str, str]] | None = None) -> Path:
    path = tmp_path / "kites.mbz"
    path.write_bytes(packed(changed(contents(), changes or {})))
    return path


def kites(again: Mapping[str, str]) -> dict[str, etree._Element]:
    """The members of the kites by their folders."""
    return {
        path.rpartition("/")[0]: etree.fromstring(text.encode())
        for path, text in again.items()
        if path.endswith(f"/{TYPE}.xml")
    }


def listed(again: Mapping[str, str], folder: str) -> set[str]:
    """The names of the files that the list of references in a folder has."""
    names = {
        one.get("id"): one.findtext("filename") or "" for one in etree.fromstring(again["files.xml"].encode())
    }
    lists = etree.fromstring(again[f"{folder}/inforef.xml"].encode())
    return {names[entry.text or ""] for entry in lists.findall("fileref/file/id")} - {"."}


def test_ids_inside_stay_what_they_were_in_a_course_that_is_new(tmp_path: Path) -> None:
    restore(made(tmp_path))
    again = back_up(restore(made(tmp_path)).course, tmp_path / "again.mbz")
    assert faults(again) == []
    for folder, root in kites(texts(again)).items():
        module = int(root.findtext(f"{TYPE}/name", "").rpartition(" ")[2])
        instance = str(INSTANCES[module])
        assert folder.endswith(root.get("moduleid") or "?")
        assert [root.get("id"), root[0].get("id")] == [instance] * 2
        assert [one.get("id") for one in root.iter("tail")] == [instance, str(INSTANCES[module] + 70)]
        assert {
            one.text for name in (f"{TYPE}id", TYPE, "knot") for one in root.iter(name) if not len(one)
        } == {instance}
    items = {
        one.findtext("filename"): one.findtext("itemid")
        for one in etree.fromstring(texts(again)["files.xml"].encode())
    }
    assert (items["own"], items["tail"]) == ("9", "9")


def test_ids_inside_stay_equal_where_the_course_has_activities_of_the_type(tmp_path: Path) -> None:
    course = restore(made(tmp_path)).course
    restore(made(tmp_path), target={"course": course.pk})
    again = texts(back_up(course, tmp_path / "again.mbz"))
    found = kites(again)
    assert len(found) == 4
    assert len({root.get("id") for root in found.values()}) == 4
    for root in found.values():
        number = root.get("id")
        assert root[0].get("id") == number
        assert {one.text for name in (f"{TYPE}id", TYPE) for one in root.iter(name) if not len(one)} == {
            number
        }


def test_files_in_the_context_of_the_course_are_listed_where_they_were(tmp_path: Path) -> None:
    course = restore(made(tmp_path)).course
    again = texts(back_up(course, tmp_path / "again.mbz"))
    by_name = {root.findtext(f"{TYPE}/name"): listed(again, folder) for folder, root in kites(again).items()}
    assert by_name == {"Kite 33": {"own", "tail", "both"}, "Kite 34": {"sky", "both"}}
    assert "format" in listed(again, "course")
    second = Activity.objects.get(course=course, title="Kite 34")
    alone = texts(back_up(course, tmp_path / "alone.mbz", archive_type="activity", item=second.pk))
    [folder] = kites(alone)
    assert listed(alone, folder) == {"sky", "both"}


CONFIGURATION = base64.b64encode(
    b'O:8:"stdClass":5:{s:4:"cmid";s:2:"31";s:7:"groupid";i:41;s:10:"sectionids";a:1:{i:0;i:21;}'
    b's:8:"maincmod";i:31;s:5:"title";s:2:"31";}'
).decode()


def with_settings(tmp_path: Path) -> Path:
    """The archive with a block and a course format that nobody described, and ids in their settings."""
    options = "".join(
        f"<courseformatoption><format>clouds</format><sectionid>0</sectionid><name>{name}</name><value>{value}</value>"
        "</courseformatoption>"
        for name, value in (("groupid", "41"), ("cmids", "31"), ("firstactivity", "31"), ("rows", "31"))
    )
    found = changed(
        contents(),
        {
            "course/course.xml": (
                "<idnumber>",
                f"<courseformatoptions>{options}</courseformatoptions><idnumber>",
            )
        },
    )
    found["course/blocks/breeze_51/block.xml"] = (
        f'{sample.HEAD}<block id="51" contextid="551" version="1"><blockname>breeze</blockname>'
        f"<parentcontextid>{sample.manifest().original_course_contextid}</parentcontextid>"
        f"<showinsubcontexts>0</showinsubcontexts><pagetypepattern>*</pagetypepattern><subpagepattern>$@NULL@$"
        f"</subpagepattern><defaultregion>side</defaultregion><defaultweight>0</defaultweight>"
        f"<configdata>{CONFIGURATION}</configdata><timecreated>1</timecreated><timemodified>1</timemodified></block>"
    ).encode()
    path = tmp_path / "settings.mbz"
    path.write_bytes(packed(found))
    return path


def test_ids_in_settings_follow_their_records_where_the_name_tells_it(tmp_path: Path) -> None:
    done = restore(with_settings(tmp_path))
    forum = Activity.objects.get(course=done.course, modulename="forum")
    group = Group.objects.filter(course=done.course).order_by("pk").first()
    section = Section.objects.get(course=done.course)
    assert group is not None
    options = dict(CourseFormatOption.objects.filter(course=done.course).values_list("name", "value"))
    assert options == {
        "groupid": str(group.pk),
        "cmids": str(forum.pk),
        "firstactivity": "31",
        "rows": "31",
    }
    text = base64.b64decode(Block.objects.get(course=done.course).configdata or "").decode()
    assert f's:{len(str(forum.pk))}:"{forum.pk}"' in text
    assert f'"groupid";i:{group.pk};' in text
    assert f"i:0;i:{section.pk};" in text
    assert '"title";s:2:"31"' in text


def test_ids_in_settings_that_no_name_tells_are_in_a_finding(tmp_path: Path) -> None:
    done = restore(with_settings(tmp_path))
    found = [one.message for one in done.job.findings.filter(code="setting-unmapped")]
    assert [re.findall("“(.*?)”", message) for message in sorted(found)] == [
        ["firstactivity", "clouds"],
        ["maincmod", "breeze"],
    ]
