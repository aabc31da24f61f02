"""
A page on another port, in the same real browser as the open playground, tries everything that a page can.

It even knows the app's token and every address. What it sends arrives: the browser forbids hardly any of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from playground import WILDLIFE, Playground
from tests.browser.chromium import needs_chromium

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="module")]

ATTACK = """
async ({ base, socket, token, channel, file, upload, link }) => {
  const outcomes = {};
  const attempt = async (name, work) => {
    try { outcomes[name] = await work(); } catch (error) { outcomes[name] = 'refused'; }
  };
  const form = (path, fields) => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.name = `frame${Math.random()}`;
    document.body.append(frame);
    const element = document.createElement('form');
    Object.assign(element, { method: 'POST', action: base + path, target: frame.name });
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement('input');
      Object.assign(input, { name, value });
      element.append(input);
    }
    document.body.append(element);
    frame.addEventListener('load', () => resolve('sent'));
    element.submit();
  });
  const words = { token, channel, text: 'by another page' };
  await attempt('form to the API', () => form('/api/chat.postMessage', words));
  await attempt('form to the page', () => form('/playground/messages', words));
  await attempt('form to an upload', () => form(upload, words));
  const quiet = { method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams(words) };
  await attempt('quiet API', async () => (await fetch(base + '/api/chat.postMessage', quiet), 'sent'));
  await attempt('quiet upload', async () => (await fetch(base + upload, { ...quiet, body: 'GIF89a' }), 'sent'));
  const json = { method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' } };
  const body = JSON.stringify(words);
  await attempt('JSON', async () => (await fetch(base + '/playground/messages', { ...json, body })).text());
  await attempt('state', async () => (await fetch(base + '/playground/state', { credentials: 'include' })).text());
  await attempt('file', async () => (await fetch(base + file, { credentials: 'include' })).text());
  await attempt('picture', () => new Promise((resolve) => {
    const picture = new Image();
    picture.addEventListener('load', () => resolve(`shown ${picture.naturalWidth}`));
    picture.addEventListener('error', () => resolve('refused'));
    picture.src = base + file;
  }));
  await attempt('script', () => new Promise((resolve) => {
    const script = document.createElement('script');
    script.addEventListener('load', () => resolve('ran'));
    script.addEventListener('error', () => resolve('refused'));
    script.src = base + '/static/store.js';
    document.body.append(script);
  }));
  for (const [name, address] of [['live', socket + '/playground/live'], ['app socket', link]]) {
    await attempt(name, () => new Promise((resolve) => {
      const connection = new WebSocket(address);
      connection.addEventListener('open', () => resolve('opened'));
      connection.addEventListener('error', () => resolve('refused'));
    }));
  }
  await attempt('frame', () => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.src = base + '/';
    frame.addEventListener('load', () => {
      try { resolve(frame.contentDocument ? frame.contentDocument.title : 'refused'); } catch { resolve('refused'); }
    });
    document.body.append(frame);
  }));
  return outcomes;
}
"""


@pytest_asyncio.fixture(loop_scope="module")
async def elsewhere() -> AsyncIterator[str]:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Elsewhere</title><body>", content_type="text/html")

    server = web.Application()
    server.router.add_get("/", page)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f":{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["another port", "another site"])
async def test_a_page_elsewhere_can_neither_read_nor_act(browser: Any, elsewhere: str, host: str) -> None:
    async with Playground(app_token="xapp-1-secret", limits=None) as slack:
        shared = await slack.upload_file(b"GIF89a", "wildlife", name="fox.gif")
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        upload = (await client.files_getUploadURLExternal(filename="a.gif", length=6))["upload_url"]
        link = (await client.apps_connections_open(app_token="xapp-1-secret"))["url"]
        context = await browser.new_context()
        own = await context.new_page()
        await own.goto(slack.page_url)
        await own.wait_for_selector("#app:not([aria-busy])")
        before = (len(slack.calls), len(slack.messages("wildlife")), len(slack.files.by_id))

        hostile = await context.new_page()
        await hostile.goto(f"http://{host}{elsewhere}")
        outcomes = await hostile.evaluate(
            ATTACK,
            {
                "base": slack.url,
                "socket": slack.url.replace("http", "ws", 1),
                "token": slack.bot_token,
                "channel": WILDLIFE,
                "file": f"/playground/files/{shared.file_ids[0]}",
                "upload": upload.removeprefix(slack.url),
                "link": link,
            },
        )
        assert {name for name, outcome in outcomes.items() if outcome == "sent"} <= {
            "form to the API", "form to the page", "form to an upload", "quiet API", "quiet upload",
        }  # fmt: skip
        assert {outcome for outcome in outcomes.values() if outcome != "sent"} == {"refused"}
        assert len(outcomes) == 13
        assert (len(slack.calls), len(slack.messages("wildlife")), len(slack.files.by_id)) == before
        assert slack.socket.connections == []
        await context.close()


async def test_a_link_elsewhere_shows_the_page_and_it_works(browser: Any, elsewhere: str) -> None:
    async with Playground(limits=None) as slack:
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(slack.page_url)
        await page.wait_for_selector("#app:not([aria-busy])")
        assert "token" not in page.url
        await page.reload()
        await page.wait_for_selector("#app:not([aria-busy])")
        await page.goto(f"http://localhost{elsewhere}")
        await page.evaluate(f"location.href = '{slack.url}/'")
        await page.wait_for_selector("#app:not([aria-busy])")
        await page.reload()
        await page.wait_for_selector("#app:not([aria-busy])")
        assert slack.messages("wildlife") == []
        await context.close()
