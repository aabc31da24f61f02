"""
Delivery to the app: signed HTTP requests or Socket Mode envelopes, with Slack's time limit, and its retries for events.

Each attempt is kept in `deliveries`, and its answer returned for commands and interactions, which are sent once. Events are
tried again after an error, a time limit or a lost connection; the same `event_id`, with the headers that say so. Durations are
seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp

from playground.payloads import Json

Kind = Literal["event", "command", "interaction", "url_verification"]

MAX_ANSWER_BYTES = 1 << 20


@dataclass
class Delivery:
    """
    One attempt to deliver something to the app.

    `status` is None until it is answered, and stays None where nothing came; `error` is then Slack's word for it (http_timeout,
    connection_failed, ...). `retry_num` is 0 for the first attempt. `answer` is the body, parsed where it is JSON.
    """

    kind: Kind
    payload: Json
    retry_num: int = 0
    retry_reason: str = ""
    status: int | None = None
    error: str = ""
    answer: object = None
    finished: bool = False
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Socket(Protocol):
    """A Socket Mode connection, which the app opened; `TimeoutError` or `ConnectionError` when it fails."""

    async def tell(self, delivery: Delivery, timeout_s: float) -> object: ...


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return Slack's v0 signature of a request. Source: docs.slack.dev/authentication/verifying-requests-from-slack."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return f"v0={digest}"


class AppLink:
    """The connection to the app. Where a `socket` is given it is used alone, as Slack does once Socket Mode is on."""

    def __init__(
        self,
        *,
        bot_url: str | None,
        signing_secret: str,
        socket: Socket | None,
        ack_s: float,
        retry_after_s: Sequence[float],
        changed: Callable[[], None],
        session: aiohttp.ClientSession,
    ) -> None:
        self.bot_url = request_url(bot_url)
        self.signing_secret = signing_secret
        self.socket = socket
        self.ack_s = ack_s
        self.retry_after_s = tuple(retry_after_s)
        self.deliveries: list[Delivery] = []
        self._changed = changed
        self._session = session
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """True while something is on its way or waits for another attempt."""
        return bool(self._tasks)

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something in the background; it is cancelled with the link."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def done(finished: asyncio.Task[None]) -> None:
            self._tasks.discard(finished)
            self._changed()

        task.add_done_callback(done)
        return task

    async def close(self) -> None:
        """Cancel what is on its way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def send_event(self, payload: Json) -> None:
        """Send an event, with retries, without waiting for it."""
        self.spawn(self._event(payload))

    async def _event(self, payload: Json) -> None:
        reason = ""
        for retry_num, wait_s in enumerate((0.0, *self.retry_after_s)):
            if wait_s:
                await asyncio.sleep(wait_s)
            delivery = await self.attempt("event", payload, retry_num=retry_num, retry_reason=reason)
            if delivery.ok or (delivery.status is not None and delivery.headers.get("x-slack-no-retry") == "1"):
                return
            reason = delivery.error

    async def attempt(self, kind: Kind, payload: Json, *, retry_num: int = 0, retry_reason: str = "") -> Delivery:
        """Send something to the app once and wait for its answer."""
        delivery = Delivery(kind, payload, retry_num, retry_reason)
        self.deliveries.append(delivery)
        self._changed()
        try:
            if self.socket is not None:
                delivery.answer = await self.socket.tell(delivery, self.ack_s)
                delivery.status = 200
            elif self.bot_url is None:
                delivery.error = "connection_failed"
            else:
                async with asyncio.timeout(self.ack_s):
                    await self._post(delivery, self.bot_url)
        except TimeoutError:
            delivery.error = "http_timeout"
        except (aiohttp.ClientError, ConnectionError):
            delivery.error = "connection_failed"
        finally:
            delivery.finished = True
            self._changed()
        return delivery

    async def _post(self, delivery: Delivery, bot_url: str) -> None:
        body, content_type = _body(delivery)
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (playground)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.signing_secret, timestamp, body),
        }
        if delivery.retry_num:
            headers |= {"X-Slack-Retry-Num": str(delivery.retry_num), "X-Slack-Retry-Reason": delivery.retry_reason}
        async with self._session.post(bot_url, data=body, headers=headers, allow_redirects=False) as response:
            raw = b""
            async for chunk in response.content.iter_chunked(1 << 16):
                raw = (raw + chunk)[:MAX_ANSWER_BYTES]
            delivery.headers = {name.lower(): value for name, value in response.headers.items()}
            delivery.answer = _parsed(raw, response.content_type)
            delivery.status = response.status
            if not delivery.ok:
                delivery.error = "too_many_redirects" if 300 <= response.status < 400 else "http_error"

    async def verify(self) -> bool:
        """Perform the handshake of a new request URL: the app must answer with the challenge. Socket Mode has none."""
        if self.socket is not None:
            return True
        challenge = "playground-challenge"
        payload: Json = {"token": "playground-verification-token", "challenge": challenge, "type": "url_verification"}
        delivery = await self.attempt("url_verification", payload)
        answer = delivery.answer
        return delivery.ok and challenge in (answer, answer.get("challenge") if isinstance(answer, dict) else None)


def request_url(bot_url: str | None) -> str | None:
    """Return the address that requests go to: as given, or the app's usual path where only a host was given."""
    if bot_url is None or urlsplit(bot_url).path not in ("", "/"):
        return bot_url
    return bot_url.rstrip("/") + "/slack/events"


def _body(delivery: Delivery) -> tuple[bytes, str]:
    if delivery.kind == "command":
        return urlencode(delivery.payload).encode(), "application/x-www-form-urlencoded"
    text = json.dumps(delivery.payload, separators=(",", ":"))
    if delivery.kind == "interaction":
        return urlencode({"payload": text}).encode(), "application/x-www-form-urlencoded"
    return text.encode(), "application/json"


def _parsed(raw: bytes, content_type: str) -> object:
    text = raw.decode("utf-8", "replace")
    if content_type == "application/json" and text:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
