"""Resolution: turn the asked values, the person's permissions and the site's defaults into settings with locks.

Nothing is read from the database. The same call serves the wizard's form (`strict=False`), the command line, and
the worker, which resolves the job's values again with the permissions of that moment.

The strength of locks is Moodle's: permission, then the site's configuration, then dependencies and hierarchy
(`base_setting.class.php`). One thing is stricter here: a lock that holds an option *on* yields to whatever
forces it off, since content that the archive lacks or that the person may not touch cannot be included.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from archive.errors import CoursekeepError, NotAllowed, UsageError
from archive.findings import Finding
from archive.manifest import ArchiveType
from selection.effect import idle_reason
from selection.names import nearest, owner_of
from selection.option import Mode, Operation, Option, TargetKind, Use, Value
from selection.presets import Preset, presets_for
from selection.settings import Item, Lock, Setting, Settings, SiteDefault, missing_sentence, value_text
from selection.table import CONFIGURE, ITEM, OF_TYPE, ROOT
from selection.values import parse_value

Asked = str | bool | int
Refusal = tuple[CoursekeepError, Finding]

_FORBIDDEN: frozenset[str] = frozenset({"permission", "site"})


def resolve(
    asked: Mapping[str, Asked],
    *,
    operation: Operation,
    archive_type: ArchiveType = "course",
    may: Collection[str],
    withheld: Mapping[str, str] | None = None,
    site: Mapping[str, SiteDefault] | None = None,
    items: Sequence[Item] = (),
    archive_settings: Mapping[str, str] | None = None,
    target: TargetKind = "new",
    mode: Mode = "general",
    absent: Collection[str] = (),
    strict: bool = True,
) -> Settings:
    """Return every option of the operation with its value, its lock and the reason for the lock.

    `may` are the person's capabilities at the course (or category) in question; `withheld` are capabilities that
    do not count for this archive, each with the reason as a sentence. `site` has the administrator's defaults by
    option name, `items` the sections and activities of the course or archive in any order. For a restore,
    `archive_settings` are the settings in the archive's manifest, and `target` is what is done with the target. `mode` is what
    the backup or restore is for: its preset has defaults and fixed values of its own (`selection/presets.py`). `absent` are
    options whose content is nowhere here: no form shows them.

    With `strict`, raises UsageError for an unknown option, an invalid value, or a value that a dependency
    forbids, and NotAllowed for a value that the person or the site does not allow. Without `strict`, these are
    findings in `Settings.refused`, and the rest is resolved.
    """
    request = _Request(
        operation=operation,
        archive_type=archive_type,
        may=frozenset(may),
        withheld=withheld or {},
        site=site or {},
        items={item.owner: item for item in items},
        archive=archive_settings or {},
        target=target,
        presets=presets_for(operation, mode, target),
        absent=frozenset(absent),
    )
    if len(request.items) != len(items):
        raise UsageError("A section or activity is listed twice.")
    slots = {slot.name: slot for slot in _slots(request)}
    wishes, refusals = _wishes(request, slots, asked)
    settings = _resolve_slots(request, slots, wishes)
    refusals += [*_idle_values(request, wishes, settings), *_refused_values(request, wishes, settings)]
    refusals += _empty_archive(request, settings)
    if refusals and strict:
        raise refusals[0][0]
    return Settings(settings, tuple(finding for _error, finding in refusals))


@dataclass(frozen=True, slots=True)
class _Request:
    """The arguments of `resolve()` except `asked`."""

    operation: Operation
    archive_type: ArchiveType
    may: frozenset[str]
    withheld: Mapping[str, str]
    site: Mapping[str, SiteDefault]
    items: Mapping[str, Item]
    archive: Mapping[str, str]
    target: TargetKind
    presets: tuple[Preset, ...]
    absent: frozenset[str]

    def archived(self, name: str, *, unsaid: str = "0") -> bool:
        """Whether the archive was made with the option."""
        return str(self.archive.get(name, unsaid)).strip() not in {"", "0"}

    def idle_reason(self, option: Option) -> str:
        """Return where the option has no effect, if this archive or target is such; else ""."""
        return idle_reason(option, self.operation, archive_type=self.archive_type, target=self.target)

    def is_subject(self, item: Item) -> bool:
        """Whether the item is the section or activity that the whole archive is about."""
        return item.level == self.archive_type and item.parent is None


@dataclass(frozen=True, slots=True)
class _Slot:
    """An option of the course, or of one section or activity, before it is resolved.

    `needs` are the names of the slots that must be on, each with the lock to use when it is off.
    """

    name: str
    option: Option
    use: Use
    item: Item | None
    needs: tuple[tuple[str, Lock], ...]


def _slots(request: _Request) -> Iterator[_Slot]:
    """Yield the slots of the operation: first the root options, then two for each section and activity."""
    for option in ROOT.values():
        use = option.use(request.operation)
        if use is not None:
            needs = use.needs + (use.needs_in_existing if request.target != "new" else ())
            needs += tuple(need for need in use.needs_if_archived if request.archived(need))
            yield _Slot(option.name, option, use, None, tuple((need, "dependency") for need in needs))
    for item in request.items.values():
        yield from _item_slots(request, item)


def _item_slots(request: _Request, item: Item) -> Iterator[_Slot]:
    """Yield the slots of a section or activity: `included`, `userinfo`, and the options of the activity's type."""
    if item.parent is not None and item.parent not in request.items:
        raise UsageError(f"{item.owner} lies in {item.parent}, which is not there.")
    for what in ("included", "userinfo"):
        option = ITEM[item.level, what]
        use = option.use(request.operation)
        if use is None:
            continue
        needs: list[tuple[str, Lock]] = [(need, "dependency") for need in use.needs]
        if what == "userinfo":
            needs.append((f"{item.owner}_included", "dependency"))
        elif item.made_of_questions and request.operation == "backup":
            needs.append(("questionbank", "dependency"))
        if item.parent is not None:
            needs.append((f"{item.parent}_{what}", "hierarchy"))
        yield _Slot(f"{item.owner}_{what}", option, use, item, tuple(needs))
    for option in OF_TYPE.get(item.modulename, {}).values():
        use = option.use(request.operation)
        if use is not None:
            own = "userinfo" if option.subject == "people" else "included"
            names = (*use.needs, f"{item.owner}_{own}")
            yield _Slot(
                f"{item.owner}_{option.name}", option, use, item, tuple((one, "dependency") for one in names)
            )


