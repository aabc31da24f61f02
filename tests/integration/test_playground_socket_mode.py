"""Socket Mode of the playground, used by Slack's own client: envelopes, acknowledgements, refresh."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from playground import Playground, Timing

FAST = Timing(ack_s=1.0, retry_after_s=(0.0, 0.0, 0.0))
Answer = Callable[[SocketModeRequest], SocketModeResponse | None]


@pytest.fixture
async def slack() -> AsyncIterator[Playground]:
    async with Playground(app_token="xapp-1", timing=FAST) as playground:
        yield playground


@asynccontextmanager
async def connected(slack: Playground, answer: Answer) -> AsyncIterator[list[SocketModeRequest]]:
    """A client of Slack's own that notes what it gets; `answer` makes its acknowledgements."""
    seen: list[SocketModeRequest] = []

    async def listen(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        seen.append(request)
        response = answer(request)
        if response is not None:
            await client.send_socket_mode_response(response)

    client = SocketModeClient(
        app_token="xapp-1", web_client=AsyncWebClient(token=slack.bot_token, base_url=slack.api_url), ping_interval=0.2
    )
    listeners: list[Callable[[AsyncBaseSocketModeClient, SocketModeRequest], Awaitable[None]]] = []
    listeners.append(listen)
    client.socket_mode_request_listeners.extend(listeners)
    await client.connect()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
    await slack.socket.opened.wait()
    try:
        yield seen
    finally:
        await client.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


def acknowledged(request: SocketModeRequest) -> SocketModeResponse:
    return SocketModeResponse(envelope_id=request.envelope_id)


async def test_events_come_in_envelopes_and_are_done_when_acknowledged(slack: Playground) -> None:
    async with connected(slack, acknowledged) as seen:
        slack.post_message("wildlife", "hello")
        await slack.settled()

        assert [(request.type, request.payload["event"]["text"]) for request in seen] == [("events_api", "hello")]
        assert [delivery.status for delivery in slack.deliveries] == [200]


async def test_a_command_is_answered_in_its_acknowledgement(slack: Playground) -> None:
    def answer(request: SocketModeRequest) -> SocketModeResponse:
        return SocketModeResponse(envelope_id=request.envelope_id, payload={"text": "on it"})

    async with connected(slack, answer) as seen:
        await slack.slash_command("wildlife", "/track", "x")

        assert (seen[0].type, seen[0].payload["command"], seen[0].accepts_response_payload) == (
            "slash_commands",
            "/track",
            True,
        )
        assert [shown.text for shown in slack.ephemerals] == ["on it"]


async def test_what_is_not_acknowledged_comes_again(slack: Playground) -> None:
    slack.link.ack_s = 0.05
    silent = iter([True, True, False])

    def answer(request: SocketModeRequest) -> SocketModeResponse | None:
        return None if next(silent) else acknowledged(request)

    async with connected(slack, answer) as seen:
        slack.post_message("wildlife", "hello")
        await slack.settled()

        assert [request.retry_attempt for request in seen] == [0, 1, 2]
        assert len({request.envelope_id for request in seen}) == 3
        assert len({request.payload["event_id"] for request in seen}) == 1


async def test_after_a_refresh_the_app_connects_anew_and_goes_on(slack: Playground) -> None:
    async with connected(slack, acknowledged) as seen:
        await slack.socket.refresh()
        async with asyncio.timeout(10):
            await slack.socket.opened.wait()
        slack.post_message("wildlife", "still there?")
        await slack.until(lambda: any(delivery.ok for delivery in slack.deliveries))

        assert seen[-1].payload["event"]["text"] == "still there?"
        assert len(slack.calls_of("apps.connections.open")) >= 2


async def test_the_address_of_a_connection_works_once(slack: Playground) -> None:
    url = slack.socket.open_url()
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
