"""The `.mbz` archive as a file: read, written, checked and compared. Needs no Django and no database."""
