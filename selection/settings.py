"""Settings: the options of one operation with their resolved values, and why a value cannot be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from archive.findings import Finding
from courses.registry import uses_questions
from selection.option import Option, Value
from selection.table import ROOT

Lock = Literal["permission", "mode", "site", "archive", "dependency", "hierarchy"]


@dataclass(frozen=True, slots=True)
class Item:
    """A section or an activity of the course or the archive.

    `owner` is its name in the manifest (`section_12`, `forum_7`). `parent` is the owner that contains it: the
    section of an activity, the subsection activity (`subsection_3`) of a subsection's section; or None.
    """

    owner: str
    parent: str | None = None
    title: str = ""
    modulename: str = field(init=False, compare=False)
    level: Literal["section", "activity"] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Read `modulename`, the activity type (`forum` of `forum_7`, `section` of a section), and `level` from the owner."""
        modulename = self.owner.rpartition("_")[0]
        object.__setattr__(self, "modulename", modulename)
        object.__setattr__(self, "level", "section" if modulename == "section" else "activity")

    @property
    def made_of_questions(self) -> bool:
        """Whether the activity cannot be used without the question bank."""
        return uses_questions(self.modulename)

    @property
    def label(self) -> str:
        """The title, or the owner if there is no title."""
        return self.title or self.owner


@dataclass(frozen=True, slots=True)
class SiteDefault:
    """The administrator's default for an option; if `locked`, nobody else can change it."""

    value: str | bool | int
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One option with its value. `name` is the full name (`forum_7_userinfo`), `owner` its item or "".

    `lock` says why the value cannot be changed, `reason` is the sentence for it; `shown` is false where a form
    does not ask for the option. `choices` are the values that can be chosen here. `withheld` is true where the value is off
    only because the person has no right to what the option governs. `needed` are the root options that must be on for it.
    """

    name: str
    option: Option
    owner: str
    value: Value
    lock: Lock | None = None
    reason: str = ""
    shown: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    withheld: bool = False
    needed: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The option's name in a sentence: “Comments” (comments); for an item's option the bare name."""
        return self.name if self.owner else _quoted(self.option)

    def needs(self) -> tuple[tuple[str, str], ...]:
        """Return the root options that must be on for this one, each with the sentence for when it is off."""
        return tuple((name, missing_sentence(_quoted(ROOT[name]))) for name in self.needed)

    @property
    def fixed(self) -> bool:
        """Whether no other choice can change the value: a permission, the mode, the site or the archive locks it."""
        return self.lock in ("permission", "mode", "site", "archive")

    @property
    def text(self) -> str:
        """The value as the manifest and the command line write it."""
        return value_text(self.value)


@dataclass(frozen=True, slots=True)
class Settings(Mapping[str, Setting]):
    """All options of an operation, resolved, by name. `refused` has a finding for each asked value that was refused."""

    by_name: Mapping[str, Setting]
    refused: tuple[Finding, ...] = field(default=())
    _by_owner: Mapping[str, list[Setting]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_owner: dict[str, list[Setting]] = {}
        for setting in self.by_name.values():
            by_owner.setdefault(setting.owner, []).append(setting)
        object.__setattr__(self, "_by_owner", by_owner)

    def __getitem__(self, name: str) -> Setting:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def on(self, name: str) -> bool:
        """Whether a switch is on. KeyError if the operation does not have the option."""
        return bool(self.by_name[name].value)

    def text(self, name: str) -> str:
        """Return the value of an option as text. KeyError if the operation does not have the option."""
        return self.by_name[name].text

    def allows(self, name: str) -> bool:
        """Whether content governed by the option is included; True if the operation does not have the option.

        Raises KeyError for a name that no option has, so that a misspelling is noticed.
        """
        setting = self.by_name.get(name)
        if setting is None:
            if name not in ROOT:
                raise KeyError(name)
            return True
        return bool(setting.value)

    def of_type(self, owner: str) -> tuple[Setting, ...]:
        """Return the settings that an activity has since its type has options of its own."""
        return tuple(setting for setting in self.of(owner) if setting.option.modulename)

    def of(self, owner: str) -> tuple[Setting, ...]:
        """Return the settings of one section or activity; with "", those of the course."""
        return tuple(self._by_owner.get(owner, ()))

    def as_asked(self) -> dict[str, str]:
        """Return all values as text. A job stores them, and `resolve` turns them into the same settings in the worker."""
        return {name: setting.text for name, setting in self.by_name.items()}


def missing_sentence(label: str) -> str:
    """Return the reason of an option that is off because one that it needs is off."""
    return f"It needs {label}, which is off."


def _quoted(option: Option) -> str:
    return f"“{option.label}” ({option.name})"


def value_text(value: Value) -> str:
    """Return a value as the manifest and the command line write it: 1 and 0 for a switch."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value
