"""The `.mbz` archive as a file. Nothing here knows Django."""
