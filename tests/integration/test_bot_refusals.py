"""Where Slack does not let the bot answer, whoever asked learns why, and nobody else does; whoever runs it sees it, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from playground import BOT_USER, KIM
from tests.integration.bot_workspace import Workspace, workspace
from tracking.errors import StorageError, StorageFault

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
    return running


REFUSED = {
    "restricted_action_read_only_channel": "only some people may post there",
    "ekm_access_denied": "taken back the keys",
    "is_archived": "the channel is archived",
    "restricted_action_non_threadable_channel": "replies are not allowed there",
    "a_reason_of_next_year": "a_reason_of_next_year",
}


@pytest.mark.parametrize(("reason", "said"), REFUSED.items())
async def test_where_a_command_cannot_be_answered_its_asker_learns_why(there: Workspace, reason: str, said: str) -> None:
    there.slack.faults.refuse("chat.postMessage", reason, times=1000)
    seen = len(there.slack.ephemerals)
    await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/{reason}.mp4", user=KIM)
    (told,) = await there.slack.until(lambda: there.slack.ephemerals[seen:])
    await there.job_over()
    assert said in told.text
    assert (told.user, told.channel_id) == (KIM, there.slack.channel_id("wildlife"))
    assert len(there.slack.ephemerals) == seen + 1


async def test_where_a_shared_video_cannot_be_answered_who_shared_it_learns_why(there: Workspace) -> None:
    there.slack.faults.refuse("chat.postMessage", "restricted_action_read_only_channel", times=1000)
    seen = len(there.slack.ephemerals)
    message = await there.clip(user=KIM)
    (told,) = await there.slack.until(lambda: there.slack.ephemerals[seen:])
    await there.job_over()
    assert "only some people may post there" in told.text
    assert (told.user, told.thread_ts) == (KIM, message.ts)
    assert there.replies(message) == []


async def test_who_cannot_be_told_in_the_channel_is_told_in_a_message(there: Workspace) -> None:
    there.slack.faults.refuse("chat.postMessage", "is_archived", times=2)  # the progress message, and the last word
    there.slack.faults.refuse("chat.postEphemeral", "is_archived")
    direct = there.slack.workspace.direct_channel(KIM).id
    seen = len(there.slack.messages(direct))
    await there.clip(user=KIM)
    (told,) = await there.slack.until(lambda: there.slack.messages(direct)[seen:])
    assert "the channel is archived" in told.text


@pytest.mark.parametrize(
    ("method", "reason", "why"),
    [
        ("files.completeUploadExternal", "slack_connect_blocked_file_type", "another organisation"),
        ("files.completeUploadExternal", "malware_detected", "harmful"),
        ("files.getUploadURLExternal", "file_upload_size_restricted", "larger than this workspace allows"),
        ("files.getUploadURLExternal", "file_uploads_except_images_disabled", "pictures, but no other files"),
    ],
)
async def test_a_file_that_the_workspace_s_rules_keep_out_is_told_with_the_rule(
    there: Workspace, method: str, reason: str, why: str
) -> None:
    there.slack.faults.refuse(method, reason, times=1000)
    message = await there.clip()
    told = await there.progress(message, starts="Slack does not take what I made")
    assert why in told.text


async def test_a_mention_that_cannot_be_answered_is_answered_to_who_wrote_it(there: Workspace) -> None:
    there.slack.faults.refuse("chat.postMessage", "restricted_action_read_only_channel", times=1000)
    seen = len(there.slack.ephemerals)
    there.slack.post_message("wildlife", f"<@{BOT_USER}> hello, what can you do?", user=KIM)
    told = await there.slack.until(lambda: there.slack.ephemerals[seen:])
    assert told[0].user == KIM


async def test_nobody_is_told_twice_of_an_answer_that_a_dead_response_url_would_have_had(there: Workspace) -> None:
    there.slack.faults.refuse("chat.postMessage", "is_archived", times=1000)
    there.slack.faults.refuse("response_url", "404")
    seen = len(there.slack.ephemerals)
    await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/dead.mp4", user=KIM)
    (told,) = await there.slack.until(lambda: there.slack.ephemerals[seen:])
    await there.job_over()
    assert "the channel is archived" in told.text
    assert len(there.slack.ephemerals) == seen + 1


@pytest.mark.parametrize("reason", ["expired_trigger_id", "internal_error"])
async def test_a_form_that_does_not_open_is_told_to_who_wanted_it(there: Workspace, reason: str) -> None:
    there.slack.faults.refuse("views.open", reason, times=3)
    seen = len(there.slack.ephemerals)
    await there.slack.slash_command("wildlife", "/track", "", user=KIM)
    (told,) = await there.slack.until(lambda: there.slack.ephemerals[seen:])
    assert "`/track` once more" in told.text
    assert told.user == KIM


async def test_a_form_of_the_global_shortcut_that_does_not_open_is_told_in_a_message(there: Workspace) -> None:
    there.slack.faults.refuse("views.open", "expired_trigger_id")
    direct = there.slack.workspace.direct_channel(KIM).id
    seen = len(there.slack.messages(direct))
    await there.slack.open_shortcut("track_global", user=KIM)
    (told,) = await there.slack.until(lambda: there.slack.messages(direct)[seen:])
    assert "`/track` once more" in told.text


async def test_a_form_whose_answer_was_lost_opens_once(there: Workspace) -> None:
    there.slack.faults.answer("views.open", "stream timeout", status=408, is_done=True)
    seen, opened = len(there.slack.ephemerals), len(there.slack.calls_of("views.open"))
    await there.slack.slash_command("wildlife", "/track", "", user=KIM)
    await there.slack.until(lambda: len(there.slack.calls_of("views.open")) == opened + 2)
    (view,) = there.slack.views
    await there.slack.close_view(view)
    await there.slack.settled()
    assert len(there.slack.ephemerals) == seen


@pytest.mark.parametrize("reason", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_token_that_slack_takes_back_is_told_to_the_asker_and_to_whoever_watches(there: Workspace, reason: str) -> None:
    assert await readiness(there) == (200, "ready\n")
    seen = len(there.slack.ephemerals)
    for method in ("auth.test", "chat.postMessage", "chat.postEphemeral", "conversations.info"):
        there.slack.faults.refuse(method, reason, times=1000)
    await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/one.mp4", user=KIM)
    (told,) = await there.slack.until(lambda: there.slack.ephemerals[seen:])
    assert "install me again" in told.text
    assert await readiness(there) == (503, "not ready: slack\n")
    there.slack.faults.clear()
    assert await readiness(there) == (200, "ready\n")


async def test_a_slack_that_does_not_answer_leaves_the_bot_ready(there: Workspace) -> None:
    there.slack.faults.server_error("auth.test")
    assert await readiness(there) == (200, "ready\n")


async def readiness(there: Workspace) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{there.bot.url}/readyz") as answer:
        return answer.status, await answer.text()


async def test_what_only_the_operator_can_mend_is_told_to_both(there: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    there.children.errors["track"] = StorageError("annotations", "write", StorageFault.PERMISSION)
    try:
        failure = await there.progress(await there.clip(), holds="Only whoever runs me can mend that")
    finally:
        there.children.errors.clear()
    await there.job_over()
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1
    number = told[0].partition(":")[0].removeprefix("job ")
    assert f"job {number}." in failure.text
    assert "annotations" in told[0]
