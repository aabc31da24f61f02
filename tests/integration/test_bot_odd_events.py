"""
What Slack sends besides plain shares: repeats, odd files and names, other subtypes, people of other workspaces.

Each is one that somebody reported of a Slack app. What is a video is tracked once, and everything else is left alone.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from bot.web.slack_requests import EVENTS_PATH
from playground import KIM, Message, signature
from playground.payloads import Json
from tests.integration.bot_workspace import CLIP, SECRET, Workspace, workspace

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
    running.children.errors.clear()
    await running.job_over()
    return running


def told_of(message: Message, **changes: object) -> Json:
    """The event of a message, with changes."""
    event: Json = {"type": "message", "channel": message.channel_id, "channel_type": "channel", "user": message.user}
    event |= {"ts": message.ts, "text": message.text, "files": message.files, "subtype": "file_share"}
    return event | changes


async def silent(there: Workspace) -> Message:
    """A message of which the bot has heard nothing."""
    with there.unheard("wildlife"):
        return there.slack.post_message("wildlife", "")


async def nothing_follows(there: Workspace, message: Message) -> None:
    """Check that a message gets no answer: a video that is shared after it is answered, and it is not."""
    await there.slack.settled()
    await there.progress(await there.clip(), starts="I found")
    await there.job_over()
    assert there.replies(message) == []


# ---- repeats -------------------------------------------------------------------------------------------------------------


async def test_a_message_that_is_told_again_and_again_is_one_job(there: Workspace) -> None:
    with there.unheard("wildlife"):
        message = await there.clip()
    jobs = await there.job_count()
    # Each has another event_id.
    answers = await asyncio.gather(*(there.deliver(told_of(message)) for _ in range(5)))
    assert answers == [200] * 5
    await there.progress(message, starts="I found")
    await there.deliver(told_of(message))
    await there.job_over()
    assert await there.job_count() == jobs + 1
    assert len(there.replies(message)) == 4


async def test_a_file_that_is_shared_in_two_channels_at_once_has_one_job_in_each(there: Workspace) -> None:
    there.slack.invite("general")
    with there.unheard("wildlife"), there.unheard("general"):
        here = await there.clip()
        beside = there.slack.post_message("general", "")
    beside.files = here.files
    jobs = await there.job_count()
    file: Json = {"type": "file_shared", "file_id": here.files[0]["id"], "user_id": here.user}
    await asyncio.gather(
        there.deliver(told_of(here)),
        there.deliver(told_of(beside)),
        there.deliver(file | {"channel_id": here.channel_id, "event_ts": "1.1"}),
        there.deliver(file | {"channel_id": beside.channel_id, "event_ts": "1.2"}),
    )
    for message in (here, beside):
        await there.progress(message, starts="I found")
    await there.job_over()
    assert await there.job_count() == jobs + 2


async def test_three_clicks_of_two_people_at_once_are_one_further_job(there: Workspace) -> None:
    there.children.errors["track"] = ValueError("of a test")  # type: ignore[assignment]  # which nobody foresaw
    message = await there.clip()
    failure = await there.progress(message, starts="Something went wrong")
    there.children.errors.clear()
    jobs = await there.job_count()
    await asyncio.gather(*(there.slack.click(failure, "tracklet_retry", user=user) for user in (KIM, failure.user, KIM)))
    await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("I found")])
    await there.job_over()
    assert await there.job_count() == jobs + 1


# ---- files ---------------------------------------------------------------------------------------------------------------

NO_VIDEOS: dict[str, Json] = {
    "a sound": {"name": "clip.mp4", "mimetype": "audio/mp4"},
    "a GIF": {"name": "fox.gif", "mimetype": "image/gif"},
    "a GIF that is called a video": {"name": "fox.mp4", "mimetype": "image/gif"},
    "a snippet": {"name": "fox.py", "mimetype": "text/plain", "mode": "snippet"},
    "a canvas": {"name": "Notes", "mimetype": "application/vnd.slack-docs", "mode": "quip"},
    "a list": {"name": "Sightings", "mimetype": "application/vnd.slack-list", "mode": "list"},
    "a huddle": {"name": "huddle", "mimetype": "application/vnd.slack-huddle-transcript", "mode": "huddle_transcript"},
    "a deleted file": {"mode": "tombstone"},
    "a file that the plan hides": {"mode": "hidden_by_limit"},
}


@pytest.mark.parametrize("facts", NO_VIDEOS.values(), ids=NO_VIDEOS)
async def test_a_file_that_is_no_video_is_left_alone(there: Workspace, facts: Json) -> None:
    message = await silent(there)
    assert await there.deliver(told_of(message, files=[{"id": "F0NOVIDEO1", **facts}])) == 200
    await nothing_follows(there, message)


@pytest.mark.parametrize("reason", ["access_denied", "file_not_found", "not_visible"])
async def test_a_file_of_another_workspace_that_is_not_shown_is_left_alone(there: Workspace, reason: str) -> None:
    message = await silent(there)
    there.slack.faults.refuse("files.info", reason, times=100)
    await there.deliver(told_of(message, files=[{"id": "F0AFAR0001", "file_access": "check_file_info"}]))
    await there.slack.until(lambda: there.slack.calls and there.slack.calls[-1].error == reason)
    await there.slack.settled()
    there.slack.faults.clear()
    await nothing_follows(there, message)


@pytest.mark.parametrize(
    "facts",
    [
        {"subtype": "slack_video", "url_private_download": "", "hls": "https://files.slack.com/a.m3u8", "vtt": "x"},
        {"mimetype": "application/octet-stream", "name": "fox.mov"},
        {"mimetype": "application/octet-stream", "name": "fox.m4v"},
        {"mimetype": "application/octet-stream", "name": "FOX.MKV"},
    ],
    ids=str,
)
async def test_a_video_is_one_whatever_slack_leaves_out_of_it(there: Workspace, facts: Json) -> None:
    with there.unheard("wildlife"):
        message = await there.clip()
    there.slack.faults.alter("files.info", {"file": facts}, times=3)
    await there.deliver(told_of(message, files=[message.files[0] | facts]))
    await there.progress(message, starts="I found")


NAMES = (
    "../../etc/passwd.mp4",
    "x" * 300 + ".mp4",
    "cafe\u0301 fu\u0308chse.mp4",
    "\u202egpj.fox.mp4",
    "🦊 <!channel> <@U0YOU>.mp4",
    "two\nlines\tand *bold* _it_ ~no~ `code`.mp4",
    "&lt;b&gt;.mp4",
    ".mp4",
)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
async def test_a_name_is_shown_as_text_and_leads_nowhere(there: Workspace, name: str) -> None:
    with there.unheard("wildlife"):
        message = await there.clip()
    there.slack.faults.alter("files.info", {"file": {"name": name}}, times=3)
    await there.deliver(told_of(message, files=[message.files[0] | {"name": name}]))
    await there.progress(message, starts="I found")
    await there.slack.until(lambda: len(there.replies(message)) == 4)
    shown = "".join(each.text + json.dumps(each.blocks, ensure_ascii=False) for each in there.replies(message))
    for markup in ("<!channel>", "<@U0YOU>", "\u202e", "*bold*", "`code`"):
        assert markup not in shown
    assert "\n" not in there.replies(message)[0].text


# ---- messages ------------------------------------------------------------------------------------------------------------

SUBTYPES = (
    "bot_message", "channel_archive", "channel_convert_to_private", "channel_join", "channel_leave", "channel_name",
    "channel_purpose", "channel_topic", "channel_unarchive", "ekm_access_denied", "file_comment", "file_mention",
    "group_join", "message_replied", "pinned_item", "reminder_add", "reply_broadcast", "sh_room_created", "tombstone",
)  # fmt: skip

EVENTS = (
    "app_rate_limited", "channel_rename", "emoji_changed", "file_change", "file_created", "file_deleted", "link_shared",
    "member_joined_channel", "message_metadata_posted", "reaction_added", "team_join", "user_change",
)  # fmt: skip


async def test_other_subtypes_and_events_are_answered_and_start_nothing(there: Workspace) -> None:
    message = await silent(there)
    file = {"id": "F0OTHER001", "name": "fox.mp4", "mimetype": "video/mp4"}
    for subtype in SUBTYPES:
        assert await there.deliver(told_of(message, subtype=subtype, files=[file])) == 200, subtype
    for kind in EVENTS:
        event = {
            "type": kind,
            "user": KIM,
            "channel": message.channel_id,
            "event_ts": "1.1",
            "links": [{"url": "https://e.org"}],
        }
        assert await there.deliver(event) == 200, kind
    await nothing_follows(there, message)


@pytest.mark.parametrize("subtype", ["me_message", "thread_broadcast"])
async def test_links_of_other_ways_to_write_are_tracked(there: Workspace, subtype: str) -> None:
    message = await silent(there)
    link = f"<{there.web_url}/{subtype}.mp4>"
    await there.deliver(told_of(message, subtype=subtype, files=None, text=link))
    await there.progress(message, starts="I found")


async def test_people_of_other_workspaces_are_answered(there: Workspace) -> None:
    with there.unheard("wildlife"):
        message = await there.clip()
    there.slack.faults.refuse("users.info", "user_not_found", times=10)
    grid = {"user_team": "T0OTHER001", "source_team": "T0OTHER001", "is_ext_shared_channel": True, "team": "T0OTHER001"}
    assert await there.deliver(told_of(message, user="W0STRANGER1", **grid)) == 200
    await there.progress(message, starts="I found")


# ---- while a job runs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_results_come_although_the_progress_message_is_gone(there: Workspace, reason: str) -> None:
    there.slack.faults.refuse("chat.update", reason, times=100)
    message = await there.clip()
    await there.slack.until(lambda: [len(each.files) for each in there.replies(message)] == [0, 1, 0, 3])
    await there.job_over()


async def test_a_message_whose_edits_must_wait_holds_up_no_other(there: Workspace) -> None:
    there.slack.faults.rate_limit("chat.update", retry_after=8)
    first = await there.clip()
    await there.slack.until(lambda: len(there.replies(first)) == 4)
    second = await there.clip()
    await there.progress(second, starts="I found")
    assert not there.replies(first)[0].text.startswith("I found")
    await there.progress(first, starts="I found")


async def test_a_bot_that_is_sent_away_while_it_works_ends_the_job_and_goes_on_elsewhere(there: Workspace) -> None:
    held = there.children.hold("track")
    message = await there.clip()
    await there.progress(message, holds="Following")
    there.slack.kick("wildlife")
    try:
        held.set()
        there.children.held.clear()
        await there.job_over()
        assert len(there.replies(message)) == 1
    finally:
        there.slack.invite("wildlife")
    await there.progress(await there.clip(), starts="I found")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 429, "body": '{"ok": false, "error": "ratelimited"}', "content_type": "application/json"},
        {"status": 200, "body": '{"ok": false, "error": "internal_error"}', "content_type": "application/json"},
        {"status": 504, "body": "<html>Gateway Timeout</html>", "content_type": "text/html"},
    ],
    ids=["429 without a time", "internal_error", "504"],
)
async def test_what_slacks_edge_says_is_waited_out_wherever_it_comes(there: Workspace, answer: Json) -> None:
    for method in ("chat.postMessage", "files.getUploadURLExternal", "upload", "files.completeUploadExternal", "chat.update"):
        there.slack.faults.answer(method, **answer)
    message = await there.clip()
    await there.progress(message, starts="I found")
    assert [len(each.files) for each in there.replies(message)] == [0, 1, 0, 3]


# ---- requests that are no events -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "status", "said"),
    [
        (b'{"type": "url_verification", "challenge": "c4"}', "application/json", 200, "c4"),
        (b'{"type": "url_verification", "challenge": "c5"}', "application/json; charset=utf-8", 200, "c5"),
        (urlencode({"ssl_check": "1", "token": "x"}).encode(), "application/x-www-form-urlencoded", 200, ""),
    ],
)
async def test_slacks_checks_of_the_address_are_answered(
    there: Workspace, body: bytes, content_type: str, status: int, said: str
) -> None:
    stamp = str(int(time.time()))
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature(SECRET, stamp, body)}
    async with (
        aiohttp.ClientSession() as session,
        session.post(there.bot.url + EVENTS_PATH, data=body, headers=headers | {"Content-Type": content_type}) as answer,
    ):
        assert answer.status == status
        assert said in await answer.text()


async def test_a_direct_message_with_a_video_is_answered_in_order(there: Workspace) -> None:
    message = await there.slack.upload_file(CLIP + b"direct", "dm", name="fox.mp4")
    await there.progress(message, starts="I found")
    assert [len(each.files) for each in there.replies(message)] == [0, 1, 0, 3]
