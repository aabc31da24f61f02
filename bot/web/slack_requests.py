"""
Slack's requests: signed by Slack, whole, and made of what Bolt can read; else 401 or 400, and nothing of them is parsed.

The signature comes first, over the raw bytes. Bolt would decode and parse a body before it looks at the signature, with a
traceback for what it cannot read, and its own check logs the body that it refuses; so it is turned off where this is used.
Source: docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import logging
import time

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.texts.start import wrong_signature

logger = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"

_TIMESTAMP = "X-Slack-Request-Timestamp"
_SIGNATURE = "X-Slack-Signature"
_TIMESTAMP_DIGITS = 12  # seconds for 30,000 years
_SIGNATURE_LENGTH = len("v0=") + 64
_FRESH_S = 300  # Slack's own bound
_MAX_FIELDS = 64  # a command has 15, an interaction one


def slack_route(app: AsyncApp, *, signing_secret: str) -> web.RouteDef:
    """Return the route of events, commands and interactions. `app` must not verify requests itself."""
    verifier = SignatureVerifier(signing_secret)

    is_told = False

    async def slack(request: web.Request) -> web.Response:
        nonlocal is_told
        raw = await request.read()
        if not is_signed(verifier, request, raw):
            # Once, until a good one comes: anybody may send such requests. Nothing of the request is told.
            if not is_told and _is_fresh(request, raw):
                is_told = True
                logger.warning("%s", wrong_signature())
            raise web.HTTPUnauthorized(text="invalid signature\n")
        is_told = False
        parsed = _parsed(request, raw)
        if parsed.body.get("type") == "app_rate_limited":
            # No event and nothing that Bolt knows: Slack leaves out events for a minute (docs.slack.dev/apis/events-api).
            logger.warning("Slack leaves out events: there were more than it sends in an hour")
            return web.Response(text="ok\n")
        return await to_aiohttp_response(await app.async_dispatch(parsed))

    return web.post(EVENTS_PATH, slack)


def is_signed(verifier: SignatureVerifier, request: web.BaseRequest, body: bytes) -> bool:
    """Return whether Slack signed `body`, in the last five minutes."""
    if (found := _signature(request)) is None:
        return False
    try:
        return verifier.is_valid(body, *found)
    except UnicodeDecodeError:
        return False  # Slack sends UTF-8 alone


def _signature(request: web.BaseRequest) -> tuple[str, str] | None:
    """Return timestamp and signature in the form that Slack gives them: the verifier raises for any other."""
    timestamps, signatures = request.headers.getall(_TIMESTAMP, []), request.headers.getall(_SIGNATURE, [])
    if len(timestamps) != 1 or len(signatures) != 1:
        return None
    timestamp, signature = timestamps[0], signatures[0]
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _TIMESTAMP_DIGITS):
        return None
    return (timestamp, signature) if signature.isascii() and len(signature) == _SIGNATURE_LENGTH else None


def _is_fresh(request: web.BaseRequest, body: bytes) -> bool:
    """Return whether a request looks like one that Slack signed now, be it with another secret."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    found = _signature(request)
    return found is not None and abs(time.time() - int(found[0])) <= _FRESH_S


def _parsed(request: web.Request, raw: bytes) -> AsyncBoltRequest:
    """Return the request in Bolt's form. Raises `HTTPBadRequest`."""
    is_form = request.content_type != "application/json" and not raw.startswith(b"{")
    if is_form and raw.count(b"&") >= _MAX_FIELDS:
        raise web.HTTPBadRequest(text="too many fields\n")
    try:
        parsed = AsyncBoltRequest(
            body=raw.decode("utf-8"),
            query=request.query_string,
            headers=dict(request.headers),
        )
    # Bolt looks into the body at once, in the shapes that Slack documents; what differs raises anything of these.
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise web.HTTPBadRequest(text="not understood\n") from None
    if not parsed.body or not isinstance(parsed.body, dict):
        raise web.HTTPBadRequest(text="not understood\n")
    return parsed
