"""Faults of an archive that cost only themselves: a finding tells each, and the course can be backed up afterwards."""

from __future__ import annotations

import gzip
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from archive.container import open_archive
from archive.errors import ArchiveError, DamagedArchive, HostileArchive
from archive.manifest import read_manifest
from courses import pool
from courses.fields.conditions import ConditionTree
from courses.models import Activity, Block, Course, File, User
from tests.archive import sample
from tests.archives_made import Change, members, small, texts
from tests.jobs_done import back_up, faults, restore
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def without_the_picture() -> None:
    """The pool does not have the picture of the small archive, whatever other tests have brought."""
    pool.storage().delete(pool.name_of(sample.PICTURE_HASH))


def goes_out(course: Course, tmp_path: Path) -> None:
    """Back a course up with people, without and anonymous, and verify each archive."""
    options: dict[str, dict[str, Any]] = {
        "with": {},
        "without": {"users": "0"},
        "anonymous": {"anonymize": "1"},
    }
    for name, chosen in options.items():
        assert faults(back_up(course, tmp_path / f"{name}.mbz", **chosen)) == []


def test_a_missing_content_costs_only_itself(tmp_path: Path) -> None:
    path = sample.PICTURE_PATH
    done = restore(small(tmp_path / "a.mbz", {path: None}))
    [finding] = done.job.findings.filter(code="content-missing")
    assert finding.level == "warning"
    assert path in finding.place
    assert File.objects.filter(course=done.course, contenthash=path.rpartition("/")[2]).exists()
    goes_out(done.course, tmp_path)


def test_a_wrong_content_costs_only_itself_and_is_not_stored(tmp_path: Path) -> None:
    path = sample.PICTURE_PATH
    done = restore(small(tmp_path / "a.mbz", {path: b"something else"}))
    [finding] = done.job.findings.filter(code="content-wrong")
    assert finding.level == "warning"
    assert not pool.exists(path.rpartition("/")[2])
    goes_out(done.course, tmp_path)


def test_a_later_archive_brings_a_missing_content_back(tmp_path: Path) -> None:
    path = sample.PICTURE_PATH
    course = restore(small(tmp_path / "a.mbz", {path: None})).course
    restore(small(tmp_path / "b.mbz"))
    assert path in members_of(back_up(course, tmp_path / "c.mbz"))


def members_of(path: Path) -> set[str]:
    with open_archive(path) as archive:
        return set(archive.members)


def test_a_content_that_the_site_has_need_not_be_in_the_archive(tmp_path: Path) -> None:
    path = sample.PICTURE_PATH
    restore(small(tmp_path / "a.mbz"))
    assert "content-missing" not in restore(small(tmp_path / "b.mbz", {path: None})).findings


def test_a_file_has_the_size_of_its_content(tmp_path: Path) -> None:
    contents = members()
    path = sample.PICTURE_PATH
    sha1, size = path.rpartition("/")[2], len(contents[path])
    said = f"<filesize>{size}</filesize>"
    done = restore(small(tmp_path / "a.mbz", {"files.xml": (said, "<filesize>999</filesize>")}))
    assert "file-size" in done.findings
    assert set(File.objects.filter(contenthash=sha1).values_list("filesize", flat=True)) == {size}
    goes_out(done.course, tmp_path)


def test_activities_that_share_a_context_get_one_each(tmp_path: Path) -> None:
    mains = [path for path in members() if re.fullmatch(r"activities/(\w+)_\d+/\1\.xml", path)]
    changes: dict[str, Change] = {}
    for path in mains:
        text = members()[path].decode()
        old = text.partition('contextid="')[2].partition('"')[0]
        changes[path] = (f'contextid="{old}"', 'contextid="1"')
    done = restore(small(tmp_path / "a.mbz", changes))
    assert done.findings.count("context-shared") == len(mains)
    contexts = list(Activity.objects.filter(course=done.course).values_list("contextid", flat=True))
    assert len(set(contexts)) == len(contexts)
    goes_out(done.course, tmp_path)


@pytest.mark.parametrize("first_access", ["100.0", "", " "])
def test_numbers_of_people_are_read_as_their_fields_read_them(tmp_path: Path, first_access: str) -> None:
    said = "<firstaccess>"
    text = members()["users.xml"].decode()
    value = text.partition(said)[2].partition("<")[0] if said in text else None
    change = (
        (f"{said}{value}<", f"{said}{first_access}<")
        if value is not None
        else ("<deleted>0</deleted>", f"<deleted>0</deleted><firstaccess>{first_access}</firstaccess>")
    )
    restore(small(tmp_path / "a.mbz", {"users.xml": change}))
    assert User.objects.filter(username="anna").exists()


