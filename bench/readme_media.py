"""
The README's pictures, made by the program itself from the sample clip: `make readme-media`.

The names come from the clip's own annotations, since the engine that suits drawings, motion, gives none. All else is the
program: the thread is the bot's, in the playground, seen by Chromium.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright
from pydantic import SecretStr

from bot.app import Bot
from bot.jobs.processes import Fraction, Json, ProcessPool
from bot.jobs.slots import Turn
from bot.settings import Settings
from bot.web.slack_requests import EVENTS_PATH
from playground import Playground
from rendering.render import render
from sample import sample_clip, sample_truth
from tests.browser.chromium import ARGUMENTS, CHROMIUM, until
from tracking.engines.base import EngineName
from tracking.formats import video_intelligence

MEDIA = Path(__file__).resolve().parents[1] / "docs/media"


class AnnotatedPool(ProcessPool):
    """A process pool in which tracking gives the sample clip's own annotations."""

    async def run(
        self, task: str, arguments: Json, *, turn: Turn, cancelled: asyncio.Event, fraction: Fraction = lambda _: None
    ) -> Any:
        """See `ProcessPool.run`."""
        if task != "track":
            return await super().run(task, arguments, turn=turn, cancelled=cancelled, fraction=fraction)
        truth = sample_truth()
        target = Path(arguments["annotations"])
        await asyncio.to_thread(_write, target, video_intelligence.write(truth))
        return {"tracks": len(truth.tracks)}


def main() -> None:
    """Draw the sample clip's own annotations; keep the summary, one GIF and a screenshot of the thread."""
    MEDIA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = sample_clip(folder)
        rendered = render(clip, sample_truth(), folder / "out", name=clip.name)
        shutil.copyfile(rendered.pages[0].path, MEDIA / "sample-summary.jpeg")
        smallest = min(rendered.animations[:6], key=lambda animation: animation.size_bytes)
        shutil.copyfile(smallest.path, MEDIA / "sample-object.gif")
        asyncio.run(_photograph_thread(clip, folder / "data", MEDIA / "thread.png"))
    print("\n".join(str(MEDIA / each) for each in ("sample-summary.jpeg", "sample-object.gif", "thread.png")))


async def _photograph_thread(clip: Path, data: Path, picture: Path) -> None:
    """Share `clip` in a workspace, wait for the whole answer, and save the page as `picture`."""
    secret = secrets.token_hex(16)
    async with Playground(signing_secret=secret, limits=None) as slack:
        settings = Settings(
            slack_bot_token=SecretStr(slack.bot_token),
            slack_signing_secret=SecretStr(secret),
            slack_api_url=slack.api_url,
            data_dir=data,
            http_port=0,
            engine=EngineName.MOTION,
        )
        bot = Bot(settings, children=AnnotatedPool(len(os.sched_getaffinity(0))))
        await bot.start()
        try:
            slack.bot_url = bot.url + EVENTS_PATH
            async with async_playwright() as driver:
                browser = await driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                page = await browser.new_page(viewport={"width": 1280, "height": 860})
                await page.goto(slack.page_url)
                await page.wait_for_selector("#app:not([aria-busy])")
                await page.set_input_files("main input[type=file]", clip)
                await page.keyboard.press("Enter")
                await page.get_by_role("button", name="1 reply").click(timeout=60_000)
                await until(page, "document.querySelectorAll('.thread .gif').length >= 3", 120)
                await page.get_by_role("complementary", name="Thread").get_by_text("I found").wait_for(timeout=60_000)
                shown = "[...document.querySelectorAll('.thread img')]"
                await until(page, f"{shown}.every((each) => each.complete && each.naturalWidth > 0)", 20)
                await page.locator(".thread img[src^='/playground/files/']").first.scroll_into_view_if_needed()
                await page.screenshot(path=picture)
                await browser.close()
        finally:
            await bot.stop()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    main()
