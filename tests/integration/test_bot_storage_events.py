"""What objects in buckets lead to, without Slack and in the channels that watch: real clients, servers on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from playground import BOT_USER, Message
from tests.clips import crossing_scene, draw_clip
from tests.google.storage_server import Resource, StorageServer
from tests.google.video_intelligence_server import Script, VideoIntelligenceServer, annotation_file
from tests.integration.bot_workspace import CLIP, Workspace, eventually, workspace

BUCKETS = {"video_bucket": "videos-bucket", "annotation_bucket": "annotations-bucket", "object_bucket": "objects-bucket"}
OTHERS = ("elsewhere-bucket", "closed-bucket")


@dataclass
class Events:
    """Tells the bot of every new object, as Eventarc does, and keeps what it told."""

    url: str = ""
    told: list[Resource] = field(default_factory=list)

    async def tell(self, resource: Resource) -> None:
        """Deliver one event."""
        self.told.append(resource)
        event = {
            "specversion": "1.0",
            "type": "google.cloud.storage.object.v1.finalized",
            "source": f"//storage.googleapis.com/projects/_/buckets/{resource['bucket']}",
            "id": str(len(self.told)),
            "data": resource,
        }
        headers = {"Content-Type": "application/cloudevents+json"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/events/storage", data=json.dumps(event), headers=headers) as answer,
        ):
            assert answer.status == 204

    async def tell_all_again(self) -> None:
        """Deliver everything once more, the last first."""
        for resource in reversed(self.told[:]):
            await self.tell(resource)


@dataclass
class Place:
    """The bot, its Slack, its buckets and Google's service, joined by events."""

    workspace: Workspace
    storage: StorageServer
    service: VideoIntelligenceServer
    events: Events

    async def names(self, bucket: str) -> list[str]:
        """What is in a bucket."""
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": "Bearer somebody"}
            async with session.get(f"{self.storage.address}/storage/v1/b/{bucket}/o", headers=headers) as answer:
                return sorted(item["name"] for item in (await answer.json()).get("items", []))

    async def command(self, text: str, channel: str = "wildlife") -> str:
        """What the asker of `/track text` sees."""
        slack = self.workspace.slack
        before = len(slack.ephemerals)
        await slack.slash_command(channel, "/track", text)
        answer = await slack.until(lambda: slack.ephemerals[before:])
        return json.dumps([each.blocks or each.text for each in answer], ensure_ascii=False)

    async def shown(self, channel: str) -> list[Message]:
        """The one thread that the bot began in a channel, once it is done."""

        def done() -> Message | None:
            roots = [each for each in self.workspace.slack.messages(channel) if each.user == BOT_USER and not each.thread_ts]
            return next((each for each in roots if each.text.startswith("I found")), None)

        root = await self.workspace.slack.until(done, 30)
        assert root is not None
        return self.workspace.slack.thread(root.channel_id, root.ts)


@pytest_asyncio.fixture
async def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    events = Events()
    real_work = bool(getattr(request, "param", False))
    async with StorageServer(*BUCKETS.values(), *OTHERS, on_finalized=events.tell) as storage:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage.address)

        async def put(uri: str, content: bytes) -> None:
            await storage.put(uri, content)

        async with VideoIntelligenceServer(put, script=Script(at_once=True)) as service:
            settings = {"engine": "auto", "video_intelligence_endpoint": service.endpoint, **BUCKETS}
            async with workspace(tmp_path, settings=settings, real_work=real_work) as started:
                started.children.engine = "google"
                events.url = started.bot.url
                yield Place(started, storage, service, events)


async def test_further_pictures_of_what_a_channel_was_shown_are_made_on_request(place: Place) -> None:
    there = place.workspace
    await place.command("watch gs://videos-bucket/park/")
    await place.storage.put("gs://videos-bucket/park/fox.mp4", CLIP)
    root = (await place.shown("wildlife"))[0]
    await there.job_over()
    posted = len(there.slack.thread(root.channel_id, root.ts))
    there.slack.post_message("wildlife", f"<@{BOT_USER}> make crops", thread_ts=root.ts)
    made = await there.slack.until(lambda: there.slack.thread(root.channel_id, root.ts)[posted + 2 :])
    assert [file["title"] for file in made[0].files] == ["Cut-outs of fox.mp4"]
    await there.job_over()
    assert len(there.slack.thread(root.channel_id, root.ts)) == posted + 3


