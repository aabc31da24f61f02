"""The bot over Socket Mode, and what `doctor` sees; no event goes over HTTP here."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.app import Bot, Timeouts, check, serve, worker
from bot.doctor.slack import slack_checks
from bot.jobs.testing import FakeTaskRunner
from bot.settings import Settings
from bot.slack.scopes import SCOPES
from playground import BOT_USER, Playground, Timing
from playground.events import envelope
from tests.integration.bot_workspace import CLIP, eventually, settings_for
from tracking.errors import OptionError

SECRETS = {"slack_app_token": SecretStr("xapp-1-playground"), "slack_signing_secret": SecretStr("")}


async def test_events_commands_and_clicks_come_over_socket_mode(tmp_path: Path) -> None:
    # Nothing here is about time: on a busy machine three seconds for an answer are few.
    patient = Timing(ack_s=60.0, trigger_s=60.0)
    async with Playground(app_token="xapp-1-playground", limits=None, timing=patient) as slack:
        children = FakeTaskRunner()
        bot = Bot(settings_for(slack, tmp_path, SECRETS), children=children)
        await bot.start()
        try:
            children.hold("track")
            message = await slack.upload_file(CLIP, "wildlife", name="fox.mp4")
            await slack.until(lambda: slack.thread("wildlife", message.ts)[1:])
            help_ = await slack.slash_command("wildlife", "/track", "help")
            assert help_ is not None
            assert "/track" in str(help_.answer)
            await slack.click(slack.thread("wildlife", message.ts)[1], "tracklet_cancel")
            await slack.until(lambda: slack.thread("wildlife", message.ts)[1].text.startswith("Stopped"))
        finally:
            await bot.stop()


async def test_what_is_said_over_socket_mode_is_heard_once_with_all_that_it_says(tmp_path: Path) -> None:
    patient = Timing(ack_s=60.0, trigger_s=60.0)
    async with Playground(app_token="xapp-1-playground", limits=None, timing=patient) as slack:
        children = FakeTaskRunner()
        bot = Bot(settings_for(slack, tmp_path, SECRETS), children=children, patience=Timeouts(file_event_s=0.1, share_s=2.0))
        await bot.start()
        try:
            bot_user = f"<@{BOT_USER}|tracklet>"
            message = await slack.upload_file(CLIP, "wildlife", name="fox.mp4", text=f"{bot_user} sideways, only person")
            answers = await slack.until(lambda: slack.thread("wildlife", message.ts)[1:])
            await slack.until(lambda: slack.thread("wildlife", message.ts)[1].text.startswith("I found"))
            assert [each.text for each in slack.ephemerals if "“sideways”" in each.text]
            assert [a["selection"]["labels"] for task, a in children.asked if task == "summary"] == [("person",)]
            slack.post_message("wildlife", f"{bot_user} thanks!", thread_ts=message.ts)
            children.hold("track")
            slack.post_message("wildlife", f"{bot_user} only dogs from 0:01 to 0:02", thread_ts=message.ts)
            await slack.until(lambda: children.running)
            slack.post_message("wildlife", f"{bot_user} stop", thread_ts=message.ts)
            await slack.until(lambda: any(each.text.startswith("Stopped by") for each in slack.thread("wildlife", message.ts)))
            linked = slack.post_message("wildlife", "later")
            slack.edit_message(linked, f"{bot_user} help")
            await slack.until(lambda: any(each.text == "What I can do" for each in slack.ephemerals))
            assert answers[0].user == BOT_USER
        finally:
            await bot.stop()


async def test_an_address_that_does_not_work_is_not_tried_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app.SOCKET_CONNECT_S", 1.0)
    monkeypatch.setattr("bot.app.SOCKET_CHECK_S", 0.1)
    async with Playground(app_token="xapp-1-playground", limits=None, timing=Timing(ack_s=60.0)) as slack:
        good = slack.web_api.open_socket
        addresses = iter([f"{good()}&ticket=used"])
        slack.web_api.open_socket = lambda: next(addresses, "") or good()
        monkeypatch.setattr(slack.socket, "_tickets", set())
        bot = Bot(settings_for(slack, tmp_path, SECRETS), children=FakeTaskRunner())
        await bot.start()
        try:
            message = await slack.upload_file(CLIP, "wildlife", name="fox.mp4")
            await slack.until(lambda: slack.thread("wildlife", message.ts)[1:])
        finally:
            await bot.stop()


async def test_a_refusal_that_passes_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack says such things for a while, also of good tokens."""
    monkeypatch.setattr("bot.app.SOCKET_CHECK_S", 0.1)
    async with Playground(app_token="xapp-1-playground", limits=None, timing=Timing(ack_s=60.0)) as slack:
        bot = Bot(settings_for(slack, tmp_path, SECRETS), children=FakeTaskRunner())
        await bot.start()
        refused = asyncio.create_task(bot.wait_until_refused())
        try:
            await slack.socket.opened.wait()
            for word, times in (("link_disabled", 6), ("invalid_auth", 2), ("internal_error", 2), ("account_inactive", 1)):
                slack.faults.refuse("apps.connections.open", word, times=times)
            await slack.socket.refresh("link_disabled")
            message = await slack.upload_file(CLIP, "wildlife", name="fox.mp4")
            await slack.until(lambda: slack.thread("wildlife", message.ts)[1:])
            assert not refused.done()
        finally:
            refused.cancel()
            await bot.stop()


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[Playground, Bot]]:
    """A bot that is connected to its workspace."""
    async with Playground(app_token="xapp-1-playground", limits=None, timing=Timing(ack_s=60.0)) as slack:
        patience = Timeouts(file_event_s=0.1, share_s=2.0)
        bot = Bot(settings_for(slack, folder, SECRETS), children=FakeTaskRunner(), patience=patience)
        await bot.start()
        try:
            async with asyncio.timeout(60):
                await slack.socket.opened.wait()
            yield slack, bot
        finally:
            await bot.stop()


