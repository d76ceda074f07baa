"""A small archive made by hand: one forum and one page, people, a group, files; every id moves by `shift`."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from archive.container import Archive, ArchiveWriter, open_archive
from archive.manifest import (
    ActivityEntry,
    CourseEntry,
    Details,
    Manifest,
    ManifestSetting,
    SectionEntry,
    format_manifest,
)
from archive.writer import Packing

DATE = 1_800_000_000
PICTURE = b"\x89PNG not really a picture"
PICTURE_HASH = hashlib.sha1(PICTURE).hexdigest()
PICTURE_PATH = f"files/{PICTURE_HASH[:2]}/{PICTURE_HASH}"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def members(*, shift: int = 0, shortname: str = "SAMPLE", fullname: str = "A sample") -> dict[str, bytes]:
    """Return the members of the archive by path, all ids moved by `shift`."""

    def n(number: int) -> int:
        return number + shift

    forum, page, section = (
        f"activities/forum_{n(31)}",
        f"activities/page_{n(32)}",
        f"sections/section_{n(21)}",
    )
    posts = [
        (1, 0, 11, "First post"),
        (2, 1, 12, "An answer"),
        (3, 1, 11, "Another answer"),
        (4, 2, 12, "The last word"),
    ]
    posts_xml = "".join(
        f'<post id="{n(60 + number)}"><parent>{n(60 + parent) if parent else 0}</parent>'
        f"<userid>{n(user)}</userid><subject>{subject}</subject>"
        f'<message>&lt;a href="$@PAGEVIEWBYID*{n(32)}@$"&gt;{subject}&lt;/a&gt;</message>'
        "<ratings>\n</ratings></post>"
        for number, parent, user, subject in posts
    )
    rules = (
        ('{"op":"&amp;","c":[{"type":"completion","cm":CM,"e":1},{"type":"group","id":GROUP}]}')
        .replace("CM", str(n(31)))
        .replace("GROUP", str(n(41)))
    )
    found = {
        "moodle_backup.xml": format_manifest(manifest(shift=shift, shortname=shortname, fullname=fullname)),
        "users.xml": "<users>"
        + "".join(
            f'<user id="{n(user)}" contextid="{n(user + 500)}"><username>{name}</username>'
            f"<email>{name}@example.com</email><deleted>0</deleted></user>"
            for user, name in ((11, "anna"), (12, "boris"))
        )
        + "</users>",
        "groups.xml": f'<groups><group id="{n(41)}"><name>Red</name><idnumber></idnumber><group_members>'
        f'<group_member id="{n(42)}"><userid>{n(11)}</userid></group_member></group_members></group>'
        "<groupings>\n</groupings></groups>",
        "roles.xml": f'<roles_definition><role id="{n(5)}"><shortname>student</shortname></role>'
        "</roles_definition>",
        "scales.xml": f'<scales_definition><scale id="{n(3)}"><name>Stars</name><scale>1,2,3</scale></scale>'
        "</scales_definition>",
        "outcomes.xml": "<outcomes_definition>\n</outcomes_definition>",
        "questions.xml": "<question_categories>\n</question_categories>",
        "files.xml": f'<files><file id="{n(71)}"><contenthash>{PICTURE_HASH}</contenthash>'
        f"<contextid>{n(102)}</contextid><component>mod_page</component><filearea>content</filearea>"
        f"<itemid>0</itemid><filepath>/</filepath><filename>a.png</filename><userid>{n(11)}</userid>"
        f"<filesize>{len(PICTURE)}</filesize><mimetype>image/png</mimetype>"
        "<repositoryid>$@NULL@$</repositoryid></file></files>",
        "course/course.xml": f'<course id="{n(2)}" contextid="{n(101)}"><shortname>{shortname}</shortname>'
        f"<fullname>{fullname}</fullname><idnumber></idnumber><format>topics</format>"
        f'<category id="{n(9)}"><name>Category {shift}</name></category></course>',
        "course/enrolments.xml": f'<enrolments><enrols><enrol id="{n(81)}"><enrol>manual</enrol>'
        f"<roleid>{n(5)}</roleid></enrol></enrols></enrolments>",
        "course/roles.xml": "<roles>\n</roles>",
        "course/inforef.xml": f"<inforef><userref><user><id>{n(11)}</id></user></userref></inforef>",
        f"{section}/section.xml": f'<section id="{n(21)}"><number>0</number><name>Start</name>'
        f"<sequence>{n(31)},{n(32)}</sequence></section>",
        f"{section}/inforef.xml": "<inforef>\n</inforef>",
        f"{forum}/forum.xml": f'<activity id="{n(7)}" moduleid="{n(31)}" modulename="forum" '
        f'contextid="{n(103)}">'
        f'<forum id="{n(7)}"><name>News</name><scale>-{n(3)}</scale><discussions><discussion id="{n(50)}">'
        f"<name>Hello</name><firstpost>{n(61)}</firstpost><userid>{n(11)}</userid><posts>{posts_xml}</posts>"
        "</discussion></discussions></forum></activity>",
        f"{page}/page.xml": f'<activity id="{n(8)}" moduleid="{n(32)}" modulename="page" '
        f'contextid="{n(102)}">'
        f'<page id="{n(8)}"><name>Reading</name><content>Text\nof two lines</content></page></activity>',
        f"{page}/inforef.xml": f"<inforef><fileref><file><id>{n(71)}</id></file></fileref></inforef>",
        f"{forum}/inforef.xml": "<inforef><userref>"
        + "".join(f"<user><id>{n(user)}</id></user>" for user in (11, 12))
        + "</userref></inforef>",
        f"{page}/module.xml": f'<module id="{n(32)}" version="{n(2024)}"><modulename>page</modulename>'
        f"<sectionid>{n(21)}</sectionid><availability>{rules}</availability></module>",
        f"{forum}/module.xml": f'<module id="{n(31)}" version="{n(2024)}"><modulename>forum</modulename>'
        f"<sectionid>{n(21)}</sectionid><availability>$@NULL@$</availability></module>",
        f"{page}/grades.xml": "<activity_gradebook>\n</activity_gradebook>",
        f"{forum}/grades.xml": "<activity_gradebook>\n</activity_gradebook>",
        f"{page}/roles.xml": "<roles>\n</roles>",
        f"{forum}/roles.xml": "<roles>\n</roles>",
        "moodle_backup.log": b"",
        PICTURE_PATH: PICTURE,
    }
    return {
        path: content if isinstance(content, bytes) else f"{HEAD}{content}".encode()
        for path, content in found.items()
    }


def manifest(*, shift: int = 0, shortname: str = "SAMPLE", fullname: str = "A sample") -> Manifest:
    """Return the manifest of the archive."""

    def n(number: int) -> int:
        return number + shift

    owners = (("section", "section", 21), ("activity", "forum", 31), ("activity", "page", 32))
    return Manifest(
        name=f"backup-{shift}.mbz",
        moodle_version="2024100705.01",
        moodle_release="4.5.5",
        backup_version=2024100700,
        backup_release="4.5",
        backup_date=DATE + shift,
        original_wwwroot="http://sample.example",
        original_site_identifier_hash="0" * 32,
        original_course_id=n(2),
        original_course_fullname=fullname,
        original_course_shortname=shortname,
        original_course_startdate=DATE,
        original_course_contextid=n(101),
        original_system_contextid=1,
        original_course_format="topics",
        details=Details(hashlib.md5(str(shift).encode()).hexdigest(), "course"),
        activities=(
            ActivityEntry(n(31), n(21), "forum", "News", f"activities/forum_{n(31)}"),
            ActivityEntry(n(32), n(21), "page", "Reading", f"activities/page_{n(32)}"),
        ),
        sections=(SectionEntry(n(21), "Start", f"sections/section_{n(21)}"),),
        course=CourseEntry(n(2), shortname, "course"),
        settings=(
            ManifestSetting("root", "filename", f"backup-{shift}.mbz"),
            ManifestSetting("root", "users", "1"),
            ManifestSetting("root", "anonymize", "0"),
            *(
                ManifestSetting(level, f"{name}_{n(number)}_{what}", "1", f"{name}_{n(number)}")
                for level, name, number in owners
                for what in ("included", "userinfo")
            ),
        ),
    )


def pack(contents: Mapping[str, bytes], *, container: Packing = "tar.gz", date: int = DATE) -> bytes:
    """Return an archive of these members."""
    target = io.BytesIO()
    with ArchiveWriter(target, container=container, date=date) as writer:
        for path, content in contents.items():
            if path.startswith("files/"):
                writer.content(path, len(content), partial(io.BytesIO, content))
            else:
                with writer.member(path) as stream:
                    stream.write(content)
        writer.finish()
    return target.getvalue()


def archive_of(contents: Mapping[str, bytes]) -> Archive:
    """Return an open archive of these members."""
    return open_archive(io.BytesIO(pack(contents)))


def contents_of(source: Path) -> dict[str, bytes]:
    """Read all members of an archive into memory, by path."""
    with open_archive(source) as archive:
        return {path: archive.read(path) for path in archive.members}


def tar_of(*entries: tuple[str | tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """Return a tar.gz made by the standard library, with members that our own writer would refuse."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", format=form) as tar:
        for name, content in entries:
            entry = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.size = len(content) if entry.isreg() else 0
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()
