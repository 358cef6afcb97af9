"""The ledger: journal, publisher, ingestion, and the proof that every answer has exactly one record.

It knows no source of records: apps register theirs in `recording.sources`.
"""
