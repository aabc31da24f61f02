"""Links against a real server on loopback, which is excepted for these tests, and addresses that must not be reached."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import itertools
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tracking.errors import (
    NotAVideo,
    SourceError,
    SourceNotAVideo,
    SourceNotFound,
    SourceRefused,
    SourceUnreachable,
    StorageError,
    StorageFault,
    VideoTooLarge,
)
from tracking.sources.addresses import AddressPolicy, literal_address
from tracking.sources.download import Fetcher, FetchLimits, local_file
from tracking.sources.links import http_url, link_name, without_query
from tracking.sources.sniffing import refuse_other_media

MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 64


class Server:
    """Answers by path and remembers what it was sent."""

    def __init__(self) -> None:
        self.url = ""
        self.other_url = ""
        self.authorizations: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.authorizations.append(request.headers.get("Authorization", ""))
        match request.path:
            case "/clip.mp4":
                return web.Response(body=MP4, content_type="application/octet-stream")
            case "/long.mp4":
                return web.Response(body=MP4 + bytes(2_000_000))
            case "/page.mp4":
                return web.Response(text="  <!DOCTYPE html><title>Hello</title>", content_type="video/mp4")
            case "/login.mp4":
                return web.Response(text="<html><h1>Sign in to your account</h1></html>", content_type="text/html")
            case "/list.mp4":
                return web.Response(text="#EXTM3U\n#EXT-X-VERSION:3\n", content_type="video/mp4")
            case "/words.mp4":
                return web.Response(text="just words", content_type="text/plain")
            case "/empty.mp4":
                return web.Response(body=b"")
            case "/picture.mp4":
                return web.Response(body=b"\x89PNG\r\n\x1a\n" + bytes(50))
            case "/archive.mp4":
                return web.Response(body=b"PK\x03\x04" + bytes(50))
            case "/moved":
                raise web.HTTPFound("/clip.mp4")
            case "/moved-elsewhere":
                raise web.HTTPFound(f"{self.other_url}/clip.mp4")
            case "/into-private":
                raise web.HTTPFound("http://169.254.169.254/latest/meta-data")
            case "/into-file":
                raise web.HTTPFound("file:///etc/passwd")
            case "/into-nonsense":
                return web.Response(status=302, headers={"Location": "http://[e.org/a"})
            case "/into-brackets":
                return web.Response(status=302, headers={"Location": "http://[::1]@/a.mp4"})
            case "/round":
                raise web.HTTPFound("/round")
            case "/forbidden":
                raise web.HTTPForbidden
            case "/broken":
                raise web.HTTPInternalServerError
            case "/endless":
                return await self._endless(request)
            case "/stalled":
                return await self._stalled(request)
            case "/cut":
                return await self._cut(request)
            case "/huge":
                answer = web.StreamResponse(headers={"Content-Length": str(1 << 55)})
                await answer.prepare(request)
                return answer
            case "/drip":
                return await self._drip(request)
            case "/part":
                return web.Response(status=206, body=MP4, headers={"Content-Range": f"bytes 0-{len(MP4) - 1}/1000000"})
            case "/zipped":
                return web.Response(body=b"\x1f\x8b" + bytes(50), headers={"Content-Encoding": "gzip"})
            case "/no-content":
                return web.Response(status=204)
            case "/into-number":
                raise web.HTTPFound("http://2130706433/clip.mp4")
        raise web.HTTPNotFound

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(MP4)
        except ConnectionError:
            return answer

    async def _stalled(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(MP4)
        await asyncio.sleep(3600)
        return answer

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "50000000"})
        await answer.prepare(request)
        await answer.write(MP4)
        with contextlib.suppress(ConnectionError):
            while True:
                await answer.write(b"\0")
                await asyncio.sleep(0.001)
        return answer

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100000"})
        await answer.prepare(request)
        await answer.write(MP4)
        assert request.transport is not None
        request.transport.close()
        return answer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    for name in ("url", "other_url"):
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        setattr(made, name, f"http://127.0.0.1:{runner.addresses[-1][1]}")
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    limits = FetchLimits(max_bytes=100_000, connect_s=2, stalled_s=0.2, total_s=5)
    made = Fetcher(policy=AddressPolicy(("127.0.0.1",)), limits=limits)
    yield made
    await made.close()


async def test_a_file_is_there_only_when_it_is_whole(server: Server, fetcher: Fetcher, tmp_path: Path) -> None:
    seen: list[float] = []
    fetched = await fetcher.fetch(
        f"{server.url}/clip.mp4?sig=1", tmp_path / "a" / "clip.mp4", progress=lambda d, t: seen.append(d / t)
    )
    assert fetched.path.read_bytes() == MP4
    assert (fetched.name, fetched.size_bytes, fetched.sha256) == ("clip.mp4", len(MP4), hashlib.sha256(MP4).hexdigest())
    assert seen[-1] == 1
    for path in ("/cut", "/endless", "/page.mp4", "/nothing"):
        with pytest.raises((SourceError, VideoTooLarge)):
            await fetcher.fetch(server.url + path, tmp_path / "b" / "clip.mp4")
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("path", "error", "facts"),
    [
        ("/page.mp4", SourceNotAVideo, {"found": "page"}),
        ("/login.mp4", SourceNotAVideo, {"found": "login"}),
        ("/list.mp4", SourceNotAVideo, {"found": "playlist"}),
        ("/words.mp4", SourceNotAVideo, {"found": "text/plain"}),
        ("/picture.mp4", SourceNotAVideo, {"found": "image"}),
        ("/archive.mp4", SourceNotAVideo, {"found": "archive"}),
        ("/forbidden", SourceNotAVideo, {"found": "login"}),
        ("/empty.mp4", NotAVideo, {"media": "empty"}),
        ("/nothing", SourceNotFound, {}),
        ("/broken", SourceUnreachable, {"status": 500}),
        ("/stalled", SourceUnreachable, {"reason": "timeout"}),
        ("/cut", SourceUnreachable, {"reason": "incomplete"}),
        ("/part", SourceUnreachable, {"reason": "incomplete"}),
        ("/zipped", SourceUnreachable, {"reason": "encoded"}),
        ("/no-content", SourceUnreachable, {"status": 204}),
        ("/endless", VideoTooLarge, {"limit": 100_000}),
        ("/round", SourceRefused, {"reason": "redirect"}),
        ("/into-private", SourceRefused, {"reason": "address"}),
        ("/into-file", SourceRefused, {"reason": "scheme"}),
    ],
)
async def test_what_is_no_video_has_its_reason(
    server: Server, fetcher: Fetcher, tmp_path: Path, path: str, error: type[Exception], facts: dict[str, object]
) -> None:
    with pytest.raises(error) as caught:
        await fetcher.fetch(f"{server.url}{path}?token=secret", tmp_path / "clip.mp4")
    assert {name: getattr(caught.value, name) for name in facts} == facts
    assert "secret" not in str(vars(caught.value))


async def test_a_token_stays_with_the_host_it_was_meant_for(server: Server, fetcher: Fetcher, tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer xoxb-1"}
    await fetcher.fetch(f"{server.url}/moved", tmp_path / "a.mp4", headers=headers)
    assert server.authorizations == ["Bearer xoxb-1"] * 2
    await fetcher.fetch(f"{server.url}/moved-elsewhere", tmp_path / "b.mp4", headers=headers)
    assert server.authorizations[2:] == ["Bearer xoxb-1", ""]


async def test_a_size_that_is_not_the_promised_one_is_told(server: Server, fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable):
        await fetcher.fetch(f"{server.url}/clip.mp4", tmp_path / "a.mp4", size_bytes=5)


async def test_a_name_that_leads_into_the_own_network_is_refused(server: Server, tmp_path: Path) -> None:
    """`localhost` resolves to loopback: the resolver is asked when the connection is made, so rebinding finds the same."""
    closed = Fetcher()
    try:
        for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"):
            port = server.url.rpartition(":")[2]
            with pytest.raises(SourceRefused) as caught:
                await closed.fetch(f"http://{host}:{port}/clip.mp4", tmp_path / "a.mp4")
            assert caught.value.reason == "address"
    finally:
        await closed.close()
    assert server.authorizations == []


@pytest.mark.parametrize("where", ["into-nonsense", "into-brackets"])
async def test_a_redirect_to_nonsense_is_refused(where: str, server: Server, fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused):
        await fetcher.fetch(f"{server.url}/{where}", tmp_path / "clip.mp4")


async def test_a_video_that_the_disk_does_not_take_is_not_begun(server: Server, tmp_path: Path) -> None:
    fetcher = Fetcher(policy=AddressPolicy(["127.0.0.1"]), limits=FetchLimits(max_bytes=1 << 60))
    try:
        with pytest.raises(StorageError) as caught:
            await fetcher.fetch(f"{server.url}/huge", tmp_path / "clip.mp4")
    finally:
        await fetcher.close()
    assert (caught.value.place, caught.value.reason) == ("clip.mp4", StorageFault.FULL)
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240  # an empty folder


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on a file's size")
async def test_a_disk_that_takes_no_more_is_not_blamed_on_the_server(server: Server, fetcher: Fetcher, tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(StorageError) as caught:
            await fetcher.fetch(f"{server.url}/clip.mp4", tmp_path / "clip.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.place == "clip.mp4"
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240  # an empty folder


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:db8::1",
        "fec0::1",
        "64:ff9b:1::a00:1",
        "192.0.0.192",
        "168.63.129.16",
        "::ffff:192.0.0.192",
    ],
)
def test_addresses_that_links_must_not_reach(address: str) -> None:
    assert not AddressPolicy().allows("example.org", address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_reached(address: str) -> None:
    assert AddressPolicy().allows("example.org", address)


def test_exceptions_hold_for_their_host_or_network_alone() -> None:
    policy = AddressPolicy(("media.intern", "10.1.0.0/16"))
    assert policy.allows("media.intern", "192.168.0.1")
    assert policy.allows("MEDIA.intern.", "192.168.0.1")
    assert policy.allows("other.intern", "10.1.2.3")
    assert not policy.allows("other.intern", "10.2.2.3")
    assert not policy.allows("evil-media.intern", "192.168.0.1")


@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_ipv6_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    policy = AddressPolicy()
    assert policy.allows("h", f"::ffff:{address}") == policy.allows("h", str(address))


@pytest.mark.parametrize(
    "link",
    [
        "ftp://e.org/a",
        "file:///etc/passwd",
        "javascript:1",
        "http://",
        "e.org/a.mp4",
        "http://user:pw@e.org/a",
        "http://e.org/a b",
        "http://[e.org/a",
        "http://[::1]@/a.mp4",
        "https://\u2100.org/a",
        "gs://b",
    ],
)
def test_links_that_are_not_followed(link: str) -> None:
    with pytest.raises(SourceRefused):
        http_url(link)


def test_google_links_lead_to_the_object() -> None:
    assert str(http_url("gs://bucket/a b/ü.mp4".replace(" ", "%20"))).startswith("https://storage.googleapis.com/bucket/")
    assert http_url("https://storage.cloud.google.com/b/o.mp4").host == "storage.googleapis.com"


@pytest.mark.parametrize(
    ("link", "shown", "name"),
    [
        ("https://u:p@e.org/a/clip.mp4?x=1#y", "https://e.org/a/clip.mp4", "clip.mp4"),
        ("https://e.org/", "https://e.org/", "video"),
        ("https://e.org/a%2Fb.mp4", "https://e.org/a%2Fb.mp4", "b.mp4"),
        ("gs://b/a/c.mp4", "gs://b/a/c.mp4", "c.mp4"),
    ],
)
def test_what_of_a_link_is_shown(link: str, shown: str, name: str) -> None:
    assert without_query(link) == shown
    assert link_name(link) == name


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_judged(first: bytes) -> None:
    try:
        refuse_other_media(first, "x.mp4")
    except SourceNotAVideo as error:
        found = error.found
    else:
        found = "a video, perhaps"
    assert found


def test_a_local_file_is_fetched_by_looking_at_it(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(MP4)
    assert local_file(clip).sha256 == hashlib.sha256(MP4).hexdigest()
    with pytest.raises(SourceNotFound):
        local_file(tmp_path / "none.mp4")
    with pytest.raises(VideoTooLarge):
        local_file(clip, max_bytes=10)


async def test_a_server_that_drips_is_left_after_one_window_of_time(server: Server, tmp_path: Path) -> None:
    """Each look at the clock is a second; the server never stops, and never pauses for long."""
    moments = itertools.count()
    limits = FetchLimits(max_bytes=10**8, stalled_s=30, window_s=20, least_bytes_a_second=1000)
    made = Fetcher(policy=AddressPolicy(("127.0.0.1",)), limits=limits, clock=lambda: float(next(moments)))
    with pytest.raises(SourceUnreachable) as refused:
        await made.fetch(f"{server.url}/drip", tmp_path / "clip.mp4")
    await made.close()
    assert refused.value.reason == "slow"
    assert next(moments) < 60
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240  # a folder of this test alone


@pytest.mark.parametrize(("rate", "is_slow"), [(990, True), (1010, False), (50_000, False)])
async def test_the_least_rate_is_a_rate_and_not_an_amount(server: Server, tmp_path: Path, rate: int, is_slow: bool) -> None:
    """Many windows pass during one small file, whose bytes come at `rate` by this clock."""
    size = 0

    def clock() -> float:
        return size / rate

    def progress(done: float, total: float) -> None:
        nonlocal size
        size = int(done)

    limits = FetchLimits(max_bytes=10**8, window_s=1, least_bytes_a_second=1000)
    made = Fetcher(policy=AddressPolicy(("127.0.0.1",)), limits=limits, clock=clock)
    fetch = made.fetch(f"{server.url}/long.mp4", tmp_path / "clip.mp4", progress=progress)
    if is_slow:
        with pytest.raises(SourceUnreachable):
            await fetch
    else:
        await fetch
    await made.close()


SPELLINGS = [
    *("2130706433", "127.1", "127.0.1", "0177.0.0.1", "0x7f.1", "0x7f000001", "017700000001", "0x7f.0x0.0x0.0x1"),
    *("127.0.0.1.", "127.0.0.1..", "0", "0.0.0.0", "00000000000", "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021"),
    *("\u2460\u2461\u2466.0.0.1", "\u0661\u0662\u0667.\u0660.\u0660.\u0661", "%31%32%37.0.0.1", "127%2e0%2e0%2e1"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[64:ff9b::7f00:1]"),
    *("[fe80::1%25eth0]", "[::127.0.0.1]", "[2002:7f00:1::]", "10.1", "0xa.0.0.1", "012.0.0.1", "167772161", "192.168.257"),
    *("0xc0a80101", "3232235777", "169.254.43518", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.16689662"),
    *("172.1048577", "0300.0250.1"),
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_a_private_address_is_fetched(host: str, tmp_path: Path) -> None:
    made = Fetcher(limits=FetchLimits(connect_s=2))
    with pytest.raises(SourceRefused):
        await made.fetch(f"http://{host}:9/clip.mp4", tmp_path / "clip.mp4")
    await made.close()


async def test_a_redirect_to_a_number_is_refused(server: Server, fetcher: Fetcher, tmp_path: Path) -> None:
    only_name = Fetcher(policy=AddressPolicy(("localhost",)), limits=FetchLimits(connect_s=2))
    with pytest.raises(SourceRefused):
        await only_name.fetch(f"{server.url}/into-number".replace("127.0.0.1", "localhost"), tmp_path / "clip.mp4")
    await only_name.close()


@given(st.ip_addresses(v=4), st.sampled_from(["{:d}", "{:#x}", "0{:o}"]))
def test_a_number_is_the_address_that_it_stands_for(address: ipaddress.IPv4Address, form: str) -> None:
    assert literal_address(form.format(int(address))) == address
    assert literal_address(".".join(form.format(part) for part in address.packed)) == address


@pytest.mark.parametrize("host", ["example.org", "a.1", "1.2.3.4.5", "deadbeef", "", "-", "xn--nxasmq6b", "256.256.256.256"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal_address(host) is None


async def test_a_socket_to_an_address_that_nobody_checked_is_never_made(server: Server, tmp_path: Path) -> None:
    """Whatever the HTTP library resolves by itself: here it is made to skip our resolver."""
    made = Fetcher(policy=AddressPolicy(("localhost",)), limits=FetchLimits(connect_s=2))
    connector = made._sessions().connector

    async def resolve(*_: object, **__: object) -> object:
        port = int(server.url.rpartition(":")[2])
        return [{"hostname": "x", "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    connector._resolve_host = resolve  # type: ignore[union-attr]  # what a later version may do
    with pytest.raises(SourceRefused):
        await made.fetch("http://example.org/clip.mp4", tmp_path / "clip.mp4")
    await made.close()


async def test_a_page_that_is_the_file_itself_is_no_video_and_one_in_its_place_is_a_page(
    server: Server, fetcher: Fetcher, tmp_path: Path
) -> None:
    page = len(b"<html><h1>Sign in to your account</h1></html>")
    with pytest.raises(NotAVideo):
        await fetcher.fetch(f"{server.url}/login.mp4", tmp_path / "clip.mp4", size_bytes=page)
    with pytest.raises(SourceNotAVideo):
        await fetcher.fetch(f"{server.url}/login.mp4", tmp_path / "clip.mp4", size_bytes=page + 1)


@pytest.mark.parametrize("host", ["a..b", "a" * 300, ".invalid", "invalid..", "a" * 64 + ".invalid"])
async def test_what_can_be_no_name_is_told_as_none(host: str, tmp_path: Path) -> None:
    made = Fetcher(limits=FetchLimits(connect_s=2))
    with pytest.raises((SourceUnreachable, SourceRefused)):
        await made.fetch(f"http://{host}/clip.mp4", tmp_path / "clip.mp4")
    await made.close()
