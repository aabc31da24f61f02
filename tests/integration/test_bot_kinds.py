"""Every kind of picture in a thread, drawn by real child processes within their limits."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
from PIL import Image

from playground import BOT_USER
from rendering.kinds.base import KINDS
from tests.clips import crossing_scene, draw_clip
from tests.integration.bot_workspace import workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_further_kind_is_made_and_posted_once_and_no_video_of_ours_is_tracked(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "scene.mp4", crossing_scene(4.0), duration_s=4.0, size=(320, 240), fps=15, audio=True)
    further = [key for key, kind in KINDS.items() if kind.is_for_threads and not kind.is_default]
    async with workspace(tmp_path / "data", real_work=True) as there:
        message = await there.slack.upload_file(clip.path, "wildlife", name="scene.mp4")
        await there.progress(message, starts="I found")
        await there.job_over()
        before = len(there.replies(message))
        there.slack.post_message("wildlife", f"<@{BOT_USER}> make {' and '.join(further)}", thread_ts=message.ts)
        await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("Made of")])
        await there.job_over()
        files = {file["name"]: file for each in there.replies(message)[before:] for file in each.files}
        for key in further:
            made = [name for name in files if KINDS[key].owns(name.removeprefix("scene.mp4."))]
            assert made, key
        cut_outs = {file["title"] for name, file in files.items() if KINDS["crops"].owns(name.removeprefix("scene.mp4."))}
        assert len(cut_outs) > 1
        assert all(title.split(" ")[0].isdecimal() for title in cut_outs), cut_outs  # "1 person", as in the list
        for name, file in files.items():
            data = there.slack.files.by_id[file["id"]].path.read_bytes()
            if name.endswith(".mp4"):
                with av.open(io.BytesIO(data), "r") as container:
                    assert [stream.type for stream in container.streams] == ["video", "audio"]
                    assert len(list(container.decode(video=0))) == 60
            else:
                Image.open(io.BytesIO(data)).load()
        assert await there.job_count() == 2
