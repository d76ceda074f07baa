"""What every page may show of the site itself."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, str]:
    """`site_name` and `site_url`, for templates."""
    return {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