async def is_answered_once(slack: Playground) -> None:
    message = await slack.upload_file(CLIP, "wildlife", name="fox.mp4")
    await slack.until(lambda: any(each.text.startswith("I found") for each in slack.thread("wildlife", message.ts)))
    await slack.settled()
    assert [len(each.files) for each in slack.thread("wildlife", message.ts)] == [1, 0, 1, 0, 3]


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "too_many_websockets"])
async def test_a_connection_that_slack_renews_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setattr("bot.app.SOCKET_CHECK_S", 0.1)
    async with connected(tmp_path) as (slack, _):
        await slack.socket.refresh(reason)
        await is_answered_once(slack)


async def test_whatever_slack_says_when_it_is_asked_for_an_address_the_bot_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.SOCKET_CHECK_S", 0.1)
    async with connected(tmp_path) as (slack, _):
        slack.faults.rate_limit("apps.connections.open", retry_after=1)
        slack.faults.answer("apps.connections.open", "<html>503</html>", status=503, content_type="text/html")
        slack.faults.answer("apps.connections.open", "stream timeout", status=408)
        slack.faults.answer("apps.connections.open", '{"ok": true}', content_type="application/json")
        await slack.socket.refresh()
        await is_answered_once(slack)


async def test_while_socket_mode_is_off_the_bot_is_not_ready_and_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app.SOCKET_CHECK_S", 0.1)
    async with connected(tmp_path) as (slack, bot), aiohttp.ClientSession() as session:

        async def status(name: str) -> int:
            async with session.get(f"{bot.url}/{name}") as answer:
                return answer.status

        slack.faults.refuse("apps.connections.open", "link_disabled", times=1000)
        await slack.socket.refresh("link_disabled")
        await slack.until(lambda: len(slack.calls_of("apps.connections.open")) > 5)
        assert (await status("readyz"), await status("healthz")) == (503, 200)
        slack.faults.clear()
        await is_answered_once(slack)
        async with asyncio.timeout(60):
            while await status("readyz") != 200:  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.1)