def test_an_element_with_a_namespace_is_written_again_as_it_came(tmp_path: Path) -> None:
    unknown = b'<u xmlns:x="urn:x"><x:a x:b="1">one</x:a><c xmlns="urn:d"><userid>x</userid></c></u>'
    done = restore(small(tmp_path / "a.mbz", {"course/u.xml": unknown}))
    goes_out(done.course, tmp_path)
    written = texts(back_up(done.course, tmp_path / "b.mbz"))["course/u.xml"]
    assert '<x:a x:b="1">one</x:a>' in written
    assert 'xmlns:x="urn:x"' in written
    assert '<c xmlns="urn:d">' in written


def test_elements_too_deep_to_be_written_again_are_refused_with_a_sentence(tmp_path: Path) -> None:
    deep = b"<u>" + b"<a>" * 240 + b"</a>" * 240 + b"</u>"
    with pytest.raises(HostileArchive, match=r"course/u\.xml: Elements lie more than 200 deep"):
        restore(small(tmp_path / "a.mbz", {"course/u.xml": deep}))


def test_a_group_that_did_not_come_lets_nobody_in() -> None:
    text = '{"op":"&","c":[{"type":"group","id":7},{"type":"grouping","id":8},{"type":"completion","cm":9,"e":1}]}'
    field = ConditionTree()
    changed = field.relink(text, known=lambda item_type, old: None, root="", original="")
    assert '{"type":"group","id":-1}' in changed
    assert '{"type":"grouping","id":-1}' in changed
    assert '"cm":0' in changed


def test_an_id_that_is_a_text_in_a_condition_is_mapped() -> None:
    text = '{"op":"&","c":[{"type":"group","id":"7"},{"type":"group","id":"8"}]}'
    changed = ConditionTree().relink(
        text, known=lambda item_type, old: 1007 if old == 7 else None, root="", original=""
    )
    assert changed == '{"op":"&","c":[{"type":"group","id":"1007"},{"type":"group","id":"-1"}]}'


def test_an_activity_whose_member_states_another_id_has_its_record(tmp_path: Path) -> None:
    other = {"activities/forum_31/forum.xml": ('<forum id="7">', '<forum id="77">')}
    done = restore(small(tmp_path / "a.mbz", other))
    [activity] = Activity.objects.filter(course=done.course, modulename="forum")
    assert activity.forum.pk == activity.instance
    path = back_up(done.course, tmp_path / "b.mbz")
    assert "First post" in texts(path)[f"activities/forum_{activity.pk}/forum.xml"]


def test_an_activity_without_its_record_is_refused_with_a_sentence(tmp_path: Path) -> None:
    empty = b'<activity id="7" moduleid="31" modulename="forum" contextid="103"></activity>'
    with pytest.raises(DamagedArchive, match="no <forum>"):
        restore(small(tmp_path / "a.mbz", {"activities/forum_31/forum.xml": empty}))


def test_a_scale_that_did_not_come_is_none(tmp_path: Path) -> None:
    done = restore(small(tmp_path / "a.mbz", {"activities/forum_31/forum.xml": ("<scale>-3", "<scale>-99")}))
    [activity] = Activity.objects.filter(course=done.course, modulename="forum")
    assert activity.forum.scale == 0
    assert "reference-lost" in done.findings
    assert faults(back_up(done.course, tmp_path / "b.mbz")) == []


def test_a_condition_on_what_did_not_come_is_told_with_the_name_of_what_it_guards(tmp_path: Path) -> None:
    path = next(path for path, content in members().items() if b'"type":"group"' in content)
    done = restore(small(tmp_path / "a.mbz", {path: ('"type":"group","id":41', '"type":"group","id":4711')}))
    [finding] = done.job.findings.filter(code="condition-lost")
    assert finding.level == "warning"
    assert "1 group" in finding.message
    [activity] = Activity.objects.filter(course=done.course, availability__contains='"id":-1')
    client = Client()
    client.force_login(person("root", is_superuser=True))
    page = client.get(f"/activity/{activity.pk}/").content.decode()
    assert "a group that is not here (nobody)" in page
    goes_out(done.course, tmp_path)


def zipped(tmp_path: Path, entries: dict[str, bytes]) -> Path:
    target = tmp_path / "a.zip"
    with zipfile.ZipFile(target, "w") as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return target


