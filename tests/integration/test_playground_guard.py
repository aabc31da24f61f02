"""
Who may speak to the playground: every route, asked in every way that a page elsewhere or another user of the machine has.

The requests are made here with the headers of a browser; tests/browser/test_hostile_page.py has a real one make them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from playground import WILDLIFE, Playground
from tests.integration.playground_page import opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVIL = "https://evil.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
APP_ROUTES = ("/api/", "/commands/", "/link/", "/upload/", "/files-pri/", "/signin")


def fetched(site: str, mode: str, dest: str = "empty") -> dict[str, str]:
    """Return the headers that a browser adds to a request."""
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}


# From where a request comes: its method ("" is the route's own) and its headers.
KINDS: dict[str, tuple[str, Mapping[str, str]]] = {
    "a form": ("POST", {"Origin": EVIL} | FORM | fetched("cross-site", "navigate", "document")),
    "a form of an old browser": ("POST", {"Origin": EVIL} | FORM),
    "a form in a frame of its own": ("POST", {"Origin": "null"} | FORM | fetched("cross-site", "navigate", "iframe")),
    "a script": ("", {"Origin": EVIL} | fetched("cross-site", "cors")),
    "a script without a site": ("", {"Origin": "null"} | fetched("cross-site", "cors")),
    "a script of a subdomain or another port": ("", {"Origin": "http://127.0.0.1:1"} | fetched("same-site", "cors")),
    "a script that claims to be ours": ("", {"Origin": EVIL} | fetched("same-origin", "cors")),
    "a script without cors": ("POST", {"Origin": EVIL, "Content-Type": "text/plain"} | fetched("cross-site", "no-cors")),
    "a picture": ("GET", fetched("cross-site", "no-cors", "image")),
    "a picture from another port": ("GET", fetched("same-site", "no-cors", "image")),
    "a frame": ("GET", fetched("cross-site", "navigate", "iframe")),
    "a site that is unknown": ("GET", fetched("elsewhere", "no-cors", "image")),
    "a web socket": ("GET", {"Origin": EVIL} | UPGRADE),
    "a web socket from another port": ("GET", {"Origin": "http://localhost:1"} | UPGRADE | fetched("same-site", "websocket")),
    "a question before a script": ("OPTIONS", {"Origin": EVIL, "Access-Control-Request-Method": "POST"}),
    "a rebound name": ("", {"Host": "evil.example"} | fetched("same-origin", "cors")),
    "a rebound name with its origin": ("", {"Host": "evil.example", "Origin": "http://evil.example"}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slack() -> AsyncIterator[Playground]:
    async with Playground(app_token="xapp-1-secret", limits=None) as playground:
        yield playground


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(slack: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    async with opened(slack) as session:
        yield session


async def every_route(slack: Playground) -> list[tuple[str, URL]]:
    """Each route's method, and an address there that would do something."""
    message = await slack.upload_file(b"GIF89a", "wildlife", name="fox.gif")
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    ticket = (await client.files_getUploadURLExternal(filename="a.gif", length=6))["upload_url"]
    link = (await client.apps_connections_open(app_token="xapp-1-secret"))["url"]
    real = {
        "/upload/v1/{ticket}": ticket,
        "/link/": link.replace("ws://", "http://"),
        "/playground/files/{file_id}": f"/playground/files/{message.file_ids[0]}",
        "/api/{method}": f"/api/chat.postMessage?token={slack.bot_token}&channel={WILDLIFE}&text=hello",
        "/static/{name}": "/static/app.js",
    }
    found = []
    for method, path in slack.routes:
        address = real.get(path) or re.sub(r"\{[^}]*\}", "a", path)
        found.append(("POST" if method == "*" else method, URL(slack.url).join(URL(address))))
    return found


@pytest.mark.parametrize("kind", list(KINDS))
async def test_no_route_answers_a_page_elsewhere(slack: Playground, session: aiohttp.ClientSession, kind: str) -> None:
    method, headers = KINDS[kind]
    routes = await every_route(slack)
    assert len(routes) > 20
    before = (len(slack.calls), len(slack.messages("wildlife")))
    for own_method, url in routes:
        if "Host" in headers:
            headers = {**headers, "Host": f"evil.example:{slack.port}"}
        async with session.request(
            method or own_method, url, headers=headers, data=b"text=hello" if method == "POST" else None, allow_redirects=False
        ) as response:
            assert response.status == 403, (method, url.path)
            assert not [name for name in response.headers if name.lower().startswith("access-control-")]
    assert (len(slack.calls), len(slack.messages("wildlife"))) == before


