"""What Slack does not let the bot do, and what people are told then; nothing that is Slack's fault ends in silence."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from playground import BOT_USER, KIM
from playground.events import envelope
from tests.integration.bot_workspace import Workspace, eventually, workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workspace]:
    async with workspace(Path(tmp_path_factory.mktemp("bot"))) as started:
        yield started


@pytest.fixture
def there(running: Workspace) -> Workspace:
    running.slack.faults.clear()
    running.children.held.clear()
    return running


async def test_without_files_read_a_shared_file_is_answered_with_what_is_missing_and_who_can_grant_it(there: Workspace) -> None:
    there.slack.web_api.scopes.remove("files:read")
    try:
        message = await there.clip()
        failure = await there.progress(message, holds="files:read")
    finally:
        there.slack.web_api.scopes.add("files:read")
    assert "Whoever installed me" in failure.text
    assert "tracklet_retry" in json.dumps(failure.blocks)


async def test_the_sign_in_page_in_place_of_a_file_is_answered_like_the_missing_permission(there: Workspace) -> None:
    # files.info still answers: Slack grants the two with some delay after an installation.
    there.slack.faults.answer("download", "<html><title>Sign in</title></html>", content_type="text/html", times=1000)
    failure = await there.progress(await there.clip(), holds="sign-in page")
    assert "files:read" in failure.text
    assert "Whoever installed me" in failure.text


async def test_a_stub_that_may_not_be_looked_up_is_answered_too(there: Workspace) -> None:
    there.slack.web_api.scopes.remove("files:read")
    try:
        message = await there.clip(connect_stub=True, name="from-afar.mp4")
        await there.progress(message, holds="files:read")
    finally:
        there.slack.web_api.scopes.add("files:read")


async def test_a_command_that_lacks_a_permission_tells_its_asker(there: Workspace) -> None:
    there.slack.web_api.scopes.remove("channels:read")
    try:
        await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/one.mp4")
        told = await there.slack.until(lambda: [each for each in there.slack.ephemerals if "channels:read" in each.text])
    finally:
        there.slack.web_api.scopes.add("channels:read")
    assert "Whoever installed me" in told[0].text


async def test_a_mention_in_a_thread_that_slack_does_not_show_asks_for_the_link(there: Workspace) -> None:
    root = there.slack.post_message("wildlife", "what do you think of this?")
    there.slack.faults.refuse("conversations.replies", "missing_scope")
    there.slack.post_message("wildlife", f"<@{BOT_USER}> track this", thread_ts=root.ts, user=KIM)
    (answer,) = await there.slack.until(lambda: there.replies(root), timeout_s=60)
    assert "together with a link to the video" in answer.text


async def test_a_command_where_the_bot_is_not_is_answered_to_the_asker_alone_with_how_to_invite_it(there: Workspace) -> None:
    there.slack.kick("general")
    messages = len(there.slack.messages("general"))
    try:
        await there.slack.slash_command("general", "/track", f"{there.web_url}/two.mp4", user=KIM)
        told = await there.slack.until(lambda: [each for each in there.slack.ephemerals if "/invite @" in each.text])
    finally:
        joined = len(there.slack.messages("general"))
        there.slack.invite("general")
    assert told[0].user == KIM
    assert joined == messages


async def test_a_token_of_a_person_that_is_revoked_stops_nothing(there: Workspace) -> None:
    held = there.children.hold("track")
    message = await there.clip()
    await there.progress(message, holds="Following")
    event = {"type": "tokens_revoked", "tokens": {"oauth": [KIM], "bot": []}}
    there.slack.link.send_event(envelope(there.slack.workspace, event))
    await there.slack.settled()
    held.set()
    await there.progress(message, starts="I found")


async def test_when_the_app_is_removed_its_jobs_end_and_it_is_not_ready_any_more(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        there.children.hold("track")
        message = await there.clip()
        await there.progress(message, holds="Following")
        there.slack.uninstall()
        await there.job_over()
        async with aiohttp.ClientSession() as session, session.get(f"{there.bot.url}/readyz") as answer:
            assert answer.status == 503
            assert "slack" in await answer.text()
        assert await eventually(lambda: there.children.running == 0)
