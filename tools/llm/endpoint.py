"""Where the local model answers, and with which key: a private file in VAR_DIR, by which `make up` finds it."""

import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping, MutableMapping
from dataclasses import asdict, dataclass
from pathlib import Path

PROBE_SECONDS = 3
VARIABLES = ("LLM_BASE_URL", "LLM_API_KEY", "LLM_MODEL", "LLM_SMALL_MODEL")


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks OpenAI's protocol."""

    url: str
    key: str
    model: str

    def answers(self) -> bool:
        """Whether it answers with this key."""
        request = urllib.request.Request(f"{self.url}/models", headers={"Authorization": f"Bearer {self.key}"})  # noqa: S310 - http
        try:
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS) as response:  # noqa: S310 - loopback
                return self.model in {each["id"] for each in json.load(response)["data"]}
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def environment(self) -> Mapping[str, str]:
        """The settings that connect the gateway to it."""
        return dict(zip(VARIABLES, (self.url, self.key, self.model, "1"), strict=True))


def file_of(state: Path) -> Path:
    """The file in the state folder."""
    return state / "llm" / "endpoint.json"


def write(state: Path, endpoint: Endpoint) -> None:
    """Stores it, readable by this user only."""
    path = file_of(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", opener=_private, encoding="utf-8") as file:
        json.dump(asdict(endpoint), file)


def read(state: Path) -> Endpoint | None:
    """The endpoint that was stored last, if there is one."""
    try:
        return Endpoint(**json.loads(file_of(state).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def key_of(state: Path) -> str:
    """The key of the last endpoint, so that a running system stays connected; or a new one."""
    known = read(state)
    return known.key if known else secrets.token_urlsafe(32)


def adopt(state: Path, environment: MutableMapping[str, str]) -> Endpoint | None:
    """Connects what is started with this environment to the local model, if it answers."""
    found = read(state)
    if found is None or not found.answers():
        return None
    environment.update(found.environment())
    return found


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
