"""What a thread shows: progress, pictures, what more there is, and what went wrong; each message once, whatever Slack does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.jobs.processes import ChildCrashed
from playground import BOT_USER, KIM, YOU, Message
from tests.integration.bot_workspace import CLIP, Workspace, workspace
from tracking.errors import VideoTooLong

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workspace]:
    async with workspace(Path(tmp_path_factory.mktemp("bot"))) as started:
        yield started


@pytest.fixture
def there(running: Workspace) -> Workspace:
    """The bot as it is when nothing special is asked of it."""
    children = running.children
    children.objects, children.near_misses = 3, 0
    children.errors.clear()
    children.held.clear()
    running.slack.faults.clear()
    return running


def buttons(message: Message) -> dict[str, str]:
    """Action ids and labels of a message's buttons."""
    return {
        element["action_id"]: element["text"]["text"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    }


@pytest.mark.parametrize("stage", ["probe", "track", "summary", "animations"])
async def test_cancel_stops_a_job_in_each_stage_of_its_work(there: Workspace, stage: str) -> None:
    there.children.hold(stage)
    message = await there.clip()
    await there.slack.until(lambda: there.children.asked and there.children.asked[-1][0] == stage)
    progress = await there.progress(message)
    assert "tracklet_cancel" in buttons(progress)
    await there.slack.click(progress, "tracklet_cancel", user=KIM)
    stopped = await there.progress(message, starts="Stopped by")
    assert KIM in stopped.text
    assert "tracklet_cancel" not in buttons(stopped)
    assert not any(file["mimetype"] == "image/gif" for each in there.replies(message) for file in each.files)


async def test_cancel_stops_a_download(there: Workspace) -> None:
    there.slack.faults.delay("download", 5.0)
    message = await there.clip()
    progress = await there.progress(message, holds="Fetching")
    await there.slack.click(progress, "tracklet_cancel")
    await there.progress(message, starts="Stopped by")


async def test_the_command_stops_a_job_by_its_number_or_as_the_only_one(there: Workspace) -> None:
    held = there.children.hold("track")
    message = await there.clip()
    await there.progress(message, holds="Following")
    status = await there.slack.slash_command("wildlife", "/track", "status")
    assert status is not None
    assert "tracking" in json.dumps(status.answer)
    answer = await there.slack.slash_command("wildlife", "/track", "cancel")
    assert answer is not None
    assert "Stopping job" in str(answer.answer)
    await there.progress(message, starts="Stopped by")
    held.set()
    late = await there.slack.slash_command("wildlife", "/track", "cancel 1")
    assert late is not None
    assert "over already" in str(late.answer)
    unknown = await there.slack.slash_command("wildlife", "/track", "cancel 99999")
    assert unknown is not None
    assert "no job 99999" in str(unknown.answer)


async def test_all_of_ones_jobs_are_stopped_at_once_and_nobody_elses(there: Workspace) -> None:
    held = there.children.hold("track")
    mine = [await there.clip(), await there.clip()]
    kims = await there.slack.upload_file(CLIP + b"Kim's", "wildlife", name="kim.mp4", user=KIM)
    for message in (*mine, kims):
        await there.progress(message, holds="Following")
    which = await there.slack.slash_command("wildlife", "/track", "cancel")
    assert which is not None
    assert "You have 2 jobs running: " in str(which.answer)
    assert "`/track cancel all`" in str(which.answer)
    answer = await there.slack.slash_command("wildlife", "/track", "cancel all")
    assert answer is not None
    assert "Stopping 2 jobs: " in str(answer.answer)
    for message in mine:
        await there.progress(message, starts="Stopped by")
    held.set()
    await there.progress(kims, starts="I found")
    nothing = await there.slack.slash_command("wildlife", "/track", "cancel all")
    assert nothing is not None
    assert "Nothing of yours is running." in str(nothing.answer)


async def test_the_status_names_the_time_and_leads_to_the_thread(there: Workspace) -> None:
    message = await there.clip()
    await there.progress(message, starts="I found")
    await there.job_over()  # its last word is said before its end is noted
    status = await there.slack.slash_command("wildlife", "/track", "status")
    assert status is not None
    link = f"<{there.slack.url}/archives/{message.channel_id}/p{message.ts.replace('.', '')}|thread>"
    shown = json.dumps(status.answer, ensure_ascii=False)
    assert f"done, 3 objects · just now · <#{message.channel_id}> · {link}" in shown


async def test_files_have_words_for_titles_and_the_pipelines_names(there: Workspace) -> None:
    message = await there.clip(name="fox.mp4")
    await there.slack.until(lambda: len(there.replies(message)) >= 4)
    summary, gifs = (there.replies(message)[place] for place in (1, 3))
    assert [(file["title"], file["name"]) for file in summary.files] == [("Objects in fox.mp4", "fox.mp4.summary_p1.jpeg")]
    assert [file["title"] for file in gifs.files] == ["1 person · 0:00–0:02", "2 car · 0:01–0:03", "3 dog · 0:02–0:04"]
    assert [file["name"] for file in gifs.files] == [f"fox.mp4.00{place}.gif" for place in range(3)]
    assert gifs.text == "Objects 1 to 3 in *fox.mp4*"


async def test_an_object_keeps_its_number_in_the_thread(there: Workspace) -> None:
    message = await there.clip()
    await there.slack.until(lambda: gifs(there, message) == [3])
    await there.job_over()
    there.slack.post_message("wildlife", f"<@{BOT_USER}> only dog", thread_ts=message.ts)
    await there.slack.until(lambda: gifs(there, message) == [3, 1])
    shown = there.replies(message)[-1]
    assert shown.text.startswith("Object 3 in ")
    assert [file["title"] for file in shown.files] == ["3 dog · 0:02–0:04"]


async def test_somebody_outside_of_the_channel_cannot_stop_a_job(there: Workspace) -> None:
    held = there.children.hold("track")
    message = await there.clip(channel="dm")
    await there.progress(message, holds="Following")
    status = await there.slack.slash_command("dm", "/track", "status")
    assert status is not None
    number = json.dumps(status.answer).split("`")[1]
    answer = await there.slack.slash_command("wildlife", "/track", f"cancel {number}", user=KIM)
    assert answer is not None
    assert "no job" in str(answer.answer)
    held.set()
    await there.progress(message, starts="I found")


async def test_nothing_found_tells_the_near_misses_and_offers_to_show_them(there: Workspace) -> None:
    there.children.objects, there.children.near_misses = 0, 2
    earlier = len(there.children.asked)
    message = await there.clip()
    answer = await there.progress(message, starts="No object")
    assert "passed the limits (70%, 1 s). Close: 1 person (50%, 2.5 s), 1 car (50%, 2.5 s)." in json.dumps(answer.blocks)
    await there.slack.click(answer, "tracklet_include")
    await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("I found 2 objects")])
    tracked = [arguments["video"] for task, arguments in there.children.asked[earlier:] if task == "track"]
    assert len(tracked) == len(set(tracked))


