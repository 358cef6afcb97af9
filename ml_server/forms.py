"""Bodies that are forms: `multipart/form-data`, as a browser sends a file with some fields beside it."""

from io import BytesIO
from typing import IO, Any

import flask

from ml_server.exceptions import Fault, Unprocessable

FORM = "multipart/form-data"
LONGEST_NAME = 100


class Request(flask.Request):
    """Keeps files in memory: a form that breaks off would leave temporary files open. The body has its cap."""

    max_form_memory_size = None  # a field may be a picture in base64: MAX_CONTENT_LENGTH bounds all of them together
    max_form_parts = 100

    def _get_file_stream(
        self, total_content_length: int | None, content_type: str | None, filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:  # fmt: skip
        return BytesIO()


def read_form(request: flask.Request) -> dict[str, Any]:
    """The fields as text and the files as bytes, each by its name.

    Raises:
        Unprocessable: some come more than once.
    """
    fields, files = request.form, request.files
    faults = [
        Fault(str(name)[:LONGEST_NAME], "must be given once")  # a part may come without a name
        for name in {*fields, *files}
        if len(fields.getlist(name)) + len(files.getlist(name)) > 1
    ]
    if faults:
        raise Unprocessable("some fields can't be used", faults)
    return {**fields.to_dict(), **{name: file.read() for name, file in files.items()}}
