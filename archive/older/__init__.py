"""Rewrites what older versions of Moodle wrote as Moodle 4.5 writes it."""