def _wishes(
    request: _Request, slots: Mapping[str, _Slot], asked: Mapping[str, Asked]
) -> tuple[dict[str, Value], list[Refusal]]:
    """Return the asked values, parsed, and a refusal for each unknown name and each invalid value."""
    wishes: dict[str, Value] = {}
    refusals: list[Refusal] = []
    for name, raw in asked.items():
        try:
            if name not in slots:
                raise _unknown(request, slots, name)
            wishes[name] = parse_value(slots[name].option, name, raw)
        except UsageError as error:
            refusals.append((error, Finding("error", "option-usage", error.message, name, error.hint)))
    return wishes, refusals


def _unknown(request: _Request, slots: Mapping[str, _Slot], name: str) -> UsageError:
    """Return the error for a name that is not an option of this operation."""
    owner = owner_of(name)
    if owner and owner not in request.items:
        hint = nearest(name, [known for known in slots if owner_of(known)])
        return UsageError(f"There is no {owner} here, so {name} is no option.", hint=hint)
    if name in ROOT:
        other = "restoring" if request.operation == "backup" else "backing up"
        return UsageError(f"The option {name} is for {other} only.", hint="Leave it out.")
    return UsageError(f"There is no option {name}.", hint=nearest(name, slots))


def _resolve_slots(
    request: _Request, slots: Mapping[str, _Slot], wishes: Mapping[str, Value]
) -> dict[str, Setting]:
    """Resolve all slots, each after those that it needs."""
    resolved: dict[str, Setting] = {}
    for name in slots:
        waiting = [name]
        while waiting:
            slot = slots[waiting[-1]]
            missing = [need for need, _lock in slot.needs if need not in resolved]
            if not missing:
                resolved[slot.name] = _resolve_slot(request, slot, wishes, resolved)
                waiting.pop()
            elif missing[0] in waiting:
                raise UsageError(f"{slot.name} needs itself, by way of {missing[0]}.")
            else:
                waiting.append(missing[0])
    return {name: resolved[name] for name in slots}


