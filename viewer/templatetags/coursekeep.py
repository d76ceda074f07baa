"""Filters and tags for icons, states, times, sizes, counts, and text from archives."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from archive.numbers import whole_or
from courses.registry import activity_label, activity_type
from viewer.clean_html import plain, rich
from viewer.panels import Address
from viewer.words import moment_at, size_text

register = template.Library()
register.filter(rich)
register.filter(plain)
register.filter("size", size_text)

THEME_COOKIE = "coursekeep_theme"
THEMES = ("light", "dark")

# State -> (class, icon, word). One table, so that a state looks the same everywhere.
STATES: dict[str, tuple[str, str, str]] = {
    "queued": ("", "queued", "Waiting"),
    "running": ("state-run", "running", "Running"),
    "succeeded": ("state-ok", "ok", "Done"),
    "warnings": ("state-warn", "warning", "Done, with warnings"),
    "failed": ("state-bad", "failed", "Failed"),
    "cancelled": ("", "cancelled", "Cancelled"),
    "skipped": ("", "skipped", "Skipped"),
    "verified": ("state-ok", "shield", "Intact"),
    "damaged": ("state-bad", "failed", "Damaged"),
    "unverified": ("", "none", "Not checked yet"),
    "never": ("", "none", "Never backed up"),
    "on": ("state-ok", "ok", "On"),
    "off": ("", "cancelled", "Off"),
    "error": ("state-bad", "failed", "Error"),
    "warning": ("state-warn", "warning", "Warning"),
    "info": ("", "info", "Note"),
}


@register.simple_tag
@lru_cache(maxsize=2000)
def icon(name: str, extra: str = "", label: str = "", sprite: str = "icons.svg") -> SafeString:
    """Return an icon of a static sprite. Without a label it is decoration, hidden from screen readers."""
    address = static(sprite)
    if label:
        return format_html(
            '<svg class="icon icon-{} {}" role="img" aria-label="{}"><use href="{}#{}"/></svg>',
            name,
            extra,
            label,
            address,
            name,
        )
    return format_html(
        '<svg class="icon icon-{} {}" aria-hidden="true"><use href="{}#{}"/></svg>',
        name,
        extra,
        address,
        name,
    )


@register.simple_tag
def activity_icon(modulename: str) -> SafeString:
    """Return the icon of an activity type or of a section; a general one for types without an icon."""
    if modulename == "section":
        return icon("section", "icon-kind")
    declared = activity_type(modulename)
    sprite, _, symbol = (declared.icon if declared else "").rpartition("#")
    return icon(symbol or "activity", "icon-kind", sprite=sprite or "icons.svg")


@register.filter
def activity_address(pk: int) -> str:
    """Return the address of an activity's page. A page may have thousands, and `url` takes 0.05 ms for each."""
    return f"{_activity_prefix(get_script_prefix())}{pk}/"


@lru_cache(maxsize=8)
def _activity_prefix(script: str) -> str:
    """Return the address of activities without the number, for a prefix of the site's addresses."""
    return reverse("activity", args=[0]).removesuffix("0/")


@register.filter
def activity_type_name(modulename: str) -> str:
    """Return the name of an activity type: Assignment, URL, Forum."""
    return activity_label(modulename)


@register.simple_tag
def state(name: str, word: str = "", pill: bool = False) -> SafeString:
    """Return a state as an icon and a word."""
    css, symbol, known = STATES.get(str(name), ("", "none", str(name).capitalize()))
    shape = "pill " if pill else ""
    return format_html('<span class="state {}{}">{} {}</span>', shape, css, icon(symbol), word or known)


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """Return the theme that this browser chose: "light", "dark", or "" for the system's."""
    request = context.get("request")
    chosen = request.COOKIES.get(THEME_COOKIE, "") if isinstance(request, HttpRequest) else ""
    return chosen if chosen in THEMES else ""


@register.simple_tag(takes_context=True)
def same_page(context: template.Context, **changes: Any) -> str:
    """Return the query string of this page with some values changed; an empty value removes its name."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.filter
def count(value: int | None) -> str:
    """Return a whole number with thousands separators: 1,234,567."""
    return "" if value is None else f"{int(value):,}"


@register.filter
def duration(seconds: float | None) -> str:
    """Return a length of time: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{max(0.1, seconds):.1f} s"
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {left:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def moment_of(value: datetime | float | None) -> datetime | None:
    """Return a datetime from a datetime or epoch seconds; None for 0 and for moments outside the calendar."""
    if isinstance(value, datetime):
        return value
    return moment_at(value) if value else None


@register.filter
def moment(value: datetime | int | None) -> SafeString | str:
    """Return a short `<time>`: Today 14:05, 3 Nov 14:05 or 3 Nov 2024, with the exact time as its title."""
    at = moment_of(value)
    if at is None:
        return str(value or "")
    local = timezone.localtime(at)
    now = timezone.localtime()
    if local.date() == now.date():
        shown = f"Today {format_date(local, 'H:i')}"
    elif abs((now.date() - local.date()).days) < 180:
        shown = format_date(local, "j M H:i")
    else:
        shown = format_date(local, "j M Y")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), _full(local), shown)


