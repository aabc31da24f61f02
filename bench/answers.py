"""
How fast Slack is answered while two videos are worked on, how soon the first picture comes, and what an idle bot costs.

    python -m bench.answers [VIDEO VIDEO] [--model PATH] [--seconds 30]

The bot runs with its real children against the playground, in one process with it and with the load: what is measured is worse
than what Slack would see. Every tenth request becomes a row before it is answered. Times in milliseconds of wall clock; they
mean little where others use the machine, so the load average is told too. Without videos two of the test videos are taken, or,
where these are not, the sample clip twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import resource
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
from pydantic import SecretStr

from bench.local_engine import model as detector
from bench.report import Table
from bot.app import Bot
from bot.settings import Settings
from bot.web.slack_requests import EVENTS_PATH
from playground import BOT_USER, TEAM_ID, YOU, Message, Playground, signature
from sample import sample_clip
from tests.shared_data import SHARED_DATA
from tracking.local.following import cores

SECRET = "bench"  # opens nothing but the playground
REQUESTS_PER_S = 100
IDLE_S = 10.0
VIDEOS = ("people-crowd.mp4", "traffic-overhead.mp4")  # long enough to be worked on for half a minute


def body_of(number: int, root: Message) -> tuple[bytes, str]:
    """A command, a message of no interest, or every tenth time one that must be kept."""
    if number % 2:
        form = {"team_id": TEAM_ID, "channel_id": root.channel_id, "user_id": YOU, "command": "/track", "text": "help"}
        return urlencode(
            form | {"trigger_id": str(number), "response_url": "http://127.0.0.1/"}
        ).encode(), "application/x-www-form-urlencoded"
    text = f"<@{BOT_USER}> hello" if number % 10 == 0 else "hello https://example.org/page.html"
    event = {"type": "message", "user": YOU, "channel": root.channel_id, "ts": f"{number}.000100", "text": text}
    envelope = {"type": "event_callback", "team_id": TEAM_ID, "event_id": f"Ev{number}", "event": event}
    return json.dumps(envelope).encode(), "application/json"


async def answer_times(url: str, root: Message, *, seconds: float) -> tuple[list[float], int]:
    """Milliseconds of each answer, sorted, and how many were not 200."""
    times: list[float] = []
    refused = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(number: int) -> None:
            nonlocal refused
            body, kind = body_of(number, root)
            stamp = str(int(time.time()))
            headers = {
                "X-Slack-Request-Timestamp": stamp,
                "X-Slack-Signature": signature(SECRET, stamp, body),
                "Content-Type": kind,
            }
            begun = time.perf_counter()
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                refused += answer.status != 200
            times.append((time.perf_counter() - begun) * 1000)

        begun = time.perf_counter()
        asked = []
        for number in range(int(seconds * REQUESTS_PER_S)):
            asked.append(asyncio.create_task(ask(number)))
            await asyncio.sleep(max(0.0, begun + (number + 1) / REQUESTS_PER_S - time.perf_counter()))
        await asyncio.gather(*asked)
    return sorted(times), refused


def has_picture(slack: Playground, message: Message) -> bool:
    return any(each.files for each in slack.thread(message.channel_id, message.ts)[1:])


def seconds_to_picture(slack: Playground, message: Message, folder: Path) -> float:
    """From the annotation file's last byte to the message with the summary."""
    picture = next(each for each in slack.thread(message.channel_id, message.ts)[1:] if each.files)
    return float(picture.ts) - next(folder.glob(f"annotations/**/{name_of(message)}.json")).stat().st_mtime


def name_of(message: Message) -> str:
    return str(message.files[0]["name"])


def videos_in(folder: Path) -> list[Path]:
    """Two videos to work on, of different names."""
    found = [SHARED_DATA / "videos" / name for name in VIDEOS]
    if all(path.is_file() for path in found):
        return found
    first = sample_clip(folder)
    return [first, Path(shutil.copyfile(first, first.with_name(f"again-{first.name}")))]


async def run(videos: list[Path], *, model: str, seconds: float) -> Table:
    """Measures; the figures as a table."""
    table = Table(f"The bot beside two videos, {cores()} cores", ("what", "measured"))
    with tempfile.TemporaryDirectory() as folder:
        async with Playground(signing_secret=SECRET, limits=None) as slack:
            settings = Settings(
                slack_bot_token=SecretStr(slack.bot_token),
                slack_signing_secret=SecretStr(SECRET),
                slack_api_url=slack.api_url,
                data_dir=Path(folder),
                http_port=0,
                model=model,
            )
            bot = Bot(settings)
            await bot.start()
            slack.bot_url = bot.url + EVENTS_PATH

            used = time.process_time()
            await asyncio.sleep(IDLE_S)
            idle = (time.process_time() - used) / IDLE_S
            memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            table.add("idle, bot and playground together", f"{idle:.1%} of a core, {memory_mb:.0f} MB")

            shared = [await slack.upload_file(video, "wildlife") for video in videos]
            times, refused = await answer_times(slack.bot_url, shared[0], seconds=seconds)
            share = [times[int(len(times) * part)] for part in (0.5, 0.99)]
            table.add(f"requests, {REQUESTS_PER_S} a second", f"{len(times):,}, {refused:,} refused")
            table.add("answer, p50, p99, longest", f"{share[0]:.1f}, {share[1]:.1f}, {times[-1]:.1f} ms")
            table.add("load average at their end", f"{os.getloadavg()[0]:.1f}")
            for message in shared:
                await slack.until(partial(has_picture, slack, message), 3600)
                to_picture_s = seconds_to_picture(slack, message, Path(folder))
                table.add(f"annotations to picture, {name_of(message)}", f"{to_picture_s:.2f} s")
            await bot.stop()
    return table


if __name__ == "__main__":
    # The messages of the load are in no channel, so its mentions cannot be answered there.
    logging.getLogger("bot.slack.inbox").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--model", default=str(detector() or "tiny"))
    parser.add_argument("--seconds", type=float, default=30.0)
    asked_for = parser.parse_args()
    if len(asked_for.videos) not in {0, 2}:
        parser.error("give two videos, or none")
    with tempfile.TemporaryDirectory() as made:
        chosen = asked_for.videos or videos_in(Path(made))
        print(asyncio.run(run(chosen, model=asked_for.model, seconds=asked_for.seconds)))
