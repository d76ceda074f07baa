"""The texts of e-mails: templates of the folder `notices`, which a site replaces by files of its own.

`COURSEKEEP_HOME/templates/notices/failure_subject.txt` replaces the template of that name, and so on.
One with a fault is not used.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template import Engine
from django.template.loader import render_to_string
from django.urls import reverse

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmailText:
    """The subject and the text of an e-mail."""

    subject: str
    body: str


def text_of(name: str, **values: Any) -> EmailText:
    """Return the text that the templates `notices/<name>_subject.txt` and `notices/<name>.txt` make of the values."""
    context = {
        "brand": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "choices": link("notice-choices"),
        **values,
    }
    subject = " ".join(_rendered(f"notices/{name}_subject.txt", context).split())
    return EmailText(subject, _rendered(f"notices/{name}.txt", context).strip() + "\n")


def _rendered(name: str, context: dict[str, Any]) -> str:
    """Return the text of a template: the site's, or Coursekeep's own if that of the site has a fault, which is logged."""
    try:
        return render_to_string(name, context)
    except Exception:
        log.exception("The template %s of the site has a fault; Coursekeep's own is used.", name)
        return Engine(dirs=settings.TEMPLATES[0]["DIRS"][-1:]).render_to_string(name, context)


def link(name: str, *parts: object) -> str:
    """Return the full address of a page of the site."""
    return settings.SITE_URL + reverse(name, args=parts)
