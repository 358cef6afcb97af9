"""The access log: who looked at what, from where and why; sign-ins, changes of rights, and failed predictions.

`note` writes an entry, which is durable when it returns. `note_failure` and `note_refusal` note a call that showed
nothing. `purpose_of` checks the caller's purpose before a change.
"""

from accounts.access_log.failures import note_failure, note_refusal
from accounts.access_log.notes import note, purpose_of

__all__ = ["note", "note_failure", "note_refusal", "purpose_of"]
