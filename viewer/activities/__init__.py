"""The forms of activities, one file a type; the name of the file is the name of the type."""