async def test_a_channel_that_watches_is_told_that_google_has_not_said_whether_it_took_the_video(place: Place) -> None:
    there = place.workspace
    place.service.script = Script(loses_answer=True, hangs=True)
    await place.command("watch gs://videos-bucket/park/")
    await place.storage.put("gs://videos-bucket/park/fox.mp4", CLIP)

    def told() -> bool:
        return any("Google has not said whether it took" in str(each.blocks) for each in there.slack.messages("wildlife"))

    await there.slack.until(told)
    await place.service.write_output(place.service.only_run)
    await place.shown("wildlife")
    assert place.service.start_calls == 1


@pytest.mark.parametrize("place", [True], indirect=True, ids=["real-work"])
async def test_a_video_in_its_bucket_leads_to_annotations_and_objects_at_the_seeds_names(place: Place, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "scene.mp4", crossing_scene(1.0)).path.read_bytes()
    await place.storage.put("gs://videos-bucket/park/scene.mp4", clip)
    await place.workspace.job_over()
    assert await place.names("annotations-bucket") == ["videos-bucket/park/scene.mp4.json"]
    assert await place.names("objects-bucket") == [
        "videos-bucket/park/scene.mp4.000_cat_pct90_fr12.gif",
        "videos-bucket/park/scene.mp4.summary_pct70_fr10.jpeg",
    ]
    assert [each for each in place.workspace.slack.messages("wildlife") if each.user == BOT_USER] == []


async def test_a_stored_video_that_is_asked_for_ends_in_the_thread_and_in_the_buckets(place: Place) -> None:
    await place.storage.put("gs://elsewhere-bucket/park/fox.mp4", CLIP)
    await place.workspace.slack.slash_command("wildlife", "/track", "gs://elsewhere-bucket/park/fox.mp4")
    _, *replies = await place.shown("wildlife")
    assert [len(each.files) for each in replies] == [1, 0, 3]
    assert await place.names("annotations-bucket") == ["elsewhere-bucket/park/fox.mp4.json"]
    assert "elsewhere-bucket/park/fox.mp4.000.gif" in await place.names("objects-bucket")
    assert place.service.start_calls == 1


async def test_the_same_video_under_another_name_is_stored_under_that_name_and_not_paid_again(place: Place) -> None:
    await place.storage.put("gs://videos-bucket/a.mp4", CLIP)
    await place.workspace.job_over()
    await place.storage.put("gs://videos-bucket/b.mp4", CLIP)
    await place.workspace.job_over()
    assert await place.names("annotations-bucket") == ["videos-bucket/a.mp4.json", "videos-bucket/b.mp4.json"]
    assert "videos-bucket/b.mp4.summary_p1.jpeg" in await place.names("objects-bucket")
    assert place.service.start_calls == 1


async def test_what_tracklet_writes_starts_nothing_however_late_and_often_it_is_told(place: Place) -> None:
    await place.storage.put("gs://videos-bucket/park/fox.mp4", CLIP)
    await place.workspace.job_over()
    told = [(each["bucket"], each["name"]) for each in place.events.told]
    assert ("annotations-bucket", "videos-bucket/park/fox.mp4.json") in told
    assert len(told) == 6  # the video, its annotations, a summary, three GIFs
    asked = len(place.workspace.children.asked)
    await place.events.tell_all_again()
    await place.workspace.job_over()
    assert len(place.workspace.children.asked) == asked
    assert place.service.start_calls == 1


async def test_an_annotation_file_from_elsewhere_is_drawn_on_its_own(place: Place) -> None:
    await place.storage.put("gs://elsewhere-bucket/park/fox.mp4", CLIP)
    assert place.workspace.children.asked == []
    content = annotation_file("gs://elsewhere-bucket/park/fox.mp4")
    await place.storage.put("gs://annotations-bucket/elsewhere-bucket/park/fox.mp4.json", content)
    await place.events.tell_all_again()
    await place.workspace.job_over()
    assert [task for task, _ in place.workspace.children.asked] == ["probe", "summary", "animations"]
    drawn = Path(place.workspace.children.asked[1][1]["annotations"])
    assert await asyncio.to_thread(drawn.read_bytes) == content
    assert "elsewhere-bucket/park/fox.mp4.000.gif" in await place.names("objects-bucket")
    assert place.service.start_calls == 0


async def test_an_annotation_file_about_nothing_ends_quietly(place: Place) -> None:
    for name in ("videos-bucket/gone.mp4.json", "notes.json", "videos-bucket/a*.mp4.json", "BAD_/x.mp4.json"):
        await place.storage.put(f"gs://annotations-bucket/{name}", b"{}")
    await place.workspace.job_over()
    assert await place.names("objects-bucket") == []


async def test_the_event_of_the_annotation_file_wakes_the_job_that_waits(place: Place) -> None:
    place.service.script = Script(hangs=True)
    await place.storage.put("gs://videos-bucket/park/fox.mp4", CLIP)
    await eventually(lambda: place.service.runs and place.service.only_run.polls)
    await place.service.write_output(place.service.only_run)
    await place.workspace.job_over()
    assert place.service.only_run.polls == 1
    assert "videos-bucket/park/fox.mp4.000.gif" in await place.names("objects-bucket")


