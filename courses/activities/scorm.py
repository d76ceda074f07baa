"""A SCORM package: learning items, their sequencing rules, and people's results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar

from archive.numbers import is_id, whole_or
from courses.archived import ArchivedModel, ArchiveMeta
from courses.content import ActivityType, Content
from courses.fields import (
    LONGEST_NAME,
    Code,
    Int,
    LongText,
    Moment,
    Real,
    Ref,
    Rendering,
    RichText,
    Text,
    UserRef,
    Within,
)


class Scorm(Content):
    """A SCORM package of the course."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        label="SCORM package",
        logged_ids={
            "scormid": "scorm",
            "scoid": "scorm_sco",
            "mod_scorm/instanceid": "scorm",
        },
    )

    name = Text(LONGEST_NAME)
    scormtype = Text(50, default="local")
    reference = Text(255)
    intro = RichText()
    introformat = Int()
    version = Text(9)
    maxgrade = Real()
    grademethod = Int()
    whatgrade = Int()
    maxattempt = Int(default=1)
    forcecompleted = Int()
    forcenewattempt = Int()
    lastattemptlock = Int()
    masteryoverride = Int(default=1)
    displayattemptstatus = Int(default=1)
    displaycoursestructure = Int()
    updatefreq = Int()
    sha1hash = Text(40, null=True)
    md5hash = Text(32)
    revision = Int()
    launch = Ref("scorm_sco")
    skipview = Int(default=1)
    hidebrowse = Int()
    hidetoc = Int()
    nav = Int(default=1)
    navpositionleft = Int(null=True, default=-100)
    navpositiontop = Int(null=True, default=-100)
    auto = Int()
    popup = Int()
    options = Text(255)
    width = Int(default=100)
    height = Int(default=600)
    timeopen = Moment(shifts=True)
    timeclose = Moment(shifts=True)
    timemodified = Moment()
    completionstatusrequired = Int(null=True)
    completionscorerequired = Int(null=True)
    completionstatusallscos = Int(null=True)
    autocommit = Int()

    links = (
        ("SCORMVIEWBYID", "/mod/scorm/view.php?id=$1", ("course_module",)),
        ("SCORMINDEX", "/mod/scorm/index.php?id=$1", ("course",)),
    )

    class Meta:
        verbose_name = "SCORM package"


class ScormSco(ArchivedModel):
    """An item of the package; `parent` and `organization` are identifiers of the package's manifest, not ids."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_sco")

    scorm = Within(Scorm, "scoes/sco")
    manifest = Text(255)
    organization = Text(255)
    parent = Text(255)
    identifier = Text(255)
    launch = LongText()
    scormtype = Text(5)
    title = Text(255)
    sortorder = Int()


class ScormScoProperty(ArchivedModel):
    """A property of an item, such as whether it is visible."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_sco_data")

    sco = Within(ScormSco, "sco_datas/sco_data")
    name = Text(255)
    value = LongText()


class ScormRule(ArchivedModel):
    """A sequencing rule of an item: the action that is taken when its conditions hold."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_seq_ruleconds")

    sco = Within(ScormSco, "seq_ruleconds/seq_rulecond")
    conditioncombination = Text(3, default="all")
    ruletype = Int()
    action = Code(25)


class ScormRuleCondition(ArchivedModel):
    """A condition of a sequencing rule; `refrencedobjective` is the format's spelling."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_seq_rulecond_data")

    rule = Within(ScormRule, "seq_rulecond_datas/seq_rulecond_data")
    refrencedobjective = Text(255)
    measurethreshold = Real()
    operator = Text(5, default="noOp")
    cond = Text(30, default="always")


class ScormRollupRule(ArchivedModel):
    """A rollup rule: it derives the state of an item from the items inside it."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_seq_rolluprule")

    sco = Within(ScormSco, "seq_rolluprules/seq_rolluprule")
    childactivityset = Text(15)
    minimumcount = Int()
    minimumpercent = Real()
    conditioncombination = Text(3, default="all")
    action = Code(15)


class ScormRollupCondition(ArchivedModel):
    """A condition of a rollup rule."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_seq_rolluprulecond")

    rule = Within(ScormRollupRule, "seq_rollupruleconds/seq_rolluprulecond")
    cond = Text(25)
    operator = Text(5, default="noOp")


class ScormObjective(ArchivedModel):
    """A learning objective of an item, and how it is measured."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_seq_objective")

    sco = Within(ScormSco, "seq_objectives/seq_objective")
    primaryobj = Int()
    objectiveid = Text(255)
    satisfiedbymeasure = Int(default=1)
    minnormalizedmeasure = Real()


class ScormObjectiveMap(ArchivedModel):
    """A mapping between an objective and one that items share: the values that it reads and writes."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_seq_mapinfo")

    objective = Within(ScormObjective, "seq_mapinfos/seq_mapinfo")
    targetobjectiveid = Int()
    readsatisfiedstatus = Int(default=1)
    readnormalizedmeasure = Int(default=1)
    writesatisfiedstatus = Int()
    writenormalizedmeasure = Int()


NAMES_THE_LEARNER = "(student|learner)_(id|name)$"
"""Expression, of SQL and of Python, of the elements of a package that tell who the learner is."""


class TrackedValue(LongText):
    """A value that a SCORM package stored; in an anonymous archive it tells no name or id of the learner.

    Source: the elements `cmi.core.student_id` and `cmi.core.student_name` of SCORM 1.2, `cmi.learner_id` and
    `cmi.learner_name` of SCORM 2004.
    """

    def sql_text(self, column: str, rendering: Rendering) -> str:
        plain = super().sql_text(column, rendering)
        if not rendering.anonymize:
            return plain
        row = column.rpartition(".")[0]
        names = f"{row}.\"element\" ~ '{NAMES_THE_LEARNER}'"
        return f"(CASE WHEN {names} THEN 'anon' || ({rendering.pseudonym(f'{row}.userid')})::text ELSE {plain} END)"

    def anonymised(self, text: str, texts: Mapping[str, str | None], pseudonym: Callable[[int], int]) -> str:
        person = texts.get("userid") or ""
        if re.search(NAMES_THE_LEARNER, texts.get("element") or "") is None:
            return text
        return f"anon{pseudonym(whole_or(person)) if is_id(person) else 0}"


class ScormTrack(ArchivedModel):
    """A tracked value of a person's attempt at an item: the SCORM element and its value."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="scorm_sco_track", userdata=True)

    sco = Within(ScormSco, "sco_tracks/sco_track")
    userid = UserRef()
    attempt = Int()
    element = Code(255)
    value = TrackedValue()
    timemodified = Moment()
