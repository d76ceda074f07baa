"""The triggers that make the table of the audit trail append-only."""

from __future__ import annotations

from django.db import connection

from audit.models import AuditEntry

LEAST_DAYS = 90
"""Days for which entries cannot be deleted, whatever the site's limit says: nobody removes the traces of what they just did."""

EXPIRY = "coursekeep.audit_expiry"
"""The setting of a transaction that lets `audit.trail.expire` delete rows."""

FUNCTION = f"""
    CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND current_setting('{EXPIRY}', true) = 'on' AND OLD.at < now() - interval '{LEAST_DAYS} days' THEN
            RETURN OLD;
        END IF;
        IF TG_OP = 'TRUNCATE' THEN
            RAISE EXCEPTION 'Entries of the audit trail are never changed or deleted (TRUNCATE of all entries).'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RAISE EXCEPTION 'Entries of the audit trail are never changed or deleted (% of entry %).', TG_OP, OLD.id
            USING ERRCODE = 'restrict_violation';
    END $$
"""


TRIGGERS = (
    ("audit_append_only", "UPDATE OR DELETE", "ROW"),
    ("audit_never_emptied", "TRUNCATE", "STATEMENT"),
)
"""The triggers: their names, the statements before which they run, and whether once for each row or for a statement."""


def install_triggers() -> None:
    """Create the triggers that refuse UPDATE, DELETE and TRUNCATE, if the table is there. Safe to call again."""
    table = AuditEntry._meta.db_table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return
        cursor.execute(FUNCTION)
        for name, statements, each in TRIGGERS:
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {name} BEFORE {statements} ON {connection.ops.quote_name(table)}"
                f" FOR EACH {each} EXECUTE FUNCTION audit_refuse_change()"
            )
