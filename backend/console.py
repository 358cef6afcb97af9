"""The console: one page for all of its addresses. `frontend/dist` has it built; ADR 32 says why it is committed."""

import json
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from secrets import token_urlsafe

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, register_converter
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie

from common.exceptions import Unavailable
from common.request_body import require_method

# The first part of each address that the browser's router knows, as in `frontend/src/router.tsx`.
PAGES = (
    "sign-in",
    "predict",
    "history",
    "training",
    "insight",
    "questions",
    "pictures",
    "system",
    "account",
)
_NONCE = "CSP_NONCE"  # in the built page, in place of a nonce
_PORT = '"FLOWER_PORT"'  # in the built page, in place of the port for the link to Flower
_HEAD_END = "</head>"
# Scripts of this origin only, and nothing inline. Dialogs lock scrolling with a style element, which has the nonce;
# previews of pictures are blobs that the page made.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HOME = "predict"  # where the browser's router goes from `/`


@csrf_exempt  # it changes nothing, and a wrong method must get a 405
@ensure_csrf_cookie  # a session sends the token with its calls
def console(request: HttpRequest, page: str = _HOME) -> HttpResponse:
    """The page, with a nonce of its own and the names of its scripts. Raises `Unavailable` if nobody built it."""
    require_method(request, "GET", "HEAD")
    nonce = token_urlsafe(16)
    built = _page(settings.CONSOLE_DIR / "index.html").replace(_PORT, f'"{settings.FLOWER_PORT}"')
    links = _links(_source(page), get_language_from_request(request))
    response = HttpResponse(built.replace(_NONCE, nonce).replace(_HEAD_END, links + _HEAD_END))
    response["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
    response["Cache-Control"] = "no-cache"
    patch_vary_headers(response, ("Accept-Language",))
    return response


class PageConverter:
    """The path of one of the console's pages: its name, and at most one part after it."""

    regex = rf"(?:{'|'.join(PAGES)})(?:/[\w.-]+)?/?"

    def to_python(self, value: str) -> str:
        """The path as it is."""
        return value

    def to_url(self, value: str) -> str:
        """The path as it is."""
        return value


register_converter(PageConverter, "console")
# All other addresses stay what they are, unknown ones included.
paths = [path("", console, name="home"), path("<console:page>", console, name="console")]


@lru_cache(maxsize=2)
def _page(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise Unavailable("The console is not built. Run `make console`.") from exc


def _source(page: str) -> str:
    """The page's name in `preloads.json`: one record of a list is a page of its own."""
    name, _, record = page.strip("/").partition("/")
    return f"{name}/record" if record else name


@lru_cache(maxsize=128)
def _links(page: str, language: str) -> str:
    """Elements that make a browser without a cache ask at once for scripts that it would find out step by step.

    No reads of the API: a browser would send them without the header that begins a trace.
    """
    file = settings.CONSOLE_DIR / "preloads.json"  # frontend/build/preloads.ts writes it
    scripts: dict[str, dict[str, list[str]]] = {}
    with suppress(FileNotFoundError, ValueError):  # the page works without them, only later
        scripts = json.loads(file.read_text(encoding="utf-8"))
    return "".join(f'<link rel="modulepreload" href="{url}">\n' for url in scripts.get(page, {}).get(language, ()))
