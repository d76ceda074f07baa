"""Compares two archives by what their records say, independent of ids."""
