"""How the pages show things: icons, states, times, sizes, counts, and text that came out of an archive."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from courses.registry import activity_label, activity_type
from viewer.clean_html import plain, rich
from viewer.panels import Address
from viewer.words import moment_at, size

register = template.Library()
register.filter(rich)
register.filter(plain)
register.filter(size)

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
def icon(name: str, extra: str = "", label: str = "", sprite: str = "icons.svg") -> SafeString:
    """An icon of a sprite, which is a static file. Without a label it is decoration, and hidden from screen readers."""
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
def kind_icon(modulename: str) -> SafeString:
    """The icon of an activity type or of a section; a general one for types that have none."""
    if modulename == "section":
        return icon("section", "icon-kind")
    declared = activity_type(modulename)
    sprite, _, symbol = (declared.icon if declared else "").rpartition("#")
    return icon(symbol or "activity", "icon-kind", sprite=sprite or "icons.svg")


@register.filter
def kind_name(modulename: str) -> str:
    """What people call an activity type: Assignment, URL, Forum."""
    return activity_label(modulename)


@register.simple_tag
def state(name: str, word: str = "", pill: bool = False) -> SafeString:
    """A state as an icon and a word."""
    css, symbol, known = STATES.get(str(name), ("", "none", str(name).capitalize()))
    shape = "pill " if pill else ""
    return format_html('<span class="state {}{}">{} {}</span>', shape, css, icon(symbol), word or known)


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The theme that this browser chose: "light", "dark" or "" for the system's."""
    request = context.get("request")
    chosen = request.COOKIES.get(THEME_COOKIE, "") if isinstance(request, HttpRequest) else ""
    return chosen if chosen in THEMES else ""


@register.simple_tag(takes_context=True)
def same_page(context: template.Context, **changes: Any) -> str:
    """The query string of this page with some values changed; an empty value leaves its name out."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.filter
def count(value: int | None) -> str:
    """A whole number with its thousands apart: 1,234,567."""
    return "" if value is None else f"{int(value):,}"


@register.filter
def duration(seconds: float | None) -> str:
    """A length of time: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min."""
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
    """A moment from a datetime or from seconds since 1970, where 0 is none, and so is what no calendar has."""
    if isinstance(value, datetime):
        return value
    return moment_at(value) if value else None


@register.filter
def moment(value: datetime | int | None) -> SafeString | str:
    """A moment as people say it, exact on hover and for programs: 14:05, 3 Nov 14:05, 3 Nov 2024."""
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
    """How long ago a moment is: just now, 5 minutes ago, yesterday, 12 days ago, else the date."""
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
    """One or two letters that stand for a person."""
    words = f"{user.firstname} {user.lastname}".split() or [user.username]
    letters = words[0][:1] + (words[-1][:1] if len(words) > 1 else "")
    return letters.upper()


@register.filter
def files_at(text: str | None, place: str) -> str:
    """Rich text whose pictures and links to its own files lead to where the site serves them."""
    if not text or not place or "@@PLUGINFILE@@/" not in text:
        return text or ""
    return text.replace("@@PLUGINFILE@@/", f"{reverse('file', args=[place])}/")


@register.filter
def file_path(stored: Any) -> str:
    """The address part of a stored file: context, component, area, item, folders and name."""
    area = f"{stored.contextid}/{stored.component}/{stored.filearea}/{stored.itemid}"
    return f"{area}{stored.filepath}{stored.filename}"


@register.filter
def of(mapping: Any, key: Any) -> Any:
    """What a mapping has for a key, or nothing."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def epoch_date(value: str | int | None) -> str:
    """Seconds since 1970 as a date field has them: 2024-09-01."""
    at = moment_of(int(value)) if value else None
    return timezone.localtime(at).strftime("%Y-%m-%d") if at else ""


@register.filter
def setting_text(setting: Any) -> str:
    """The value of a choice, a text or a moment for people."""
    if setting.option.kind == "choice":
        return str(dict(setting.choices).get(setting.value, setting.value))
    if setting.option.kind == "moment":
        return epoch_date(setting.value) or "as it is"
    return str(setting.value) or ("as proposed" if setting.option.subject == "file" else "as in the archive")


@register.filter
def needs(setting: Any, operation: str) -> str:
    """The names of the options that an option of the whole needs, with spaces between."""
    use = setting.option.use(operation or "backup")
    return " ".join(use.needs) if use else ""


@register.filter
def ticked(setting: Any, operation: str) -> bool:
    """Whether a switch is shown as on: what only waits for another option shows what it would be."""
    if setting.lock == "dependency":
        use = setting.option.use(operation or "backup")
        return bool(use and use.default)
    return bool(setting.value)


OPERATIONS = {"backup": "Backup", "restore": "Restore", "verify": "Check"}


@register.filter
def job_noun(job: Any) -> str:
    """What a job does: Backup, Restore, Check."""
    return OPERATIONS.get(job.operation, str(job.operation).capitalize())


@register.filter
def job_title(job: Any) -> str:
    """What a job does to what: Backup of Geology."""
    return f"{job_noun(job)} of {job.title or job.course or 'a course'}"


@register.simple_tag(takes_context=True)
def page_of(context: template.Context, panel: Any, number: int) -> str:
    """The address of another part of a panel's records: the same page, with that panel further on."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    query[panel.parameter] = str(number)
    return f"?{query.urlencode()}#{panel.anchor}"


@register.simple_tag
def href(address: Address) -> str:
    """Where something leads: an address as it is, or the address of a page by its name and arguments."""
    return address if isinstance(address, str) else reverse(address[0], args=address[1:])


DEEPEST = 6


@register.filter
def depth_class(depth: int) -> int:
    """How far an entry is indented: after a few steps no further, so that text stays readable on a phone."""
    return min(depth, DEEPEST)
