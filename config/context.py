"""Template variables for every page: the site's name and address."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, str]:
    """Return `brand`, the site's name (Django's own views use `site_name` for the host), and `site_url`."""
    return {"brand": settings.SITE_NAME, "site_url": settings.SITE_URL}
