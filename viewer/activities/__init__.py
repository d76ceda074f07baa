"""Presentations of activity types, one module each; the module's name is the type's name."""
