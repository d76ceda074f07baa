"""Template variables for every page: the site's name and address, and whether it takes passwords."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Return `brand`, the site's name (Django's own views use `site_name` for the host), `site_url`, and `passwords_taken`."""
    return {
        "brand": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "passwords_taken": settings.PASSWORD_SIGN_IN,
    }
