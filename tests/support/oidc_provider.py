"""A real OpenID Connect provider, `oidc-provider-mock`, whose ID tokens a test can spoil."""

import base64
import json
import os
import threading
import warnings
from collections.abc import Callable, Iterable
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

import jwt
import requests
import werkzeug
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.serving import make_server

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain HTTP on loopback
with warnings.catch_warnings(record=True):  # the mock uses what authlib is about to rename
    import oidc_provider_mock

CLIENT_ID, CLIENT_SECRET, KEY_ID = "ml-proxy", "synthetic-client-secret", "test-key"
Claims = dict[str, Any]


def new_key() -> rsa.RSAPrivateKey:
    """A signing key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class OidcProvider:
    """Signs with a key of its own, checks PKCE as a strict provider does, and can be down.

    `spoil` changes the claims of the next ID tokens, `encode` their signature; `answers` replaces the response of a
    path by a status; `hangs` is a path that answers only when the test ends.
    """

    def __init__(self) -> None:
        self._app = oidc_provider_mock.app()
        self.key = new_key()
        self.released = threading.Event()
        self._challenges: set[str] = set()
        self._server = make_server("127.0.0.1", 0, self, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.reset()

    def reset(self) -> None:
        """Behaves again."""
        self.spoil: Callable[[Claims], Claims] = lambda claims: claims
        self.encode: Callable[[Claims], str] = self.sign
        self.userinfo: Claims = {}
        self.answers: dict[str, int] = {}
        self.hangs = ""
        self.released.set()
        self.released = threading.Event()
        self.calls: list[str] = []

    def close(self) -> None:
        """Stops the server."""
        self.reset()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def add_user(self, sub: str, **claims: Any) -> None:
        """Adds or replaces a user."""
        requests.put(f"{self.url}/users/{sub}", json=claims, timeout=10).raise_for_status()

    def sign(self, claims: Claims, *, key: Any = None, algorithm: str = "RS256", kid: str = KEY_ID) -> str:
        """A token with these claims."""
        return jwt.encode(claims, key or self.key, algorithm=algorithm, headers={"kid": kid})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.calls.append(path)
        if path == self.hangs:
            self.released.wait(60)
        if path in self.answers:
            return _respond(start_response, self.answers[path], {})
        if path == "/jwks":
            return _respond(start_response, 200, {"keys": [self._public_key()]})
        if path == "/oauth2/authorize":
            self._challenges |= set(parse_qs(environ["QUERY_STRING"]).get("code_challenge", []))
        if path == "/oauth2/token":
            return self._token(environ, start_response)
        if path == "/userinfo" and self.userinfo:
            return _respond(start_response, 200, self.userinfo)
        return self._app(environ, start_response)  # type: ignore[no-any-return]

    def _token(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        [verifier] = parse_qs(body.decode()).get("code_verifier", [""])
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if challenge not in self._challenges:
            return _respond(start_response, 400, {"error": "invalid_grant"})
        found: dict[str, Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answered = b"".join(
                self._app({**environ, "wsgi.input": BytesIO(body)}, lambda status, *_: found.update(status=status))
            )
        tokens = json.loads(answered)
        if "id_token" in tokens:
            claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
            tokens["id_token"] = self.encode(self.spoil(claims))
        return _respond(start_response, int(found["status"].split()[0]), tokens)

    def _public_key(self) -> dict[str, Any]:
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": KEY_ID, "use": "sig"}


def _respond(start_response: Any, status: int, body: Any) -> Iterable[bytes]:
    start_response(f"{status} {werkzeug.http.HTTP_STATUS_CODES[status]}", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
