"""A small S3 server that checks signatures (AWS Signature Version 4), in header fields and in presigned URLs.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html. Written from that page, without
code of the client's library, so that a fault can't be the same on both sides.
"""

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET, REGION = "pictures", "ap-northeast-2"
ACCESS_KEY, SECRET_KEY = "an-access-key", "its-secret"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<credential>[^,]+), ?SignedHeaders=(?P<signed>[^,]+), ?"
    r"Signature=(?P<signature>\w+)"
)
_SKEW = timedelta(minutes=15)
_UNSIGNED = "UNSIGNED-PAYLOAD"


class Refused(Exception):
    """The request is not signed rightly; the text is S3's error code."""


class SignedS3:
    """Keeps objects in memory. `fail` may answer a request instead: it gets the handler, and returns whether it did."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refusals: list[str] = []
        self.fail: Callable[[Any], bool] = lambda _: False
        self.gone = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": self}))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        """Stops it."""
        self.gone.set()
        self._server.shutdown()
        self._server.server_close()

    def storage(self, **options: Any) -> dict[str, Any]:
        """The entry of STORAGES for its bucket."""
        defaults = {"bucket_name": BUCKET, "endpoint_url": self.url, "region_name": REGION, "querystring_expire": 60}
        keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
        return {"BACKEND": "attachments.storage.s3.S3", "OPTIONS": defaults | keys | options}


def check(method: str, url: str, fields: Mapping[str, str], body: bytes) -> None:
    """Raises `Refused` if the signature is not that of these parts."""
    path, query = urlsplit(url).path, dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    signed = _of_query(query) if "X-Amz-Signature" in query else _of_fields(fields, body)
    credential, names, signature, time, payload = signed
    key, day, region, service, end = credential.split("/")
    if key != ACCESS_KEY:
        raise Refused("InvalidAccessKeyId")
    if (day, region, service, end) != (time[:8], REGION, "s3", "aws4_request"):
        raise Refused("AuthorizationHeaderMalformed")
    query.pop("X-Amz-Signature", None)
    headers = "".join(f"{name}:{' '.join(fields.get(name, '').split())}\n" for name in names.split(";"))
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    listed = "&".join(f"{name}={value}" for name, value in pairs)
    request = "\n".join([method, quote(unquote(path), safe="/-_.~"), listed, headers, names, payload])
    scope = f"{day}/{region}/{service}/{end}"
    text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(request.encode()).hexdigest()])
    if not hmac.compare_digest(_signature(day, region, text), signature):
        raise Refused("SignatureDoesNotMatch")


def _of_fields(fields: Mapping[str, str], body: bytes) -> tuple[str, str, str, str, str]:
    found = _AUTHORIZATION.fullmatch(fields.get("authorization", ""))
    if not found:
        raise Refused("AccessDenied")
    payload = fields.get("x-amz-content-sha256", "")
    if payload not in {_UNSIGNED, hashlib.sha256(body).hexdigest()}:
        raise Refused("XAmzContentSHA256Mismatch")
    time = fields.get("x-amz-date", "")
    if abs(datetime.now(UTC) - _moment(time)) > _SKEW:
        raise Refused("RequestTimeTooSkewed")
    if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(found["signed"].split(";")):
        raise Refused("AccessDenied")
    return found["credential"], found["signed"], found["signature"], time, payload


def _of_query(query: Mapping[str, str]) -> tuple[str, str, str, str, str]:
    time = query["X-Amz-Date"]
    if datetime.now(UTC) > _moment(time) + timedelta(seconds=int(query["X-Amz-Expires"])):
        raise Refused("AccessDenied")
    return query["X-Amz-Credential"], query["X-Amz-SignedHeaders"], query["X-Amz-Signature"], time, _UNSIGNED


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _signature(day: str, region: str, text: str) -> str:
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: SignedS3

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.store.fail(self):
            return
        try:
            check(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        except Refused as exc:
            self.store.refusals.append(str(exc))
            self.send(403, _error(str(exc)))
            return
        self.send(*self._act(unquote(urlsplit(self.path).path).removeprefix("/"), body))

    do_GET = do_PUT = do_HEAD = do_DELETE = _serve  # noqa: N815 - as the library calls them

    def _act(self, place: str, body: bytes) -> tuple[int, bytes]:
        bucket, _, key = place.partition("/")
        objects = self.store.objects
        if bucket != BUCKET:
            return 404, _error("NoSuchBucket")
        if not key:
            return 200, _listing(objects, dict(parse_qsl(urlsplit(self.path).query)).get("prefix", ""))
        if self.command == "PUT":
            objects[key] = body
            return 200, b""
        if self.command == "DELETE":
            objects.pop(key, None)
            return 204, b""
        return (200, objects[key]) if key in objects else (404, _error("NoSuchKey"))

    def send(self, status: int, body: bytes) -> None:
        """Sends an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.md5(body).hexdigest()}"')  # noqa: S324 - S3's own
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


def _error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()


def _listing(objects: Mapping[str, bytes], prefix: str) -> bytes:
    found = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{len(data)}</Size></Contents>"
        for key, data in sorted(objects.items())
        if key.startswith(prefix)
    )
    return f"<?xml version='1.0'?><ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode()
