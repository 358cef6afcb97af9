"""Request and answer bodies: 670 bytes in, 216 bytes out, the same for every variant."""

import json

DOCTOR = "Dr. Bench (synthetic)"
BODY_BYTES = 670
ANSWER_BYTES = 216


def _padded(value: dict[str, object], size: int) -> bytes:
    """Returns `value` as JSON, padded to `size` bytes with a member `note`."""
    short = len(json.dumps({**value, "note": ""}))
    return json.dumps({**value, "note": "x" * (size - short)}).encode()


BODY = _padded(
    {
        "doctor_name": DOCTOR,
        "patient_name": "Patient Bench (synthetic)",
        "features": [round(0.37 * number, 2) for number in range(80)],
    },
    BODY_BYTES,
)
ANSWER = _padded(
    {
        "model": {"name": "stub", "version": "1"},
        "predictions": [{"label": "benign", "confidence": 0.93}, {"label": "malignant", "confidence": 0.07}],
    },
    ANSWER_BYTES,
)
