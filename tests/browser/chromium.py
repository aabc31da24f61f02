"""The browser of the browser tests: the system's Chromium, driven by Playwright; any trouble in a page fails its test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from yarl import URL

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

Open = Callable[..., Awaitable[Any]]


@asynccontextmanager
async def careful_pages(browser: Any, page_url: str) -> AsyncIterator[Open]:
    """Yield a function that opens pages of the playground; at the end no console and no request may have had an error."""
    troubles: list[str] = []
    contexts: list[Any] = []

    async def opened(path: str = "/", *, width: int = 1200, height: int = 800, touch: bool = False, **options: Any) -> Any:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch, **options
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(8000)
        page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("requestfailed", lambda request: _note_failure(troubles, request))
        page.on(
            "response", lambda response: troubles.append(f"{response.status} {response.url}") if response.status > 399 else None
        )
        first = URL(page_url)
        await page.goto(str(first.join(URL(path)).update_query(first.query)))
        await page.wait_for_selector("#app:not([aria-busy])")
        return page

    try:
        yield opened
    finally:
        for context in contexts:
            await context.close()
    assert troubles == []


def _note_failure(troubles: list[str], request: Any) -> None:
    # A browser breaks a video's request off by itself once it has the part that it wants.
    if not (request.resource_type == "media" and request.failure == "net::ERR_ABORTED"):
        troubles.append(f"{request.failure} {request.url}")


async def until(page: Any, condition: str, timeout_s: float = 8) -> None:
    """Wait in the page for a condition; Playwright's own way evaluates text there, which the page's policy forbids."""
    wait = f"async () => {{ while (!({condition})) await new Promise((done) => setTimeout(done, 20)); }}"
    async with asyncio.timeout(timeout_s):
        await page.evaluate(wait)