async def test_a_channel_that_watches_is_shown_each_video_in_a_thread_that_names_it_and_is_paid_for_once(place: Place) -> None:
    for channel in ("wildlife", "general"):
        assert "I'll post new videos" in await place.command("watch gs://videos-bucket/park/", channel)
        assert "I'll post new videos" in await place.command("watch gs://videos-bucket/pa", channel)
    await place.storage.put("gs://videos-bucket/park/fox.mp4", CLIP)
    await place.storage.put("gs://videos-bucket/zoo/cat.mp4", CLIP + b"other")
    for channel in ("wildlife", "general"):
        root, *replies = await place.shown(channel)
        assert "gs://videos-bucket/park/fox.mp4" in json.dumps(root.blocks)
        assert [len(each.files) for each in replies] == [1, 0, 3]
    await place.workspace.job_over()
    await place.events.tell_all_again()
    await place.workspace.job_over()
    for channel in ("wildlife", "general"):
        roots = [each for each in place.workspace.slack.messages(channel) if each.text.startswith("I found")]
        assert len(roots) == 1
    assert place.service.start_calls == 2


async def test_what_a_thread_offers_by_buttons_is_stored_whole_where_there_is_none(place: Place) -> None:
    place.workspace.children.objects = 30
    await place.command("watch gs://videos-bucket/")
    await place.storage.put("gs://videos-bucket/fox.mp4", CLIP)
    _, *replies = await place.shown("wildlife")
    assert [len(each.files) for each in replies] == [1, 0, 10]
    await place.workspace.job_over()
    names = await place.names("objects-bucket")
    assert names == [f"videos-bucket/fox.mp4.{each:03}.gif" for each in range(30)] + [
        f"videos-bucket/fox.mp4.summary_p{page}.jpeg" for page in (1, 2)
    ]


async def test_a_watched_bucket_that_is_not_ours_counts_and_annotations_about_it_are_shown_too(place: Place) -> None:
    await place.command("watch gs://elsewhere-bucket")
    await place.storage.put("gs://elsewhere-bucket/fox.mp4", CLIP)
    root, *_ = await place.shown("wildlife")
    assert place.service.start_calls == 1
    await place.storage.put("gs://elsewhere-bucket/notes.txt", b"no video")
    content = annotation_file("gs://elsewhere-bucket/fox.mp4")
    await place.storage.put("gs://annotations-bucket/elsewhere-bucket/fox.mp4.of-mine.json", content)
    await place.workspace.job_over()
    assert place.service.start_calls == 1
    assert "3 objects" in root.text


async def test_only_what_the_bot_may_show_is_watched_and_unwatching_ends_it(place: Place) -> None:
    place.storage.closed.add("closed-bucket")
    assert "neither one of mine nor open" in await place.command("watch gs://closed-bucket/a")
    assert "would stand for many" not in await place.command("watch gs://videos-bucket/park/")
    assert "already" in await place.command("watch gs://videos-bucket/park/")
    assert "`gs://videos-bucket/park/`" in await place.command("watches")
    assert "does not watch that" in await place.command("unwatch gs://videos-bucket/zoo")
    assert "Stopped watching." in await place.command("unwatch")
    assert "watches nothing" in await place.command("watches")
    place.workspace.children.engine = "motion"
    await place.storage.put("gs://videos-bucket/park/fox.mp4", CLIP)
    await place.workspace.job_over()
    roots = [each for each in place.workspace.slack.messages("wildlife") if each.text.startswith("I found")]
    assert roots == []
    assert "videos-bucket/park/fox.mp4.json" in await place.names("annotations-bucket")


async def test_a_start_without_an_answer_is_waited_for_and_cancel_ends_the_wait(place: Place) -> None:
    place.service.script = Script(loses_answer=True)
    await place.storage.put("gs://videos-bucket/park/fox.mp4", CLIP)
    await eventually(lambda: place.service.runs)
    await place.service.write_output(place.service.only_run)
    await place.workspace.job_over()
    assert "videos-bucket/park/fox.mp4.000.gif" in await place.names("objects-bucket")
    await place.storage.put("gs://elsewhere-bucket/fox.mp4", CLIP + b"other")
    await place.workspace.slack.slash_command("wildlife", "/track", "gs://elsewhere-bucket/fox.mp4")
    await eventually(lambda: len(place.service.runs) == 2)
    assert "Stopping" in await place.command("cancel")
    await place.workspace.job_over()
    assert place.service.start_calls == 2
