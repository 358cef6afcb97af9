"""Where MLflow is and who the gateway is there, by the variables that MLflow's own clients read."""

import base64
from urllib.parse import urlsplit

from backend import env

URI = "MLFLOW_TRACKING_URI"
PASSWORD = "MLFLOW_TRACKING_PASSWORD"  # noqa: S105 - a variable's name
USERNAME = "MLFLOW_TRACKING_USERNAME"
TOKEN = "MLFLOW_TRACKING_TOKEN"  # noqa: S105


def mlflow_uri() -> str:
    """The server's URL; blank for none. Raises `BadSetting`."""
    if "@" in urlsplit(env.text(URI, "")).netloc:
        raise env.BadSetting(URI, "names a user", f"set {USERNAME} and {PASSWORD} instead")
    return env.url_or_none(URI, "http://127.0.0.1:5000", schemes=("http", "https"))


def mlflow_authorization() -> str:
    """The value of an Authorization field, blank for none. Raises `BadSetting`, which shows no secret."""
    user, password, token = (env.text(name, "") for name in (USERNAME, PASSWORD, TOKEN))
    for name, given, other, needed in ((USERNAME, user, PASSWORD, password), (PASSWORD, password, USERNAME, user)):
        if given and not needed:
            raise env.BadSetting(other, f"is not set, and {name} is", "set both, or MLFLOW_TRACKING_TOKEN alone")
    if user and token:
        raise env.BadSetting(TOKEN, f"is set, and so is {USERNAME}", "set one of the two")
    if not f"{user}{password}{token}".isprintable() or not token.isascii():
        raise env.BadSetting(TOKEN if token else PASSWORD, "can't be sent", "leave out what is not printable")
    if user:
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    return f"Bearer {token}" if token else ""