async def test_an_envelope_that_comes_twice_is_one_job_and_odd_frames_are_nothing(tmp_path: Path) -> None:
    async with connected(tmp_path) as (slack, _):
        (connection,) = slack.socket.connections
        slack.kick("wildlife")
        message = await slack.upload_file(CLIP, "wildlife", name="fox.mp4")
        slack.invite("wildlife")
        shown = slack.workspace.message_json(message)
        event = shown | {"channel": message.channel_id, "channel_type": "channel", "subtype": "file_share"}
        told = envelope(slack.workspace, event)
        for frame in ("", "no JSON", "[]", "7", "{}", '{"type": "of tomorrow"}', '{"type": "events_api", "payload": {}}'):
            await connection.send_str(frame)
        await connection.send_bytes(b"\x00\xff")
        for _ in range(2):
            await connection.send_json({"envelope_id": "e-1", "type": "events_api", "payload": told})
        await slack.until(lambda: any(each.text.startswith("I found") for each in slack.thread("wildlife", message.ts)))
        await is_answered_once(slack)
        assert [len(each.files) for each in slack.thread("wildlife", message.ts)] == [1, 0, 1, 0, 3]


async def test_a_connection_that_has_become_deaf_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a one is open on our side, and nothing comes or goes any more."""
    monkeypatch.setattr("bot.app.SOCKET_CHECK_S", 0.1)
    monkeypatch.setattr("bot.app.SOCKET_PING_S", 0.5)
    hearing = web.WebSocketResponse

    def deaf(**options: Any) -> web.StreamResponse:
        return hearing(autoping=False, **options)

    with monkeypatch.context() as first:
        first.setattr("playground.socket_mode.web.WebSocketResponse", deaf)
        async with AsyncExitStack() as stack:
            slack, _ = await stack.enter_async_context(connected(tmp_path))
            first.undo()
            (connection,) = slack.socket.connections
            await eventually(lambda: connection not in slack.socket.connections)
            await is_answered_once(slack)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")
async def test_a_bot_that_waits_for_slack_ends_when_it_is_told_to(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def out_of_order(_: web.Request) -> web.Response:
        asked.set()
        return web.Response(status=503)

    app = web.Application()
    app.router.add_post("/api/{method}", out_of_order)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    settings = Settings(
        slack_bot_token=SecretStr("xoxb-1"), slack_signing_secret=SecretStr("s"), slack_api_url=url, data_dir=tmp_path
    )
    serving = asyncio.create_task(serve(settings))
    await asked.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await serving
    await runner.cleanup()


async def test_doctor_is_content_with_a_workspace_that_is_set_up(tmp_path: Path) -> None:
    async with Playground(limits=None, scopes=frozenset(SCOPES)) as slack:
        checks = await slack_checks(settings_for(slack, tmp_path, {}))
    assert [each.sentence for each in checks if not each.is_well] == []
    assert {"slack", "channels", "events"} <= {each.name for each in checks}


async def test_doctor_says_which_token_slack_refuses_and_never_shows_it(tmp_path: Path) -> None:
    async with Playground(limits=None) as slack:
        wrong = {"slack_bot_token": SecretStr("xoxb-wrong")}
        (refused,) = await slack_checks(settings_for(slack, tmp_path, wrong))
        (missing,) = await slack_checks(settings_for(slack, tmp_path, {"slack_bot_token": SecretStr("")}))
    assert not refused.is_well
    assert "SLACK_BOT_TOKEN" in refused.sentence
    assert "xoxb-wrong" not in refused.sentence
    assert "There is no SLACK_BOT_TOKEN" in missing.sentence


async def test_without_its_tokens_the_bot_says_which_one_is_missing() -> None:
    with pytest.raises(OptionError) as caught:
        check(Settings(slack_bot_token=SecretStr("")))
    assert caught.value.option == "SLACK_BOT_TOKEN"
    with pytest.raises(OptionError) as caught:
        check(Settings(slack_bot_token=SecretStr("xoxb-1"), slack_signing_secret=SecretStr(""), slack_app_token=SecretStr("")))
    assert caught.value.option == "SLACK_SIGNING_SECRET"


async def test_a_worker_beside_sqlite_is_refused() -> None:
    with pytest.raises(OptionError):
        await worker(Settings())
