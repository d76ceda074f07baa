"""Options: what can be chosen in a backup and in a restore, and the rule that settles what was asked for."""

from backup.options.items import items_of_archive, items_of_course, manifest_settings, settings_of_archive
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
    "items_of_archive",
    "items_of_course",
    "manifest_settings",
    "options_for",
    "owner_of",
    "resolve",
    "settings_of_archive",
    "written",
]
