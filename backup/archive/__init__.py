"""The archive format, without a database."""
