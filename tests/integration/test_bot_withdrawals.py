"""Somebody deletes the message with the video: its job stops, and what was posted goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from playground import BOT_USER, KIM, Message
from playground.events import envelope
from playground.files import FileState, StoredFile
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
    running.children.objects = 3
    return running


async def all_gone(there: Workspace, message: Message) -> None:
    """Wait until nothing of the bot is below a message, and none of its pictures is left."""

    def left() -> list[StoredFile]:
        ours = [file for file in there.slack.files.by_id.values() if file.user == BOT_USER and message.ts in threads_of(file)]
        return [file for file in ours if file.state is not FileState.DELETED]

    await there.slack.until(lambda: not there.replies(message) and not left())
    await there.job_over()
    await there.slack.settled()
    assert there.replies(message) == []
    assert left() == []


def threads_of(file: StoredFile) -> list[str]:
    return [str(share.get("thread_ts")) for shares in file.shares.values() for share in shares]


@pytest.mark.parametrize("stage", ["probe", "track", "summary", "animations"])
async def test_a_message_that_is_deleted_stops_its_job_in_each_stage(there: Workspace, stage: str) -> None:
    there.children.hold(stage)
    message = await there.clip()
    await there.slack.until(lambda: stage in [task for task, _ in there.children.asked[-4:]] and there.children.running)
    if stage == "animations":
        await there.slack.until(lambda: len(there.replies(message)) == 3)  # the summary and the list are there
    there.slack.delete_message(message)
    await all_gone(there, message)


async def test_the_pictures_of_a_job_that_is_done_go_with_its_message(there: Workspace) -> None:
    there.children.objects = 12
    message = await there.clip()
    await there.progress(message, starts="I found 12")
    await there.slack.click(there.replies(message)[2], "tracklet_more")
    await there.slack.until(lambda: len(there.replies(message)) == 5)
    await there.job_over()
    there.slack.delete_message(message)
    await all_gone(there, message)


async def test_what_others_asked_for_below_a_message_goes_with_it(there: Workspace) -> None:
    message = await there.clip()
    await there.progress(message, starts="I found")
    await there.job_over()
    for text in ("only person", "make crops"):
        before = len(there.replies(message))
        there.slack.post_message("wildlife", f"<@{BOT_USER}> {text}", thread_ts=message.ts, user=KIM)
        await there.slack.until(lambda before=before: len(there.replies(message)) >= before + 2)  # type: ignore[misc]
        await there.job_over()
    there.slack.delete_message(message)
    await all_gone(there, message)


async def test_a_link_that_is_deleted_stops_its_job(there: Workspace) -> None:
    there.children.hold("track")
    message = there.slack.post_message("wildlife", f"{there.web_url}/deleted.mp4", user=KIM)
    await there.progress(message, holds="Following")
    there.slack.delete_message(message)
    await all_gone(there, message)


async def test_a_reply_that_is_deleted_takes_its_own_job_along_and_no_other(there: Workspace) -> None:
    root = await there.clip(name="root.mp4")
    await there.progress(root, starts="I found")
    await there.slack.until(lambda: len(there.replies(root)) == 4)
    reply = await there.clip(name="reply.mp4", thread_ts=root.ts)
    await there.slack.until(lambda: len(there.replies(root)) == 8)
    there.slack.delete_message(reply)
    await there.slack.until(lambda: len(there.replies(root)) == 4)
    assert all("root.mp4" in each.text for each in there.replies(root)[:1])


async def test_a_thread_whose_first_message_becomes_a_tombstone_is_taken_back(there: Workspace) -> None:
    there.children.hold("track")
    message = await there.clip()
    await there.progress(message, holds="Following")
    before = there.slack.workspace.message_json(message)
    tombstone = {"type": "message", "subtype": "tombstone", "ts": message.ts, "user": "USLACKBOT", "hidden": True}
    tell(there, message, {"subtype": "message_changed", "message": tombstone, "previous_message": before})
    await all_gone(there, message)


async def test_a_file_that_is_deleted_from_its_message_takes_its_job_along(there: Workspace) -> None:
    there.children.hold("track")
    message = await there.clip()
    await there.progress(message, holds="Following")
    there.slack.delete_file(message.files[0]["id"])
    await all_gone(there, message)


async def test_a_message_that_is_deleted_before_its_job_began_gets_none(there: Workspace) -> None:
    there.slack.kick("wildlife")
    message = await there.clip()
    there.slack.invite("wildlife")
    await there.slack.settled()
    tell(there, message, {"subtype": "message_deleted", "deleted_ts": message.ts})
    await there.slack.settled()
    tell(there, message, {"subtype": "file_share", "ts": message.ts, "user": message.user, "files": message.files})
    await there.slack.settled()
    other = await there.clip()
    await there.progress(other, starts="I found")
    await there.job_over()
    assert there.replies(message) == []


async def test_a_deletion_that_is_told_twice_or_of_nothing_does_nothing(there: Workspace) -> None:
    message = await there.clip()
    await there.progress(message, starts="I found")
    for deleted in ("1700000000.000100", None, 7):
        tell(there, message, {"subtype": "message_deleted", "deleted_ts": deleted})
    tell(there, message, {"subtype": "message_changed", "message": None, "previous_message": []})
    await there.slack.settled()
    await there.job_over()
    assert len(there.replies(message)) == 4
    there.slack.delete_message(message)
    await all_gone(there, message)
    tell(there, message, {"subtype": "message_deleted", "deleted_ts": message.ts})
    await there.slack.settled()


async def test_the_offer_of_a_message_that_is_deleted_goes(there: Workspace) -> None:
    message = there.slack.post_message("wildlife", f"{there.web_url}/once.mp4?token=1", user=KIM)
    await there.progress(message, holds="Shall I track")
    there.slack.delete_message(message)
    await all_gone(there, message)


def tell(there: Workspace, message: Message, event: Json) -> None:
    """Tell the bot of something in a message's channel."""
    whole = {"type": "message", "channel": message.channel_id, "channel_type": "channel", "ts": "1700000009.000100"} | event
    there.slack.link.send_event(envelope(there.slack.workspace, whole))