@dataclass(frozen=True, slots=True)
class _LockedValue:
    """A value that is locked, with the lock and the reason. The first one found is the strongest.

    `withheld` is true for the lack of the right to what the option governs, if it would be on otherwise.
    """

    lock: Lock
    value: Value
    reason: str
    withheld: bool = False


def _resolve_slot(
    request: _Request, slot: _Slot, wishes: Mapping[str, Value], resolved: Mapping[str, Setting]
) -> Setting:
    """Resolve one option, given the settings that it needs."""
    default = _default(request, slot)
    off = slot.option.off_value(request.operation, request.target)
    holds = list(_locks(request, slot, default, off))
    forced = list(_forced_off(request, slot, resolved, off))
    hold = next(iter(holds + forced), None)
    if forced and hold is not None and hold.value != off:
        hold = forced[0]
    setting = Setting(
        name=slot.name,
        option=slot.option,
        owner=slot.item.owner if slot.item else "",
        value=hold.value if hold else wishes.get(slot.name, default),
        lock=hold.lock if hold else None,
        reason=hold.reason if hold else "",
        shown=_shown(request, slot),
        choices=slot.option.choices,
        needed=tuple(need for need, _lock in slot.needs if need in ROOT),
        withheld=hold.withheld if hold else False,
    )
    if slot.name == "enrolments" and not request.archived("users"):
        return _without_people(setting)
    return setting


def _default(request: _Request, slot: _Slot) -> Value:
    """Return the value that is used when nobody asks: the site's default, else that of the preset, else the table's."""
    if slot.item is not None:
        return slot.use.default
    if slot.name in request.site:
        return parse_value(slot.option, slot.name, request.site[slot.name].value)
    return next(
        (preset.defaults[slot.name] for preset in reversed(request.presets) if slot.name in preset.defaults),
        slot.use.default,
    )


def _locks(request: _Request, slot: _Slot, default: Value, off: Value) -> Iterator[_LockedValue]:
    """Yield the locks by missing permissions, by the mode and by the site."""
    right, configure = slot.use.right, CONFIGURE[request.operation]
    may = request.may.union(*(preset.waived for preset in request.presets))
    if right and right not in may:
        value = off if slot.use.without == "off" else default
        reason = f"It takes the right {right}, which you do not have here."
        yield _LockedValue("permission", value, reason, withheld=value != default)
    elif right in request.withheld:
        yield _LockedValue("permission", off, request.withheld[right], withheld=off != default)
    if not slot.use.free and configure not in may:
        reason = f"Changing it takes the right {configure}, which you do not have here."
        yield _LockedValue("permission", default, reason)
    for preset in request.presets:
        if slot.item is None and slot.name in preset.fixed:
            fixed = preset.fixed[slot.name]
            yield _LockedValue("mode", fixed.value, fixed.reason)
    if slot.item is None and slot.name in request.site and request.site[slot.name].locked:
        yield _LockedValue("site", default, "The administrator has fixed this for the whole site.")


def _forced_off(
    request: _Request, slot: _Slot, resolved: Mapping[str, Setting], off: Value
) -> Iterator[_LockedValue]:
    """Yield the locks that turn an option off: the archive does not contain it, or an option that it needs is off."""
    if request.operation == "restore" and not _in_archive(request, slot):
        yield _LockedValue("archive", off, "The archive does not contain it.")
    for need, lock in slot.needs:
        if resolved[need].value is False:
            yield _LockedValue(lock, off, missing_sentence(resolved[need].label))


