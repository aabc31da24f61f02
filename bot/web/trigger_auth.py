"""
Who may use the triggers: Google with a signed token, whoever has our own token, or this very machine.

Without a token, where a request comes from decides, and nothing in the request can prove that: a proxy or a tunnel on this
machine speaks for anybody, and need not say so. So it is the configuration that decides (`is_for_this_machine_alone`): only a
bot that nobody has a reason to make reachable answers at all. What a request holds can only close the door: it must come from
loopback, for a loopback name, and with no header beyond those of a plain client. What stays open is written down in
docs/security.md.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from bot.texts import triggers
from bot.web.oidc import CertificatesUnavailableError, InvalidTokenError, OidcVerifier

_log = logging.getLogger(__name__)

_PLAIN_HEADERS = frozenset(
    {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "transfer-encoding",
        "expect",
        "authorization",
    }
)
"""
What curl, wget and the HTTP clients of Python, Go and Java send; events have `ce-` headers besides. A browser always adds
Accept-Language, and most proxies something of their own (Forwarded, X-Forwarded-For, Via, X-Real-IP, a request id).
"""
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class TriggerAuth:
    """
    What is asked of a caller; `token` is "" and `oidc` None where that way is not configured.

    `serves_this_machine` opens the triggers to this machine where neither is.
    """

    token: str = ""
    oidc: OidcVerifier | None = None
    serves_this_machine: bool = False

    async def check(self, request: web.Request) -> None:
        """Returns for a caller who may. Raises `HTTPUnauthorized`, `HTTPForbidden`, `HTTPServiceUnavailable`."""
        if not self.token and self.oidc is None:
            peer = request.transport.get_extra_info("peername") if request.transport else None
            if not self.serves_this_machine or not is_local(str(peer[0]) if peer else "", request.headers):
                raise web.HTTPForbidden(text=triggers.triggers_closed() + "\n")
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise web.HTTPUnauthorized(headers=_CHALLENGE)
        if self.token and hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self.token.encode()):
            return
        if self.oidc is None:
            raise web.HTTPUnauthorized(headers=_CHALLENGE)
        try:
            await self.oidc.verify(token)
        except InvalidTokenError as error:
            _log.warning("a trigger's token was refused: %s", error)
            raise web.HTTPUnauthorized(headers=_CHALLENGE) from error
        except CertificatesUnavailableError as error:
            _log.warning("Google's certificates could not be fetched: %s", error)
            raise web.HTTPServiceUnavailable from error


def is_for_this_machine_alone(*, http_host: str, public_url: str, slack_comes_in: bool, slack_api_url: str) -> bool:
    """
    Return whether the bot has no business with callers from elsewhere, as its settings tell.

    `slack_comes_in` says that Slack posts its events here (no Socket Mode). To a bot on loopback it can do that only through a
    proxy or a tunnel, and then everybody's requests come from loopback; unless that Slack is on this machine as well.
    """
    is_slack_near = _is_loopback_name(urlsplit(slack_api_url).hostname or "")
    return _is_loopback_name(http_host) and not public_url and (not slack_comes_in or is_slack_near)


def is_local(peer: str, headers: Mapping[str, str]) -> bool:
    """
    Return whether a request looks as if a program on this machine had made it, for this machine.

    `peer` is the address at the other end. A foreign Host is a name that was bent to this address, `Origin` or
    `Accept-Language` mean a web page, an unknown header a proxy.
    """
    host = next((value for name, value in headers.items() if name.lower() == "host"), "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    is_plain = all(name.lower() in _PLAIN_HEADERS or name.lower().startswith("ce-") for name in headers)
    return is_plain and _is_loopback(peer) and _is_loopback_name(name.removeprefix("[").removesuffix("]"))


def _is_loopback_name(name: str) -> bool:
    return name.lower() == "localhost" or _is_loopback(name)


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
