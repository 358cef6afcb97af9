"""The doctor's check of the model server."""

from http import HTTPStatus

from django.conf import settings

from common import doctor
from common.doctor import Wrong

_SETTING = "ML_SERVER_URL"


def model() -> str:
    """Asks for its status and its models. Raises `Wrong`."""
    answer = doctor.get(f"{settings.ML_SERVER_URL}/api/v1/status", setting=_SETTING)
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Wrong(f"answers {answer.status_code} to status", f"Put its user and password into {_SETTING}.")
    if not answer.ok:
        mend = f"Look at its log, or correct {_SETTING}: it must name a server with /api/v1/status."
        raise Wrong(f"answers {answer.status_code} to status", mend)
    info = doctor.get(f"{settings.ML_SERVER_URL}/api/v1/model-info", setting=_SETTING)
    return _named(info.json()) if info.ok and "json" in info.headers.get("Content-Type", "") else "answers"


def _named(info: object) -> str:
    known = info if isinstance(info, dict) else {}
    return f"{known.get('name', 'answers')} {known.get('version', '')}".strip()[:100]
