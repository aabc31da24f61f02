"""
Who may use the triggers: Google with a signed token, whoever has our own token, or this very machine.

With neither kind of token configured only loopback peers are answered, and not even they where the request came through a
proxy, from a web page, or where the bot is known to others under a public address.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from bot.texts import triggers
from bot.web.oidc import CertificatesUnavailableError, InvalidTokenError, OidcVerifier

_log = logging.getLogger(__name__)

_FORWARDING = ("forwarded", "via", "x-forwarded-", "x-real-ip", "x-client-ip", "true-client-ip", "cf-", "fly-", "x-envoy-")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class TriggerAuth:
    """What is asked of a caller; `token` is "" and `oidc` None where that way is not configured."""

    token: str = ""
    oidc: OidcVerifier | None = None
    public_url: str = ""

    async def check(self, request: web.Request) -> None:
        """Returns for a caller who may. Raises `HTTPUnauthorized`, `HTTPForbidden`, `HTTPServiceUnavailable`."""
        if not self.token and self.oidc is None:
            peer = request.transport.get_extra_info("peername") if request.transport else None
            if self.public_url or not is_local(str(peer[0]) if peer else "", request.host, request.headers):
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


def is_local(peer: str, host: str, headers: Mapping[str, str]) -> bool:
    """
    Whether a request was made on this machine, by a program, for this machine.

    `peer` is the address at the other end, `host` the request's Host. A forwarding header means a proxy on this machine that
    may speak for anybody; `Origin` and `Sec-Fetch-Site` a web page; a foreign Host a name that was bent to this address.
    """
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    is_ours = _is_loopback(peer) and (name.lower() == "localhost" or _is_loopback(name.strip("[]")))
    is_forwarded = any(header.lower().startswith(_FORWARDING) for header in headers)
    is_from_page = any(header.lower() in {"origin", "sec-fetch-site"} for header in headers)
    return is_ours and not is_forwarded and not is_from_page


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
