"""Excursions and the places that people suggest, a type of question with dice, and a block that shows an excursion."""

from __future__ import annotations

from typing import ClassVar

from courses.archived import ArchivedModel, ArchiveMeta
from courses.blocks import BlockType
from courses.content import ActivityType, Content
from courses.fields import Int, Moment, Ref, RichText, Text, UserRef, Within
from courses.models.questions import Question
from courses.questions import QuestionType, part

QuestionType("dice")
BlockType("next_excursion", ids={"excursionid": "excursion"})


class Excursion(Content):
    """A day out; `placeid` is the place that was agreed on."""

    activity_type: ClassVar[ActivityType] = ActivityType(
        label="Day out", icon="plugin_app/icons.svg#bus", logged_ids={"placeid": "excursion_place"}
    )

    name = Text(255)
    intro = RichText(null=True)
    introformat = Int()
    departure = Moment(shifts=True)
    placeid = Ref("excursion_place")

    links = (
        ("EXCURSIONVIEWBYID", "/mod/excursion/view.php?id=$1", ("course_module",)),
        ("EXCURSIONPLACE", "/mod/excursion/view.php?id=$1&place=$2", ("course_module", "excursion_place")),
    )


class ExcursionPlace(ArchivedModel):
    """A place that somebody suggests, with pictures and a remark that only the person's friends should read."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="excursion_place",
        userdata=True,
        files=("mod_excursion/picture",),
        option="excursionplaces",
    )

    excursion = Within(Excursion, "places/place")
    userid = UserRef()
    title = Text(255)
    description = RichText(null=True)
    phone = Text(50, personal="empty")
    timecreated = Moment()


class ExcursionThing(ArchivedModel):
    """A thing to take along."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(
        item_type="excursion_thing", files=("mod_excursion/thing",), option="packinglist"
    )

    excursion = Within(Excursion, "packing/thing")
    title = Text(255)


class DiceQuestion(ArchivedModel):
    """How many dice a question throws."""

    archive_meta: ClassVar[ArchiveMeta] = ArchiveMeta(item_type="qtype_dice_options")

    question = Within(Question, part("dice", "dice"))
    dice = Int(default=2)
    hint = RichText(null=True)
