"""Restores: read an archive into a new course, or a part of one into a course that exists."""
