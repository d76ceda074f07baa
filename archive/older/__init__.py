"""Rewrites members of archives of older Moodle versions into the form that Moodle 4.5 writes."""
