"""Reads a CSV file of products, with errors by line that say what to do."""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from django.core.exceptions import ValidationError

from common.exceptions import BadInput, FieldError
from imaging.models import CatalogueProduct
from imaging.products import COLUMNS, REQUIRED

ENCODINGS: Final = ("utf-8", "cp949")
MOST_FAULTS: Final = 100  # that are shown
MOST_CHARACTERS: Final = 64 * 1024  # of a product, and bytes of a line: a whole row is in memory
MOST_DIGITS: Final = 10  # of a price

HEAD_BYTES: Final = 1024

_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # byte order marks of UTF-16 and UTF-32
_HEADER = f"the first line must have the columns {', '.join(COLUMNS)}, in any order, separated by commas"


class Row(NamedTuple):
    """A product and the line where it begins; or the fault of that line, which begins with a verb or a column."""

    line: int
    product: CatalogueProduct | None
    fault: str = ""


class _Lines:
    """The lines of a text, for a reader of rows. Raises `FileRefused` within a row that is too long."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.row_characters = 0  # since the row began
        self._text = text

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self.row_characters += len(line)
        if self.row_characters > MOST_CHARACTERS:
            raise FileRefused(f"A product has more than {MOST_CHARACTERS:,} characters: close each quotation mark.")
        return line


class FileRefused(BadInput):
    """The file can't be imported. Its `field_errors` point to lines; nothing of it was written."""

    kind = "file-refused"
    title = "This file can't be imported"


def rows(file: BinaryIO, encoding: str = "utf-8") -> Iterator[Row]:
    """The rows of the file, from its beginning on; blank lines are skipped. Raises `FileRefused` for a whole file."""
    _check_encoding(file, encoding)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="")
    try:
        yield from _rows(text)
    finally:
        text.detach()  # closing it would close the file


def refused(faults: list[Row], more: int = 0) -> FileRefused:
    """The error for a file with these faults; `more` were found beyond them."""
    said = (
        f"{len(faults) + more:,} lines can't be used, so nothing was written. Correct them and import the file again."
    )
    return FileRefused(said, field_errors=[FieldError(f"line {row.line}", row.fault) for row in faults])


def _rows(text: io.TextIOWrapper) -> Iterator[Row]:
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    columns, line = _columns(reader), reader.line_num
    while True:
        line, lines.row_characters = reader.line_num + 1, 0
        try:
            cells = next(reader, None)
        except csv.Error as exc:
            yield Row(line, None, f"is no CSV ({exc}): close each quotation mark, and double those within a text")
            return
        if cells is None:
            return
        if cells:
            yield _row(line, columns, cells)


def _columns(reader: Iterator[list[str]]) -> list[str]:
    """The columns in the file's order. Raises `FileRefused`."""
    try:
        found = [cell.strip().lower() for cell in next(reader, [])]
    except csv.Error as exc:
        raise FileRefused(f"The file is no CSV ({exc}): {_HEADER}.") from exc
    unknown = [name for name in found if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in found]
    for problem, names in {"lacks": missing, "has unknown": unknown}.items():
        if names:
            raise FileRefused(f"The file {problem} columns ({', '.join(map(repr, names))[:300]}): {_HEADER}.")
    if len(set(found)) < len(found):
        raise FileRefused(f"The file has a column twice: {_HEADER}.")
    return found


def _row(line: int, columns: list[str], cells: list[str]) -> Row:
    if len(cells) != len(columns):
        many = f"has {len(cells)} columns instead of {len(columns)}"
        return Row(line, None, f'{many}: put texts that contain a comma between quotation marks (")')
    values = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    price = values.pop("price")
    if not (price.isascii() and price.isdigit() and len(price) <= MOST_DIGITS):
        return Row(line, None, "price: must be a whole number without separators or a currency, such as 21990")
    product = CatalogueProduct(**values, price=int(price))
    try:
        product.clean_fields()
    except ValidationError as exc:
        wrong = [f"{name}: {text}" for name, texts in exc.message_dict.items() for text in texts]
        return Row(line, None, "; ".join(wrong))
    return Row(line, product)


def _check_encoding(file: BinaryIO, encoding: str) -> None:
    """Raises `FileRefused`, with the line where it fails."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head[:2] in _OTHER_MARKS or b"\0" in head:
        raise FileRefused("The file is UTF-16, or no text: save it as “CSV UTF-8”.")
    line = _undecodable_line(file, encoding)
    if line is None:
        return
    fix = "save it as UTF-8 (in Excel: “CSV UTF-8”)"
    if encoding == "utf-8" and _undecodable_line(file, "cp949") is None:
        fix += ", or import it with the encoding cp949, since it can be read as CP949, Excel's encoding on a Korean PC"
    raise FileRefused(f"The file is not {encoding.upper()}: line {line} can't be decoded. To import it, {fix}.")


def _undecodable_line(file: BinaryIO, encoding: str) -> int | None:
    file.seek(0)
    for number, line in enumerate(iter(lambda: file.readline(MOST_CHARACTERS + 1), b""), 1):
        if len(line) > MOST_CHARACTERS:
            raise FileRefused(
                f"Line {number} has more than {MOST_CHARACTERS:,} bytes: put each product on its own line."
            )
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            return number
    return None