def test_a_zip_made_on_a_mac_is_read(tmp_path: Path) -> None:
    added = {
        "__MACOSX/._moodle_backup.xml": b"\x00\x05\x16\x07",
        ".DS_Store": b"\x00",
        "course/._course.xml": b"\x00",
    }
    done = restore(zipped(tmp_path, {**members(), **added}))
    assert done.course.fullname == "A sample"


def test_a_zip_with_its_folder_around_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path, {f"My course/{name}": content for name, content in members().items()})
    with open_archive(path) as archive:
        assert read_manifest(archive).original_course_fullname
        assert "moodle_backup.xml" in archive.members
    restore(path)


def test_a_zip_with_back_slashes_is_read(tmp_path: Path) -> None:
    done = restore(
        zipped(tmp_path, {name.replace("/", "\\"): content for name, content in members().items()})
    )
    assert done.course.fullname == "A sample"


def test_a_zip_of_several_courses_is_not_taken_for_one(tmp_path: Path) -> None:
    both = {f"{folder}/{name}": content for folder in ("a", "b") for name, content in members().items()}
    with pytest.raises(ArchiveError), open_archive(zipped(tmp_path, both)) as archive:
        read_manifest(archive)


@pytest.mark.parametrize("size", [b"-0000000001\0", b"\xff" * 12, b"\x80" + b"\xff" * 11])
def test_a_size_that_is_none_is_refused_with_a_sentence(tmp_path: Path, size: bytes) -> None:
    entry = tarfile.TarInfo("moodle_backup.xml").tobuf(tarfile.USTAR_FORMAT)
    header = bytearray(entry[:124] + size + entry[136:])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "a.mbz"
    path.write_bytes(gzip.compress(bytes(header) + bytes(1024)))
    with pytest.raises(ArchiveError), open_archive(path):
        pass


def test_a_file_whose_name_has_a_line_break_can_be_had(tmp_path: Path) -> None:
    contents = members()
    name = contents["files.xml"].decode().partition("<filename>")[2].partition("<")[0]
    done = restore(
        small(tmp_path / "a.mbz", {"files.xml": (f"<filename>{name}<", "<filename>one\ntwo.txt<")})
    )
    stored = File.objects.filter(course=done.course, filename="one\ntwo.txt").first()
    assert stored is not None
    admin = person("root", is_superuser=True)
    client = Client()
    client.force_login(admin)
    activity = Activity.objects.filter(course=done.course, contextid=stored.contextid).first()
    address = f"/activity/{activity.pk}/" if activity else f"/course/{done.course.pk}/"
    assert client.get(address).status_code == 200
    path = f"/file/{stored.contextid}/{stored.component}/{stored.filearea}/{stored.itemid}{stored.filepath}one%0Atwo.txt"
    answer = client.get(path)
    assert answer.status_code == 200
    assert "\n" not in answer["Content-Disposition"]


def test_an_archive_without_contents_keeps_the_list_of_files(tmp_path: Path) -> None:
    done = restore(small(tmp_path / "a.mbz"))
    bare = back_up(done.course, tmp_path / "b.mbz", files="0")
    assert faults(bare) == []
    whole = back_up(done.course, tmp_path / "c.mbz")
    bare_texts, whole_texts = texts(bare), texts(whole)
    assert bare_texts["files.xml"] == whole_texts["files.xml"]
    lists = [path for path in whole_texts if path.endswith("inforef.xml")]
    assert [bare_texts[path] for path in lists] == [whole_texts[path] for path in lists]
    assert not any(path.startswith("files/") for path in members_of(bare))


def test_a_site_with_the_contents_finds_them_for_an_archive_without(tmp_path: Path) -> None:
    bare = back_up(restore(small(tmp_path / "a.mbz")).course, tmp_path / "b.mbz", files="0")
    done = restore(bare)
    assert not {"content-missing", "contents-left-out"} & set(done.findings)
    assert sample.PICTURE_PATH in members_of(back_up(done.course, tmp_path / "c.mbz"))


