"""The PostgreSQL server from a Python package, for a site without a server of its own."""
