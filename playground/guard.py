"""
Access control of the playground: its own page and its own app, and nobody else on the web or on this computer.

Any page in the same browser can send requests to this address, and any user of the same machine can open it. So every route
asks three things. The Host must be this server (a page elsewhere could bend a name of its own to this address: DNS rebinding).
What a browser sends must come from the page itself, which `Origin` and `Sec-Fetch-Site` tell and no script can change; other
ports of this host count as elsewhere. And the page needs a random key, which comes once in its address and then in a cookie;
the app needs its token, which its routes check. No answer permits anything to another origin (no CORS).

A link elsewhere may open the page. Cookies that are SameSite=Strict do not come with such a request, so the answer is a page
that opens the same address again, now from here.
"""

from __future__ import annotations

import hmac
import html
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler

_APP_PREFIXES = ("/api/", "/commands/", "/link/", "/upload/", "/files-pri/", "/signin")
"""The routes of the app; no page has any business there."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LOCKED = "This is somebody's playground. Open the address that `tracklet demo` shows in the terminal, with its token.\n"


class Guard:
    """The check of every request, as a middleware; `port` is known once the server listens."""

    def __init__(self) -> None:
        self.port = 0
        self.key = secrets.token_urlsafe(32)
        self._single_use: set[str] = set()

    def single_use_key(self) -> str:
        """
        Return a key for one opening of the page.

        For a browser's command line, which every user of the machine can read.
        """
        key = secrets.token_urlsafe(32)
        self._single_use.add(key)
        return key

    @property
    def cookie(self) -> str:
        """The name of the page's cookie. Cookies of a host are shared by its ports, so the name has the port."""
        return f"playground-{self.port}"

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse with 403 what does not come from the page or the app."""
        host = _single(request, "Host").lower()
        if host not in self._own_hosts():
            return _refused("unknown host")
        if request.path.startswith(_APP_PREFIXES):
            # The app is no browser. Its tokens are checked by the routes.
            if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
                return _refused("not for web pages")
            return await handler(request)
        site = _single(request, "Sec-Fetch-Site") if "Sec-Fetch-Site" in request.headers else "same-origin"
        if "Origin" in request.headers and _single(request, "Origin") != f"http://{host}":
            return _refused("wrong origin")
        if site not in ("same-origin", "none") and not _opens_page(request):
            return _refused("cross-site request")
        acts = request.method not in ("GET", "HEAD") or "Upgrade" in request.headers
        if acts and "Origin" not in request.headers:
            return _refused("wrong origin")
        return await self._with_key(request, handler, is_from_elsewhere=site not in ("same-origin", "none"))

    async def _with_key(self, request: web.Request, handler: Handler, *, is_from_elsewhere: bool) -> web.StreamResponse:
        if "token" in request.query and not request.path.startswith(("/playground/", "/static/")):
            return self._first_opening(request, is_from_elsewhere=is_from_elsewhere)
        if _same(request.cookies.get(self.cookie, ""), self.key):
            return await handler(request)
        return _again(str(request.rel_url)) if is_from_elsewhere else _refused(_LOCKED)

    def _first_opening(self, request: web.Request, *, is_from_elsewhere: bool) -> web.StreamResponse:
        """Put the key from the address into a cookie, and open the address without it: it is then in no history and no log."""
        token = request.query["token"]
        used = {key for key in self._single_use if _same(token, key)}
        if not used and not _same(token, self.key):
            return _refused(_LOCKED)
        self._single_use -= used
        path = str(request.rel_url.without_query_params("token"))
        response = _again(path) if is_from_elsewhere else web.Response(status=303, headers=_HEADERS | {"Location": path})
        response.set_cookie(self.cookie, self.key, httponly=True, samesite="Strict", path="/")
        return response

    def _own_hosts(self) -> set[str]:
        names = ("127.0.0.1", "localhost")
        return {f"{name}:{self.port}" for name in names} | (set(names) if self.port == 80 else set())


def _single(request: web.Request, name: str) -> str:
    """Return a header's value, "" where it is missing or there are several."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


def _opens_page(request: web.Request) -> bool:
    """Tell whether a person follows a link to the page: that shows it, and does nothing."""
    is_page = not request.path.startswith(("/playground/", "/static/"))
    navigates = _single(request, "Sec-Fetch-Mode") == "navigate" and _single(request, "Sec-Fetch-Dest") == "document"
    return request.method == "GET" and is_page and navigates and "Upgrade" not in request.headers


def _again(path: str) -> web.Response:
    """Return a page that opens `path` again, as the page's own request."""
    target = html.escape("/" + path.lstrip("/"), quote=True)
    text = f'<!doctype html><meta http-equiv="refresh" content="0;url={target}"><title>Playground</title>\n'
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


def _refused(reason: str) -> web.Response:
    return web.Response(status=403, text=reason, headers=_HEADERS)


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())
