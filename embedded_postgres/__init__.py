"""A PostgreSQL server from a Python package, for a site without DATABASE_URL."""
