"""Tries every connection that the settings name. Each app registers checks of its own parts.

Unlike the probes of `common.health`, a check says which setting to mend, and needs no other process to run.
"""

import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import requests
from django.conf import settings

from common.bounded import Bounded
from common.redis_server import address

Verdict = Literal["ok", "wrong", "not set"]
Check = Callable[[], str]  # returns what it found, or raises `Wrong` or `NotSet`

SECONDS = 15.0  # for all checks together
HTTP_SECONDS = 5.0
MAX_ANSWER_BYTES = 1024 * 1024
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|BASIC_AUTH")
_SHORTEST_SECRET = 4  # characters; a shorter one would blot out words


class Wrong(Exception):
    """A part does not work: what is wrong, and what to mend."""

    def __init__(self, problem: str, mend: str) -> None:
        super().__init__(problem)
        self.mend = mend


class NotSet(Exception):
    """A part is not used. The text names the setting that would turn it on."""


@dataclass(frozen=True)
class Finding:
    """The result of one check; `mend` is blank unless it is wrong."""

    part: str
    verdict: Verdict
    detail: str
    mend: str
    ms: float


_checks: dict[str, Bounded[Finding]] = {}


def register(part: str, check: Check) -> None:
    """Adds a check."""
    _checks[part] = Bounded(f"doctor-{part}", lambda: _finding(part, check))


def examine(seconds: float = SECONDS) -> list[Finding]:
    """Runs all checks at the same time. One that has not ended after `seconds` is wrong."""
    ends_at = time.monotonic() + seconds
    for run in _checks.values():
        run.start()
    slow, mend = f"has not answered within {seconds:g} s", "Look at its host, its disk and the network."
    return [run.result(ends_at) or Finding(part, "wrong", slow, mend, seconds * 1000) for part, run in _checks.items()]


def get(url: str, headers: dict[str, str] | None = None, *, setting: str) -> requests.Response:
    """One GET with deadlines and without proxies and redirects. Raises `Wrong`, which names the setting."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, headers=headers, timeout=HTTP_SECONDS, allow_redirects=False)
        except requests.Timeout:
            raise Wrong(f"does not answer within {HTTP_SECONDS:g} s", f"Start it, or correct {setting}.") from None
        except requests.exceptions.SSLError:
            mend = f"Correct the scheme and host in {setting}, or its certificate."
            raise Wrong("has a certificate that is not trusted", mend) from None
        except (requests.RequestException, ValueError) as exc:
            mend = f"Start it, or correct the host and port in {setting}."
            raise Wrong(f"can't be reached ({type(exc).__name__})", mend) from None


def _finding(part: str, check: Check) -> Finding:
    started = time.perf_counter()
    verdict: Verdict = "ok"
    mend = ""
    try:
        detail = check()
    except Wrong as exc:
        verdict, detail, mend = "wrong", str(exc), exc.mend
    except NotSet as exc:
        verdict, detail = "not set", str(exc)
    except Exception as exc:  # noqa: BLE001 - one check must not hide the others, and the text could hold a secret
        verdict, detail, mend = "wrong", f"fails ({type(exc).__name__})", "See the log of the gateway."
    ms = round((time.perf_counter() - started) * 1000, 1)
    return Finding(part, verdict, _without_secrets(detail), _without_secrets(mend), ms)


def _without_secrets(text: str) -> str:
    for secret in _secrets():
        text = text.replace(secret, "…")
    return text


def _secrets() -> Iterable[str]:
    found = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    found += [address.read(settings.REDIS_URL).password, str(settings.DATABASES["default"].get("PASSWORD", ""))]
    return sorted({text.strip() for text in found if len(text.strip()) >= _SHORTEST_SECRET}, key=len, reverse=True)
