"""Match the people in an archive with the accounts of this site.

The rules are Moodle's, letter by letter (`restore_dbops.class.php`, 1394-1610); their numbers (1A to 2E) are
in its comments and in what people are shown. "Same site" means that the archive bears the hash of this site's
identifier. Whoever has seen an archive of this site can forge it, so no rule believes a number alone: it must
come with the user name, or with the mark that deleting an account leaves. What guards against attributing
work to others is the right `moodle/restore:userinfo`.

Deciding is pure (`match_user`); `match_users` finds the candidates for a batch of people in one query.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from django.db.models import Q

from courses.fields import integer
from courses.models import User
from restore.match.decisions import Decisions, PersonDecision, name_with_site

BATCH = 1000
NO_DECISIONS = Decisions()
Action = Literal["map", "create", "conflict", "out"]

# Deleting an account turns its user name into the e-mail address, cut to this length, a dot and the time.
_EMAIL_KEPT = 89
_TIME_SUFFIX = re.compile(r"\.[0-9]+\Z")
# What Moodle's anonymiser makes of people.
_ANONYMOUS = {
    "username": re.compile(r"anon\d+\Z"),
    "firstname": re.compile(r"anonfirstname\d+\Z"),
    "lastname": re.compile(r"anonlastname\d+\Z"),
    "email": re.compile(r"anon\d+@doesntexist\.(?:invalid|com)\Z"),
}
_COLUMNS = ("id", "username", "email", "firstname", "lastname", "firstaccess", "deleted", "mnethosturl")

# Texts are compared as they are stored.
_LONGEST = {
    name: getattr(User._meta.get_field(name), "max_length", None)
    for name in ("username", "email", "firstname", "lastname", "mnethosturl")
}

_SENTENCES = {
    "1A": "Same number and user name.",
    "1B": "An anonymous account of the same user name.",
    "1C": "Same number; the account has been deleted here since.",
    "1D": "Same number; the account had been deleted when the archive was made.",
    "1E": "The user name belongs to another account of this site.",
    "1F": "There is no such account.",
    "2A1": "Same user name, and the same e-mail address or first access.",
    "2A2": "The administrator of the other site.",
    "2B1": "The account has been deleted here; its e-mail address or first access is the same.",
    "2B2": "The account has been deleted here; its e-mail address and first access are the same.",
    "2C": "The account had been deleted when the archive was made; address and first access are the same.",
    "2D": "The user name belongs to somebody with another e-mail address.",
    "2E": "There is no such account.",
    "here": "Chosen: the account of this site that has the user name.",
    "new": "Chosen: an account under another user name.",
    "taken": "The user name that was chosen for a new account belongs to somebody else.",
    "out": "Chosen: left out.",
    "twice": "Another person in the archive has the same user name.",
}


@dataclass(frozen=True, slots=True)
class ArchivedPerson:
    """The columns by which people are matched, of a person in an archive or of an account here; `id` is the id there."""

    id: int
    username: str
    email: str = ""
    firstname: str = ""
    lastname: str = ""
    firstaccess: int = 0
    deleted: bool = False
    mnethosturl: str = ""

    @classmethod
    def read(cls, old_id: int, values: Mapping[str, str | None]) -> ArchivedPerson:
        """Return the person of a `user` element from its texts by name (None: NULL). Raises ValueError if a number is none."""
        texts = {name: (values.get(name) or "")[: _LONGEST.get(name)] for name in _COLUMNS[1:]}
        return cls(
            id=old_id,
            username=texts["username"],
            email=texts["email"],
            firstname=texts["firstname"],
            lastname=texts["lastname"],
            firstaccess=int(integer(texts["firstaccess"])),
            deleted=int(integer(texts["deleted"])) != 0,
            mnethosturl=texts["mnethosturl"],
        )

    @property
    def anonymous(self) -> bool:
        """Whether the names and the address have the form that Moodle's anonymiser gives them."""
        return all(pattern.match(getattr(self, name)) for name, pattern in _ANONYMOUS.items())


@dataclass(frozen=True, slots=True)
class Match:
    """The match of a person in the archive: an existing account, a new one, a conflict that a person has to resolve, or nobody.

    `target` is the account's id (of a conflict: of the account in the way), `username` a new account's.
    """

    old_id: int
    action: Action
    target: int | None
    rule: str
    username: str
    anonymous: bool = False

    @property
    def sentence(self) -> str:
        """The rule that was applied, as a sentence for people."""
        return _SENTENCES[self.rule]


