"""Courses: the models of what a course contains, the fields that know the archive format, and services that change courses."""
