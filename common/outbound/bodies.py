"""Reads a response of either transport: its fields as they came, its body as it travelled, never more than a cap.

`Response.headers` folds repeated fields into one, and `Response.content` undoes content codings; a gateway passes both
on as they are.
"""

from collections.abc import Iterator
from typing import Any

from requests import Response

from common.outbound.deadline import Budget
from common.outbound.exceptions import MappedStock, ResponseTooLarge
from common.outbound.http_response import RawResponse

READ_AT_ONCE = 64 * 1024
WITHOUT_BODY = frozenset({204, 304})


def header_fields(response: Response) -> list[tuple[str, str]]:
    """Names and values as Latin-1, repeated fields apart."""
    raw = response.raw
    return raw.fields if isinstance(raw, RawResponse) else list(raw.headers.iteritems())


def read_body(response: Response, cap: int) -> bytes:
    """The whole body, content coding and all; ends the exchange. No more than `cap` bytes of it are ever held.

    Raises `RequestException`.
    """
    size, found = declared_size(response), []
    try:
        if size <= cap:
            size = 0
            for piece in pieces(response):
                size += len(piece)
                if size > cap:
                    break
                found.append(piece)
        if size > cap:
            raise ResponseTooLarge(f"the response's body is over {cap} bytes")
    except BaseException:
        response.close()
        raise
    return b"".join(found)


def read_lines(response: Response, cap: int, granted: Budget) -> Iterator[bytes]:
    """Each line as soon as it is there, without its end; `granted` is the exchange's, and counts for each line anew.

    Raises `RequestException`; `ResponseTooLarge` for a line over `cap` bytes.
    """
    most_bytes, begun = granted.unread, bytearray()
    for piece in pieces(response):
        for number, part in enumerate(piece.split(b"\n")):
            if number:  # an end of line stood before it
                yield bytes(begun)
                begun.clear()
                granted.unread = most_bytes
            begun += part
            if len(begun) > cap:
                raise ResponseTooLarge(f"a line of the response is over {cap} bytes")
    yield bytes(begun)


def pieces(response: Response) -> Iterator[bytes]:
    """The body as it comes, content coding and all. Raises `RequestException`."""
    raw = response.raw
    return raw.stream() if isinstance(raw, RawResponse) else _stock_pieces(raw)


def _stock_pieces(raw: Any) -> Iterator[bytes]:
    while True:
        with MappedStock("body"):
            piece = raw.read1(READ_AT_ONCE, decode_content=False)  # its `stream` would wait for whole pieces
        if not piece:
            return
        yield piece


def declared_size(response: Response) -> int:
    """The body's length in bytes where the response tells it, else 0."""
    raw = response.raw
    length = raw.field("content-length") if isinstance(raw, RawResponse) else raw.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and response.status_code not in WITHOUT_BODY else 0
