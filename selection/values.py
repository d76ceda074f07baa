"""Values of options: parsing of text, numbers and booleans as people write them."""

from __future__ import annotations

from archive.errors import UsageError
from archive.numbers import whole
from selection.option import Option, Value

_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"0", "false", "no", "off", ""})
# The end of the year 9999: later moments cannot be shown.
_LAST_MOMENT = 253_402_300_799


def parse_value(option: Option, name: str, raw: str | bool | int) -> Value:
    """Return the value that `raw` stands for. Raises UsageError if the option cannot hold it."""
    if option.kind == "switch":
        return _switch(name, raw)
    text = (str(int(raw)) if isinstance(raw, bool) else str(raw)).strip()
    if option.kind == "choice":
        return _choice(option, name, text)
    if option.kind == "moment":
        return _moment(name, text)
    return _text(option, name, text)


def _switch(name: str, raw: str | bool | int) -> bool:
    text = str(raw).strip().lower()
    if text in _ON:
        return True
    if text in _OFF:
        return False
    raise UsageError(f"The option {name} is 0 or 1, not “{raw}”.")


def _choice(option: Option, name: str, text: str) -> str:
    chosen = dict(option.aliases).get(text, text)
    allowed = [value for value, _label in option.choices]
    if chosen not in allowed:
        hint = f"It is one of: {', '.join(allowed)}."
        raise UsageError(f"The option {name} cannot be “{text}”.", hint=hint)
    return chosen


def _moment(name: str, text: str) -> str:
    if not text:
        return ""
    moment = whole(text, least=0, most=_LAST_MOMENT)
    if moment is None:
        raise UsageError(
            f"The option {name} is a number of seconds since 1970, not “{text[:60]}”.",
            hint="Leave it empty to keep all dates.",
        )
    return str(moment)


def _text(option: Option, name: str, text: str) -> str:
    if len(text) > option.length:
        raise UsageError(f"The option {name} has {len(text)} characters; {option.length} is the most.")
    if any(not character.isprintable() for character in text):
        raise UsageError(f"The option {name} holds a character that cannot be shown.", hint="Remove it.")
    if option.subject == "file" and (set(text) & set('/\\:*?"<>|') or text in {".", ".."}):
        raise UsageError(
            f"The option {name} is the name of a file, and “{text}” is not one.",
            hint='Names have none of / \\ : * ? " < > |.',
        )
    return text
