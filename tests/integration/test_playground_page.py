"""The page's own side of the playground without a browser: what it serves, and whom it refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from playground import BOT_USER, WILDLIFE, YOU, Playground
from playground.page import STATIC
from tests.integration.playground_page import opened


@pytest.fixture
async def slack() -> AsyncIterator[Playground]:
    async with Playground() as playground:
        yield playground


@pytest.fixture
async def session(slack: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    """The page's own requests: it was opened by its address, and has the cookie from there."""
    async with opened(slack) as session:
        yield session


MESSAGE = {"channel": WILDLIFE, "text": "hello"}


async def test_the_page_runs_nothing_but_its_own_files(slack: Playground, session: aiohttp.ClientSession) -> None:
    for path in ("/", "/static/app.js", "/static/style.css", f"/archives/{WILDLIFE}/p1700000000000001"):
        async with session.get(slack.url + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert response.status == 200
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-cache"


async def test_an_unchanged_file_is_not_sent_again(slack: Playground, session: aiohttp.ClientSession) -> None:
    async with session.get(slack.url + "/static/app.js") as first:
        tag = first.headers["ETag"]
    async with session.get(slack.url + "/static/app.js", headers={"If-None-Match": tag}) as again:
        assert again.status == 304


async def test_only_the_pages_own_files_are_served(slack: Playground, session: aiohttp.ClientSession) -> None:
    for name in ("..%2Fpage.py", "%2e%2e%2fserver.py", "nothing.js", ".."):
        async with session.get(URL(f"{slack.url}/static/{name}", encoded=True)) as response:
            assert response.status in (403, 404), name


def test_no_file_of_the_page_names_another_host_or_has_inline_code() -> None:
    for path in STATIC.iterdir():
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "innerHTML" not in text, path
        if path.suffix == ".html":
            assert "<style" not in text
            assert "onclick" not in text


def test_the_playground_knows_nothing_of_the_bot() -> None:
    for path in STATIC.parent.glob("*.py"):
        imports = [line for line in path.read_text("utf-8").splitlines() if line.startswith(("from bot", "import bot"))]
        assert all(line.startswith("from playground.") for line in imports), path


async def test_writing_needs_the_pages_own_origin(slack: Playground, session: aiohttp.ClientSession) -> None:
    address = slack.url + "/playground/messages"
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}):
        async with session.post(address, json=MESSAGE, headers=headers) as response:
            assert response.status == 403, headers
    async with session.post(address, data=json.dumps(MESSAGE), headers={"Origin": slack.url}) as response:
        assert response.status == 415
    assert slack.messages("wildlife") == []
    async with session.post(address, json=MESSAGE, headers={"Origin": slack.url}) as response:
        assert response.status == 200
    assert [(message.user, message.text) for message in slack.messages("wildlife")] == [(YOU, "hello")]


async def test_another_name_for_this_address_is_refused(slack: Playground, session: aiohttp.ClientSession) -> None:
    for path in ("/", "/playground/state", "/api/auth.test"):
        async with session.get(slack.url + path, headers={"Host": f"rebound.example:{slack.port}"}) as response:
            assert response.status == 403
    async with session.get(slack.page_url.replace("127.0.0.1", "localhost")) as response:
        assert response.status == 200
    async with session.get(f"http://localhost:{slack.port}/playground/state") as response:
        assert response.status == 200


async def test_reading_and_listening_are_the_pages_alone(slack: Playground, session: aiohttp.ClientSession) -> None:
    async with session.get(slack.url + "/playground/state", headers={"Sec-Fetch-Site": "cross-site"}) as response:
        assert response.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(slack.url + "/playground/live", headers={"Origin": "https://evil.example"})