async def test_a_video_that_is_too_long_gets_a_sentence_that_says_what_to_do(there: Workspace) -> None:
    there.children.errors["probe"] = VideoTooLong(5400, 3600)
    message = await there.clip()
    failure = await there.progress(message, starts="This video lasts 1 h 30 min; I can track up to 1 h.")
    assert buttons(failure) == {"tracklet_retry": "Try again"}


async def test_a_crash_is_told_calmly_with_the_jobs_number_and_trying_again_works_in_the_same_thread(there: Workspace) -> None:
    there.children.errors["track"] = ChildCrashed("track", -9)
    message = await there.clip()
    failure = await there.progress(message, starts="Something went wrong on my side")
    assert "job " in failure.text
    assert "ChildCrashed" not in json.dumps(failure.blocks)
    there.children.errors.clear()
    await there.slack.click(failure, "tracklet_retry")
    await there.slack.click(failure, "tracklet_retry")
    await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("I found 3 objects")])
    await there.slack.settled()
    assert len([each for each in there.replies(message) if each.text.startswith("I found")]) == 1


async def test_more_than_ten_objects_come_in_batches_and_further_pages_when_asked_for(there: Workspace) -> None:
    there.children.objects = 26
    message = await there.clip()
    await there.progress(message, starts="I found 26 objects")
    listed = next(each for each in there.replies(message) if "tracklet_more" in buttons(each))
    assert buttons(listed) == {"tracklet_more": "Show 10 more GIFs", "tracklet_page": "Page 2 of the summary"}
    assert "and 2 more" in json.dumps(listed.blocks, ensure_ascii=False)
    await there.slack.click(listed, "tracklet_more")
    await there.slack.until(lambda: gifs(there, message) == [10, 10])
    await there.slack.until(lambda: buttons(current(there, listed)).get("tracklet_more") == "Show 6 more GIFs")
    await there.slack.click(current(there, listed), "tracklet_more")
    await there.slack.until(lambda: gifs(there, message) == [10, 10, 6])
    await there.slack.click(current(there, listed), "tracklet_page")
    await there.slack.until(
        lambda: sum(file["mimetype"] == "image/jpeg" for each in there.replies(message) for file in each.files) == 2
    )
    page = [each for each in there.replies(message) if each.files and each.files[0]["mimetype"] == "image/jpeg"][-1]
    assert page.text == "*fox.mp4*\n`25` *person* 90% · 0:24.0–0:26.5\n`26` *car* 90% · 0:25.0–0:27.5"
    assert page.files[0]["title"] == "Objects in fox.mp4, page 2"
    await there.slack.until(lambda: not buttons(current(there, listed)))


