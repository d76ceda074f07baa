"""Backups: write a course, a section or an activity into an archive."""
