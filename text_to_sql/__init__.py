"""Questions in SQL: registered databases, what their tables hold, and queries that are checked, run and recorded."""
