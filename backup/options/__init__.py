"""Options: what can be chosen in a backup and in a restore, and the rule that settles what was asked for."""

from backup.options.names import is_owner, owner_of
from backup.options.option import Operation, Option, Scope, Use
from backup.options.resolution import resolve
from backup.options.settings import Item, Lock, Setting, Settings, SiteDefault, written
from backup.options.table import ROOT, TABLE, documentation, options_for

__all__ = [
    "ROOT",
    "TABLE",
    "Item",
    "Lock",
    "Operation",
    "Option",
    "Scope",
    "Setting",
    "Settings",
    "SiteDefault",
    "Use",
    "documentation",
    "is_owner",
    "options_for",
    "owner_of",
    "resolve",
    "written",
]
