"""
Slack's requests: signed by Slack, whole, and made of what Bolt can read; else 401 or 400, and nothing of them is parsed.

The signature comes first, over the raw bytes. Bolt would decode and parse a body before it looks at the signature, with a
traceback for what it cannot read, and its own check logs the body that it refuses; so it is turned off where this is used.
Source: docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import logging

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

logger = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"

_TIMESTAMP = "X-Slack-Request-Timestamp"
_SIGNATURE = "X-Slack-Signature"
_TIMESTAMP_DIGITS = 12  # seconds for 30,000 years
_SIGNATURE_LENGTH = len("v0=") + 64
_MAX_FIELDS = 64  # a command has 15, an interaction one


def slack_route(app: AsyncApp, *, signing_secret: str) -> web.RouteDef:
    """Return the route of events, commands and interactions. `app` must not verify requests itself."""
    verifier = SignatureVerifier(signing_secret)

    async def slack(request: web.Request) -> web.Response:
        raw = await request.read()
        if not is_signed(verifier, request, raw):
            raise web.HTTPUnauthorized(text="invalid signature\n")
        parsed = _parsed(request, raw)
        if parsed.body.get("type") == "app_rate_limited":
            # No event and nothing that Bolt knows: Slack leaves out events for a minute (docs.slack.dev/apis/events-api).
            logger.warning("Slack leaves out events: there were more than it sends in an hour")
            return web.Response(text="ok\n")
        return await to_aiohttp_response(await app.async_dispatch(parsed))

    return web.post(EVENTS_PATH, slack)


def is_signed(verifier: SignatureVerifier, request: web.BaseRequest, body: bytes) -> bool:
    """Whether Slack signed `body`, in the last five minutes."""
    timestamps, signatures = request.headers.getall(_TIMESTAMP, []), request.headers.getall(_SIGNATURE, [])
    if len(timestamps) != 1 or len(signatures) != 1:
        return False
    timestamp, signature = timestamps[0], signatures[0]
    # The verifier counts on numbers, ASCII and UTF-8, and raises for anything else.
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _TIMESTAMP_DIGITS):
        return False
    if not (signature.isascii() and len(signature) == _SIGNATURE_LENGTH):
        return False
    try:
        return verifier.is_valid(body, timestamp, signature)
    except UnicodeDecodeError:
        return False  # Slack sends UTF-8 alone


def _parsed(request: web.Request, raw: bytes) -> AsyncBoltRequest:
    """The request in Bolt's form. Raises `HTTPBadRequest`."""
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
