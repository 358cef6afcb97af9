"""The `manage.py` commands of the ledger."""
