"""Selects the header fields to forward. Hop-by-hop fields are dropped both ways (RFC 9110, section 7.6.1).

Values are bytes that were decoded as Latin-1, as WSGI has them. The gateway's server, granian, has two limits: it
replaces a value of a request that is not ASCII by an empty one, and it sends only values that are UTF-8. What it cannot
carry unchanged is refused here: silently lost, it could be the name of a user.
"""

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache

from common.exceptions import BadInput, FieldError
from ml_proxy.exceptions import UpstreamBroken

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
# The caller's credentials are for the gateway only.
CREDENTIALS = frozenset({"authorization", "cookie", "x-csrftoken"})
# Set again for the next hop, or relevant only between the caller and the gateway.
REPLACED = frozenset({"host", "content-length", "expect", "x-request-id"})
# What a browser says of the page that called the gateway. The gateway has judged it; the model server would judge anew.
OF_THE_PAGE = frozenset({"origin", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user"})
# Set by the gateway, so that the model server can't forge them.
SET_BY_GATEWAY = frozenset({"content-length", "x-request-id", "x-inference-id"})
# What a browser would obey for the gateway's whole origin (its cookies, policies, storage and connections), or a proxy
# in front of the gateway would obey. The model server is not trusted with either.
POLICIES = frozenset(
    {
        "alt-svc",
        "clear-site-data",
        "content-security-policy",
        "content-security-policy-report-only",
        "cross-origin-embedder-policy",
        "cross-origin-embedder-policy-report-only",
        "cross-origin-opener-policy",
        "cross-origin-opener-policy-report-only",
        "cross-origin-resource-policy",
        "document-policy",
        "feature-policy",
        "nel",
        "origin-agent-cluster",
        "permissions-policy",
        "public-key-pins",
        "referrer-policy",
        "refresh",
        "report-to",
        "reporting-endpoints",
        "service-worker-allowed",
        "set-cookie",
        "set-cookie2",
        "set-login",
        "speculation-rules",
        "strict-transport-security",
        "x-content-type-options",
        "x-frame-options",
        "x-sendfile",
    }
)
POLICY_PREFIXES = ("access-control-", "x-accel-")
# Content codings that the gateway can decode; a record needs the decoded answer.
DECODABLE = frozenset({"identity", "gzip", "x-gzip", "deflate"})

# Fields of requests that may be empty. A value that is not ASCII has no meaning in them.
MAY_BE_EMPTY = frozenset({"accept", "accept-charset", "accept-encoding", "accept-language", "tracestate"})

# The longest key, in characters, that is cached: callers could send any number of names of up to 64 KiB.
MAX_CACHED_KEY = 64

DROPPED_FROM_REQUESTS = HOP_BY_HOP | CREDENTIALS | REPLACED | OF_THE_PAGE
DROPPED_FROM_ANSWERS = HOP_BY_HOP | SET_BY_GATEWAY | POLICIES


def request_fields(environ: Mapping[str, object]) -> dict[str, str]:
    """Returns the end-to-end fields of a WSGI request, without credentials, for the model server. Raises `BadInput`.

    WSGI servers add the process's environment to the same mapping, so HTTP_PROXY there is not a field `Proxy`.
    """
    fields = {
        name: str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_")
        and (name := (_cached_field_name if len(key) <= MAX_CACHED_KEY else _field_name)(key))
    }
    if content_type := environ.get("CONTENT_TYPE"):
        fields["Content-Type"] = str(content_type)
    named = _named_by_connection([str(environ.get("HTTP_CONNECTION", ""))])
    if named:
        fields = {name: value for name, value in fields.items() if name.lower() not in named}
    _refuse_lost(fields)
    return fields


def answer_fields(fields: Fields) -> Fields:
    """Returns an answer's end-to-end fields, except those that the gateway decides; repeated fields stay separate."""
    named = _named_by_connection(value for name, value in fields if name.lower() == "connection")
    dropped = DROPPED_FROM_ANSWERS | named if named else DROPPED_FROM_ANSWERS
    return [
        (name, value)
        for name, value in fields
        if (lowered := name.lower()) not in dropped and not lowered.startswith(POLICY_PREFIXES)
    ]


def refuse_unsendable(fields: Fields) -> None:
    """Raises `UpstreamBroken` if the gateway's server can't send a value of an answer unchanged."""
    for name, value in fields:
        try:
            value.isascii() or value.encode("latin-1").decode()
        except UnicodeDecodeError:
            raise UpstreamBroken(
                f"The model server's header field {name} can't be passed on: it must be ASCII or UTF-8."
            ) from None


def decodable_encodings(accept_encoding: str) -> str:
    """Returns the codings of an `Accept-Encoding` that the gateway can decode; `identity` if there are none."""
    offered = [item.strip() for item in accept_encoding.split(",")]
    return ", ".join(item for item in offered if item.split(";")[0].strip().lower() in DECODABLE) or "identity"


def _refuse_lost(fields: Mapping[str, str]) -> None:
    """Raises `BadInput` for values that the server may have emptied. It joins repeated fields by a comma."""
    lost = [name for name, value in fields.items() if "" in value.split(",") and name.lower() not in MAY_BE_EMPTY]
    if lost:
        detail = "must be ASCII and not empty; encode other characters, for example as percent-encoded UTF-8"
        raise BadInput(
            "A header field can't be passed on to the model server.",
            field_errors=[FieldError(name, detail) for name in lost],
        )


def _field_name(key: str) -> str:
    """Returns the field name of a WSGI key `HTTP_...`; blank if it is no header field or is not forwarded."""
    name = key[5:].replace("_", "-").title()
    is_field = key not in os.environ
    return name if is_field and name.lower() not in DROPPED_FROM_REQUESTS else ""


_cached_field_name = lru_cache(maxsize=1024)(_field_name)


def _named_by_connection(values: Iterable[str]) -> set[str]:
    return {token.strip().lower() for value in values for token in value.split(",") if token.strip()}
