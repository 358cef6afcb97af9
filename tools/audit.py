"""Looks up known vulnerabilities of the locked packages: `python -m tools.audit`.

Exits with 1 only if there are some. If their data can't be reached, or takes too long, it says so and exits with 0: a
check must work without a network.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

ROOT = Path(__file__).resolve().parents[1]
LOCKED = (ROOT / "requirements" / "base.txt", ROOT / "ml_server" / "requirements.txt")
OSV_URL = "https://api.osv.dev/v1/query"
CONNECT_SECONDS, TOTAL_SECONDS = 3.0, 90.0
# Vulnerabilities that can't be reached through this project, each with the reason.
ACCEPTED: dict[str, str] = {}


class NoData(Exception):
    """The data can't be had; the message says why."""


def vulnerabilities(files: Sequence[Path], url: str, total_seconds: float) -> list[str]:
    """One line for each vulnerability of a locked package. Raises `NoData`."""
    _require_connection(url)
    return list(_read(_run(files, url, total_seconds)))


def _require_connection(url: str) -> None:
    parts = urlsplit(url)
    proxies = {name.lower() for name in os.environ}
    if {"https_proxy", "all_proxy"} & proxies:
        return  # then the host itself need not be reachable
    try:
        address = parts.hostname or "", parts.port or {"https": 443, "http": 80}[parts.scheme]
        socket.create_connection(address, CONNECT_SECONDS).close()
    except OSError as exc:
        raise NoData(f"{parts.hostname} can't be reached ({exc.strerror or exc})") from exc


def _run(files: Sequence[Path], url: str, total_seconds: float) -> str:
    names = [word for file in files for word in ("--requirement", str(file))]
    ignored = [word for vulnerability in ACCEPTED for word in ("--ignore-vuln", vulnerability)]
    service = ["--vulnerability-service", "osv", "--osv-url", url]
    reading = ["--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    command = [sys.executable, "-m", "pip_audit", *names, *service, *reading, *ignored]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        return process.communicate(timeout=total_seconds)[0]
    except subprocess.TimeoutExpired:
        raise NoData(f"it took longer than {total_seconds:g} s") from None
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def _read(output: str) -> Iterator[str]:
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        raise NoData("the data can't be read") from None
    for package in packages:
        for each in package.get("vulns", ()):
            fix = ", ".join(each["fix_versions"]) or "none yet"
            yield f"{package['name']} {package['version']}: {each['id']}, fixed in: {fix}"


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osv-url", default=OSV_URL)
    parser.add_argument("--seconds", type=float, default=TOTAL_SECONDS)
    parser.add_argument("files", nargs="*", type=Path, default=LOCKED)
    options = parser.parse_args()
    try:
        found = vulnerabilities(options.files, options.osv_url, options.seconds)
    except NoData as exc:
        print(f"skipped known vulnerabilities: {exc}")
        return 0
    print("\n".join(["FAILED  known vulnerabilities", *found]) if found else "ok      known vulnerabilities")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
