"""MLflow's address and the gateway's credentials there, in the variables that MLflow's own clients read."""

import base64
from urllib.parse import urlsplit

from backend import env

_URI = "MLFLOW_TRACKING_URI"
_PASSWORD = "MLFLOW_TRACKING_PASSWORD"  # noqa: S105 - a variable's name
_USERNAME = "MLFLOW_TRACKING_USERNAME"
_TOKEN = "MLFLOW_TRACKING_TOKEN"  # noqa: S105


def _read_uri() -> str:
    """The server's URL, blank if it is not set. Raises `BadSetting`."""
    if "@" in urlsplit(env.text(_URI, "")).netloc:
        raise env.BadSetting(_URI, "names a user", f"set {_USERNAME} and {_PASSWORD} instead")
    return env.url_or_none(_URI, "http://127.0.0.1:5000", schemes=("http", "https"))


def _read_authorization() -> str:
    """The value of the Authorization header, blank for none. Raises `BadSetting`, which shows no secret."""
    user, password, token = (env.text(name, "") for name in (_USERNAME, _PASSWORD, _TOKEN))
    _check_credentials(user, password, token)
    if user:
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    return f"Bearer {token}" if token else ""


def _check_credentials(user: str, password: str, token: str) -> None:
    for name, value, other, other_value in (
        (_USERNAME, user, _PASSWORD, password),
        (_PASSWORD, password, _USERNAME, user),
    ):
        if value and not other_value:
            raise env.BadSetting(other, f"is not set, and {name} is", "set both, or MLFLOW_TRACKING_TOKEN alone")
    if user and token:
        raise env.BadSetting(_TOKEN, f"is set, and so is {_USERNAME}", "set one of the two")
    if not f"{user}{password}{token}".isprintable() or not token.isascii():
        raise env.BadSetting(
            _TOKEN if token else _PASSWORD, "can't be sent", "remove characters that are not printable"
        )


MLFLOW_TRACKING_URI = _read_uri()
MLFLOW_EXPERIMENT_NAME = env.text("MLFLOW_EXPERIMENT_NAME", "ml-proxy")
MLFLOW_TOTAL_SECONDS = env.number("MLFLOW_TOTAL_SECONDS", 10, minimum=0.01, maximum=60, unit="seconds")
MLFLOW_AUTHORIZATION = _read_authorization()
