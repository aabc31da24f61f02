"""
The bot in a small Slack workspace on this computer: `tracklet demo`.

Starts the playground and the bot, joined over real HTTP with real signatures, and opens the page. Every token and secret is
random and lives as long as the demo. Nothing is kept: the workspace lives in memory, the bot's data in a temporary folder.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import platformdirs
from pydantic import SecretStr

from bot.app import Bot
from bot.settings import Settings
from bot.texts import cli
from bot.web.slack_requests import EVENTS_PATH
from playground import Playground
from sample import sample_clip
from tracking.engines.base import EngineName
from tracking.errors import OptionError
from tracking.local import weights
from tracking.local.detectors.base import published_models

PORT = 8321


async def demo(settings: Settings, *, port: int | None, opens_browser: bool, ready: Callable[[str], None]) -> None:
    """
    Run both until SIGTERM or SIGINT; `ready` gets the page's address, with its token, once it answers.

    `settings` decides the engine, the model, the font and the limits; tokens and addresses are the workspace's own. `port` None
    takes `PORT`, or a free one where another program has that; 0 takes a free one. Raises `OptionError` where the port is
    taken, or no temporary folder can be used.
    """
    ended = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, ended.set)
    with _temporary_folder() as folder:
        sample = await asyncio.to_thread(_sample, folder)
        async with _workspace(sample, port) as slack:
            own = {
                "slack_bot_token": SecretStr(slack.bot_token),
                "slack_signing_secret": SecretStr(slack.signing_secret),
                "slack_app_token": SecretStr(""),
                "slack_api_url": slack.api_url,
                "data_dir": folder / "data",
                "database_url": SecretStr(""),
                "http_host": "127.0.0.1",
                "http_port": 0,
            }
            bot = Bot(settings.model_copy(update=own))
            await bot.start()
            try:
                slack.bot_url = bot.url + EVENTS_PATH
                ready(slack.page_url)
                if opens_browser:
                    # Other users of the machine can read a browser's command line.
                    await asyncio.to_thread(webbrowser.open, slack.single_use_page_url())
                await ended.wait()
            finally:
                await bot.stop()


def missing_model(settings: Settings) -> str:
    """Return the name of the detector's model where it still has to be fetched for the first video, else ""."""
    is_wanted = settings.engine in {EngineName.AUTO, EngineName.YOLOX} and settings.model in published_models()
    return settings.model if is_wanted and not weights.is_here(settings.model) else ""


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        made = tempfile.TemporaryDirectory(prefix="tracklet-demo-")
    except OSError as error:
        raise OptionError("TMPDIR", os.environ.get("TMPDIR", ""), cli.no_temporary_folder()) from error
    with made as name:
        yield Path(name)


def _sample(folder: Path) -> Path:
    """Return the sample clip: from the user's cache, else drawn for this demo alone."""
    try:
        return sample_clip(Path(platformdirs.user_cache_dir("tracklet")))
    except OSError:
        return sample_clip(folder)


@asynccontextmanager
async def _workspace(sample: Path, port: int | None) -> AsyncIterator[Playground]:
    slack = await _started(sample, PORT if port is None else port, or_any=port is None)
    try:
        yield slack
    finally:
        await slack.aclose()


async def _started(sample: Path, port: int, *, or_any: bool) -> Playground:
    slack = Playground(port=port, samples=[sample])
    try:
        return await slack.start()
    except OSError as error:
        await slack.aclose()
        if or_any:
            return await _started(sample, 0, or_any=False)
        raise OptionError("--port", str(port), cli.demo_port_taken()) from error
