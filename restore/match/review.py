"""Findings about the people in an archive: conflicts, accounts that the person may not create, and those left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from archive.findings import Finding
from restore.match.people import Match

CHOICE = (
    "Decide about them on the page “People and roles” or with the option accounts (NAME=new, NAME=here or NAME=out),"
    " or restore without people (users=0)."
)
HINTS = {
    "1E": CHOICE,
    "2D": CHOICE,
    "taken": "Choose another user name for the new account, or one of the other choices.",
    "twice": "Leave both out (accounts: NAME=out), choose another name if you chose this one, or restore with users=0.",
}
"""What to do about a conflict, by rule."""

DECIDABLE = frozenset({"1E", "2D", "taken"})
"""Rules of conflicts about which a decision by user name helps. Two people of one name cannot be told apart by it."""

# So many people are named one by one in findings; the others are counted.
NAMED = 20
CREATE_RIGHTS = ("moodle/restore:createuser", "moodle/restore:userinfo")


def review_users(matches: Iterable[Match], *, may: Collection[str]) -> Iterator[Finding]:
    """Yield findings about the matches. Conflicts, and accounts that the person may not create, are errors."""
    conflicts = created = merged = 0
    for match in matches:
        created += match.action == "create"
        merged += match.action == "map" and match.anonymous
        conflicts += match.action == "conflict"
        if match.action == "conflict" and conflicts <= NAMED:
            yield Finding(
                "error",
                "user-conflict",
                f"The person “{match.username}” cannot be matched. {match.sentence}",
                place=f"users.xml, user {match.old_id}",
                hint=HINTS.get(match.rule, "Rename one of the two, or restore without people (users=0)."),
            )
    if conflicts > NAMED:
        message = f"{conflicts - NAMED} more people cannot be matched."
        yield Finding("error", "user-conflict", message, "users.xml", "Or restore without people (users=0).")
    missing = [right for right in CREATE_RIGHTS if right not in may]
    if created and missing:
        need = "1 person needs" if created == 1 else f"{created} people need"
        message = f"{need} a new account, and you do not have {' and '.join(missing)}."
        hint = "Leave them out (accounts: *=out), restore without people (users=0), or ask somebody who may create accounts."
        yield Finding("error", "user-not-created", message, "users.xml", hint)
    if merged:
        who = "1 anonymous person takes" if merged == 1 else f"{merged} anonymous people take"
        message = f"{who} an account that is here already, which may be somebody else's."
        hint = "Moodle numbers anonymous people anew in each archive."
        yield Finding("warning", "user-merged", message, "users.xml", hint)
