"""`tracklet demo` as a person starts it: the address that it shows opens the page, and no other does."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.cli.demo import missing_model
from bot.settings import Settings
from bot.texts import cli
from tracking.engines.base import EngineName

TRACKLET = [sys.executable, "-m", "bot", "--verbose"]


async def test_the_address_that_is_shown_opens_the_page_and_no_log_has_it() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKLET_", "SLACK_"))}
    process = await asyncio.create_subprocess_exec(
        *TRACKLET, "demo", "--port", "0", "--no-browser", env=env | {"TRACKLET_ENGINE": "motion"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    lines = [""]
    try:
        async with asyncio.timeout(120):
            while (found := re.search(r"Open (http://127\.0\.0\.1:\d+/)\?token=([\w-]{40,}) ", lines[-1])) is None:
                lines.append((await process.stderr.readline()).decode())
                assert lines[-1], lines
        lines.pop()
        address, token = found.groups()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(address) as response:
                assert response.status == 403
            async with session.get(f"{address}?token={token}") as response:
                assert response.status == 200
            async with session.get(address + "playground/state") as response:
                assert (await response.json())["samples"]
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            lines.append((await process.stderr.read()).decode())
            await process.wait()
    assert process.returncode == 0
    logged = "".join(lines)
    assert token not in logged
    assert "xoxb-" not in logged


def test_a_detector_that_is_not_here_yet_is_told_before_anybody_shares_a_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert missing_model(Settings(engine=EngineName.AUTO, model="tiny")) == "tiny"
    assert missing_model(Settings(engine=EngineName.MOTION, model="tiny")) == ""
    assert missing_model(Settings(engine=EngineName.AUTO, model=str(tmp_path / "own.onnx"))) == ""
    assert '"tiny" is not here yet' in cli.demo_without_model("tiny")
