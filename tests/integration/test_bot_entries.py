"""Every way in which a video gets to the bot, and those in which nothing may start."""

from __future__ import annotations

import io
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from playground import BOT_USER, KIM, OTHER_BOT_USER, Message, signature
from tests.integration.bot_workspace import SECRET, Workspace, workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workspace]:
    async with workspace(Path(tmp_path_factory.mktemp("bot"))) as started:
        yield started


async def command(there: Workspace, text: str, *, channel: str = "wildlife") -> Message:
    """The root message that the bot posts for a command."""
    before = len(there.slack.messages(channel))
    delivery = await there.slack.slash_command(channel, "/track", text)
    assert delivery is not None
    assert delivery.status == 200
    assert not delivery.answer
    await there.slack.until(lambda: there.slack.messages(channel)[before:])
    return there.slack.messages(channel)[before]


async def test_a_shared_video_is_answered_in_its_thread_with_summary_list_and_gifs(there: Workspace) -> None:
    message = await there.clip(name="fox_on_<the>_run.mp4")
    progress = await there.progress(message, starts="I found 3 objects")
    _, picture, listed, gifs = there.replies(message)
    assert "1 person" in progress.text
    assert [file["mimetype"] for file in picture.files] == ["image/jpeg"]
    assert "1 person, 90%" in picture.files[0]["alt_txt"]
    assert "`1` *person* 90%" in json.dumps(listed.blocks)
    assert [file["mimetype"] for file in gifs.files] == ["image/gif"] * 3
    assert all("Moving picture of object" in file["alt_txt"] for file in gifs.files)
    assert "actions" not in [block["type"] for block in progress.blocks]


async def test_two_events_for_one_upload_make_one_job(there: Workspace) -> None:
    message = await there.clip()
    await there.progress(message, starts="I found")
    await there.slack.settled()
    events = [each.payload["event"] for each in there.slack.deliveries if each.kind == "event"]
    file_id = message.files[0]["id"]
    assert any(event["type"] == "file_shared" and event["file_id"] == file_id for event in events)
    assert any(event["type"] == "message" and event["ts"] == message.ts for event in events)
    assert len(there.replies(message)) == 4


async def test_file_shared_alone_is_enough(there: Workspace) -> None:
    message = await there.clip(channel="general")
    body = {"event": {"type": "file_shared", "file_id": message.files[0]["id"], "channel_id": message.channel_id}}
    there.slack.invite("general")
    assert await send_event(there, body["event"], event_id="Ev0ALONE") == 200
    await there.progress(message, starts="I found")


async def test_a_delivery_that_comes_twice_is_one_job(there: Workspace) -> None:
    message = await there.clip()
    await there.progress(message, starts="I found")
    again = next(each.payload for each in there.slack.deliveries if each.payload.get("event", {}).get("ts") == message.ts)
    assert await send_event(there, again["event"], event_id=again["event_id"]) == 200
    await there.slack.settled()
    assert len(there.replies(message)) == 4


async def test_a_command_opens_a_thread_that_names_who_asked_and_what(there: Workspace) -> None:
    root = await command(there, f"{there.web_url}/one.mp4 only person above 60%")
    assert "asked me to track *one.mp4* (only person, above 60%)" in root.text or "I found" in root.text
    await there.slack.until(lambda: "I found" in root_now(there, root).text)
    assert "asked me to track" in json.dumps(root_now(there, root).blocks)
    assert len(there.replies(root)) == 3


async def test_a_link_in_a_message_is_tracked_by_its_name(there: Workspace) -> None:
    message = there.slack.post_message("wildlife", f"look at {there.web_url}/two.mp4 and tell me")
    await there.progress(message, starts="I found")


async def test_a_link_without_a_telling_name_is_tracked_where_somebody_asks_for_it(there: Workspace) -> None:
    video = there.slack.post_message("wildlife", f"<@{BOT_USER}> {there.web_url}/watch")
    await there.progress(video, starts="I found")


async def test_a_mention_in_a_thread_tracks_the_video_that_is_there(there: Workspace) -> None:
    there.slack.invite("general")
    await there.slack.slash_command("general", "/track", "auto off")
    message = await there.clip(channel="general")
    await there.slack.until(lambda: there.replies(message))
    there.slack.post_message("general", f"<@{BOT_USER}> please track this only person", thread_ts=message.ts, user=KIM)
    await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("I found")])
    assert there.children.asked[-1][1]["selection"]["labels"] == ("person",)
    await there.slack.slash_command("general", "/track", "auto on")


