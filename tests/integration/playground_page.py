"""The playground's page as tests open it without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from playground import Playground


@asynccontextmanager
async def opened(slack: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that has opened the page by its address, and so has its cookie."""
    # Cookies of addresses that are numbers are kept only where that is asked for.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(slack.page_url) as response:
            assert response.status == 200
        yield session
