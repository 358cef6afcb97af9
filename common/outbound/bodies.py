"""Reads a response of any transport: its header fields and its body as received, up to a cap.

`Response.headers` merges repeated fields, and `Response.content` decodes content codings. A gateway must forward both
unchanged.
"""

from collections.abc import Iterator
from typing import Any

from requests import Response

from common.outbound.deadline import Budget
from common.outbound.exceptions import MappedStock, ResponseTooLarge
from common.outbound.http_response import RawResponse

READ_BYTES = 64 * 1024
WITHOUT_BODY = frozenset({204, 304})


def header_fields(response: Response) -> list[tuple[str, str]]:
    """Names and values as Latin-1 text; repeated fields stay separate."""
    raw = response.raw
    return raw.fields if isinstance(raw, RawResponse) else list(raw.headers.iteritems())


def read_body(response: Response, cap: int) -> bytes:
    """The whole body, not decoded; ends the exchange. It keeps at most `cap` bytes in memory.

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


def read_lines(response: Response, cap: int, budget: Budget) -> Iterator[bytes]:
    """Each line as soon as it arrives, without its line break. The cap of `budget` on bytes applies to each line.

    Raises `RequestException`; `ResponseTooLarge` for a line over `cap` bytes.
    """
    max_bytes, line = budget.unread, bytearray()
    for piece in pieces(response):
        for number, part in enumerate(piece.split(b"\n")):
            if number:  # a line break preceded it
                yield bytes(line)
                line.clear()
                budget.unread = max_bytes
            line += part
            if len(line) > cap:
                raise ResponseTooLarge(f"a line of the response is over {cap} bytes")
    yield bytes(line)


def pieces(response: Response) -> Iterator[bytes]:
    """The parts of the body as they arrive, not decoded. Raises `RequestException`."""
    raw = response.raw
    return raw.stream() if isinstance(raw, RawResponse) else _stock_pieces(raw)


def _stock_pieces(raw: Any) -> Iterator[bytes]:
    while True:
        with MappedStock("body"):
            piece = raw.read1(READ_BYTES, decode_content=False)  # its `stream` would wait until a part is full
        if not piece:
            return
        yield piece


def declared_size(response: Response) -> int:
    """The declared length of the body in bytes, 0 if there is none."""
    raw = response.raw
    length = raw.field("content-length") if isinstance(raw, RawResponse) else raw.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and response.status_code not in WITHOUT_BODY else 0
