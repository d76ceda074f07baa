"""The list of all environment variables of the site: name, kind of value, default and words, as docs/settings.md shows them.

`config/environment.py` reads them by this list and by nothing else, so a variable that is not listed cannot be read.
"""

from __future__ import annotations

import ipaddress
import json
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from archive.numbers import whole

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class ValueKind:
    """A kind of value: its name, what it may be in words, and its reader, which raises ValueError for anything else."""

    name: str
    allowed: str
    read: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable. `default` is its value where it is not set, `otherwise` says in words what that means.

    With `secret` its value is never shown, and it can stand in a file that the variable `<name>_FILE` names.
    """

    name: str
    kind: ValueKind
    words: str
    default: str = ""
    otherwise: str = ""
    secret: bool = False


def _switch(text: str) -> bool:
    word = text.lower()
    if word not in TRUE + FALSE:
        raise ValueError(text)
    return word in TRUE


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _storages(text: str) -> dict[str, dict[str, Any]]:
    """Return the storages of a JSON object by alias. Raises TypeError or ValueError."""
    found = json.loads(text)
    if not isinstance(found, dict) or not all(
        isinstance(one, dict) and isinstance(one.get("BACKEND"), str) for one in found.values()
    ):
        raise TypeError(text)
    return found


def _networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(item) for item in _items(text)]


def _zone(text: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise ValueError(text)
    return text


def _number(least: int, most: int) -> ValueKind:
    def read(text: str) -> int:
        found = whole(text, least=least, most=most)
        if found is None:
            raise ValueError(text)
        return found

    return ValueKind("number", f"a whole number from {least:,} to {most:,}", read)


def _one_of(*words: str) -> ValueKind:
    def read(text: str) -> str:
        found = {word.lower(): word for word in words}.get(text.lower())
        if found is None:
            raise ValueError(text)
        return found

    return ValueKind("word", f"{', '.join(words[:-1])} or {words[-1]}", read)


def _address(*schemes: str, example: str) -> ValueKind:
    def read(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not (parts.netloc or parts.path.strip("/")):
            raise ValueError(text)
        _ = parts.port  # raises ValueError for what is no port
        return text

    return ValueKind("address", f"an address such as {example}", read)


TEXT = ValueKind("text", "a text", str)
PATH = ValueKind("path", "the path of a file or folder", str)
SWITCH = ValueKind("switch", f"{', '.join((*TRUE, *FALSE[:-1]))} or {FALSE[-1]}", _switch)
LIST = ValueKind("list", "texts with commas between", _items)
NETWORKS = ValueKind("networks", "addresses or networks with commas between, such as 10.0.0.0/8", _networks)
ZONE = ValueKind("time zone", "the name of a time zone, such as Europe/Madrid", _zone)
STORAGES = ValueKind(
    "JSON", 'a JSON object such as {"archives": {"BACKEND": "...", "OPTIONS": {...}}}', _storages
)
WEB = _address("http", "https", example="https://courses.example")
POSTGRESQL = _address(
    "postgres", "postgresql", example="postgresql://user:password@host:5432/name?sslmode=require"
)
EMAIL = _address("smtp", "smtps", example="smtp://user:password@host:587?tls=1")
LDAP = _address("ldap", "ldaps", example="ldaps://directory.example")
REDIS = _address("redis", "rediss", "redis+socket", "sentinel", example="redis://host:6379/0")


def _limits(name: str, of: str, statement: int, lock: int) -> tuple[Variable, Variable]:
    """Return the variables of the longest statement, and of the longest wait for a lock."""
    seconds = _number(1, 7 * 86_400)
    return (
        Variable(
            f"COURSEKEEP_{name}_STATEMENT_SECONDS", seconds, f"The longest statement of {of}.", str(statement)
        ),
        Variable(
            f"COURSEKEEP_{name}_LOCK_SECONDS", seconds, f"The longest wait of {of} for a lock.", str(lock)
        ),
    )


GROUPS: dict[str, tuple[Variable, ...]] = {
    "The site": (
        Variable(
            "COURSEKEEP_HOME",
            PATH,
            "The folder of all that is written on this machine.",
            otherwise="`var/` of a checkout; a wheel has none",
        ),
        Variable(
            "COURSEKEEP_ENV_FILE",
            PATH,
            "A file with further variables, a line `NAME=VALUE` for each. What the environment sets goes before it.",
            otherwise="`.env` in `COURSEKEEP_HOME`, then `.env` of the checkout, where they are",
        ),
        Variable("SITE_URL", WEB, "The address in links and archives; `https` closes cookies to plain HTTP.",
                 "http://127.0.0.1:8000"),
        Variable("SITE_NAME", TEXT, "The name of the site on its pages.", "Coursekeep"),
        Variable("COURSEKEEP_TIME_ZONE", ZONE, "The time zone of moments on pages.", "UTC"),
        Variable("COURSEKEEP_DEBUG", SWITCH, "Django's pages about errors; never on a site that others can reach.", "0"),
    ),
    "Keys": (
        Variable("COURSEKEEP_SITE_IDENTIFIER", TEXT, "Marks the archives of the site.",
                 otherwise="`site.json`", secret=True),
        Variable("COURSEKEEP_SITE_KEY", TEXT, "Signs archives, and makes pseudonyms.",
                 otherwise="`site.json`", secret=True),
        Variable("COURSEKEEP_SECRET_KEY", TEXT, "Signs sessions.", otherwise="`site.json`", secret=True),
        Variable(
            "COURSEKEEP_FORMER_SITE_KEYS",
            LIST,
            "Keys that the site had before: signatures and secrets made with them stay valid.",
            otherwise="none",
            secret=True,
        ),
    ),
    "Servers": (
        Variable("DATABASE_URL", POSTGRESQL, "The database: PostgreSQL 15 or later.",
                 otherwise="the embedded PostgreSQL", secret=True),
        Variable(
            "REDIS_URL",
            REDIS,
            "The queue. The files that stand in for it serve one machine only.",
            otherwise="files in `COURSEKEEP_HOME/queue`",
            secret=True,
        ),
        Variable("COURSEKEEP_STORAGES", STORAGES, "Django storages, by alias, in place of the folders.", "{}",
                 otherwise="folders in `COURSEKEEP_HOME`", secret=True),
        Variable("COURSEKEEP_STORAGE_THREADS", _number(1, 256),
                 "Requests of a job to a storage on another machine that are made at the same time.", "16"),
        Variable("COURSEKEEP_SPOOL", PATH,
                 "Temporary files of jobs and uploads. On the disk of the archives they are moved, not copied.",
                 otherwise="`COURSEKEEP_HOME/spool`"),
    ),
    "Web": (
        Variable("COURSEKEEP_HOSTS", LIST, "Names under which the site answers.",
                 otherwise="that of `SITE_URL`, and this machine"),
        Variable(
            "COURSEKEEP_BEHIND_PROXY",
            SWITCH,
            "Trust `X-Forwarded-Proto`, and the last address in `X-Forwarded-For`; only behind a proxy that sets both.",
            "0",
        ),
        Variable("COURSEKEEP_SSL_REDIRECT", SWITCH, "Send plain HTTP to `https`, with an `https` address.",
                 otherwise="1 behind a proxy, else 0"),
        Variable("COURSEKEEP_HSTS_SECONDS", _number(0, 10 * 365 * 86_400),
                 "How long browsers keep to TLS, with an `https` address.", "3600"),
    ),
    "Sign-in": (
        Variable("COURSEKEEP_PASSWORD_SIGN_IN", SWITCH,
                 "Sign-in by user name and password. Without it, `manage.py accounts sign-in-link` is the way in "
                 "if the provider of OpenID Connect fails.", "1"),
        Variable("COURSEKEEP_SECOND_FACTOR_REQUIRED", SWITCH,
                 "Administrators have to set up a second factor before they get to any other page.", "0"),
        Variable("COURSEKEEP_SECOND_FACTOR_AFTER_OIDC", SWITCH,
                 "Ask for the second factor also after a sign-in by OpenID Connect, where the provider has asked.", "0"),
    ),
    "Sign-in by OpenID Connect": (
        Variable("COURSEKEEP_OIDC_ISSUER", WEB, "The issuer, below which the discovery document is.",
                 otherwise="no sign-in by OpenID Connect"),
        Variable("COURSEKEEP_OIDC_CLIENT_ID", TEXT, "The id of this site at the provider.", otherwise="none"),
        Variable("COURSEKEEP_OIDC_CLIENT_SECRET", TEXT, "The secret of this site at the provider.",
                 otherwise="none", secret=True),
        Variable("COURSEKEEP_OIDC_NAME", TEXT, "The name of the provider on the page to sign in.",
                 otherwise="the host of the issuer"),
        Variable("COURSEKEEP_OIDC_SCOPES", TEXT, "The scopes that are asked for, with spaces between.",
                 "openid email profile"),
        Variable("COURSEKEEP_OIDC_ALGORITHM", _one_of("RS256", "RS384", "RS512", "ES256", "ES384", "ES512"),
                 "The algorithm of the signatures. No other one is taken.", "RS256"),
        Variable("COURSEKEEP_OIDC_MATCH", _one_of("none", "email", "username"),
                 "How a first sign-in finds an account that is there: by the address, if the provider has verified it, "
                 "or by the user name. Administrators are not found so.", "none"),
        Variable("COURSEKEEP_OIDC_CREATE", SWITCH, "Make an account at the first sign-in of somebody who has none.", "0"),
        Variable("COURSEKEEP_OIDC_USERNAME_CLAIM", TEXT, "The claim with the user name.", "preferred_username"),
        Variable("COURSEKEEP_OIDC_GROUPS_CLAIM", TEXT, "The claim with the groups.", "groups"),
        Variable("COURSEKEEP_OIDC_ADMINISTRATORS", TEXT,
                 "The group that administers the site. At each sign-in by the provider, who is in it becomes an "
                 "administrator, and who is not in it is one no longer, but the last one.",
                 otherwise="administrators are made here"),
    ),
    "Sign-in by LDAP": (
        Variable("COURSEKEEP_LDAP_URL", LDAP,
                 "The directory that checks the passwords of whom the site itself does not let in. "
                 "Needs `requirements-ldap.lock`.",
                 otherwise="no directory"),
        Variable("COURSEKEEP_LDAP_STARTTLS", SWITCH, "Begin with TLS after the connection (`ldap`).",
                 otherwise="1 for `ldap` on another machine, else 0"),
        Variable("COURSEKEEP_LDAP_CA_FILE", PATH, "Certificates of the authority that the directory's is checked with.",
                 otherwise="those of the machine"),
        Variable("COURSEKEEP_LDAP_BASE", TEXT, "The entry below which people are.", otherwise="none"),
        Variable("COURSEKEEP_LDAP_FILTER", TEXT, "How a person is found by the user name.", "(uid=%(user)s)"),
        Variable("COURSEKEEP_LDAP_BIND_DN", TEXT, "The entry that may search.", otherwise="anonymous search"),
        Variable("COURSEKEEP_LDAP_BIND_PASSWORD", TEXT, "Its password.", otherwise="none", secret=True),
        Variable("COURSEKEEP_LDAP_ID_ATTRIBUTE", TEXT,
                 "The attribute that tells people apart for good; `objectGUID` in Active Directory.", "entryUUID"),
        Variable("COURSEKEEP_LDAP_NAME_ATTRIBUTE", TEXT,
                 "The attribute of the user name that a match and a new account take; `sAMAccountName` in Active Directory.",
                 "uid"),
        Variable("COURSEKEEP_LDAP_MATCH", SWITCH,
                 "A first sign-in finds the account with the same user name. Administrators are not found so.", "0"),
        Variable("COURSEKEEP_LDAP_CREATE", SWITCH, "Make an account at the first sign-in of somebody who has none.", "0"),
    ),
    "Jobs": (
        Variable("COURSEKEEP_JOB_HEARTBEAT_SECONDS", _number(1, 60), "How often a job that runs says so.", "5"),
        Variable("COURSEKEEP_JOB_STALE_SECONDS", _number(10, 3600),
                 "Without a word for so long, the worker of a job is taken for dead, and the job is queued again.", "60"),
        Variable(
            "COURSEKEEP_JOB_STUCK_SECONDS",
            _number(60, 7 * 86_400),
            "Without progress for so long, a job is taken for hung, and given up.",
            "1800",
        ),
        Variable(
            "COURSEKEEP_JOB_NOTIFY_SECONDS",
            _number(5, 3600),
            "A job that nobody has taken is told of again after so long, then after twice as long each time.",
            "30",
        ),
        Variable("COURSEKEEP_JOB_MEMORY_MB", _number(256, 1024 * 1024),
                 "The most memory of a process that runs jobs.", "2048"),
    ),
    "Time limits in the database": (
        *_limits("WEB", "a page", 30, 10),
        *_limits("JOB", "a job", 7200, 3600),
        *_limits("HOUSEKEEPING", "housekeeping", 600, 60),
    ),
    "E-mail": (
        Variable("COURSEKEEP_EMAIL_URL", EMAIL, "The mail server, for notices and links to set a password.",
                 otherwise="no e-mail is sent", secret=True),
        Variable("COURSEKEEP_EMAIL_FROM", TEXT, "The sender of e-mails.",
                 otherwise="`coursekeep@` and the host of `SITE_URL`"),
        Variable("COURSEKEEP_ADMINISTRATOR_ADDRESSES", LIST, "Who gets the notices of the whole site.",
                 otherwise="the addresses of the administrators' accounts"),
    ),
    "Logs and monitoring": (
        Variable("COURSEKEEP_LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
                 "Lines of this level and above are logged.", "WARNING"),
        Variable("COURSEKEEP_LOG_FORMAT", _one_of("line", "json"),
                 "`json`: one JSON object for each line of the log.", "line"),
        Variable(
            "COURSEKEEP_SENTRY_DSN",
            _address("http", "https", example="https://key@errors.example/1"),
            "Where faults of the program are reported to (Sentry), without texts, values and people.",
            otherwise="no reports",
            secret=True,
        ),
        Variable("COURSEKEEP_METRICS_TOKEN", TEXT,
                 "Who sends it (`Authorization: Bearer ...`) may read `/metrics`.",
                 otherwise="nobody by a token", secret=True),
        Variable("COURSEKEEP_METRICS_ADDRESSES", NETWORKS, "Who asks from these may read `/metrics`.",
                 otherwise="nobody by the address"),
    ),
    "Tests and development": (
        Variable("COURSEKEEP_DATABASE", TEXT, "The database of the embedded PostgreSQL; only from the environment.",
                 "coursekeep"),
        Variable("COURSEKEEP_EMBEDDED_FSYNC", SWITCH,
                 "`off`: faster, and a crash of the machine damages the embedded database; only from the environment.",
                 "on"),
        Variable("COURSEKEEP_ADVISORIES", _address("http", "https", example="https://api.osv.dev/v1/querybatch"),
                 "The database of vulnerabilities that `bin/audit` asks; only from the environment.",
                 otherwise="that of OSV"),
        Variable("COURSEKEEP_FUZZ_RUNS", _number(1, 10_000_000),
                 "How many damaged archives each test of them tries; only from the environment.",
                 otherwise="few, the same ones each time"),
    ),
}  # fmt: skip
"""All variables by group, in the order of docs/settings.md."""

VARIABLES = {variable.name: variable for group in GROUPS.values() for variable in group}

TEST_PREFIX = "COURSEKEEP_TEST_"
"""Variables that the project's own tests give to the processes that they start begin so; they are no settings."""
