"""The ledger: journal, publisher, ingestion, and the proof that every answer has exactly one record.

It does not know any record source: apps register theirs in `recording.sources`.
"""