def match_user(
    person: ArchivedPerson,
    candidates: Collection[ArchivedPerson],
    *,
    same_site: bool,
    duplicate_admin: str = "",
) -> Match:
    """Return the match of a person in the archive; `candidates` are all accounts that any rule could select.

    `duplicate_admin` is the archive's site hash where this site makes a foreign `admin` an `admin_HASH`.
    """
    ordered = sorted(candidates, key=lambda account: account.id)
    if same_site:
        rule, account, username = _on_the_same_site(person, ordered)
    else:
        rule, account, username = _on_another_site(person, ordered, duplicate_admin)
    action: Action = "map" if account is not None else "create"
    if rule in {"1E", "2D"}:
        action = "conflict"
    return Match(person.id, action, account.id if account else None, rule, username, person.anonymous)


Found = tuple[str, ArchivedPerson | None, str]


def _on_the_same_site(person: ArchivedPerson, accounts: Sequence[ArchivedPerson]) -> Found:
    """Rules 1A to 1F."""
    local = [account for account in accounts if account.mnethosturl == person.mnethosturl]
    named = _first(account for account in accounts if account.username == person.username)
    numbered = _first(account for account in local if account.id == person.id)
    if numbered is not None and numbered.username == person.username:
        return "1A", numbered, person.username
    if person.anonymous and named is not None:
        return "1B", named, person.username
    if numbered is not None and numbered.deleted and _left_by(numbered, person):
        return "1C", numbered, person.username
    if numbered is not None and person.deleted and _made_of(person.username, numbered.email):
        return "1D", numbered, person.username
    # User names are unique here over all hosts, so the name of an account from elsewhere is taken as well.
    return ("1F", None, person.username) if named is None else ("1E", named, person.username)


def _on_another_site(
    person: ArchivedPerson, accounts: Sequence[ArchivedPerson], duplicate_admin: str
) -> Found:
    """Rules 2A to 2E."""
    local = [account for account in accounts if account.mnethosturl == person.mnethosturl]
    named = _first(account for account in accounts if account.username == person.username)
    if named is not None and named in local and (_same_email(named, person) or _same_access(named, person)):
        return "2A1", named, person.username
    if duplicate_admin and person.username == "admin" and not person.mnethosturl:
        username = admin_of(duplicate_admin)
        return "2A2", _first(account for account in local if account.username == username), username
    gone = [account for account in local if account.deleted]
    for account in gone:
        begins = _begins_with(account.username, person.email)
        if account.email == _md5(person.username) and (begins or _same_access(account, person)):
            return "2B1", account, person.username
    for account in gone:
        if _begins_with(account.username, person.email) and _same_access(account, person):
            return "2B2", account, person.username
    for account in local if person.deleted else ():
        if _made_of(person.username, account.email) and _same_access(account, person):
            return "2C", account, person.username
    return ("2E", None, person.username) if named is None else ("2D", named, person.username)


def match_users(
    people: Iterable[ArchivedPerson],
    *,
    same_site: bool,
    decisions: Decisions = NO_DECISIONS,
    batch: int = BATCH,
) -> Iterator[Match]:
    """Yield the match of each person in an archive, in order: one query for each `batch`, never all people in memory.

    The `decisions` about people come before the rules; the one about all others is for conflicts only.
    """
    duplicate_admin = decisions.site_hash if decisions.own_admin else ""
    stream = iter(people)
    new: set[str] = set()
    while some := list(islice(stream, batch)):
        lookup = _Lookup(some, same_site=same_site, duplicate_admin=duplicate_admin, decisions=decisions)
        for person in some:
            match = _decided(person, lookup, decisions, decisions.about(person.username))
            if match is None:
                match = match_user(
                    person, lookup.candidates(person), same_site=same_site, duplicate_admin=duplicate_admin
                )
            if match.action == "conflict" and match.rule in {"1E", "2D"}:
                decision = decisions.in_conflict(person.username)
                match = _decided(person, lookup, decisions, decision) or match
            if match.action == "create" and decisions.leaves_new_out:
                match = replace(match, action="out", rule="out")
            if match.action == "create":
                if match.username in new:
                    match = replace(match, action="conflict", rule="twice")
                new.add(match.username)
            yield match


def _decided(
    person: ArchivedPerson, lookup: _Lookup, decisions: Decisions, decision: PersonDecision | None
) -> Match | None:
    """Return the match of a person by a decision; None if there is none, or if no account here has the user name."""
    if decision is None:
        return None
    if decision.choice == "out":
        return Match(person.id, "out", None, "out", person.username, person.anonymous)
    if decision.choice == "here":
        there = lookup.by_username.get(person.username)
        return Match(person.id, "map", there.id, "here", person.username, person.anonymous) if there else None
    name = decisions.new_name(person.username, decision)
    there = lookup.by_username.get(name)
    match = Match(person.id, "create", None, "new", name, person.anonymous)
    if there is None:
        return match
    same = (person.email != "" and _same_email(there, person)) or _same_access(there, person)
    if decision.username and not same:
        return replace(match, action="conflict", target=there.id, rule="taken")
    return replace(match, action="map", target=there.id)


