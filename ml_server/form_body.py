"""Reads `multipart/form-data` bodies, which browsers send for a file and some fields."""

from io import BytesIO
from typing import IO, Any

import flask

from ml_server.exceptions import FieldError, Unprocessable

MULTIPART = "multipart/form-data"
MAX_NAME_LENGTH = 100


class Request(flask.Request):
    """Keeps uploads in memory: an interrupted upload would leave temporary files open. The body's size is limited."""

    max_form_memory_size = None  # a field may hold an image in base64; MAX_CONTENT_LENGTH limits the whole body
    max_form_parts = 100

    def _get_file_stream(
        self, total_content_length: int | None, content_type: str | None, filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:  # fmt: skip
        return BytesIO()


def read_form(request: flask.Request) -> dict[str, Any]:
    """Returns the form's fields as text and its files as bytes, by name.

    Raises:
        Unprocessable: a name occurs more than once.
    """
    fields, files = request.form, request.files
    errors = [
        FieldError(str(name)[:MAX_NAME_LENGTH], "must be given once")  # the name of a part may be None
        for name in {*fields, *files}
        if len(fields.getlist(name)) + len(files.getlist(name)) > 1
    ]
    if errors:
        raise Unprocessable("some fields are invalid: correct those in `fields`", errors)
    return {**fields.to_dict(), **{name: file.read() for name, file in files.items()}}
