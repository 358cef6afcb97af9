"""Attacks the reader of pictures with malformed files, and measures the memory of the process.

    python -m tools.attack_pictures --files 20000 --seed 7

A file is refused or read whole. Anything else is a finding: another exception, a file that had to be read or refused
and was not, or more memory than the limit. Exit status 1 if there is one. The same seed gives the same files.
"""

import argparse
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator

import django

SHOWN = 20  # findings


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.attack_pictures", description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each round has about 1,400 files (1)")
    parser.add_argument("--memory", type=int, default=1024, help="the most that the process may take, in MiB (1,024)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    options = arguments(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    django.setup()
    began, outcomes, findings = time.monotonic(), Counter[str](), list[str]()
    for outcome, name in attack(options.files, options.seed):
        outcomes[outcome] += 1
        if outcome not in {"read", "refused"}:
            findings.append(f"{outcome}: {name}")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if used > options.memory:
        findings.append(f"{used} MiB of memory were used")
    print(f"{outcomes.total():,} files in {time.monotonic() - began:.0f} s, at most {used} MiB: {dict(outcomes)}")
    print("\n".join(findings[:SHOWN]) or "no finding")
    return 1 if findings else 0


def attack(files: int, seed: int) -> Iterator[tuple[str, str]]:
    """What became of each file, and its name: `read`, `refused`, or a finding."""
    from tests.support import malformed_pictures  # noqa: PLC0415 - once Django is set up

    done = 0
    while done < files:
        for case in malformed_pictures.cases(seed)[: files - done]:
            done += 1
            outcome = _read(case.data)
            expected = {True: "read", False: "refused", None: outcome}[case.must_read]
            yield (outcome if outcome == expected else f"{outcome}, not {expected}"), f"{case.name} (seed {seed})"
        seed += 1


def _read(raw: bytes) -> str:
    from imaging import pictures  # noqa: PLC0415 - once Django is set up
    from imaging.exceptions import PictureRefused  # noqa: PLC0415

    try:
        made = pictures.read(raw)
        made.image.load()
    except PictureRefused:
        return "refused"
    except Exception as exc:  # noqa: BLE001 - each is a finding
        return type(exc).__name__
    return "read" if max(made.width, made.height) <= pictures.MAX_SIDE else "too large"


if __name__ == "__main__":
    sys.exit(main())
