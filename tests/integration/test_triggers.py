"""The triggers over HTTP: statuses, methods, and who is let in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from bot.web.oidc import OidcVerifier
from bot.web.storage_events import ObjectFinalized
from bot.web.trigger_auth import TriggerAuth, is_for_this_machine_alone, is_local
from bot.web.triggers import EVENT_LIMIT_BYTES, trigger_routes
from tests.google.oidc_issuer import ACCOUNT, AUDIENCE, CertificateServer, SigningKey, unsigned
from tracking.errors import EngineUnavailable, GoogleFault, OptionError, SourceRefusal, SourceRefused

EVENT = {
    "message": {
        "attributes": {
            "eventType": "OBJECT_FINALIZE",
            "bucketId": "videos",
            "objectId": "clip.mp4",
            "objectGeneration": "7",
            "payloadFormat": "NONE",
        }
    }
}
KEY = SigningKey("one")
OTHER_KEY = SigningKey("two")


@dataclass
class Bot:
    """What the triggers hand over."""

    objects: list[ObjectFinalized] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    fault: Exception | None = None

    async def on_object(self, event: ObjectFinalized) -> None:
        if self.fault:
            raise self.fault
        self.objects.append(event)

    async def on_request(self, video_uri: str) -> str:
        if self.fault:
            raise self.fault
        self.requests.append(video_uri)
        return "job-1"


@asynccontextmanager
async def served(auth: TriggerAuth | None = None) -> AsyncIterator[tuple[Bot, aiohttp.ClientSession]]:
    bot = Bot()
    app = web.Application()
    app.add_routes(trigger_routes(bot.on_object, bot.on_request, auth=auth or TriggerAuth(serves_this_machine=True)))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
        yield bot, client
    await runner.cleanup()


async def status_of(client: aiohttp.ClientSession, *, headers: dict[str, str] | None = None) -> int:
    async with client.post("/events/storage", json=EVENT, headers=headers) as answer:
        return answer.status


async def test_a_new_object_is_handed_over_and_acknowledged() -> None:
    async with served() as (bot, client):
        assert await status_of(client) == 204
    assert bot.objects == [ObjectFinalized("videos", "clip.mp4", 7)]


async def test_other_news_are_acknowledged_without_being_handed_over() -> None:
    async with served() as (bot, client):
        event = {"message": {"attributes": {"eventType": "OBJECT_DELETE"}}}
        async with client.post("/events/storage", json=event) as answer:
            assert answer.status == 204
    assert bot.objects == []


async def test_what_is_no_event_is_answered_400() -> None:
    async with served() as (bot, client):
        for body in (b"", b"{", b'{"a": 1}'):
            async with client.post("/events/storage", data=body) as answer:
                assert answer.status == 400
    assert bot.objects == []


async def test_a_body_without_end_is_cut_off() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1 + EVENT_LIMIT_BYTES // 1024):
            yield b" " * 1024

    async with served() as (_, client), client.post("/events/storage", data=endless()) as answer:
        assert answer.status == 413


async def test_an_event_that_could_not_be_noted_is_delivered_again() -> None:
    async with served() as (bot, client):
        bot.fault = OSError("the database is away")
        assert await status_of(client) == 500


async def test_tracking_starts_by_a_get_as_in_the_seed() -> None:
    async with served() as (bot, client), client.get("/track", params={"video_uri": "gs://videos/clip.mp4"}) as answer:
        assert (answer.status, await answer.json()) == (202, {"job": "job-1"})
    assert bot.requests == ["gs://videos/clip.mp4"]


async def test_tracking_wants_a_video() -> None:
    async with served() as (bot, client):
        for query in ({}, {"video_uri": " "}):
            async with client.get("/track", params=query) as answer:
                assert answer.status == 400
                assert "video_uri" in await answer.text()
    assert bot.requests == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (SourceRefused("gs://closed/clip.mp4", SourceRefusal.BUCKET), 400),
        (EngineUnavailable("google", GoogleFault.CREDENTIALS), 503),
    ],
)
async def test_a_video_that_cannot_be_tracked_is_answered_with_a_sentence(fault: Exception, status: int) -> None:
    async with served() as (bot, client):
        bot.fault = fault
        async with client.get("/track", params={"video_uri": "gs://closed/clip.mp4"}) as answer:
            assert answer.status == status
            assert (await answer.json())["error"].endswith(".")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_tracking_takes_no_other_method(method: str) -> None:
    async with served() as (bot, client):
        answer = await client.request(method, "/track", params={"video_uri": "gs://videos/clip.mp4"})
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")
    assert bot.requests == []


@pytest.mark.parametrize("method", ["HEAD", "GET", "PUT"])
async def test_events_are_posted(method: str) -> None:
    async with served() as (_, client), client.request(method, "/events/storage") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


# What no program on this machine sends, or not for it: each closes the triggers where only the machine opens them.
FOREIGN_HEADERS = [
    *((name, "127.0.0.1") for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP")),
    *((name, "127.0.0.1") for name in ("X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Original-Host")),
    *((name, "127.0.0.1") for name in ("CF-Connecting-IP", "Fly-Client-IP", "X-Envoy-External-Address", "X-Cluster-Client-IP")),
    ("Via", "1.1 proxy"),
    ("X-Request-Id", "1"),
    ("X-Amzn-Trace-Id", "Root=1"),
    ("traceparent", "00-0-0-01"),
    ("ngrok-trace-id", "1"),
    ("X-Anything", "a header that nobody has heard of"),
    ("Origin", "https://evil.example"),
    ("Origin", "null"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Referer", "https://evil.example/"),
    ("Accept-Language", "en"),
    ("Cookie", "a=b"),
    ("Host", "evil.example"),
    ("Host", "localhost.evil.example:3000"),
]


class TestWithoutTokens:
    @pytest.mark.parametrize(("name", "value"), FOREIGN_HEADERS, ids=lambda value: value)
    async def test_a_request_that_a_proxy_or_a_page_made_is_refused(self, name: str, value: str) -> None:
        async with served() as (bot, client):
            assert await status_of(client, headers={name: value}) == 403
            video = {"video_uri": "gs://videos/clip.mp4"}
            async with client.get("/track", params=video, headers={name: value}) as answer:
                assert answer.status == 403
                assert "TRACKLET_TRIGGER_TOKEN" in await answer.text()
        assert (bot.objects, bot.requests) == ([], [])

    async def test_a_bot_that_others_reach_answers_nobody(self) -> None:
        async with served(TriggerAuth()) as (bot, client):
            assert await status_of(client) == 403
        assert bot.objects == []

    async def test_an_event_of_this_machine_is_taken_in_each_form(self) -> None:
        headers = {
            "ce-id": "1",
            "ce-source": "//storage.googleapis.com/projects/_/buckets/videos",
            "ce-specversion": "1.0",
            "ce-type": "google.cloud.storage.object.v1.finalized",
            "ce-subject": "objects/clip.mp4",
        }
        event = {"bucket": "videos", "name": "clip.mp4", "generation": "7"}
        async with served() as (bot, client), client.post("/events/storage", json=event, headers=headers) as answer:
            assert answer.status == 204
        assert bot.objects == [ObjectFinalized("videos", "clip.mp4", 7)]


@pytest.mark.parametrize(
    ("peer", "host", "local"),
    [
        ("127.0.0.1", "127.0.0.1:3000", True),
        ("127.0.0.1", "localhost:3000", True),
        ("127.8.8.8", "LocalHost", True),
        ("::1", "[::1]:3000", True),
        ("::1", "[::1]", True),
        ("::ffff:127.0.0.1", "localhost:3000", True),
        ("10.0.0.7", "127.0.0.1:3000", False),
        ("::ffff:10.0.0.7", "localhost:3000", False),
        ("127.0.0.1", "127.0.0.1.evil.example:3000", False),
        ("127.0.0.1", "10.0.0.7:3000", False),
        ("127.0.0.1", "", False),
        ("", "localhost:3000", False),
    ],
)
def test_only_this_machine_is_local(peer: str, host: str, local: bool) -> None:
    assert is_local(peer, {"Host": host}) is local


SLACK = "https://slack.com/api/"


@pytest.mark.parametrize(
    ("http_host", "public_url", "slack_comes_in", "slack_api_url", "alone"),
    [
        ("127.0.0.1", "", False, SLACK, True),  # Socket Mode: nobody has a reason to lead anybody here
        ("localhost", "", False, SLACK, True),
        ("::1", "", False, SLACK, True),
        ("127.0.0.1", "", True, "http://127.0.0.1:8321/api/", True),  # the playground
        ("127.0.0.1", "", True, SLACK, False),  # Slack gets here by a proxy or a tunnel, and so does everybody
        ("127.0.0.1", "", True, "http://127.0.0.1.evil.example/api/", False),
        ("127.0.0.1", "https://tracklet.example", False, SLACK, False),
        ("0.0.0.0", "", False, SLACK, False),
        ("::", "", False, SLACK, False),
        ("10.0.0.7", "", False, SLACK, False),
        ("tracklet.example", "", False, SLACK, False),
    ],
)
def test_a_bot_that_others_reach_does_not_take_loopback_for_proof(
    http_host: str, public_url: str, slack_comes_in: bool, slack_api_url: str, alone: bool
) -> None:
    found = is_for_this_machine_alone(
        http_host=http_host, public_url=public_url, slack_comes_in=slack_comes_in, slack_api_url=slack_api_url
    )
    assert found is alone


class TestOwnToken:
    async def test_it_opens_both_triggers(self) -> None:
        async with served(TriggerAuth(token="secret")) as (_, client):
            headers = {"Authorization": "Bearer secret", "X-Forwarded-For": "10.0.0.7"}
            assert await status_of(client, headers=headers) == 204
            async with client.get("/track?video_uri=gs://videos/clip.mp4", headers=headers) as answer:
                assert answer.status == 202

    @pytest.mark.parametrize(
        "value", ["", "Bearer", "Bearer wrong", "Basic secret", "secret", "Bearer s\u00e9cret", "Bearer secret2"]
    )
    async def test_anything_else_is_refused(self, value: str) -> None:
        async with served(TriggerAuth(token="secret")) as (bot, client):
            answer = await client.post("/events/storage", json=EVENT, headers={"Authorization": value})
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert bot.objects == []


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


Verified = tuple[Bot, aiohttp.ClientSession, CertificateServer, Clock]


class TestGoogleToken:
    @pytest.fixture
    async def google(self) -> AsyncIterator[Verified]:
        clock = Clock()
        async with CertificateServer(KEY) as certificates, aiohttp.ClientSession() as session:
            oidc = OidcVerifier(
                session, audience=AUDIENCE, service_account=ACCOUNT, certificates_url=certificates.url, clock=clock
            )
            async with served(TriggerAuth(oidc=oidc)) as (bot, client):
                yield bot, client, certificates, clock

    async def test_it_opens_the_triggers_and_the_certificates_are_kept(self, google: Verified) -> None:
        bot, client, certificates, clock = google
        for now in (0, 500, 999):
            clock.now = now
            assert await status_of(client, headers={"Authorization": f"Bearer {KEY.token()}"}) == 204
        assert (len(bot.objects), certificates.fetches) == (3, 1)
        clock.now = 1001
        assert await status_of(client, headers={"Authorization": f"Bearer {KEY.token()}"}) == 204
        assert certificates.fetches == 2

    @pytest.mark.parametrize(
        "claims",
        [
            {"aud": "https://other.example"},
            {"aud": None},
            {"iss": "https://evil.example"},
            {"email": "other@project.iam.gserviceaccount.com"},
            {"email": None},
            {"email_verified": False},
            {"email_verified": "true"},
            {"exp": 1},
            {"exp": None},
            {"exp": "soon"},
            {"iat": 4102444800},
        ],
        ids=str,
    )
    async def test_a_token_with_another_claim_is_refused(self, google: Verified, claims: dict[str, object]) -> None:
        bot, client, _, _ = google
        assert await status_of(client, headers={"Authorization": f"Bearer {KEY.token(**claims)}"}) == 401
        assert bot.objects == []

    async def test_a_token_that_another_key_signed_is_refused(self, google: Verified) -> None:
        _, client, _, _ = google
        good = KEY.token()
        impostor = SigningKey("one")
        tampered = f"{good[:-8]}{'A' * 8}"
        for token in (OTHER_KEY.token(), impostor.token(), unsigned(good), tampered, "a.b.c", "a", "e30.e30.e30"):
            assert await status_of(client, headers={"Authorization": f"Bearer {token}"}) == 401

    async def test_a_new_key_is_fetched_but_not_at_every_call_of_a_stranger(self, google: Verified) -> None:
        _, client, certificates, clock = google
        headers = {"Authorization": f"Bearer {OTHER_KEY.token()}"}
        for _ in range(3):
            assert await status_of(client, headers=headers) == 401
        assert certificates.fetches == 1
        certificates.keys.append(OTHER_KEY)
        clock.now = 61
        assert await status_of(client, headers=headers) == 204
        assert certificates.fetches == 2

    async def test_without_certificates_the_event_is_delivered_again(self, google: Verified) -> None:
        _, client, certificates, _ = google
        certificates.is_down = True
        assert await status_of(client, headers={"Authorization": f"Bearer {KEY.token()}"}) == 503
        certificates.is_down = False
        assert await status_of(client, headers={"Authorization": f"Bearer {KEY.token()}"}) == 204

    @pytest.mark.parametrize(("audience", "service_account"), [("", ACCOUNT), (AUDIENCE, "")])
    async def test_an_audience_and_an_account_are_both_needed(self, audience: str, service_account: str) -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(OptionError):
                OidcVerifier(session, audience=audience, service_account=service_account)
