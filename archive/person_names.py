"""Tell by its name whether an element or attribute that no model describes names a person.

Plugins call the columns with people's ids as they like: `studentid`, `takenby`, `lastassessorid`, `userkey`. The words below
are in such names. They are facts of language, not of one plugin.
"""

from __future__ import annotations

import re
from functools import lru_cache

PERSONS = frozenset(
    {
        "applicant", "approver", "assessee", "assessor", "assignee", "attendee", "author", "awardee", "borrower",
        "buddy", "buyer", "candidate", "coach", "commenter", "coordinator", "corrector", "creator", "customer",
        "evaluatee", "evaluator", "examinee", "examiner", "facilitator", "grader", "guardian", "instructor",
        "interviewee", "interviewer", "invigilator", "invitee", "inviter", "learner", "lecturer", "marker", "member",
        "mentee", "mentor", "moderator", "modifier", "observer", "opponent", "organiser", "organizer", "owner",
        "participant", "patient", "payee", "payer", "person", "presenter", "proctor", "pupil", "ratee", "rater",
        "recipient", "requester", "requestor", "respondent", "responder", "reviewee", "reviewer", "sender",
        "receiver", "speaker", "staff", "student", "submitter", "subscriber", "supervisor", "teacher", "teammate",
        "tester", "trainee", "trainer", "tutor", "uploader", "user", "voter", "winner", "volunteer",
    }
)  # fmt: skip
"""Words for persons that are the whole name of an element as well: `<marker>31</marker>`."""

PERSONS_IN_IDS = PERSONS | frozenset(
    {
        "admin", "advisor", "adviser", "client", "colleague", "contact", "employee", "editor", "friend", "host",
        "judge", "leader", "manager", "operator", "partner", "peer", "player", "referee", "scorer", "seller",
        "sponsor",
    }
)  # fmt: skip
"""Words for persons that need an ending of ids, since by themselves they may mean a thing: an editor, a player."""

NOT_PERSONS = frozenset(
    {"remember", "upgrader", "degrader", "bookmarker", "landmarker", "watermarker", "crater"}
)
"""Words that end as the name of a person does and are none."""

NOT_BEFORE = frozenset(
    {
        "max", "min", "num", "no", "count", "total", "all", "any", "each", "per", "is", "has", "can", "only", "by",
        "default",
    }
)  # fmt: skip
SETTINGS = re.compile(
    "show|hide|allow|enable|disable|require|send(?!er)|notify|display|email|mail|count|limit|include|exclude|force|remind"
    "|blind|anonymous|(?:group|sort|order|filter)by|auto|max|min|num(?!ber)|hidden"
)
"""The beginning of the name of a setting: `hidegrader`, `sendtostudent`, `maxstudents`."""

_ENDING = "(?:id|key|by|ref)"
_PARTICIPLE = r"(?:ed|en|made|sent|done|held|set|read|run|paid|over|sold|built|kept|won|led|drawn|seen)"
_BY = re.compile(rf"(?P<verb>[a-z]*{_PARTICIPLE})by(?:id|userid|user|key)?\Z")
_NOT_BY = re.compile(
    "(?:sort|order|group|filter|rank|index|limit|divid|multipli|separat|power|offset|preced)"
)
_TO = re.compile(
    r"(?:[a-z]*(?:assigned|allocated|awarded|issued|sent|given|lent|delegated|replied)|privatereply)to(?:id)?\Z"
)
_PERSON = re.compile(
    rf"(?P<before>[a-z]*?)(?P<word>{'|'.join(sorted(PERSONS_IN_IDS, key=len, reverse=True))})(?P<ending>{_ENDING})?\Z"
)
_CHANGED = "(?:created|modified|updated|added|changed|edited)"
_EDITOR = re.compile(
    rf"(?:last)?(?:user{_CHANGED}|{_CHANGED}by(?:id|user|userid)?|(?:modifier|creator|editor)(?:id)?)\Z"
)
_USER_PARTICIPLE = re.compile(rf"user(?:{_CHANGED[3:-1]}|approved|assigned|graded|deleted|taken|given)\Z")
_TELLING = re.compile(
    rf"(?:{'|'.join(sorted(PERSONS))})(?:s?(?:first|last|full|family|given|real|nick|user|display)?name|e?mail(?:address)?|ip|ipaddress"
    "|phone|telephone|mobile|idnumber|number|no|num|address|login|signature|photo|picture|comments?|feedback|notes?|remarks?"
    "|answers?|responses?)"
    "|(?:user|first|last|full|family|given|real|nick|sur)name|e?mail(?:address)?|phone[12]?|telephone|mobile"
    "|(?:last|remote|client|from)?ip(?:address|addr)?|remoteaddr"
)
_ID = re.compile(r"[a-z0-9_-]+(?:id|by|key)\Z")
_NO_ID = frozenset(
    {
        "valid", "invalid", "grid", "paid", "void", "avoid", "hybrid", "uuid", "guid", "android", "solid", "rapid",
        "idkey", "standby", "nearby", "hotkey",
    }
)  # fmt: skip


@lru_cache(maxsize=4096)
def names_person(name: str) -> bool:
    """Whether a name says that the value is a person's id: `studentid`, `takenby`, `marker`; not `sortby`, `maxstudents`."""
    plain = _plain(name)
    if (found := _BY.match(plain)) is not None:
        return _NOT_BY.match(found["verb"]) is None
    if _TO.match(plain) or _USER_PARTICIPLE.match(plain):
        return SETTINGS.match(plain) is None
    found = _PERSON.match(plain)
    if found is None or plain in NOT_PERSONS or found["before"] + found["word"] in NOT_PERSONS:
        return False
    if found["before"] in NOT_BEFORE or SETTINGS.match(plain):
        return False
    return bool(found["ending"]) or found["word"] in PERSONS


@lru_cache(maxsize=4096)
def names_editor(name: str) -> bool:
    """Whether a name says who made or changed a record: the record is not about that person, and may be the course's own."""
    return _EDITOR.match(_plain(name)) is not None


@lru_cache(maxsize=4096)
def tells_person(name: str) -> bool:
    """Whether a value with this name is about a person, be it an id or a text: `studentid`, `studentname`, `email`."""
    return not names_editor(name) and (names_person(name) or _TELLING.fullmatch(_plain(name)) is not None)


@lru_cache(maxsize=4096)
def can_be_id(name: str) -> bool:
    """Whether a name can be that of an id: it ends with id, by or key."""
    return (
        name.lower() not in _NO_ID and _ID.match(name.lower()) is not None and not _NOT_BY.match(name.lower())
    )


def _plain(name: str) -> str:
    """Return a name in lower case, without a namespace and what separates words."""
    return name.rpartition("}")[2].rpartition(":")[2].lower().replace("_", "").replace("-", "")