async def test_a_mention_where_no_video_is_gets_help(there: Workspace) -> None:
    message = there.slack.post_message("wildlife", f"<@{BOT_USER}> hello?")
    reply = await there.progress(message)
    assert "/track" in json.dumps(reply.blocks)


async def test_a_video_in_a_direct_message_is_tracked(there: Workspace) -> None:
    message = await there.clip(channel="dm", text="what is in here?")
    await there.progress(message, starts="I found")


async def test_a_stub_of_another_workspaces_file_is_looked_up(there: Workspace) -> None:
    message = await there.clip(connect_stub=True, name="from-afar.mp4")
    progress = await there.progress(message, starts="I found")
    assert "from-afar.mp4" in progress.text


async def test_pictures_deletions_and_programs_start_nothing(there: Workspace) -> None:
    picture = await there.slack.upload_file(b"\x89PNG\r\n\x1a\n" + bytes(100), "wildlife", name="fox.png")
    program = there.slack.post_message("wildlife", f"{there.web_url}/three.mp4", user=OTHER_BOT_USER)
    deleted = there.slack.post_message("wildlife", "gone soon")
    there.slack.delete_message(deleted)
    await there.slack.settled()
    witness = await there.clip()
    await there.progress(witness, starts="I found")
    assert [there.replies(each) for each in (picture, program)] == [[], []]


async def test_the_bots_own_upload_starts_nothing(there: Workspace) -> None:
    own = await there.slack.upload_file(b"\x00\x00\x00\x18ftypmp42" + bytes(50), "wildlife", name="own.mp4", user=BOT_USER)
    event = {"type": "file_shared", "file_id": own.files[0]["id"], "channel_id": own.channel_id}
    assert await send_event(there, event, event_id="Ev0OWN") == 200
    witness = await there.clip()
    await there.progress(witness, starts="I found")
    assert there.replies(own) == []


async def test_a_file_of_this_channel_may_be_named_by_its_permalink_and_no_other(there: Workspace) -> None:
    here = await there.clip()
    elsewhere = await there.slack.upload_file(b"\x00\x00\x00\x18ftypmp42" + bytes(60), "dm", name="private.mp4")
    await there.slack.until(lambda: there.replies(elsewhere))
    await there.slack.slash_command("wildlife", "/track", elsewhere.files[0]["permalink"])
    refusal = await there.slack.until(
        lambda: [each for each in there.slack.ephemerals if "not shared in this channel" in each.text]
    )
    assert refusal
    root = await command(there, f"<{here.files[0]['permalink']}|the fox> at least 5 frames")
    await there.slack.until(lambda: "I found" in root_now(there, root).text)


async def test_where_the_bot_is_not_the_asker_learns_how_to_invite_it(there: Workspace) -> None:
    there.slack.kick("wildlife")
    try:
        await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/five.mp4")
        told = await there.slack.until(lambda: [each for each in there.slack.ephemerals if "/invite" in each.text])
        assert told
    finally:
        there.slack.invite("wildlife")


async def test_what_is_not_understood_is_told_to_the_asker_alone(there: Workspace) -> None:
    before = len(there.slack.messages("wildlife"))
    delivery = await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/six.mp4 sideways")
    assert delivery is not None
    assert isinstance(delivery.answer, dict)
    assert delivery.answer["response_type"] == "ephemeral"
    assert "“sideways”" in delivery.answer["text"]
    await there.slack.settled()
    assert len(there.slack.messages("wildlife")) == before


async def test_a_login_form_behind_a_videos_name_gets_a_sentence(there: Workspace) -> None:
    root = await command(there, f"{there.web_url}/wall.mp4")
    await there.slack.until(lambda: "asks for a login" in root_now(there, root).text)


async def test_a_link_that_leads_nowhere_gets_a_sentence(there: Workspace) -> None:
    root = await command(there, f"{there.web_url}/gone.webm")
    await there.slack.until(lambda: "nothing at" in root_now(there, root).text)


