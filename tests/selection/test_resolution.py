"""Options: the table is sound; what was asked for is settled as rights, site and archive allow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import NotAllowed, UsageError
from courses.models.competencies import CourseCompetency
from courses.services import create_course
from selection.defaults import absent_content
from selection.items import absent_in
from selection.names import owner_of
from selection.option import Operation
from selection.options_page import documentation
from selection.resolution import resolve
from selection.settings import Item, Settings, SiteDefault, value_text
from selection.table import ROOT, TABLE, options_for
from selection.values import parse_value

TEACHER = {"moodle/backup:backupcourse", "moodle/backup:configure", "moodle/restore:configure"}
MANAGER = TEACHER | {
    "moodle/backup:userinfo",
    "moodle/backup:anonymise",
    "moodle/restore:userinfo",
    "moodle/restore:rolldates",
    "moodle/course:update",
    "moodle/course:changefullname",
    "moodle/course:changeshortname",
    "moodle/course:changeidnumber",
    "moodle/course:enrolconfig",
}
RIGHTS = sorted(MANAGER)
COURSE = (
    Item("section_1"),
    Item("forum_7", "section_1", "News"),
    Item("quiz_8", "section_1"),
    Item("subsection_9", "section_1"),
    Item("section_2", "subsection_9"),
    Item("page_10", "section_2"),
)
FULL = {option.name: "1" for option in ROOT.values() if option.kind == "switch" and option.travels}
FULL |= {f"{item.owner}_{what}": "1" for item in COURSE for what in ("included", "userinfo")}


def backup(
    asked: Mapping[str, Any] | None = None, *, may: Collection[str] = MANAGER, **rest: Any
) -> Settings:
    return resolve(asked or {}, operation="backup", may=may, **{"items": COURSE, **rest})


def restore(
    asked: Mapping[str, Any] | None = None, *, may: Collection[str] = MANAGER, **rest: Any
) -> Settings:
    given_settings = {"items": COURSE, "archive_settings": FULL, **rest}
    return resolve(asked or {}, operation="restore", may=may, **given_settings)


def test_the_options_of_moodles_manifest_are_all_there_but_common_cartridge() -> None:
    moodle = """filename users anonymize role_assignments activities blocks files filters comments badges
    calendarevents userscompletion logs grade_histories questionbank groups competencies customfield
    contentbankcontent xapistate legacyfiles"""
    assert {
        option.name for option in options_for("backup") if option.level == "root" and option.travels
    } == set(moodle.split())


@pytest.mark.parametrize("operation", ["backup", "restore"])
@pytest.mark.parametrize("field", ["needs", "needs_in_existing"])
def test_no_option_needs_itself_by_any_way(operation: Operation, field: str) -> None:
    uses = {option.name: option.use(operation) for option in ROOT.values()}

    def reaches(name: str, seen: set[str]) -> None:
        use = uses[name]
        assert use is not None, f"{name} is needed in {operation} and is not there"
        for need in (*use.needs, *use.needs_in_existing):
            assert need not in seen, f"{name} needs itself by way of {need}"
            reaches(need, seen | {need})

    for name, use in uses.items():
        if use is not None:
            reaches(name, {name})


def test_every_default_is_a_value_that_the_option_can_hold() -> None:
    for option in TABLE:
        for use in filter(None, (option.backup, option.restore)):
            assert parse_value(option, option.name, use.default) == use.default


def test_every_right_in_the_table_is_a_known_capability() -> None:
    from courses.capabilities import CAPABILITIES

    for option in TABLE:
        for use in filter(None, (option.backup, option.restore)):
            assert not use.right or use.right in CAPABILITIES


def test_a_backup_that_nobody_configured_has_moodles_defaults() -> None:
    settings = backup()
    off = {name for name, setting in settings.items() if setting.value is False}
    assert off == {"anonymize", "single_names", "logs", "grade_histories"}
    assert settings.text("container") == "tar.gz"


@pytest.mark.parametrize(
    ("raw", "value"), [("1", True), ("0", False), (True, True), (0, False), ("yes", True), ("OFF", False)]
)
def test_a_switch_is_asked_for_as_people_write_it(raw: Any, value: bool) -> None:
    assert backup({"blocks": raw}).on("blocks") is value


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("users", "maybe", "is 0 or 1"),
        ("container", "rar", "one of: tar.gz, zip"),
        ("filename", "../etc/passwd", "name of a file"),
        ("filename", "a\x00b", "cannot be shown"),
        ("filename", "a" * 256, "255 is the most"),
    ],
)
def test_a_value_that_is_none_is_refused_with_what_it_may_be(name: str, raw: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        backup({name: raw})


def test_a_start_date_that_is_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match="seconds since 1970"):
        restore({"course_startdate": "tomorrow"})


def test_an_unknown_option_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(UsageError, match="Did you mean anonymize"):
        backup({"anonymise": "1"})


def test_an_activity_that_is_not_in_the_course_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"There is no forum_70 here.*forum_7_userinfo"):
        backup({"forum_70_userinfo": "0"})


def test_an_option_of_the_other_operation_is_refused_and_says_so() -> None:
    with pytest.raises(UsageError, match="for restoring only"):
        backup({"course_startdate": "0"})
    with pytest.raises(UsageError, match="for backing up only"):
        restore({"container": "zip"})


def test_without_the_right_to_peoples_data_people_are_off_and_locked_and_so_is_all_of_theirs() -> None:
    settings = backup(may=TEACHER)
    assert (settings["users"].value, settings["users"].lock) == (False, "permission")
    for name in ("anonymize", "comments", "userscompletion", "xapistate", "forum_7_userinfo"):
        assert settings[name].value is False
        assert settings[name].lock
    assert settings.on("forum_7_included")


def test_asking_for_people_without_the_right_is_not_allowed_and_names_the_right() -> None:
    with pytest.raises(NotAllowed, match=r"users cannot be 1.*moodle/backup:userinfo"):
        backup({"users": "1"}, may=TEACHER)


def test_without_the_right_to_anonymise_it_is_off_and_locked() -> None:
    settings = backup(may=MANAGER - {"moodle/backup:anonymise"})
    assert (settings["anonymize"].value, settings["anonymize"].lock) == (False, "permission")


def test_who_may_not_anonymise_does_not_undo_that_the_site_anonymises() -> None:
    site = {"anonymize": SiteDefault("1")}
    assert backup(may=MANAGER - {"moodle/backup:anonymise"}, site=site).on("anonymize")


def test_without_the_right_to_configure_only_the_file_name_is_free() -> None:
    settings = backup({"filename": "mine.mbz"}, may=MANAGER - {"moodle/backup:configure"})
    assert {name for name, setting in settings.items() if setting.lock is None} == {"filename"}
    assert settings.text("filename") == "mine.mbz"
    assert settings.on("users")
    with pytest.raises(NotAllowed, match="moodle/backup:configure"):
        backup({"blocks": "0"}, may=MANAGER - {"moodle/backup:configure"})


def test_what_the_site_has_fixed_stays_and_asking_otherwise_is_not_allowed() -> None:
    site = {"badges": SiteDefault(0, locked=True), "blocks": SiteDefault(False)}
    assert backup(site=site)["badges"].lock == "site"
    assert backup({"blocks": "1"}, site=site).on("blocks")
    with pytest.raises(NotAllowed, match="administrator has fixed"):
        backup({"badges": "1"}, site=site)


def test_permission_is_stronger_than_the_site_and_the_site_than_a_dependency() -> None:
    site = {"users": SiteDefault(1, locked=True), "comments": SiteDefault(0, locked=True)}
    settings = backup(may=TEACHER, site=site)
    assert (settings["users"].value, settings["users"].lock) == (False, "permission")
    assert settings["comments"].lock == "site"


def test_what_the_site_has_fixed_on_is_off_all_the_same_when_people_are() -> None:
    settings = backup({"users": "0"}, site={"comments": SiteDefault(1, locked=True)})
    assert (settings["comments"].value, settings["comments"].lock) == (False, "dependency")


def test_a_switch_that_needs_another_names_it_when_asked_for() -> None:
    with pytest.raises(UsageError, match=r"comments cannot be 1. It needs “People and their work” \(users\)"):
        backup({"users": "0", "comments": "1"})


def test_what_a_section_holds_goes_with_it_down_to_its_subsections() -> None:
    settings = backup({"section_1_included": "0"})
    for owner in ("forum_7", "subsection_9", "section_2", "page_10"):
        assert settings[f"{owner}_included"].lock == "hierarchy"
        assert not settings.on(f"{owner}_included")
        assert not settings.on(f"{owner}_userinfo")


def test_peoples_work_of_a_section_goes_with_that_of_its_activities() -> None:
    settings = backup({"section_1_userinfo": "0"})
    assert settings.on("forum_7_included")
    assert not settings.on("forum_7_userinfo")
    assert not settings.on("page_10_userinfo")


def test_without_the_question_bank_a_quiz_is_left_out() -> None:
    settings = backup({"questionbank": "0"})
    assert not settings.on("quiz_8_included")
    assert settings.on("forum_7_included")


def test_items_may_come_in_any_order() -> None:
    assert backup(items=COURSE[::-1])["page_10_included"].value is True


def test_items_that_lie_in_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="needs itself"):
        backup(items=[Item("section_1", "subsection_2"), Item("subsection_2", "section_1")])


def test_a_backup_of_one_activity_without_it_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to back up: News is left out"):
        backup({"forum_7_included": "0"}, archive_type="activity", items=[Item("forum_7", None, "News")])


def test_nobody_is_asked_for_what_governs_nothing_in_that_type_of_archive() -> None:
    settings = backup(archive_type="activity", items=[Item("forum_7")])
    hidden = {name for name, setting in settings.items() if not setting.shown}
    assert hidden == {"activities", "contentbankcontent", "legacyfiles", "only_needed", "forum_7_included"}


def test_a_restore_offers_only_what_the_archive_was_made_with() -> None:
    settings = restore(archive_settings=FULL | {"badges": "0", "forum_7_userinfo": "0"})
    assert (settings["badges"].value, settings["badges"].lock) == (False, "archive")
    assert not settings.on("forum_7_userinfo")
    assert settings.on("forum_7_included")
    with pytest.raises(UsageError, match="archive does not contain"):
        restore({"badges": "1"}, archive_settings=FULL | {"badges": "0"})


def test_what_an_older_archive_does_not_name_comes_all_the_same() -> None:
    older = {name: value for name, value in FULL.items() if name != "groups"}
    assert restore(archive_settings=older).on("groups")


def test_people_come_only_when_the_archive_names_them() -> None:
    older = {name: value for name, value in FULL.items() if name != "users"}
    assert restore(archive_settings=older)["users"].lock == "archive"


def test_without_people_in_the_archive_enrolment_methods_come_never_or_always() -> None:
    settings = restore(archive_settings=FULL | {"users": "0"})
    assert settings.text("enrolments") == "never"
    assert [value for value, _label in settings["enrolments"].choices] == ["never", "always"]
    assert restore().text("enrolments") == "with-users"
    assert restore({"enrolments": "2"}).text("enrolments") == "always"


def test_enrolment_methods_take_their_right_and_never_come_without_it() -> None:
    without = MANAGER - {"moodle/course:enrolconfig"}
    setting = restore(may=without)["enrolments"]
    assert (setting.text, setting.lock) == ("never", "permission")
    with pytest.raises(NotAllowed, match="moodle/course:enrolconfig"):
        restore({"enrolments": "always"}, may=without)


def test_badges_are_restored_with_activities_and_with_the_people_that_the_archive_has() -> None:
    assert restore().on("badges")
    for missing in ("users", "activities"):
        setting = restore({missing: "0"})["badges"]
        assert (setting.value, setting.lock) == (False, "dependency")
    assert restore(archive_settings=FULL | {"users": "0"}).on("badges")
    assert backup({"users": "0", "activities": "0"}).on("badges")


def test_an_option_for_content_that_is_nowhere_is_not_shown_and_keeps_its_value() -> None:
    settings = backup(absent={"competencies"})
    assert (settings["competencies"].shown, settings.on("competencies")) == (False, True)
    assert backup()["competencies"].shown


@pytest.mark.django_db
def test_competencies_are_asked_for_only_where_a_course_or_an_archive_has_any() -> None:
    assert absent_content() == {"competencies"}
    course = create_course("BIO", "Biology")
    CourseCompetency._default_manager.create(course=course, competencyid=1)
    assert absent_content() == frozenset()
    assert absent_in({"competencies": "1"}) == frozenset()
    assert absent_in({"competencies": "0"}) == absent_in({}) == {"competencies"}


OF_COURSE = {
    "overwrite_conf": "moodle/course:update",
    "course_fullname": "moodle/course:changefullname",
    "course_shortname": "moodle/course:changeshortname",
    "course_idnumber": "moodle/course:changeidnumber",
    "course_startdate": "moodle/restore:rolldates",
}


@pytest.mark.parametrize("target", ["merge", "replace"])
@pytest.mark.parametrize(("name", "right"), OF_COURSE.items())
def test_each_setting_of_a_course_takes_its_right_and_the_course_keeps_its_own_without_it(
    name: str, right: str, target: Any
) -> None:
    asked = {"overwrite_conf": "1", name: "1"}
    assert restore(asked, target=target).text(name) == "1"
    with pytest.raises(NotAllowed, match=right):
        restore(asked, target=target, may=MANAGER - {right})
    settings = restore({"overwrite_conf": "1"}, target=target, may=MANAGER - {right}, strict=False)
    assert (settings[name].text, settings[name].lock) == ("0", "permission")
    assert right in settings[name].reason


def test_a_new_course_has_the_names_of_the_archive_for_a_person_who_may_not_choose_them() -> None:
    rights = MANAGER - set(OF_COURSE.values())
    settings = restore(may=rights)
    assert settings.text("course_fullname") == settings.text("course_shortname") == ""
    assert settings.text("course_idnumber") == "0"
    for name in ("course_fullname", "course_shortname", "course_idnumber"):
        assert settings[name].lock == "permission"


def test_what_a_replaced_course_keeps_is_asked_only_when_a_course_is_replaced() -> None:
    for name in ("keep_roles_and_enrolments", "keep_groups_and_groupings"):
        assert restore({name: "1"}, target="replace").on(name)
        for target in ("new", "merge"):
            assert restore(target=target)[name].shown is False
            with pytest.raises(UsageError, match=f"The option {name} has no effect on a"):
                restore({name: "1"}, target=target)


@pytest.mark.parametrize("target", ["new", "merge", "replace"])
@pytest.mark.parametrize("archive_type", ["course", "section", "activity"])
def test_what_a_form_does_not_show_is_refused_and_what_it_shows_is_not(
    archive_type: Any, target: Any
) -> None:
    items = {"course": COURSE, "section": (Item("section_1"),), "activity": (Item("forum_7"),)}[archive_type]
    chosen = {"items": items, "archive_type": archive_type, "target": target}
    for name, setting in restore(**chosen).items():
        if setting.owner or (archive_type, name) == ("activity", "activities"):
            continue
        other = {"switch": "0" if setting.value else "1", "choice": "always"}.get(setting.option.kind, "17")
        said = [one.message for one in restore({name: other}, strict=False, **chosen).refused]
        assert any("has no effect" in sentence for sentence in said) is not setting.shown, name


def test_moving_the_start_date_takes_its_right() -> None:
    assert restore({"course_startdate": "1736121600"}).text("course_startdate") == "1736121600"
    with pytest.raises(NotAllowed, match="moodle/restore:rolldates"):
        restore({"course_startdate": "1736121600"}, may=MANAGER - {"moodle/restore:rolldates"})


def test_the_settings_of_a_course_that_exists_change_only_when_they_are_to_be_overwritten() -> None:
    assert restore()["overwrite_conf"].shown is False
    assert restore(target="merge")["course_fullname"].lock == "dependency"
    assert restore(target="merge").text("course_fullname") == "0"
    asked = {"overwrite_conf": "1", "course_fullname": "Anew"}
    assert restore(asked, target="merge").text("course_fullname") == "Anew"
    with pytest.raises(UsageError, match="overwrite_conf"):
        restore({"course_fullname": "Anew"}, target="merge")


@pytest.mark.parametrize(
    ("archive_type", "name", "value"),
    [
        ("section", "overwrite_conf", "1"),
        ("activity", "overwrite_conf", "1"),
        ("section", "blocks", "0"),
        ("activity", "legacyfiles", "0"),
        ("section", "contentbankcontent", "0"),
    ],
)
def test_an_option_that_has_no_effect_on_this_type_of_archive_is_refused(
    archive_type: Any, name: str, value: str
) -> None:
    items = (Item("section_1"),) if archive_type == "section" else (Item("forum_7"),)
    chosen = {"items": items, "archive_type": archive_type, "target": "merge"}
    with pytest.raises(
        UsageError, match=f"The option {name} has no effect on the archive of an? {archive_type}"
    ):
        restore({name: value}, **chosen)
    if name != "overwrite_conf":
        with pytest.raises(UsageError, match=name):
            backup({name: value}, items=items, archive_type=archive_type)


@pytest.mark.parametrize("archive_type", ["course", "section", "activity"])
def test_the_values_of_all_options_can_be_asked_for_again(archive_type: Any) -> None:
    items = {"course": COURSE, "section": (Item("section_1"),), "activity": (Item("forum_7"),)}[archive_type]
    first = restore(items=items, archive_type=archive_type)
    asked = {name: setting.text for name, setting in first.items()}
    again = restore(asked, items=items, archive_type=archive_type)
    assert {name: setting.text for name, setting in again.items()} == asked
    made = backup(items=items, archive_type=archive_type)
    assert backup(made.as_asked(), items=items, archive_type=archive_type).as_asked() == made.as_asked()


def test_what_has_no_option_in_an_operation_comes_along_and_a_misspelling_is_noticed() -> None:
    settings = restore()
    assert settings.allows("questionbank")
    assert settings.allows("files")
    with pytest.raises(KeyError):
        settings.allows("questionbanks")


def test_the_form_gets_findings_where_the_command_line_gets_an_error() -> None:
    asked = {"users": "0", "comments": "1", "container": "rar", "forum_99_included": "1"}
    settings = backup(asked, strict=False)
    assert {finding.place for finding in settings.refused} == {"comments", "container", "forum_99_included"}
    assert settings.text("container") == "tar.gz"


def test_the_page_of_documentation_has_a_row_for_each_option() -> None:
    page = documentation()
    assert page.count("\n|") == len(TABLE) + 2
    assert "| `MOD_CMID_userinfo` |" in page


rights = st.sets(st.sampled_from(RIGHTS))
switches = [name for name, setting in backup().items() if setting.option.kind == "switch"]
wishes = st.dictionaries(st.sampled_from(switches), st.booleans(), max_size=12)
sites = st.dictionaries(
    st.sampled_from([name for name in switches if name in ROOT]),
    st.builds(SiteDefault, st.booleans(), st.booleans()),
    max_size=6,
)
archives = st.fixed_dictionaries({name: st.sampled_from("01") for name in FULL})


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    request = {"may": draw(rights), "site": draw(sites), "items": COURSE, "operation": "backup"}
    if draw(st.booleans()):
        request |= {"operation": "restore", "archive_settings": draw(archives)}
        request["target"] = draw(st.sampled_from(["new", "merge"]))
    return request


def possible(request: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    names = resolve({}, **request)
    return {name: value for name, value in asked.items() if name in names}


@given(requests(), wishes)
def test_a_locked_setting_keeps_its_value_and_asking_for_another_is_an_error(
    request: dict[str, Any], asked: Mapping[str, Any]
) -> None:
    asked = possible(request, asked)
    for name, setting in resolve(asked, strict=False, **request).items():
        if setting.lock is None or setting.option.kind != "switch":
            continue
        again = {**asked, name: not setting.value}
        settled = resolve(again, strict=False, **request)
        assert settled[name].value == setting.value
        assert name in {finding.place for finding in settled.refused}
        with pytest.raises((NotAllowed, UsageError)):
            resolve(again, **request)


@given(requests(), wishes)
def test_settling_what_was_settled_changes_nothing(request: dict[str, Any], asked: Mapping[str, Any]) -> None:
    once = resolve(possible(request, asked), strict=False, **request)
    twice = resolve(once.as_asked(), **request)
    assert twice.by_name == once.by_name


@given(requests(), wishes)
def test_asking_never_widens_what_a_person_may(request: dict[str, Any], asked: Mapping[str, Any]) -> None:
    unasked = resolve({}, **request)
    settled = resolve(possible(request, asked), strict=False, **request)
    for name, setting in unasked.items():
        if setting.lock in {"permission", "site", "archive"}:
            # Something else that is asked for may take it away, and never bring it.
            assert value_text(settled[name].value) in {setting.text, "0"}


@given(requests(), wishes)
def test_what_needs_a_thing_that_is_off_is_off(request: dict[str, Any], asked: Mapping[str, Any]) -> None:
    settled = resolve(possible(request, asked), strict=False, **request)
    for name, setting in settled.items():
        use = setting.option.use(request["operation"])
        needs = list(use.needs) if use else []
        if name.endswith("_userinfo"):
            needs.append(f"{owner_of(name)}_included")
        if any(settled[need].value is False for need in needs):
            assert setting.value == setting.option.off_value(request["operation"])
            assert setting.lock


@given(requests(), wishes, st.sampled_from(RIGHTS))
def test_losing_a_right_never_brings_more_people_along(
    request: dict[str, Any], asked: Mapping[str, Any], right: str
) -> None:
    if right == "moodle/backup:anonymise" or "configure" in right:
        return
    more = resolve(possible(request, asked), strict=False, **{**request, "may": request["may"] | {right}})
    less = resolve(possible(request, asked), strict=False, **{**request, "may": request["may"] - {right}})
    for name, setting in less.items():
        if setting.option.kind == "switch" and name != "anonymize":
            assert bool(setting.value) <= bool(more[name].value)


def test_the_page_of_documentation_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "options.md"
    assert page.read_text() == documentation(), "Write selection.documentation() to docs/options.md."
