"""`manage.py subject_export`: everything that the system has about a patient, for the patient."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from common import person_names
from common.access import FAILED, ExportTrail
from common.exceptions import Unavailable
from common.file_command import BAD_INPUT
from recording.subject_export import Exported, export

MANIFEST = "manifest.json"
KINDS = ("patient", "doctor")


class Command(BaseCommand):
    """Writes a folder: a file of rows for each record source, the files of inputs, and a manifest that is last."""

    help = (
        "Writes all that the system has about a patient (with --doctor, only what this doctor asked for) into a new "
        "folder: inferences, verdicts, files, and who looked. manifest.json is written last: without it the copy is "
        "incomplete. The command itself is noted in the access log. Entries of the access log may name other patients "
        "who were on the same page: see docs/compliance.md before you hand them out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom it is about, and where to write."""
        parser.add_argument("--patient", required=True, help="the patient's full name")
        parser.add_argument("--doctor", help="the doctor's full name")
        parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="a folder that does not exist")

    def handle(self, *args: Any, output: Path, **options: Any) -> str:
        """Returns what was written."""
        people = {kind: _name(kind, options[kind]) for kind in KINDS if options[kind]}
        trail = ExportTrail(None, "subject.export", people)
        trail.begin()
        try:
            output.mkdir(mode=0o700, parents=True)
            done = export(output, people, trail.count)
            self._finish(output, people, done)
            trail.end()
        except OSError as exc:
            raise CommandError(
                f"{output} can't be written: {exc.strerror}. Name a folder that does not exist."
            ) from exc
        except Unavailable as exc:
            raise CommandError(exc.detail) from exc
        except Error as exc:
            raise CommandError(f"The database did not return the rows ({type(exc).__name__}): check it.") from exc
        finally:
            trail.break_off(FAILED)
        faults = [fault for each in done.values() for fault in each.faults]
        if faults:
            raise CommandError(f"{len(faults)} files could not be read: see {MANIFEST}.", returncode=1)
        return ", ".join(f"{name}: {each.rows} rows, {each.files} files" for name, each in done.items())

    def _finish(self, output: Path, people: dict[str, str], done: dict[str, Exported]) -> None:
        counts = {name: asdict(each) for name, each in done.items()}
        members = {"about": people, "exported_at": datetime.now(UTC), "sources": counts}
        (output / MANIFEST).write_bytes(orjson.dumps(members, option=orjson.OPT_INDENT_2))


def _name(kind: str, text: str) -> str:
    try:
        return person_names.canonical(text)
    except person_names.BadName as exc:
        raise CommandError(f"--{kind} {exc}.", returncode=BAD_INPUT) from exc
