"""The access log: who looked at what, from where and why; sign-ins, changes of rights, and failed predictions.

`note` writes an entry, which is durable when it returns. `purpose_of` checks the caller's purpose before a change.
"""

from accounts.access_log.notes import note, note_failure, purpose_of

__all__ = ["note", "note_failure", "purpose_of"]
