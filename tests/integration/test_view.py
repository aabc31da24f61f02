"""`tracklet view` as a person starts it: the page and the video are at the address that it shows, and nowhere else."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from pathlib import Path

import aiohttp

from tests.clips import draw_clip
from tests.integration.command import Run
from tracking.formats import video_intelligence

TRACKLET = [sys.executable, "-m", "bot"]


async def test_the_page_and_parts_of_the_video_are_at_the_address_that_is_shown(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "a clip.mp4")
    (tmp_path / "a clip.mp4.json").write_bytes(video_intelligence.write(clip.annotations()))
    process = await asyncio.create_subprocess_exec(
        *TRACKLET, "view", str(clip.path), "--no-browser", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stderr.readline()).decode()
        found = re.search(r"(http://127\.0\.0\.1:\d+/)([\w-]{30,})/ ", line)
        assert found, line
        origin, token = found.groups()
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{origin}{token}/") as response:
                assert response.status == 200
                assert "a clip.mp4" in await response.text()
            async with session.get(f"{origin}{token}/video", headers={"Range": "bytes=4-7"}) as response:
                assert response.status == 206
                assert await response.read() == b"ftyp"
            for elsewhere in ("", "video", "other/video", f"{token}/../video", f"{token}/a%20clip.mp4"):
                async with session.get(origin + elsewhere) as response:
                    assert response.status == 404
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await process.wait()
    assert process.returncode == 0


def test_without_annotations_or_with_a_taken_port_it_is_one_line(run: Run, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    status, _, err = run("view", clip.path, "--no-browser")
    assert status == 2
    assert "clip.mp4.json" in err
    (tmp_path / "clip.mp4.json").write_bytes(video_intelligence.write(clip.annotations()))
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, _, err = run("view", clip.path, "--no-browser", "--port", other.getsockname()[1])
    assert status == 2
    assert "another program uses that port" in err
