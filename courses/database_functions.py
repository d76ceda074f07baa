"""Functions that queries of this site call in PostgreSQL. They are created after each migration."""

from __future__ import annotations

from django.db import connection

IS_JSON_ARRAY = "courses_is_json_array"
"""SQL function: whether a text is a JSON array; NULL for NULL. As `IS JSON ARRAY`, which PostgreSQL 15 does not have."""

# An EXCEPTION block is a subtransaction, which processes of a parallel plan may not begin: hence PARALLEL UNSAFE.
FUNCTIONS = (
    f"""
    CREATE OR REPLACE FUNCTION {IS_JSON_ARRAY}(given text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
    AS $$
    BEGIN
        RETURN json_typeof(given::json) = 'array';
    EXCEPTION WHEN invalid_text_representation OR statement_too_complex THEN
        RETURN false;
    END $$
    """,
)


def create_functions() -> None:
    """Create the functions, or replace them by those of this version."""
    with connection.cursor() as cursor:
        for function in FUNCTIONS:
            cursor.execute(function)
