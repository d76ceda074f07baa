"""Notices: what went wrong is told by e-mail and web hook, at once and once a day. A periodic task sends them."""