def _in_archive(request: _Request, slot: _Slot) -> bool:
    """Whether the archive was made with the option.

    An option that an older archive does not list did not exist yet; it counts as on, so that the content is restored
    (Moodle treats it as off and loses the content). Only `users` must be listed; the userdata of an item that the archive does
    not list comes with them.
    """
    if slot.option.backup is None or slot.option.kind != "switch":
        return True
    if slot.option.name == "users":
        return request.archived("users")
    if slot.option.name == "userinfo":
        return request.archived(slot.name, unsaid="1" if request.archived("users") else "0")
    return request.archived(slot.name, unsaid="1")


def _without_people(setting: Setting) -> Setting:
    """Replace the choice `with-users` by `never` for an archive without people (as in Moodle's select)."""
    choices = tuple(choice for choice in setting.choices if choice[0] != "with-users")
    value = "never" if setting.value == "with-users" else setting.value
    return replace(setting, value=value, choices=choices)


def _shown(request: _Request, slot: _Slot) -> bool:
    """Whether a form shows the option: not where it has no effect, nor `included` of the item that is backed up."""
    if request.idle_reason(slot.option) or slot.name in request.absent:
        return False
    if request.archive_type == "activity" and slot.name == "activities":
        return False
    return not (slot.item and slot.option.name == "included" and request.is_subject(slot.item))


def _refused_values(
    request: _Request, wishes: Mapping[str, Value], settings: Mapping[str, Setting]
) -> Iterator[Refusal]:
    """Yield a refusal for each asked value that differs from the resolved one; what others need comes before them."""
    for name, setting in settings.items():
        if name not in wishes or request.idle_reason(setting.option):
            continue
        wish = wishes[name]
        unpeopled = name == "enrolments" and wish == "with-users" and setting.value == "never"
        if setting.value == wish or (unpeopled and setting.lock is None):
            continue
        message = f"The option {name} cannot be {value_text(wish) or 'empty'}. {setting.reason}"
        hint = f"Leave it out, or ask for {name}={setting.text}."
        yield _refusal(setting.lock, message, place=name, hint=hint)


def _idle_values(
    request: _Request, wishes: Mapping[str, Value], settings: Mapping[str, Setting]
) -> Iterator[Refusal]:
    """Yield a refusal for each asked value of an option that has no effect on an archive of this type, or for this target.

    The default is no wish: the worker gets the values of all options.
    """
    for name, wish in wishes.items():
        setting = settings[name]
        reason = request.idle_reason(setting.option)
        if not reason or wish in _unasked_values(request, setting.option):
            continue
        message = f"The option {name} has no effect {reason}."
        yield _refusal("dependency", message, place=name, hint="Leave it out.")


def _unasked_values(request: _Request, option: Option) -> Iterator[Value]:
    """Yield the values that a root option has when nobody asks for it: the defaults, and that of a text locked off."""
    use = option.use(request.operation)
    assert use is not None
    yield use.default
    yield from (preset.defaults[option.name] for preset in request.presets if option.name in preset.defaults)
    if option.name in request.site:
        yield parse_value(option, option.name, request.site[option.name].value)
    if option.kind != "switch":
        yield option.off_value(request.operation, request.target)


def _empty_archive(request: _Request, settings: Mapping[str, Setting]) -> Iterator[Refusal]:
    """Yield a refusal if the section or activity that the archive is about is left out."""
    verb = "back up" if request.operation == "backup" else "restore"
    for item in request.items.values():
        setting = settings[f"{item.owner}_included"]
        if request.is_subject(item) and setting.value is False:
            message = f"There is nothing to {verb}: {item.label} is left out. {setting.reason}".rstrip()
            yield _refusal(setting.lock, message, place=setting.name, hint="Include it.")


def _refusal(lock: Lock | None, message: str, *, place: str, hint: str) -> Refusal:
    """Return the refusal both as an error to raise and as a finding to show."""
    error = (NotAllowed if lock in _FORBIDDEN else UsageError)(message, hint=hint)
    return error, Finding("error", f"option-{lock or 'empty'}", message, place=place, hint=hint)
