"""What is wrong with a video is said alike everywhere: on the command line, in `--json`, and in the thread."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.texts import engine
from playground import Message
from tests.clips import crossing_scene, draw_clip
from tests.damage import with_hole
from tests.google.video_intelligence_server import Script, VideoIntelligenceServer
from tests.integration.bot_workspace import Workspace, workspace
from tests.integration.command import Run
from tests.integration.test_bot_google import buckets, service, there
from tracking.formats import video_intelligence
from tracking.model import EngineWarning, ProblemKind

__all__ = ["buckets", "service", "there"]  # fixtures of Google's engine


def cut(folder: Path) -> Path:
    """An MP4 of which the last part is missing."""
    path = draw_clip(folder / "cut.mp4").path
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    return path


def holed(folder: Path) -> Path:
    """An MKV with a hole in the middle of its second key frame."""
    path = draw_clip(folder / "holed.mkv", crossing_scene(3.0), duration_s=3.0, codec="libx265", size=(320, 240)).path
    with_hole(path, 10)
    return path


def joined(folder: Path) -> Path:
    """A FLV behind which another was written."""
    path = draw_clip(folder / "joined.flv").path
    path.write_bytes(path.read_bytes() * 2)
    return path


CLIPS = [
    (cut, "CUT_SHORT", "it ends at 0:0"),
    (holed, "PICTURES_LOST", "10 pictures between"),
    (joined, "REST_UNREAD", "several"),
]


def sentences(result: dict[str, Any]) -> list[str]:
    """What is to be said of the problems of a result as data."""
    return engine.problems(
        [
            EngineWarning(
                each["code"],
                each["message"],
                ProblemKind(each["kind"]),
                each.get("start_s", 0.0),
                each.get("end_s", 0.0),
                each.get("pictures", 0),
            )
            for each in result["problems"]
        ]
    )


def said_below(message: Message) -> list[str]:
    """The small lines of a message."""
    return [element["text"] for block in message.blocks if block["type"] == "context" for element in block["elements"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def working(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workspace]:
    async with workspace(tmp_path_factory.mktemp("data"), real_work=True) as started:
        yield started


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("made", "words"), [(made, words) for made, _, words in CLIPS], ids=[kind for _, kind, _ in CLIPS])
async def test_damage_is_told_in_the_thread_as_on_the_command_line(
    made: Callable[[Path], Path], words: str, working: Workspace, run: Run, tmp_path: Path
) -> None:
    path = made(tmp_path)
    status, out, _ = run("track", path, "--out", "out", "--engine", "motion")
    assert status == 0
    told = next(line for line in out.splitlines() if words in line)
    message = await working.slack.upload_file(path.read_bytes(), "wildlife", name=path.name)
    over = await working.progress(message, holds=" found")
    assert told in said_below(over)


@pytest.mark.parametrize(("made", "kind"), [(made, kind) for made, kind, _ in CLIPS], ids=[kind for _, kind, _ in CLIPS])
def test_drawing_annotations_from_elsewhere_tells_damage(
    made: Callable[[Path], Path], kind: str, run: Run, tmp_path: Path
) -> None:
    path = made(tmp_path)
    given = tmp_path / "given.json"
    whole = draw_clip(tmp_path / "whole.mp4", crossing_scene(3.0), duration_s=3.0).annotations()
    given.write_bytes(video_intelligence.write(whole))
    _, out, _ = run("render", path, given, "--out", "out", "--json")
    result = json.loads(out)
    assert [each["kind"] for each in result["problems"]] == [kind]
    assert len(result["objects"]) == 3
    _, plain, _ = run("render", path, given, "--out", "again")
    assert sentences(result)[0] in plain
    _, out, _ = run("render", path, given, "--out", "out", "--segment", "0:00-0:00.8", "--json", "--min-frames", "1")
    assert json.loads(out)["problems"] == []


def answer(end_s: float) -> bytes:
    """What Google says of one cat that is seen until `end_s`."""
    scene = crossing_scene(end_s)
    clip = replace(scene, movers=scene.movers[:1])
    times = [n / 10 for n in range(round(end_s * 10))]
    boxes = [clip.movers[0].box_at(time_s) for time_s in times]
    frames = [
        {
            "normalized_bounding_box": dict(zip(("left", "top", "right", "bottom"), box, strict=True)),
            "time_offset": {"seconds": int(time_s), "nanos": round(time_s % 1 * 1e9)},
        }
        for time_s, box in zip(times, boxes, strict=True)
        if box
    ]
    found = {"entity": {"description": "cat"}, "confidence": 0.9, "frames": frames}
    return json.dumps({"annotation_results": [{"input_uri": "/b/c.mkv", "object_annotations": [found]}]}).encode()


@pytest.mark.parametrize("there", [True], indirect=True, ids=["real-work"])
async def test_damage_that_google_says_nothing_of_is_told_in_the_thread(
    there: Workspace, service: VideoIntelligenceServer, tmp_path: Path
) -> None:
    service.script = Script(polls=1, content=answer(3.0))
    path = holed(tmp_path)
    message = await there.slack.upload_file(path.read_bytes(), "wildlife", name=path.name)
    over = await there.progress(message, holds=" found")
    assert any("could not be read and were left out" in line for line in said_below(over))


@pytest.mark.parametrize("there", [True], indirect=True, ids=["real-work"])
async def test_annotations_of_a_longer_video_are_asked_about_in_the_thread(
    there: Workspace, service: VideoIntelligenceServer, tmp_path: Path
) -> None:
    service.script = Script(polls=1, content=answer(9.0))
    path = draw_clip(tmp_path / "short.mp4", crossing_scene(2.0)).path
    message = await there.slack.upload_file(path.read_bytes(), "wildlife", name=path.name)
    over = await there.progress(message, holds=" found")
    assert "The annotations reach 0:08, but the video ends at 0:02: do they belong together?" in said_below(over)
