"""
The bot as a person meets it: in the browser, in the playground, over real HTTP. Any console error or failed request fails.

The first test does all of the work, with the motion engine on a clip drawn here; the others pretend the work, to hold it still.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.app import Bot
from bot.settings import Settings
from bot.web.slack_requests import EVENTS_PATH
from playground import Playground
from tests.browser.chromium import careful_pages, needs_chromium, until
from tests.clips import draw_clip
from tests.integration.bot_workspace import CLIP, Workspace, workspace

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def there(tmp_path: Path) -> AsyncIterator[Workspace]:
    async with workspace(tmp_path) as there:
        yield there


async def test_a_video_of_ones_own_gives_summary_and_moving_pictures_in_the_thread(browser: Any, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "crossing.mp4", size=(320, 240), duration_s=2.0).path
    async with Playground(signing_secret="s", limits=None) as slack:
        settings = Settings(
            slack_bot_token=SecretStr(slack.bot_token),
            slack_signing_secret=SecretStr("s"),
            slack_api_url=slack.api_url,
            data_dir=tmp_path / "data",
            http_port=0,
            engine="motion",
        )
        bot = Bot(settings)
        await bot.start()
        try:
            slack.bot_url = bot.url + EVENTS_PATH
            async with careful_pages(browser, slack.page_url) as open_page:
                page = await open_page()
                await page.set_input_files("main input[type=file]", clip)
                await page.keyboard.press("Enter")
                await page.get_by_role("button", name="1 reply").click(timeout=60_000)
                thread = page.get_by_role("complementary", name="Thread")
                await thread.get_by_text("I found").wait_for(timeout=60_000)
                await thread.locator("img[src^='/playground/files/']").nth(1).wait_for(timeout=60_000)
                await until(page, "document.querySelector('.thread .gif')", 60)
                shown = "[...document.querySelectorAll('.thread img')]"
                await until(page, f"{shown}.every((each) => each.complete && each.naturalWidth > 0)", 20)
                assert await page.evaluate(f"{shown}.every((each) => each.alt.length > 0)")
        finally:
            await bot.stop()


async def test_progress_is_edited_in_place_and_cancel_stops_the_work(browser: Any, there: Workspace) -> None:
    there.children.hold("track")
    async with careful_pages(browser, there.slack.page_url) as open_page:
        page = await open_page()
        await page.set_input_files("main input[type=file]", {"name": "fox.mp4", "mimeType": "video/mp4", "buffer": CLIP})
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="1 reply").click(timeout=60_000)  # also where the machine has much to do
        thread = page.get_by_role("complementary", name="Thread")
        await thread.get_by_role("button", name="Cancel", exact=True).click()
        question = page.get_by_role("dialog")
        await question.locator("button").last.click()
        await thread.get_by_text("Stopped by").wait_for()
        await thread.get_by_role("button", name="Cancel", exact=True).wait_for(state="detached")
        assert len(there.replies(there.slack.messages("wildlife")[0])) == 1


async def test_a_command_without_a_video_opens_the_form(browser: Any, there: Workspace) -> None:
    async with careful_pages(browser, there.slack.page_url) as open_page:
        page = await open_page()
        await page.keyboard.type("/track ")
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await dialog.wait_for()
        await page.keyboard.press("Escape")
        await dialog.wait_for(state="detached")
        await there.slack.until(lambda: there.slack.views == [])


async def test_more_is_shown_at_the_press_of_a_button(browser: Any, there: Workspace) -> None:
    there.children.near_misses = 2
    async with careful_pages(browser, there.slack.page_url) as open_page:
        page = await open_page()
        message = await there.clip()
        await there.progress(message, starts="I found")
        await page.get_by_role("button", name="replies").click()
        thread = page.get_by_role("complementary", name="Thread")
        pictures = thread.locator(".picture-file")
        await pictures.nth(3).wait_for()
        await thread.get_by_role("button", name="Show these too").click()
        await pictures.nth(4).wait_for()
