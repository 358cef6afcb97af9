"""Command-line options of commands that work on the rows of one source: `--source`, and one for each filter."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from recording import sources
from recording.sources import RecordSource

BAD_INPUT = 2  # exit status, as argparse's


def add_options(parser: CommandParser) -> None:
    """Adds `--source`, which defaults to the source that says so, and the filters of all sources."""
    known = sources.registered()
    names = [source.name for source in known]
    default = next((source.name for source in known if source.is_default), names[0])
    parser.add_argument("--source", choices=names, default=default, help=f"whose rows ({default})")
    for name in dict.fromkeys(name for source in known for name in source.filters):
        of = [source.name for source in known if name in source.filters]
        parser.add_argument(f"--{name}", help=f"exact; for {', '.join(of)}")


def read_options(options: Mapping[str, Any]) -> tuple[RecordSource, dict[str, Any]]:
    """The source, and the values of its filters that are given.

    Raises `CommandError` for a value that cannot be used, and for a filter that this source does not have: ignoring it
    would match more rows than the user means.
    """
    source = sources.named(options["source"])
    every = {name for each in sources.registered() for name in each.filters}
    given = {name: options[name] for name in every if options.get(name) is not None}
    for name in given.keys() - source.filters.keys():
        raise CommandError(f"--{name} is no filter of {source.name}.", returncode=BAD_INPUT)
    return source, {name: _read(source, name, text) for name, text in given.items()}


def _read(source: RecordSource, name: str, text: str) -> Any:
    try:
        return source.filters[name].read(text)
    except ValueError as exc:
        raise CommandError(f"--{name} {exc}.", returncode=BAD_INPUT) from exc
