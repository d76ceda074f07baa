"""How an archive becomes a course."""