async def test_another_user_of_the_machine_gets_nothing(slack: Playground) -> None:
    page = [(method, url) for method, url in await every_route(slack) if not url.path.startswith(APP_ROUTES)]
    assert len(page) > 15
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"Cookie": f"playground-{slack.port}=guess"},
        {"Cookie": f"playground-{slack.port}=gu\u00e9ss"},
    )
    async with aiohttp.ClientSession() as stranger:
        for method, url in page:
            for headers in wrong:
                said = {"Origin": slack.url, "Sec-Fetch-Site": "same-origin", **headers}
                async with stranger.request(method, url, headers=said, allow_redirects=False) as response:
                    assert response.status == 403, url.path
        for token in ("", "guess", slack.bot_token, "gu\u00e9ss"):
            async with stranger.get(slack.url, params={"token": token}, allow_redirects=False) as response:
                assert (response.status, "Set-Cookie" in response.headers) == (403, False)
        async with stranger.post(slack.api_url + "auth.test", data={"token": "xoxb-playground"}) as response:
            assert (await response.json())["error"] == "invalid_auth"


async def test_the_address_opens_the_page_and_is_then_forgotten(slack: Playground) -> None:
    address = f"{slack.page_url}&thread_ts=1.2"
    async with aiohttp.ClientSession() as browser, browser.get(address, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/?thread_ts=1.2")
        cookie = response.headers["Set-Cookie"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
    assert cookie.startswith(f"playground-{slack.port}=")
    assert {"HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))


async def test_an_address_for_a_command_line_opens_the_page_once(slack: Playground) -> None:
    address = slack.single_use_page_url()
    async with aiohttp.ClientSession() as browser:
        async with browser.get(address, allow_redirects=False) as response:
            assert response.status == 303
        async with browser.get(address, allow_redirects=False) as response:
            assert response.status == 403
        assert address != slack.page_url


async def test_a_link_elsewhere_opens_the_page_by_way_of_itself(slack: Playground, session: aiohttp.ClientSession) -> None:
    said = fetched("cross-site", "navigate", "document")
    # A browser keeps a strict cookie back here: the answer holds nothing, and leads to the same address once more.
    async with aiohttp.ClientSession() as browser:
        async with browser.get(f"{slack.url}/archives/{WILDLIFE}/p1?a=%22%3E", headers=said) as response:
            text = await response.text()
            assert response.status == 200
            assert f'content="0;url=/archives/{WILDLIFE}/p1?a=%22%3E"' in text
            assert "script" not in text
        async with browser.get(slack.page_url, headers=said, allow_redirects=False) as response:
            assert (response.status, "Set-Cookie" in response.headers) == (200, True)
            assert "token" not in await response.text()
    for path in ("/playground/state", "/static/app.js", "/api/auth.test"):
        async with session.get(slack.url + path, headers=said) as response:
            assert response.status == 403, path


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST:{port}", 200),
        ("127.0.0.1", 403),
        ("localhost", 403),
        ("127.0.0.1:1", 403),
        ("[::1]:{port}", 403),
        ("[::1]", 403),
        ("[::ffff:127.0.0.1]:{port}", 403),
        ("0.0.0.0:{port}", 403),
        ("127.1:{port}", 403),
        ("localhost.:{port}", 403),
        ("127.0.0.1.evil.example:{port}", 403),
        ("evil.example@127.0.0.1:{port}", 403),
        ("", 403),
    ],
)
async def test_the_host_is_this_server_or_nobody(
    slack: Playground, session: aiohttp.ClientSession, host: str, status: int
) -> None:
    cookie = "; ".join(f"{each.key}={each.value}" for each in session.cookie_jar)
    request = f"GET / HTTP/1.1\r\nHost: {host.format(port=slack.port)}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    assert await raw_status(slack, request) == status


async def test_a_request_names_its_host_and_its_origin_once(slack: Playground, session: aiohttp.ClientSession) -> None:
    cookie = "; ".join(f"{each.key}={each.value}" for each in session.cookie_jar)
    rest = f"Cookie: {cookie}\r\nConnection: close\r\n\r\n"
    own = f"Host: 127.0.0.1:{slack.port}\r\n"
    assert await raw_status(slack, f"GET / HTTP/1.0\r\n{rest}") == 403
    assert await raw_status(slack, f"GET / HTTP/1.1\r\n{own}Host: evil.example\r\n{rest}") in (400, 403)
    assert await raw_status(slack, f"GET / HTTP/1.1\r\n{own}Origin: {slack.url}\r\nOrigin: {EVIL}\r\n{rest}") in (400, 403)


async def test_the_page_and_the_app_go_on_as_ever(slack: Playground, session: aiohttp.ClientSession) -> None:
    said = {"Origin": slack.url} | fetched("same-origin", "cors")
    async with session.post(
        f"{slack.url}/playground/messages", data=json.dumps({"channel": WILDLIFE, "text": "own"}),
        headers={**said, "Content-Type": "application/json"},
    ) as response:  # fmt: skip
        assert response.status == 200
    assert slack.messages("wildlife")[-1].text == "own"
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    assert (await client.chat_postMessage(channel=WILDLIFE, text="by the app"))["ok"]


async def test_tokens_are_other_ones_at_each_start() -> None:
    async with Playground() as one, Playground() as other:
        for name in ("bot_token", "signing_secret", "page_url"):
            assert getattr(one, name) != getattr(other, name)
        assert len(one.bot_token) > 30


async def raw_status(slack: Playground, request: str) -> int:
    """The status of an answer to a request that is sent as it is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", slack.port)
    writer.write(request.encode())
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])