async def test_a_click_on_what_was_shown_already_repairs_the_list_and_never_turns_it_back(there: Workspace) -> None:
    there.children.objects = 32
    message = await there.clip()
    await there.progress(message, starts="I found 32 objects")
    listed = replace(next(each for each in there.replies(message) if "tracklet_more" in buttons(each)))
    for first in (21, 31):
        await there.slack.click(current(there, listed), "tracklet_more")
        await there.slack.until(lambda: f" {first}'" in str(current(there, listed).blocks))  # noqa: B023  # at once
    # Two devices may still show what the list was at first.
    edits = len(there.slack.calls_of("chat.update"))
    await asyncio.gather(*(there.slack.click(listed, key) for key in ("tracklet_more", "tracklet_page", "tracklet_more")))
    await there.slack.until(lambda: sum(call.ok for call in there.slack.calls_of("chat.update")[edits:]) >= 3)
    assert buttons(current(there, listed)) == {"tracklet_more": "Show 2 more GIFs"}
    await there.slack.until(lambda: gifs(there, message) == [10, 10, 10])


async def test_further_gifs_that_fail_can_be_tried_again(there: Workspace) -> None:
    there.children.objects = 12
    message = await there.clip()
    await there.progress(message, starts="I found 12 objects")
    listed = next(each for each in there.replies(message) if "tracklet_more" in buttons(each))
    there.children.errors["animations"] = ChildCrashed("animations", -9)
    await there.slack.click(listed, "tracklet_more")
    failures = await there.slack.until(
        lambda: [each for each in there.replies(message) if each.text.startswith("Something went wrong")]
    )
    there.children.errors.clear()
    await there.slack.click(failures[0], "tracklet_retry")
    await there.slack.until(lambda: gifs(there, message) == [10, 2])


async def test_the_same_video_again_is_answered_from_what_is_stored_with_a_link_to_the_first_thread(there: Workspace) -> None:
    clip = b"\x00\x00\x00\x18ftypmp42" + b"the same bytes" * 100
    first = await there.slack.upload_file(clip, "wildlife", name="one.mp4")
    await there.progress(first, starts="I found")
    asked = len(there.children.asked)
    second = await there.slack.upload_file(clip, "dm", name="two.mp4")
    answer = await there.progress(second, starts="I found")
    assert [task for task, _ in there.children.asked[asked:]] == ["probe", "choose"]
    assert "before" in json.dumps(answer.blocks)
    assert f"/archives/{first.channel_id}/p" in json.dumps(answer.blocks)
    assert len(there.replies(second)) == 4


async def test_a_private_thread_is_not_linked_for_others(there: Workspace) -> None:
    clip = b"\x00\x00\x00\x18ftypmp42" + b"private bytes" * 100
    first = await there.slack.upload_file(clip, "dm", name="one.mp4")
    await there.progress(first, starts="I found")
    second = await there.slack.upload_file(clip, "wildlife", name="two.mp4", user=KIM)
    answer = await there.progress(second, starts="I found")
    assert "before" in json.dumps(answer.blocks)
    assert "/archives/" not in json.dumps(answer.blocks)


@pytest.mark.parametrize("fault", ["rate_limit", "server_error", "lose_response", "lose_request"])
async def test_whatever_slack_does_each_message_comes_once(there: Workspace, fault: str) -> None:
    for method in ("chat.postMessage", "files.completeUploadExternal", "chat.update", "files.info", "upload"):
        getattr(there.slack.faults, fault)(method)
    message = await there.clip()
    await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("I found")], timeout_s=30)
    await there.slack.until(lambda: len(there.replies(message)) >= 4)
    assert [len(each.files) for each in there.replies(message)] == [0, 1, 0, 3]


async def test_an_upload_that_slack_drops_for_its_alt_text_is_sent_again_without(there: Workspace) -> None:
    there.slack.faults.lose_shares = 1
    message = await there.clip()
    await there.slack.until(lambda: len(there.replies(message)) >= 4, timeout_s=30)
    picture = there.replies(message)[1].files[0]
    assert not picture.get("alt_txt")


async def test_a_file_that_was_deleted_in_between_gets_a_sentence(there: Workspace) -> None:
    held = there.children.hold("probe")
    first = await there.clip()
    await there.progress(first, holds="Following")
    there.children.errors["probe"] = ChildCrashed("probe", -9)
    held.set()
    failure = await there.progress(first, starts="Something went wrong")
    there.slack.delete_file(first.files[0]["id"])
    # The deletion stops what runs; what comes after it in the inbox shows that it was handled.
    await there.progress(await there.clip(), starts="Something went wrong")
    await there.slack.click(failure, "tracklet_retry", user=YOU)
    await there.slack.until(lambda: [each for each in there.replies(first) if "deleted it" in each.text])


async def test_the_bot_uses_slack_as_slack_allows(there: Workspace) -> None:
    """The playground refuses what Slack would: in all that ran above, only what the tests broke was refused."""
    expected = {"file_not_found", "ratelimited", "file_deleted"}
    refused = {(call.method, call.error) for call in there.slack.calls if call.error and call.error not in expected}
    assert not refused


def gifs(there: Workspace, message: Message) -> list[int]:
    """How many GIFs each message of a thread holds that holds any."""
    counts = [sum(file["mimetype"] == "image/gif" for file in each.files) for each in there.replies(message)]
    return [count for count in counts if count]


def current(there: Workspace, message: Message) -> Message:
    """A message as it is now."""
    assert message.thread_ts is not None
    return next(each for each in there.slack.thread(message.channel_id, message.thread_ts) if each.ts == message.ts)
