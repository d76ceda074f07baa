"""The WSGI application, for a web server such as waitress or gunicorn."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.timeouts import WithTimeouts

application = WithTimeouts(get_wsgi_application())

from jobs import operations  # noqa: E402  models are there only from here on

# Before a server makes children, and not while the first person waits for a page.
operations.load()
