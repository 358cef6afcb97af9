"""Which header fields travel on. Hop-by-hop fields end here, both ways (RFC 9110, section 7.6.1)."""

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache

Fields = list[tuple[str, str]]

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# What the caller proves itself with is for this door alone.
CREDENTIALS = frozenset({"authorization", "cookie", "x-csrftoken"})
# Written anew for the next hop, or settled between the caller and this server.
OWN = frozenset({"host", "content-length", "expect", "x-request-id"})
# Told by this door, so that nobody takes the model's word for them.
OWN_IN_ANSWERS = frozenset({"content-length", "x-request-id", "x-inference-id"})
# What a recorded answer may be packed in, since the record needs it unpacked.
UNPACKED = frozenset({"identity", "gzip", "x-gzip", "deflate"})

# Characters of a key that is remembered: callers may think of any number of names, of 64 KiB each.
LONGEST_KEY = 64

NOT_OF_REQUESTS = HOP_BY_HOP | CREDENTIALS | OWN
NOT_OF_ANSWERS = HOP_BY_HOP | OWN_IN_ANSWERS


def request_fields(environ: Mapping[str, object]) -> dict[str, str]:
    """The end-to-end fields of a WSGI request, without credentials, as the model shall see them.

    WSGI servers lay the process' own environment into the same mapping: HTTP_PROXY there is no field `Proxy`.
    """
    fields = {
        name: str(value)
        for key, value in environ.items()
        if (name := (_remembered if len(key) <= LONGEST_KEY else _passed_on)(key))
    }
    if content_type := environ.get("CONTENT_TYPE"):
        fields["Content-Type"] = str(content_type)
    named = _named_by_connection([str(environ.get("HTTP_CONNECTION", ""))])
    return {name: value for name, value in fields.items() if name.lower() not in named} if named else fields


def answer_fields(fields: Fields) -> Fields:
    """The end-to-end fields of an answer, repeated ones kept apart, without those that this door sets anew."""
    named = _named_by_connection(value for name, value in fields if name.lower() == "connection")
    dropped = NOT_OF_ANSWERS | named if named else NOT_OF_ANSWERS
    return [(name, value) for name, value in fields if name.lower() not in dropped]


def unpackable(accept_encoding: str) -> str:
    """The codings of an `Accept-Encoding` that this side can undo; `identity` where there is none."""
    offered = [item.strip() for item in accept_encoding.split(",")]
    return ", ".join(item for item in offered if item.split(";")[0].strip().lower() in UNPACKED) or "identity"


def _passed_on(key: str) -> str:
    """The name of the field that a WSGI environment keeps under `key`; blank where it is none, or ends here."""
    name = key[5:].replace("_", "-").title()
    is_field = key.startswith("HTTP_") and key not in os.environ
    return name if is_field and name.lower() not in NOT_OF_REQUESTS else ""


_remembered = lru_cache(maxsize=1024)(_passed_on)


def _named_by_connection(values: Iterable[str]) -> set[str]:
    return {token.strip().lower() for value in values for token in value.split(",") if token.strip()}
