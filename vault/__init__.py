"""Stored archives: storages, schedules, retention, checks."""
