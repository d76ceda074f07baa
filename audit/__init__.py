"""The audit trail: who did what, and when. Entries are added, read and in the end expired, never changed."""
