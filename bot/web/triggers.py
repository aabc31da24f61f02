"""
The ways to start tracking without Slack: storage events, and the seed's `GET /track?video_uri=`.

A trigger is checked, handed over and answered at once; the work is the durable job's. What an event means (a video, an
annotation file, something that we wrote ourselves) and whether it was seen before is decided by who is handed it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.texts import errors, triggers
from bot.web import storage_events
from bot.web.storage_events import ObjectFinalized
from bot.web.trigger_auth import TriggerAuth
from tracking.errors import InputError, TrackletError

EVENT_LIMIT_BYTES = 256 * 1024
"""A notification is a few kilobytes: an object's metadata, of which 8 KiB may be its owner's."""

OnObject = Callable[[ObjectFinalized], Awaitable[None]]
OnRequest = Callable[[str], Awaitable[str]]


def trigger_routes(on_object: OnObject, on_request: OnRequest, *, auth: TriggerAuth) -> list[web.AbstractRouteDef]:
    """
    `POST /events/storage` and `GET /track`; other methods are answered 405 with `Allow`, HEAD among them.

    `on_object` gets each finalised object once per delivery. `on_request` gets a video's URI, unchecked, and returns the job's
    id. Both only note what is to be done. An event whose handling fails is answered 500, and so delivered again.
    """

    async def storage_event(request: web.Request) -> web.Response:
        await auth.check(request)
        try:
            event = storage_events.parse(request.headers, await _body(request))
        except storage_events.BadEventError as error:
            raise web.HTTPBadRequest(text=triggers.no_storage_event(str(error)) + "\n") from error
        if event is not None:
            await on_object(event)
        return web.Response(status=204)

    async def track(request: web.Request) -> web.Response:
        await auth.check(request)
        video_uri = request.query.get("video_uri", "").strip()
        if not video_uri:
            raise web.HTTPBadRequest(text=triggers.video_uri_wanted() + "\n")
        try:
            job = await on_request(video_uri)
        except TrackletError as error:
            status = 400 if isinstance(error, InputError) else 503
            return web.json_response({"error": errors.sentence(error)}, status=status)
        return web.json_response({"job": job}, status=202)

    return [web.post("/events/storage", storage_event), web.get("/track", track, allow_head=False)]


async def _body(request: web.Request) -> bytes:
    body = await request.read()
    if len(body) > EVENT_LIMIT_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=EVENT_LIMIT_BYTES, actual_size=len(body))
    return body
