"""The bot's HTTP as strangers use it: broken signatures, bodies that nobody can read, and requests that never end."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from bot.texts.start import wrong_signature
from bot.web.health import Look
from bot.web.server import MAX_BODY_BYTES, HttpLimits, HttpServer
from bot.web.slack_requests import EVENTS_PATH
from playground import YOU, signature
from tests.integration.bot_workspace import SECRET, Workspace, workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BODY = b'{"type": "url_verification", "challenge": "c"}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workspace]:
    limits = HttpLimits(headers_s=0.3, body_s=0.3, connections=20, look_s=0)
    async with workspace(Path(tmp_path_factory.mktemp("bot")), http_limits=limits) as started:
        yield started


def now(offset_s: int = 0) -> str:
    return str(int(time.time()) + offset_s)


def signed(body: bytes, content_type: str = JSON) -> dict[str, str]:
    """Slack's headers for a body, truly signed."""
    stamp = now()
    return {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(SECRET, stamp, body),
    }


async def sent(there: Workspace, head: list[tuple[str, str | bytes]], body: bytes) -> int:
    """The status of the answer to a request whose headers go out as they are."""
    reader, writer = await asyncio.open_connection("127.0.0.1", there.bot.port)
    lines = [f"POST {EVENTS_PATH} HTTP/1.1".encode(), f"Host: 127.0.0.1:{there.bot.port}".encode()]
    lines += [name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) for name, value in head]
    lines += [f"Content-Length: {len(body)}".encode(), b"", body]
    writer.write(b"\r\n".join(lines))
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


def changed(**changes: str | bytes | None) -> list[tuple[str, str | bytes]]:
    """Good headers for `BODY`, with these put in their place; None leaves one out."""
    named = {"timestamp": "X-Slack-Request-Timestamp", "signature": "X-Slack-Signature"}
    good: dict[str, str | bytes | None] = dict(signed(BODY))
    good |= {named[name]: value for name, value in changes.items()}
    return [(name, value) for name, value in good.items() if value is not None]


SIGNATURES: dict[str, Mapping[str, str | bytes | None]] = {
    "no timestamp": {"timestamp": None},
    "an empty timestamp": {"timestamp": ""},
    "a word for a timestamp": {"timestamp": "now"},
    "a fraction": {"timestamp": "1700000000.5"},
    "a sign": {"timestamp": "+1700000000"},
    "underscores": {"timestamp": "1_700_000_000"},
    "digits of another script": {"timestamp": "\u0661\u0667\u0660\u0660"},
    "bytes for a timestamp": {"timestamp": b"\xff\xfe"},
    "infinity": {"timestamp": "inf"},
    "a timestamp beyond all floats": {"timestamp": "9" * 400},
    "a timestamp that Python does not convert": {"timestamp": "9" * 5000},
    "an old timestamp": {"timestamp": now(-400)},
    "a timestamp to come": {"timestamp": now(400)},
    "no signature": {"signature": None},
    "an empty signature": {"signature": ""},
    "a short signature": {"signature": "v0=0"},
    "a long signature": {"signature": "v0=" + "0" * 5000},
    "a signature of another version": {"signature": "v1=" + "0" * 64},
    "a signature that is not ASCII": {"signature": "v0=" + "\u00e9" * 64},
    "bytes for a signature": {"signature": b"v0=" + b"\xff" * 64},
    "a wrong signature": {"signature": "v0=" + "0" * 64},
}


@pytest.mark.parametrize("kind", list(SIGNATURES))
async def test_a_malformed_signature_is_answered_401_and_leaves_no_trace(
    there: Workspace, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.INFO)
    for body in (BODY, b"\xff\xfe", b"{", b"[" * 100_000, b"payload={", b""):
        assert await sent(there, changed(**SIGNATURES[kind]), body) == 401
    assert [record for record in caplog.records if record.getMessage() != wrong_signature()] == []