def test_a_site_without_the_contents_says_once_which_are_missing(tmp_path: Path) -> None:
    record = re.search(r"<file id.*?</file>", members()["files.xml"].decode())
    assert record is not None
    more = record[0].replace('id="71"', 'id="72"').replace("a.png", "b.png")
    source = small(tmp_path / "a.mbz", {"files.xml": (record[0], record[0] + more)})
    bare = back_up(restore(source).course, tmp_path / "b.mbz", files="0")
    pool.storage().delete(pool.name_of(sample.PICTURE_HASH))
    done = restore(bare)
    [finding] = done.job.findings.filter(code="contents-left-out")
    assert "2 files: “a.png” of “Reading”, “b.png” of “Reading”" in finding.message
    assert "content-missing" not in done.findings
    goes_out(done.course, tmp_path)
    restore(small(tmp_path / "c.mbz"))
    assert sample.PICTURE_PATH in members_of(back_up(done.course, tmp_path / "d.mbz"))


def test_files_that_people_laid_beside_a_course_do_not_harm(tmp_path: Path) -> None:
    stray = {
        "Read me.txt": b"Dear colleague, < & >",
        "notes.xml": b"not <XML>",
        "activities/page_32/old page.html": b"<p>",
        "course/Thumbs.db": b"\0",
        "files/readme": b"x",
    }
    done = restore(zipped(tmp_path, {**members(), **stray}))
    assert done.course.fullname == "A sample"
    goes_out(done.course, tmp_path)


BARE = re.compile(
    rb"<(name|moodle_version|moodle_release|backup_release|backup_date|mnet_remoteusers|include_\w+|original_\w+|details|settings"
    rb"|title|insubsection|parentcmid|modname)(?: [^>]*)?>.*?</\1>",
    re.DOTALL,
)


def test_a_manifest_that_says_hardly_anything_is_enough(tmp_path: Path) -> None:
    bare = BARE.sub(b"", members()["moodle_backup.xml"])
    assert b"original" not in bare
    done = restore(small(tmp_path / "a.mbz", {"moodle_backup.xml": bare}))
    assert "manifest-default" in done.findings
    assert (done.course.fullname, done.course.shortname) == ("A sample", "SAMPLE")
    assert Activity.objects.filter(course=done.course).count() == 2
    assert User.objects.filter(username="anna").exists()
    goes_out(done.course, tmp_path)


def test_an_activity_is_found_although_the_manifest_names_another_folder(tmp_path: Path) -> None:
    change = ("<directory>activities/forum_31<", "<directory>activities/forum_99<")
    done = restore(small(tmp_path / "a.mbz", {"moodle_backup.xml": change}))
    [finding] = done.job.findings.filter(code="directory-wrong")
    assert "“News”" in finding.message
    assert "activities/forum_99" in finding.message
    assert finding.place.startswith("moodle_backup.xml")
    assert Activity.objects.filter(course=done.course, modulename="forum").exists()
    goes_out(done.course, tmp_path)


def test_an_activity_may_lie_in_a_folder_of_another_name(tmp_path: Path) -> None:
    contents = {path.replace("/forum_31/", "/news/"): content for path, content in members().items()}
    manifest = contents["moodle_backup.xml"].replace(
        b"<directory>activities/forum_31<", b"<directory>activities/news<"
    )
    contents["moodle_backup.xml"] = manifest
    contents["activities/news/blocks/html_6/block.xml"] = (
        b'<block id="6" contextid="601" version="1"><blockname>html</blockname></block>'
    )
    done = restore(zipped(tmp_path, contents))
    assert "directory-wrong" not in done.findings
    assert Activity.objects.filter(course=done.course, modulename="forum").exists()
    assert Block.objects.filter(course=done.course, activity__modulename="forum").exists()
    goes_out(done.course, tmp_path)


@pytest.mark.parametrize("archive_type", ["course", "section"])
def test_an_activity_and_a_section_that_are_listed_twice_come_once(tmp_path: Path, archive_type: str) -> None:
    course = restore(small(tmp_path / "a.mbz")).course
    item = None if archive_type == "course" else course.sections.get(activities__modulename="page").pk
    made = back_up(course, tmp_path / "b.mbz", archive_type=archive_type, item=item)
    with open_archive(made) as archive:
        found = {path: archive.read(path) for path in archive.members}
    entry = re.compile(rb"(<(activity|section)>\s*<(?:moduleid|sectionid)>.*?</\2>)", re.DOTALL)
    doubled, number = entry.subn(rb"\1\1", found["moodle_backup.xml"])
    path = zipped(tmp_path, {**found, "moodle_backup.xml": doubled})
    done = restore(path)
    assert done.course.activities.count() == course.activities.count()
    assert done.findings.count("listed-twice") == number > 1
    assert faults(back_up(done.course, tmp_path / "c.mbz")) == []