async def test_what_happens_is_told_at_once(slack: Playground, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(slack.url + "/playground/live", headers={"Origin": slack.url}) as live:
        message = slack.post_message("wildlife", "hello")
        update = await live.receive_json()
        assert (update["type"], update["message"]["ts"], update["fresh"]) == ("message", message.ts, True)
        slack.post_message("wildlife", "reply", thread_ts=message.ts)
        assert (await live.receive_json())["message"]["text"] == "reply"
        assert (await live.receive_json())["message"]["reply_count"] == 1
        slack.delete_message(slack.post_message("general", "oops"))
        await live.receive_json()
        assert (await live.receive_json())["type"] == "message_deleted"


async def test_a_file_that_could_run_as_a_page_is_only_offered_for_saving(
    slack: Playground, session: aiohttp.ClientSession
) -> None:
    for name, content in (("evil.html", b"<script>alert(1)</script>"), ("evil.svg", b"<svg onload='alert(1)'/>")):
        message = await slack.upload_file(content, "wildlife", name=name)
        async with session.get(f"{slack.url}/playground/files/{message.file_ids[0]}") as response:
            assert response.headers["Content-Disposition"].startswith("attachment")
            assert response.headers["Content-Security-Policy"].startswith("sandbox")


async def uploaded(slack: Playground, session: aiohttp.ClientSession, name: str, content: bytes = b"GIF89a") -> str:
    """The id of a file that was uploaded in the page and is not sent yet."""
    address, headers = slack.url + "/playground/upload", {"Origin": slack.url}
    async with session.post(address, params={"name": name}, data=content, headers=headers) as response:
        assert response.status == 200
        return str((await response.json())["file"])


async def sent(slack: Playground, session: aiohttp.ClientSession, body: dict[str, object]) -> int:
    """The status that the page's request to post a message gets."""
    address, headers = slack.url + "/playground/messages", {"Origin": slack.url}
    async with session.post(address, json={"channel": WILDLIFE, "text": "", **body}, headers=headers) as response:
        return response.status


async def test_files_are_shared_in_one_message_when_it_is_sent(slack: Playground, session: aiohttp.ClientSession) -> None:
    root = slack.post_message("wildlife", "root")
    first, second = await uploaded(slack, session, "b.gif"), await uploaded(slack, session, "a.gif")
    assert len(slack.messages("wildlife")) == 1

    assert await sent(slack, session, {"text": "both", "files": [first, second], "thread_ts": root.ts}) == 200
    (reply,) = slack.thread("wildlife", root.ts)[1:]
    assert (reply.user, reply.text, reply.subtype) == (YOU, "both", "file_share")
    assert [(file["name"], file["size"], file["mimetype"]) for file in reply.files] == [
        ("b.gif", 6, "image/gif"),
        ("a.gif", 6, "image/gif"),
    ]


async def test_a_message_takes_only_the_persons_own_unsent_files(slack: Playground, session: aiohttp.ClientSession) -> None:
    file = await uploaded(slack, session, "fox.gif")
    other = slack.files.expect(name="x.gif", size_bytes=6, user=BOT_USER)
    assert await sent(slack, session, {"files": [other.id]}) == 409
    assert await sent(slack, session, {"files": ["F0NONE"]}) == 409
    assert await sent(slack, session, {"files": [[file]]}) == 400
    assert await sent(slack, session, {"files": [], "text": " "}) == 409
    assert await sent(slack, session, {"files": [file], "thread_ts": "1.000001"}) == 409
    assert await sent(slack, session, {"files": [file]}) == 200
    assert await sent(slack, session, {"files": [file]}) == 409
    assert len(slack.messages("wildlife")) == 1


async def test_a_message_takes_ten_files(slack: Playground, session: aiohttp.ClientSession) -> None:
    files = [await uploaded(slack, session, f"{number}.gif") for number in range(11)]
    assert await sent(slack, session, {"files": files}) == 409
    assert await sent(slack, session, {"files": files[:10]}) == 200


async def test_a_file_that_is_removed_before_it_is_sent_is_gone(slack: Playground, session: aiohttp.ClientSession) -> None:
    file = await uploaded(slack, session, "fox.gif")
    path = slack.files.by_id[file].path
    address, headers = slack.url + "/playground/discard", {"Origin": slack.url}
    async with session.post(address, json={"file": file}, headers=headers) as response:
        assert response.status == 200
    assert not path.exists()
    assert await sent(slack, session, {"files": [file]}) == 409


async def test_an_upload_keeps_its_length_and_its_limit() -> None:
    async with Playground(max_file_bytes=1000) as slack, opened(slack) as session:
        address, headers = slack.url + "/playground/upload", {"Origin": slack.url}
        query = {"name": "fox.gif"}
        await uploaded(slack, session, "fox.gif")
        async with session.post(address, params=query, data=b"x" * 1001, headers=headers) as response:
            assert response.status == 413
        async with session.post(address, params=query, data=b"GIF89a") as response:
            assert response.status == 403
        assert len(slack.files.by_id) == 1


async def test_requests_that_make_no_sense_are_refused_calmly(slack: Playground, session: aiohttp.ClientSession) -> None:
    headers = {"Origin": slack.url}
    for name, body, status in (
        ("messages", [1], 400),
        ("messages", {"text": "x"}, 400),
        ("messages", {"channel": "C0NOWHERE01", "text": "x"}, 409),
        ("messages", MESSAGE | {"thread_ts": "1.000001"}, 409),
        ("click", {"channel": WILDLIFE, "ts": "1.000001", "action_id": "a"}, 409),
        ("sample", {"channel": WILDLIFE, "name": "../etc/passwd"}, 400),
        ("view/submit", {"view_id": "V0NONE"}, 409),
    ):
        async with session.post(f"{slack.url}/playground/{name}", json=body, headers=headers) as response:
            assert response.status == status, (name, body)