class _Lookup:
    """The accounts that any of a batch of people may be: fetched by one query, indexed by the columns of the rules."""

    def __init__(
        self,
        people: Sequence[ArchivedPerson],
        *,
        same_site: bool,
        duplicate_admin: str,
        decisions: Decisions,
    ) -> None:
        self.same_site = same_site
        self.decisions = decisions
        self.duplicate_admin = duplicate_admin
        self.by_id: dict[int, ArchivedPerson] = {}
        self.by_username: dict[str, ArchivedPerson] = {}
        self.gone_by_email: defaultdict[str, list[ArchivedPerson]] = defaultdict(list)
        self.gone_by_access: defaultdict[int, list[ArchivedPerson]] = defaultdict(list)
        self.by_access: defaultdict[int, list[ArchivedPerson]] = defaultdict(list)
        for row in User.objects.filter(self._wanted(people)).values(*_COLUMNS):
            flags = {"deleted": row["deleted"] != 0, "mnethosturl": row["mnethosturl"] or ""}
            self._add(ArchivedPerson(**{**row, **flags}))

    def _wanted(self, people: Sequence[ArchivedPerson]) -> Q:
        """Return the condition of the query."""
        usernames = {person.username for person in people}
        if self.duplicate_admin:
            usernames.add(admin_of(self.duplicate_admin))
        decided = [(name, self.decisions.in_conflict(name)) for name in usernames]
        usernames.update(
            self.decisions.new_name(name, decision)
            for name, decision in decided
            if decision is not None and decision.choice == "new"
        )
        wanted = Q(username__in=usernames)
        if self.same_site:
            return wanted | Q(pk__in={person.id for person in people})
        wanted |= Q(deleted__gt=0, email__in={_md5(person.username) for person in people})
        wanted |= Q(deleted__gt=0, firstaccess__in={person.firstaccess for person in people} - {0})
        return wanted | Q(firstaccess__in={person.firstaccess for person in people if person.deleted} - {0})

    def _add(self, account: ArchivedPerson) -> None:
        """Add an account to the indexes."""
        self.by_id[account.id] = account
        self.by_username[account.username] = account
        self.by_access[account.firstaccess].append(account)
        if account.deleted:
            self.gone_by_email[account.email].append(account)
            self.gone_by_access[account.firstaccess].append(account)

    def candidates(self, person: ArchivedPerson) -> list[ArchivedPerson]:
        """Return the accounts that this person may be, each once."""
        names = [person.username]
        if self.duplicate_admin:
            names.append(admin_of(self.duplicate_admin))
        found = [self.by_username[name] for name in names if name in self.by_username]
        if self.same_site:
            found += [self.by_id[person.id]] if person.id in self.by_id else []
        else:
            found += self.gone_by_email.get(_md5(person.username), [])
            if person.firstaccess:
                by_access = self.by_access if person.deleted else self.gone_by_access
                found += by_access.get(person.firstaccess, [])
        return list({account.id: account for account in found}.values())


def admin_of(site_hash: str) -> str:
    """Return the user name that another site's `admin` gets here."""
    return name_with_site("admin", site_hash)


def _first(accounts: Iterable[ArchivedPerson]) -> ArchivedPerson | None:
    return next(iter(accounts), None)


def _md5(text: str) -> str:
    """Return the MD5 of a text: deleting an account puts that of its user name into its e-mail address. It protects nothing."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _begins_with(username: str, email: str) -> bool:
    """Whether a deleted account's name begins with the address and a dot (Moodle: LIKE 'address.%')."""
    return email != "" and username.upper().startswith(f"{email[:_EMAIL_KEPT].upper()}.")


def _made_of(username: str, email: str) -> bool:
    """Whether a deleted account's name, without the time at its end, is the address."""
    return email != "" and _TIME_SUFFIX.sub("", username).upper() == email[:_EMAIL_KEPT].upper()


def _left_by(deleted: ArchivedPerson, person: ArchivedPerson) -> bool:
    """Whether a deleted account bears either mark of having been this person's."""
    return _begins_with(deleted.username, person.email) or deleted.email == _md5(person.username)


def _same_email(one: ArchivedPerson, other: ArchivedPerson) -> bool:
    return one.email.upper() == other.email.upper()


def _same_access(one: ArchivedPerson, other: ArchivedPerson) -> bool:
    return one.firstaccess != 0 and one.firstaccess == other.firstaccess