@register.filter
def ago(value: datetime | int | None) -> SafeString | str:
    """Return a moment as a `<time>` that says how long ago: just now, 5 minutes ago, yesterday, 12 days ago, or the date."""
    at = moment_of(value)
    if at is None:
        return ""
    local = timezone.localtime(at)
    seconds = (timezone.now() - at).total_seconds()
    days = (timezone.localdate() - local.date()).days
    if seconds < 60:
        shown = "just now"
    elif seconds < 3600:
        shown = _plural(int(seconds // 60), "minute")
    elif days == 0 or seconds < 6 * 3600:
        shown = _plural(int(seconds // 3600), "hour")
    elif days == 1:
        shown = "yesterday"
    elif days < 30:
        shown = _plural(days, "day")
    else:
        shown = format_date(local, "j M Y")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), _full(local), shown)


def _full(local: datetime) -> str:
    return format_date(local, "l j F Y, H:i:s T")


def _plural(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


@register.filter
def initials(user: Any) -> str:
    """Return one or two letters that stand for a person."""
    words = f"{user.firstname} {user.lastname}".split() or [user.username]
    letters = words[0][:1] + (words[-1][:1] if len(words) > 1 else "")
    return letters.upper()


@register.filter
def files_at(text: str | None, place: str) -> str:
    """Replace “@@PLUGINFILE@@” in rich text by the address of the file area at `place`."""
    if not text or not place or "@@PLUGINFILE@@/" not in text:
        return text or ""
    return text.replace("@@PLUGINFILE@@/", f"{reverse('file', args=[place])}/")


@register.filter
def file_path(stored: Any) -> str:
    """Return a stored file's path in addresses: context, component, area, item, folders and name."""
    area = f"{stored.contextid}/{stored.component}/{stored.filearea}/{stored.itemid}"
    return f"{area}{stored.filepath}{stored.filename}"


@register.filter
def of(mapping: Any, key: Any) -> Any:
    """Return a mapping's value for a key, "" if there is none."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def epoch_date(value: str | int | None) -> str:
    """Return epoch seconds as the value of a date field: 2024-09-01."""
    at = moment_of(whole_or(value)) if value else None
    return timezone.localtime(at).strftime("%Y-%m-%d") if at else ""


@register.filter
def setting_text(setting: Any) -> str:
    """Return the value of a setting (choice, text or moment) as text for people."""
    if setting.option.kind == "choice":
        return str(dict(setting.choices).get(setting.value, setting.value))
    if setting.option.kind == "moment":
        return epoch_date(setting.value) or "as it is"
    return str(setting.value) or ("as proposed" if setting.option.subject == "file" else "as in the archive")


@register.filter
def needs(setting: Any, operation: str) -> Any:
    """Return (name, sentence) for each option that a root option needs; the sentence is for when it is off."""
    return setting.needs()


@register.filter
def default_of(setting: Any, operation: str) -> bool:
    """Whether a switch is on by default: what it becomes when the option that it waits for is turned on."""
    use = setting.option.use(operation or "backup")
    return bool(use and use.default)


OPERATIONS = {
    "backup": "Backup",
    "restore": "Restore",
    "verify": "Check",
    "rehearse": "Rehearsal",
    "match_people": "Look at people",
    "find_people": "Look at people",
    "upload": "Upload",
    "copy": "Copy",
    "import": "Import",
    "remove": "Removal",
    "bring_back": "Return",
    "bring_back_person": "Return",
}


@register.filter
def job_noun(job: Any) -> str:
    """Return the name of a job's operation: Backup, Restore, Check, Copy, Import, Removal, Return."""
    return OPERATIONS.get(job.operation, str(job.operation).capitalize())


@register.filter
def job_title(job: Any) -> str:
    """Return the title of a job: Backup of Geology."""
    return f"{job_noun(job)} of {job.title or job.course or 'a course'}"


@register.simple_tag(takes_context=True)
def page_of(context: template.Context, panel: Any, number: int) -> str:
    """Return the address of another page of a panel's records."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    query[panel.parameter] = str(number)
    return f"?{query.urlencode()}#{panel.anchor}"


@register.simple_tag
def href(address: Address) -> str:
    """Return the URL of an address: a string unchanged, or the page with that name and arguments."""
    return address if isinstance(address, str) else reverse(address[0], args=address[1:])


DEEPEST = 6


@register.filter
def depth_class(depth: int) -> int:
    """Return the indentation step of an entry, at most 6, so that text stays readable on a phone."""
    return min(depth, DEEPEST)
