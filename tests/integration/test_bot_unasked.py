"""Where nobody spoke to the bot it is quiet and discreet: it says nothing false, and asks no stranger's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from playground import BOT_USER, KIM, Message
from playground.events import envelope
from playground.payloads import Json
from tests.integration.bot_workspace import Workspace, workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workspace]:
    async with workspace(Path(tmp_path_factory.mktemp("bot"))) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def there(running: Workspace) -> Workspace:
    """The bot once it has nothing to do, in a Slack without faults."""
    running.slack.faults.clear()
    running.children.held.clear()
    await running.job_over()
    running.web_requests.clear()
    return running


async def nothing_follows(there: Workspace, *messages: Message) -> None:
    """Check that nothing is said to messages: a video that is shared after them is answered, and they are not."""
    await there.slack.settled()
    await there.progress(await there.clip(), starts="I found")
    await there.job_over()
    assert [reply.text for message in messages for reply in there.replies(message)] == []


NO_VIDEOS: dict[str, Json] = {
    # openclaw pull 14941
    "a voice clip": {"name": "audio_message.mp4", "mimetype": "video/mp4", "subtype": "slack_audio"},
    "a voice clip by its name": {"name": "audio_message (1).mp4", "mimetype": "video/mp4"},
    "a voice clip of another name": {"name": "clip.mp4", "mimetype": "video/mp4", "subtype": "slack_audio"},
    "a sound": {"name": "song.mp4", "mimetype": "audio/mp4"},
    "a source": {"name": "server.ts", "mimetype": "video/mp2t"},  # mime-types issue 99
    "a source without a suffix": {"name": "server", "mimetype": "video/mp2t"},
    "a playlist": {"name": "list.mxu", "mimetype": "video/vnd.mpegurl"},
    "a file of Google Drive": {"name": "drive.mp4", "mimetype": "video/mp4", "mode": "external", "is_external": True},
    "a file of elsewhere": {"name": "drive.mp4", "mimetype": "video/mp4", "mode": "hosted", "is_external": True},
}


async def share(there: Workspace, facts: Json, *, text: str = "", channel: str = "wildlife") -> Message:
    """Share a file of which Slack says `facts`, in its events and when it is asked."""
    there.slack.faults.alter("files.info", {"file": facts}, times=3)
    there.slack.kick(channel)
    message = await there.clip(channel=channel, text=text)
    there.slack.invite(channel)
    await there.slack.settled()
    file = message.files[0] | facts
    event: Json = {"type": "message", "subtype": "file_share", "channel": message.channel_id, "channel_type": "channel"}
    event |= {"user": message.user, "ts": message.ts, "text": message.text, "files": [file]}
    there.slack.link.send_event(envelope(there.slack.workspace, event))
    twin = {"type": "file_shared", "file_id": file["id"], "channel_id": message.channel_id, "user_id": message.user}
    asked = len(there.slack.calls_of("files.info"))
    there.slack.link.send_event(envelope(there.slack.workspace, twin))
    await there.slack.until(lambda: len(there.slack.calls_of("files.info")) > asked)
    return message


@pytest.mark.parametrize("facts", NO_VIDEOS.values(), ids=NO_VIDEOS)
async def test_what_only_looks_like_a_video_is_left_alone_unasked(there: Workspace, facts: Json) -> None:
    message = await share(there, facts)
    there.slack.faults.clear()
    await nothing_follows(there, message)


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "clip.mts", "mimetype": "video/mp2t"},
        {"name": "no suffix", "mimetype": "video/mp4"},
        {"name": "video_message.mp4", "mimetype": "video/mp4", "subtype": "slack_video"},
    ],
    ids=str,
)
async def test_what_surely_is_a_video_is_tracked_unasked(there: Workspace, facts: Json) -> None:
    message = await share(there, facts)
    await there.progress(message, starts="I found")


async def test_a_voice_clip_is_answered_where_somebody_asks_for_it(there: Workspace) -> None:
    message = await share(there, NO_VIDEOS["a voice clip"], text=f"<@{BOT_USER}> track this")
    await there.progress(message)  # what is in it is for the work to say


async def test_a_file_of_elsewhere_is_answered_where_somebody_asks_for_it(there: Workspace) -> None:
    message = await share(there, NO_VIDEOS["a file of Google Drive"], text=f"<@{BOT_USER}> track this")
    await there.progress(message, holds="lies outside of Slack")


# ---- links ---------------------------------------------------------------------------------------------------------------


async def test_no_server_is_asked_for_a_link_that_nobody_spoke_to_the_bot_about(there: Workspace) -> None:
    # wp-cli-login-command issue 1: such links are spent by being followed
    url = there.web_url
    links = (f"{url}/magic?token=SECRET123&once=1", f"{url}/approve", f"{url}/unsubscribe", f"{url}/watch", f"{url}/page")
    messages = [there.slack.post_message("wildlife", f"look: {link} !", user=KIM) for link in links]
    await nothing_follows(there, *messages)
    assert there.web_requests == []


async def test_a_video_behind_a_link_that_may_work_once_waits_for_somebody_to_ask(there: Workspace) -> None:
    message = there.slack.post_message("wildlife", f"{there.web_url}/signed.mp4?token=SECRET123", user=KIM)
    offer = await there.progress(message, holds="Shall I track")
    assert there.web_requests == []
    assert "SECRET123" not in offer.text
    await there.slack.click(offer, "tracklet_track")
    await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("I found")])
    assert there.web_requests == ["GET /signed.mp4?token=SECRET123"]


async def test_who_asks_for_such_a_link_gets_it_at_once(there: Workspace) -> None:
    message = there.slack.post_message("wildlife", f"<@{BOT_USER}> {there.web_url}/mine.mp4?token=SECRET123", user=KIM)
    await there.progress(message, starts="I found")
    assert there.web_requests == ["GET /mine.mp4?token=SECRET123"]


async def test_servers_that_never_answer_hold_up_nobody(there: Workspace) -> None:
    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        for number in range(16):
            for word in ("", f"<@{BOT_USER}> "):
                there.slack.post_message("wildlife", f"{word}http://127.0.0.1:{port}/{number} and /{number}b", user=KIM)
        message = await there.clip(text=f"<@{BOT_USER}> only person")
        await there.progress(message, starts="I found")
    finally:
        server.close()
        for writer in writers:
            writer.close()
    for number in range(1, 100):
        await there.slack.slash_command("wildlife", "/track", f"cancel {number}", user=KIM)
    await there.job_over()
