"""The trigger that makes the table of the audit trail append-only."""

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
        RAISE EXCEPTION 'Entries of the audit trail are never changed or deleted (% of entry %).', TG_OP, OLD.id
            USING ERRCODE = 'restrict_violation';
    END $$
"""


def install_trigger() -> None:
    """Create the trigger that refuses UPDATE and DELETE, if the table is there. Safe to call again."""
    table = AuditEntry._meta.db_table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return
        cursor.execute(FUNCTION)
        cursor.execute(
            f"CREATE OR REPLACE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON {connection.ops.quote_name(table)}"
            " FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()"
        )
