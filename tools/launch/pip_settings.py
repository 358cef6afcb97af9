"""Translates this machine's pip configuration for uv: the same package index, certificates and proxy.

All values are passed as environment variables: an index URL may contain a password, and `ps` shows command lines.
"""

import ast
import subprocess
from collections.abc import Mapping
from pathlib import Path

# The sources that pip reads, highest priority last: a configuration file's [global], its [install], a variable PIP_….
SECTIONS = ("global", "install", ":env:")
TRUE = {"1", "true", "yes", "on", "y", "t"}
# pip's name, uv's variable, and uv's separator for several values.
VARIABLES = (
    ("index-url", "UV_DEFAULT_INDEX", " "),
    ("extra-index-url", "UV_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("trusted-host", "UV_INSECURE_HOST", " "),
    ("default-timeout", "UV_HTTP_TIMEOUT", " "),
    ("timeout", "UV_HTTP_TIMEOUT", " "),
)


def read(python: Path) -> dict[str, str]:
    """Returns the options of `pip install` by name; `python` is an interpreter that has pip."""
    command = (python, "-m", "pip", "config", "list", "--disable-pip-version-check")
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return parse(done.stdout)


def uv_environment(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment for uv: `environment` and pip's settings.

    A variable that the user has set for uv itself is not changed.
    """
    added = {**_indexes(settings), "UV_SYSTEM_CERTS": "1", **_bytecode(environment)}
    return {**added, **environment, **_connection(settings, environment)}


def uv_flags(settings: Mapping[str, str]) -> list[str]:
    """Returns the options for which uv has no variable; none of them is secret."""
    return ["--no-index"] if settings.get("no-index", "").lower() in TRUE else []


def parse(listed: str) -> dict[str, str]:
    """Parses the output of `pip config list`, whose lines are `section.name='value'`."""
    found: dict[tuple[str, str], str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        found[section, name] = _unquoted(value)
    return {name: value for each in SECTIONS for (section, name), value in found.items() if section == each}


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return value


def _indexes(settings: Mapping[str, str]) -> dict[str, str]:
    found = {uv: between.join(settings[pip].split()) for pip, uv, between in VARIABLES if settings.get(pip)}
    if "UV_INDEX" in found:
        # Like pip: a version may come from any of the indexes. The hashes verify it.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def _connection(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    certificates = settings.get("cert") or environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE")
    if certificates:
        found["SSL_CERT_DIR" if Path(certificates).is_dir() else "SSL_CERT_FILE"] = certificates
    if client := settings.get("client-cert"):
        found["SSL_CLIENT_CERT"] = client
    if proxy := settings.get("proxy"):
        found |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    return found


def _bytecode(environment: Mapping[str, str]) -> dict[str, str]:
    """If Python may not write bytecode, uv compiles it; otherwise every start would be slow."""
    return {"UV_COMPILE_BYTECODE": "1"} if environment.get("PYTHONDONTWRITEBYTECODE") else {}