async def test_a_wrong_secret_is_told_once_without_a_word_of_the_request(
    there: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(2):
        assert await sent(there, changed(), BODY) == 200
        for _ in range(3):
            assert await sent(there, changed(signature="v0=" + "0" * 64), b'{"text": "between you and me"}') == 401
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == [wrong_signature(), wrong_signature()]
    assert "between you and me" not in caplog.text


async def test_a_header_that_comes_twice_or_is_huge_is_refused(there: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("X-Slack-Request-Timestamp", "X-Slack-Signature"):
        assert await sent(there, [*changed(), (name, signed(BODY)[name])], BODY) in (400, 401)
        assert await sent(there, [*changed(), (name, "0" * 20_000)], BODY) == 400
    assert await sent(there, [(f"X-{number}", "1") for number in range(1000)], BODY) == 400
    assert await sent(there, changed(), BODY) == 200
    assert caplog.records == []


BODIES = {
    "nothing": (b"", JSON),
    "no JSON": (b"{", JSON),
    "a list": (b"[]", JSON),
    "a number": (b"7", JSON),
    "nothing at all": (b"null", JSON),
    "a huge number": (b'{"a": ' + b"9" * 10_000 + b"}", JSON),
    "depth": (b"[" * 200_000, JSON),
    "depth in an object": (b'{"a":' * 50_000, JSON),
    "depth that ends": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON),
    "JSON called a form": (b'{"a"', FORM),
    "a form called JSON": (b"command=%2Ftrack&text=help", JSON),
    "a payload that is no JSON": (b"payload=%7B", FORM),
    "a payload that is a list": (b"payload=%5B%5D", FORM),
    "a deep payload": (b"payload=" + b"[" * 200_000, FORM),
    "a form of many fields": (b"&".join([b"a=b"] * 100_000), FORM),
    "another charset": (b"{", "application/json; charset=utf-7"),
    "no charset": (b"[1", "application/json; charset=nonsense"),
    "a team that is a number": (b'{"team": 7}', JSON),
    "authorizations that are a number": (b'{"authorizations": 7}', JSON),
    "authorizations that are numbers": (b'{"authorizations": [7]}', JSON),
    "a user that is a list": (b'{"event": {"user": [1]}, "message": 3, "channel": 5, "response_urls": [1]}', JSON),
    "response addresses that are an object": (b'{"response_urls": {"a": 1}}', JSON),
}


@pytest.mark.parametrize("kind", list(BODIES))
async def test_a_signed_body_that_cannot_be_read_is_answered_400_and_leaves_no_trace(
    there: Workspace, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    body, content_type = BODIES[kind]
    async with (
        aiohttp.ClientSession() as session,
        session.post(there.bot.url + EVENTS_PATH, data=body, headers=signed(body, content_type)) as answer,
    ):
        assert answer.status == 400
    assert caplog.records == []


COMMAND: dict[str, Any] = {
    "command": "/track",
    "text": "status",
    "team_id": "T1",
    "channel_id": "C1",
    "user_id": "U1",
    "response_url": "http://127.0.0.1:9/",
    "trigger_id": "1.2",
}
PERSON = {"team": {"id": "T1", "domain": "d"}, "user": {"id": "U1"}}
INTERACTIONS: dict[str, dict[str, Any]] = {
    "a click": PERSON
    | {
        "type": "block_actions",
        "container": {"type": "message", "message_ts": "1.2"},
        "actions": [{"type": "button", "action_id": "tracklet_cancel", "block_id": "b", "action_ts": "1.2", "value": "none"}],
        "response_url": "http://127.0.0.1:9/",
    },
    "a shortcut": PERSON | {"type": "shortcut", "callback_id": "track_global", "trigger_id": "1.2"},
    "a shortcut on a message": PERSON
    | {
        "type": "message_action",
        "callback_id": "track_message",
        "channel": {"id": "C1"},
        "message": {"ts": "1.2"},
        "trigger_id": "1.2",
        "response_url": "http://127.0.0.1:9/",
    },
    "a form": PERSON
    | {
        "type": "view_submission",
        "view": {"id": "V1", "type": "modal", "callback_id": "track_modal", "state": {"values": {}}},
    },
}
HOME: dict[str, Any] = {
    "type": "event_callback",
    "team_id": "T1",
    "event": {"type": "app_home_opened", "tab": "home", "user": "U1"},
}


async def posted(there: Workspace, body: bytes, content_type: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(there.bot.url + EVENTS_PATH, data=body, headers=signed(body, content_type)) as answer,
    ):
        return answer.status


def form(payload: Mapping[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


@pytest.mark.parametrize("lacks", ["channel_id", "user_id", "response_url", "trigger_id"])
async def test_a_signed_command_that_lacks_a_field_is_answered_400_and_leaves_no_trace(
    there: Workspace, caplog: pytest.LogCaptureFixture, lacks: str
) -> None:
    assert await posted(there, urlencode(COMMAND).encode(), FORM) == 200
    without = {name: value for name, value in COMMAND.items() if name != lacks}
    assert await posted(there, urlencode(without).encode(), FORM) == 400
    assert await posted(there, urlencode(without | {lacks: ""}).encode(), FORM) == 400
    assert caplog.records == []


@pytest.mark.parametrize("kind", list(INTERACTIONS))
async def test_a_signed_interaction_without_its_person_is_answered_400_and_leaves_no_trace(
    there: Workspace, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    without = {name: value for name, value in INTERACTIONS[kind].items() if name != "user"}
    for payload in (without, without | {"user": None}, without | {"user": {}}, without | {"user": {"id": 7}}):
        assert await posted(there, form(payload), FORM) == 400
    assert caplog.records == []


@pytest.mark.parametrize("kind", list(INTERACTIONS))
async def test_a_signed_interaction_whose_team_is_null_or_another_is_of_our_workspace(there: Workspace, kind: str) -> None:
    """As an app of a whole organisation has it, and in channels that are shared with others: slackapi/bolt-python pull 23."""
    answers = {"response_url": there.slack.triggers.response_url(there.slack.channel_id("wildlife"), YOU)}
    enterprise = {"enterprise": {"id": "E0GRID0001"}, "is_enterprise_install": True}
    for team in ({"team": None}, {"team": {"id": "T0OTHER001", "domain": "other"}}, {}):
        without = {name: value for name, value in INTERACTIONS[kind].items() if name != "team"}
        assert await posted(there, form(without | answers | enterprise | team), FORM) == 200


async def test_a_command_without_a_team_is_of_our_workspace(there: Workspace) -> None:
    without = {name: value for name, value in COMMAND.items() if name != "team_id"}
    assert await posted(there, urlencode(without).encode(), FORM) == 200


async def test_that_slack_leaves_out_events_is_heard(there: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    body = {"type": "app_rate_limited", "token": "x", "team_id": "T1", "minute_rate_limited": 1, "api_app_id": "A1"}
    assert await posted(there, json.dumps(body).encode(), JSON) == 200
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize("kind", list(INTERACTIONS))
async def test_a_whole_interaction_passes_although_nobody_listens_for_it(there: Workspace, kind: str) -> None:
    unknown = {"callback_id": "other", "view": {"id": "V1", "type": "modal", "callback_id": "other", "state": {"values": {}}}}
    action = {"type": "button", "action_id": "other", "block_id": "b", "action_ts": "1.2"}
    assert await posted(there, form(INTERACTIONS[kind] | unknown | {"actions": [action]}), FORM) in (200, 404)


async def test_a_home_that_is_opened_by_nobody_is_answered_400(there: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    assert await posted(there, json.dumps(HOME | {"event": HOME["event"] | {"user": None}}).encode(), JSON) == 400
    assert caplog.records == []


async def test_what_is_no_utf8_was_not_signed_by_slack(there: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    stamp = now()
    body = b"payload=\xff\xfe"
    head = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + "0" * 64, "Content-Type": FORM}
    async with aiohttp.ClientSession() as session:
        async with session.post(there.bot.url + EVENTS_PATH, data=body, headers=head) as answer:
            assert answer.status == 401
        async with session.post(there.bot.url + EVENTS_PATH, data=body, headers=signed(body, FORM)) as answer:
            assert answer.status == 401
    assert caplog.records == []


async def test_a_body_has_a_size_and_is_never_unpacked(there: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    packed = b"\x1f\x8b" + bytes(100)
    async with aiohttp.ClientSession() as session:
        async with session.post(there.bot.url + EVENTS_PATH, data=b"x" * (MAX_BODY_BYTES + 1)) as answer:
            assert answer.status == 413
        head = signed(BODY) | {"Content-Encoding": "gzip"}
        async with session.post(there.bot.url + EVENTS_PATH, data=packed, headers=head) as answer:
            assert answer.status == 401
    broken = b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"
    assert await answer_to(there, f"POST {EVENTS_PATH} HTTP/1.1\r\nHost: localhost\r\n".encode() + broken) == 400
    assert caplog.records == []


async def answer_to(there: Workspace, request: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", there.bot.port)
    writer.write(request)
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


HALVES = {
    "nothing": b"",
    "half a line": b"POST /sla",
    "half the headers": b"POST /slack/events HTTP/1.1\r\nHost: localhost\r\nX-Slack-",
    "no body": b"POST /slack/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n",
    "half a body": b"POST /slack/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
    "half a chunk": b"POST /events/storage HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{",
    "a body where none is read": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
    "a second request": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /he",
}


@pytest.mark.parametrize("kind", list(HALVES))
async def test_half_a_request_ends_by_itself(there: Workspace, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", there.bot.port)
    writer.write(HALVES[kind])
    async with asyncio.timeout(30):
        answer = await reader.read()
    assert answer.split(b" ")[1:2] in ([], [b"408"], [b"200"])
    writer.close()
    assert caplog.records == []


async def test_dripping_a_request_does_not_make_it_last(there: Workspace) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", there.bot.port)
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(30):
            assert (await reader.readline()).split()[1] == b"408"
    finally:
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        writer.close()


async def test_many_half_open_connections_keep_nobody_out(tmp_path: Path) -> None:
    # Nothing runs out of time here: it is the number of connections that must not matter.
    limits = HttpLimits(headers_s=600, body_s=600, connections=20, look_s=0)
    async with workspace(tmp_path, http_limits=limits) as there:
        held = []
        for number in range(100):
            held.append(await asyncio.open_connection("127.0.0.1", there.bot.port))
            held[-1][1].write(list(HALVES.values())[number % 6])
            await held[-1][1].drain()
        delivery = await there.slack.slash_command("wildlife", "/track", "help")
        assert delivery is not None
        assert (delivery.status, isinstance(delivery.answer, dict)) == (200, True)
        # Those that have waited longest gave way.
        async with asyncio.timeout(30):
            for reader, _ in held[:80]:
                assert await reader.read() == b""
        for _, writer in held:
            writer.close()


async def test_who_holds_most_connections_gives_way_first() -> None:
    server = HttpServer(HttpLimits(headers_s=600, connections=4))
    await server.bind("0.0.0.0", 0)
    await server.start()
    try:
        patient = await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.2", 0))
        greedy = [await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.3", 0)) for _ in range(8)]
        async with asyncio.timeout(30):
            for reader, _ in greedy[:5]:
                assert await reader.read() == b""
        patient[1].write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(30):
            assert (await patient[0].readline()).split()[1] == b"404"
        for _, writer in (patient, *greedy):
            writer.close()
    finally:
        await server.close()


async def test_what_is_being_answered_is_not_closed_for_a_newcomer() -> None:
    server = HttpServer(HttpLimits(headers_s=600, connections=2))
    reached, answers = asyncio.Semaphore(0), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        reached.release()
        await answers.wait()
        return web.Response(text="done")

    server.app.router.add_get("/", slow)
    await server.bind("127.0.0.1", 0)
    await server.start()
    try:
        asked = []
        for _ in range(2):
            asked.append(await asyncio.open_connection("127.0.0.1", server.port))
            asked[-1][1].write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reached.acquire()
        newcomer, turned_away = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.timeout(30):
            assert await newcomer.read() == b""
            answers.set()
            for reader, writer in asked:
                assert (await reader.read()).endswith(b"done")
                writer.close()
        turned_away.close()
    finally:
        await server.close()


async def test_each_connection_carries_one_request(there: Workspace) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", there.bot.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    async with asyncio.timeout(30):
        assert (await reader.read()).count(b"HTTP/1.1 200") == 1
    writer.close()


async def test_many_questions_are_one_look_at_the_database() -> None:
    looks, goes_on = 0, asyncio.Event()

    async def look() -> int:
        nonlocal looks
        looks += 1
        await goes_on.wait()
        return looks

    kept = Look(look, again_s=600)
    asked = [asyncio.create_task(kept.get()) for _ in range(100)]
    await asyncio.sleep(0)
    goes_on.set()
    assert await asyncio.gather(*asked) == [1] * 100
    assert await kept.get() == 1
    fresh = Look(look, again_s=0)
    assert [await fresh.get(), await fresh.get()] == [2, 3]


async def test_a_look_that_fails_is_told_to_all_and_tried_again() -> None:
    answers = iter([OSError("the database is away"), None])

    async def look() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "well"

    kept = Look(look, again_s=0)
    with pytest.raises(OSError, match="away"):
        await kept.get()
    assert await kept.get() == "well"
