"""
Slack answers late, wrongly or not at all: the bot looks, tries again, and says nothing untrue meanwhile.

Each answer is one that somebody reported of the real Slack; the reports are named where a rule rests on them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api import AnswerLost, call_once
from playground import YOU, Message
from playground.events import envelope
from playground.payloads import Json
from tests.integration.bot_workspace import CLIP, Workspace, workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "<!DOCTYPE html><html><title>Sorry!</title>This didn't work.</html>"


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


async def answered_in_full(there: Workspace, message: Message) -> list[Message]:
    """The replies, once the last GIF is there: progress, summary, list and GIFs, each of them once."""
    await there.slack.until(lambda: len(there.replies(message)) >= 4, timeout_s=60)
    await there.progress(message, starts="I found 3 objects")
    replies = there.replies(message)
    assert [len(each.files) for each in replies] == [0, 1, 0, 3]
    return replies


# ---- answers that are none -----------------------------------------------------------------------------------------------

NO_ANSWERS: dict[str, Json] = {
    "408 by the edge": {"status": 408, "body": "stream timeout"},  # python-slack-sdk issue 1162
    "nothing": {"content_type": "application/json"},  # python-slack-sdk issue 1100
    "nothing at all": {},
    "a page": {"body": PAGE, "content_type": "text/html"},
    "a page that is called JSON": {"body": PAGE, "content_type": "application/json"},
    "a page with 404": {"status": 404, "body": PAGE, "content_type": "text/html"},
    "503": {"status": 503, "body": PAGE, "content_type": "text/html"},
    "a list": {"body": "[]", "content_type": "application/json"},
    "a list of something": {"body": '["ok"]', "content_type": "application/json"},
    "a number": {"body": "1", "content_type": "application/json"},
    "a text": {"body": '"ok"', "content_type": "application/json"},
    "null": {"body": "null", "content_type": "application/json"},
    "no ok": {"body": "{}", "content_type": "application/json"},
    "a no without a reason": {"body": '{"ok": false}', "content_type": "application/json"},
    "bytes": {"body": b"\xff\xfe\x00", "content_type": "application/json"},
    "text that is no UTF-8": {"body": b"\xff\xfe", "content_type": "text/plain"},
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_an_answer_that_is_not_the_apis_is_a_lost_one(there: Workspace, answer: Json) -> None:
    there.slack.faults.answer("auth.test", **answer)
    client = AsyncWebClient(token=there.slack.bot_token, base_url=there.slack.api_url)
    with pytest.raises(AnswerLost):
        await call_once(client, "auth.test")
    assert (await call_once(client, "auth.test"))["ok"]


@pytest.mark.parametrize("answer", [NO_ANSWERS["408 by the edge"], NO_ANSWERS["a page that is called JSON"]], ids=str)
async def test_a_job_survives_lost_answers(there: Workspace, answer: Json) -> None:
    for method in ("chat.postMessage", "files.getUploadURLExternal", "files.completeUploadExternal", "files.info"):
        there.slack.faults.answer(method, **answer)
    await answered_in_full(there, await there.clip())


@pytest.mark.parametrize("answer", [NO_ANSWERS["408 by the edge"], NO_ANSWERS["nothing"]], ids=str)
async def test_what_was_done_although_the_answer_was_lost_is_done_once(there: Workspace, answer: Json) -> None:
    for method in ("chat.postMessage", "files.completeUploadExternal"):
        there.slack.faults.answer(method, is_done=True, **answer)
    uploads = len(there.slack.calls_of("upload"))
    await answered_in_full(there, await there.clip())
    assert len(there.slack.calls_of("upload")) == uploads + 4  # no picture was sent twice


@pytest.mark.parametrize("reason", ["rate_limited", "message_limit_exceeded"])
async def test_a_refusal_that_passes_is_waited_out(there: Workspace, reason: str) -> None:
    there.slack.faults.refuse("chat.postMessage", reason, times=2)
    await answered_in_full(there, await there.clip())


async def test_an_upload_that_slack_could_not_finish_is_sent_again(there: Workspace) -> None:
    # python-slack-sdk issue 1730
    there.slack.faults.refuse("files.completeUploadExternal", "file_update_failed")
    await answered_in_full(there, await there.clip())


# ---- shares that never show ----------------------------------------------------------------------------------------------


async def test_pictures_whose_shares_never_show_are_found_in_the_thread(there: Workspace) -> None:
    # python-slack-sdk issue 1277
    there.slack.faults.alter("files.info", {"file": {"shares": {}}}, times=1000)
    deleted = len(there.slack.calls_of("files.delete"))
    await answered_in_full(there, await there.clip())
    assert len(there.slack.calls_of("files.delete")) == deleted


async def test_pictures_that_show_nowhere_stay_and_the_rest_follows(there: Workspace) -> None:
    there.slack.faults.alter("files.info", {"file": {"shares": {}}}, times=1000)
    there.slack.faults.refuse("conversations.replies", "missing_scope", times=1000)
    deleted = len(there.slack.calls_of("files.delete"))
    message = await there.clip()
    await there.progress(message, starts="I found 3 objects")
    # Twice is better than none, and what people see does not go again.
    assert [len(each.files) for each in there.replies(message)] == [0, 1, 1, 0, 3, 3]
    assert len(there.slack.calls_of("files.delete")) == deleted


async def test_a_new_picture_that_slack_does_not_know_yet_is_asked_for_again(there: Workspace) -> None:
    # python-slack-sdk issue 1521
    message = await there.clip()
    there.slack.faults.refuse("files.info", "file_not_found", times=2, skip=1)
    uploads = len(there.slack.calls_of("upload"))
    await answered_in_full(there, message)
    assert len(there.slack.calls_of("upload")) == uploads + 4


# ---- a file that Slack has not finished with ------------------------------------------------------------------------------

SIGN_IN = "<!DOCTYPE html><title>Sign in | Slack</title><input type=password>"


def not_known(there: Workspace, times: int) -> None:
    there.slack.faults.refuse("files.info", "file_not_found", times=times)


def without_a_link(there: Workspace, times: int) -> None:
    there.slack.faults.alter("files.info", {"file": {"url_private": "", "url_private_download": ""}}, times=times)


def without_a_type(there: Workspace, times: int) -> None:
    there.slack.faults.alter("files.info", {"file": {"mimetype": "", "name": "clip"}}, times=times)


def not_there(there: Workspace, times: int) -> None:
    there.slack.faults.refuse("download", "404", times=times)


def gone(there: Workspace, times: int) -> None:
    there.slack.faults.refuse("download", "410", times=times)


def out_of_order(there: Workspace, times: int) -> None:
    there.slack.faults.refuse("download", "503", times=times)


def behind_a_sign_in(there: Workspace, times: int) -> None:
    there.slack.faults.answer("download", SIGN_IN, content_type="text/html", times=times)


def cut_short(there: Workspace, times: int) -> None:
    there.slack.faults.answer("download", CLIP[:3000], content_type="video/mp4", times=times)


def nothing_of_it(there: Workspace, times: int) -> None:
    there.slack.faults.answer("download", content_type="video/mp4", times=times)


def broken_off(there: Workspace, times: int) -> None:
    there.slack.faults.lose_request("download", times=times)


FRESH = [
    not_known,
    without_a_link,
    without_a_type,
    not_there,
    gone,
    out_of_order,
    behind_a_sign_in,
    cut_short,
    nothing_of_it,
    broken_off,
]


@pytest.mark.parametrize("fault", FRESH)
async def test_a_fresh_file_that_is_not_everywhere_yet_is_asked_for_again(there: Workspace, fault: Callable[..., None]) -> None:
    fault(there, 2)
    message = await there.clip()
    (progress, *_) = await answered_in_full(there, message)
    assert progress.text.startswith("I found 3 objects in *fox.mp4*")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (not_known, "Slack does not find that file"),
        (without_a_link, "Slack has not finished with that file"),
        (not_there, "Slack does not find that file"),
        (out_of_order, "Slack does not give me that file"),
        (behind_a_sign_in, "Slack showed me its sign-in page"),
        (cut_short, "Slack gave me only a part of that file"),
        (nothing_of_it, "Slack gave me only a part of that file"),
    ],
)
async def test_what_is_said_of_a_file_that_does_not_come_is_true(
    there: Workspace, fault: Callable[..., None], said: str
) -> None:
    fault(there, 1000)
    message = await there.clip()
    failure = await there.progress(message, starts=said)
    assert "files-pri" not in str(failure.blocks)
    assert "status" not in str(failure.blocks)
    there.slack.faults.clear()
    await there.slack.click(failure, "tracklet_retry")
    await there.slack.until(lambda: len(there.replies(message)[-1].files) == 3)


async def test_a_file_that_is_deleted_is_not_waited_for(there: Workspace) -> None:
    there.slack.faults.refuse("files.info", "file_deleted", times=1000)
    asked = len(there.slack.calls_of("files.info"))
    await there.progress(await there.clip(), holds="somebody deleted it")
    assert len(there.slack.calls_of("files.info")) - asked <= 2  # the job asks once, and so may who hears of the file alone


async def test_a_file_event_alone_waits_for_its_file(there: Workspace) -> None:
    there.slack.kick("general")
    message = await there.clip(channel="general")
    there.slack.invite("general")
    await there.slack.settled()
    not_known(there, 2)
    event = {"type": "file_shared", "file_id": message.files[0]["id"], "channel_id": message.channel_id, "user_id": YOU}
    there.slack.link.send_event(envelope(there.slack.workspace, event))
    await answered_in_full(there, message)


async def test_a_stub_waits_for_its_file(there: Workspace) -> None:
    not_known(there, 1)
    message = await there.clip(connect_stub=True)
    await answered_in_full(there, message)


async def test_a_file_named_by_its_permalink_is_looked_for_again(there: Workspace) -> None:
    message = await there.clip()
    await answered_in_full(there, message)
    file = there.slack.files.by_id[message.files[0]["id"]]
    not_known(there, 1)
    before = len(there.slack.messages("wildlife"))
    await there.slack.slash_command("wildlife", "/track", there.slack.files.file_json(file)["permalink"])
    (root,) = await there.slack.until(lambda: there.slack.messages("wildlife")[before:], timeout_s=30)
    assert "asked me to track" in root.text