async def test_a_private_address_is_refused(there: Workspace) -> None:
    root = await command(there, "http://10.0.0.7/secret.mp4?token=hidden")
    await there.slack.until(lambda: "private network" in root_now(there, root).text)
    assert "hidden" not in json.dumps(root_now(there, root).blocks)


async def test_where_nothing_starts_unasked_a_button_does(there: Workspace) -> None:
    await there.slack.slash_command("wildlife", "/track", "auto off")
    try:
        message = await there.clip()
        offer = await there.progress(message, starts="Shall I track")
        await there.slack.click(offer, "tracklet_track", user=KIM)
        await there.progress(message, starts="I found")
        assert offer.ts not in [each.ts for each in there.replies(message)]
    finally:
        await there.slack.slash_command("wildlife", "/track", "auto on")


async def test_the_message_shortcut_tracks_and_says_when_there_is_nothing(there: Workspace) -> None:
    await there.slack.slash_command("wildlife", "/track", "auto off")
    try:
        message = there.slack.post_message("wildlife", f"{there.web_url}/seven.mp4")
        await there.progress(message, starts="Shall I track")
        await there.slack.open_shortcut("track_message", message)
        await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("I found")])
        plain = there.slack.post_message("wildlife", "only words")
        await there.slack.open_shortcut("track_message", plain)
        await there.slack.until(lambda: [each for each in there.slack.ephemerals if "no video in that message" in each.text])
    finally:
        await there.slack.slash_command("wildlife", "/track", "auto on")


async def test_the_form_checks_its_fields_and_starts_a_job(there: Workspace) -> None:
    await there.slack.slash_command("wildlife", "/track", "")
    view = (await there.slack.until(lambda: there.slack.views))[-1]
    wrong = await there.slack.submit_view(
        view, {"link": "nothing", "words": "sideways", "channel": there.slack.channel_id("wildlife")}
    )
    assert "no link" in wrong["errors"]["link"]
    before = len(there.slack.messages("wildlife"))
    right = {"link": f"{there.web_url}/eight.mp4", "words": "from 0:01 to 0:05", "channel": there.slack.channel_id("wildlife")}
    assert not (await there.slack.submit_view(view, right)).get("errors")
    await there.slack.until(lambda: there.slack.messages("wildlife")[before:])
    root = there.slack.messages("wildlife")[before]
    await there.slack.until(lambda: "I found" in root_now(there, root).text)


async def test_the_global_shortcut_opens_the_form(there: Workspace) -> None:
    await there.slack.open_shortcut("track_global")
    view = (await there.slack.until(lambda: there.slack.views))[-1]
    assert view.view["callback_id"] == "track_modal"
    await there.slack.close_view(view)


async def test_home_shows_what_ran(there: Workspace) -> None:
    there.slack.open_home()
    home = await there.slack.until(there.slack.home)
    assert home is not None
    assert "fox.mp4" in json.dumps(home.view)


async def test_a_wrong_signature_is_turned_away_and_a_huge_body_too(there: Workspace) -> None:
    async with aiohttp.ClientSession() as session:
        stamp = str(int(time.time()))
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=0", "Content-Type": "application/json"}
        async with session.post(f"{there.bot.url}/slack/events", data=b"{}", headers=headers) as answer:
            assert answer.status == 401
        async with session.post(f"{there.bot.url}/slack/events", data=io.BytesIO(bytes(3 << 20)), headers=headers) as answer:
            assert answer.status == 413


async def test_health_readiness_and_metrics_answer(there: Workspace) -> None:
    async with aiohttp.ClientSession() as session:
        for path, part in (("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", 'tracklet_jobs{state="done"}')):
            async with session.get(there.bot.url + path) as answer:
                assert answer.status == 200
                assert part in await answer.text()


def root_now(there: Workspace, root: Message) -> Message:
    return there.slack.thread(root.channel_id, root.ts)[0]


async def send_event(there: Workspace, event: dict[str, object], *, event_id: str) -> int:
    """Deliver an event as Slack does."""
    body = json.dumps({"type": "event_callback", "team_id": "T0PLAYGRND1", "event_id": event_id, "event": event}).encode()
    stamp = str(int(time.time()))
    headers = {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(SECRET, stamp, body),
        "Content-Type": "application/json",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{there.bot.url}/slack/events", data=body, headers=headers) as answer,
    ):
        return answer.status
