"""The viewer in Chromium: boxes lie where the truth is, at the time of the picture that is shown; text stays text."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web
from numpy.typing import NDArray
from PIL import Image

from rendering.colours import LABEL_COLOURS
from rendering.selection import Selection
from rendering.viewer.page import view_of
from tests.browser.chromium import needs_chromium, until
from tests.clips import RED, Clip, Mover, Scene, draw_clip
from tracking.model import Annotations, Track

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="module")]

ALL = Selection(min_confidence=0.0, min_frames=1)
WALK = Mover("walker", RED, (0.2, 0.3), ((0.0, 0.2, 0.4), (4.0, 0.8, 0.6)))
HOSTILE = "</script><img src=x onerror=alert(1)>@data@"


@asynccontextmanager
async def shown(browser: Any, video: Path, *given: Annotations, selection: Selection = ALL) -> AsyncIterator[Any]:
    """The page over HTTP, as `tracklet view` serves it; any error in it fails the test."""
    sets = [(f"file {n}", annotations) for n, annotations in enumerate(given)]
    page_bytes = view_of(video, video.name, "video", sets, selection)

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=page_bytes, content_type="text/html", charset="utf-8")

    async def play(_: web.Request) -> web.FileResponse:
        return web.FileResponse(video)

    async def icon(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    app.add_routes([web.get("/", show), web.get("/video", play), web.get("/favicon.ico", icon)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    context = await browser.new_context(viewport={"width": 900, "height": 900})
    troubles: list[str] = []
    try:
        page = await context.new_page()
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        await until(page, "document.getElementById('video').readyState >= 2")
        yield page
        assert troubles == []
    finally:
        await context.close()
        await runner.cleanup()


async def seek(page: Any, time_s: float) -> float:
    """The time of the picture that is shown in the end."""
    await page.evaluate(f"document.getElementById('video').currentTime = {time_s}")
    shown_s = "document.getElementById('boxes').dataset.time"
    await until(page, f"!document.getElementById('video').seeking && Math.abs({shown_s} - {time_s}) < 0.5")
    return float(await page.evaluate(shown_s))


async def picture(page: Any) -> NDArray[np.int64]:
    data = await page.locator("#stage").screenshot()
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int64)


def extent(pixels: NDArray[np.int64], colour: tuple[int, int, int], near: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    is_it = np.abs(pixels - np.array(colour)).max(axis=2) < near
    return np.flatnonzero(is_it.sum(axis=0) > 8), np.flatnonzero(is_it.sum(axis=1) > 8)


def plain(folder: Path) -> Clip:
    return draw_clip(folder / "plain.mp4", Scene((WALK,)), duration_s=4.0, size=(320, 240))


def rotated(folder: Path) -> Clip:
    return draw_clip(folder / "rotated.mp4", Scene((WALK,)), duration_s=4.0, size=(180, 320), rotation=90)


def uneven(folder: Path) -> Clip:
    times = tuple(np.cumsum([0, *([0.04, 0.2, 0.1] * 12)]).round(3).tolist())
    return draw_clip(folder / "uneven.mp4", Scene((WALK,)), times_s=times, size=(320, 240))


def wide_pixels(folder: Path) -> Clip:
    return draw_clip(
        folder / "wide.mp4", Scene((WALK,)), duration_s=4.0, size=(320, 180), sample_aspect_ratio=Fraction(4, 3), b_frames=2
    )


def webm(folder: Path) -> Clip:
    return draw_clip(folder / "clip.webm", Scene((WALK,)), duration_s=4.0, size=(320, 240), codec="libvpx")


@pytest.mark.parametrize("make", [plain, rotated, uneven, wide_pixels, webm])
async def test_a_box_lies_around_its_object_in_the_picture_that_is_shown(
    make: Callable[[Path], Clip], browser: Any, tmp_path: Path
) -> None:
    clip = make(tmp_path)
    async with shown(browser, clip.path, clip.annotations()) as page:
        for wanted_s in (0.55, 1.73, 3.11):
            time_s = await seek(page, wanted_s)
            assert min(abs(time_s - known) for known in clip.times_s) < 0.002
            pixels = await picture(page)
            object_x, object_y = extent(pixels, RED, 60)
            middle = int(object_y[0] + object_y[-1]) // 2
            box_x, box_y = extent(pixels[middle:], LABEL_COLOURS[0], 12)  # above the box is its label, which may be wider
            assert abs(box_x[0] - object_x[0]) <= 5
            assert abs(box_x[-1] - object_x[-1]) <= 5
            assert abs(middle + box_y[-1] - object_y[-1]) <= 5


async def test_keys_step_by_pictures_and_choose_objects(browser: Any, tmp_path: Path) -> None:
    clip = uneven(tmp_path)
    async with shown(browser, clip.path, clip.annotations()) as page:
        await seek(page, clip.times_s[5] + 0.01)
        for key, place in (("ArrowRight", 6), ("ArrowRight", 7), ("ArrowLeft", 6)):
            await page.keyboard.press(key)
            await until(page, f"Math.abs(document.getElementById('boxes').dataset.time - {clip.times_s[place]}) < 0.002")
        await page.keyboard.press("ArrowDown")
        assert (await page.locator("#what").inner_text()).startswith("1 walker, 0:00.0")
        await until(page, "document.getElementById('boxes').dataset.time < 0.002")
        await page.keyboard.press("z")
        assert "scale" in await page.evaluate("document.getElementById('zoomed').style.transform")
        await page.keyboard.press("Escape")
        assert not await page.locator("#chosen").is_visible()


async def test_filters_act_at_once(browser: Any, tmp_path: Path) -> None:
    clip = plain(tmp_path)
    track = clip.track("walker")
    tracks = tuple(
        Track(n, label, confidence, track.times, track.boxes)
        for n, (label, confidence) in enumerate([("person", 0.9), ("person", 0.5), ("car", 0.8)])
    )
    async with shown(browser, clip.path, Annotations(tracks), selection=Selection(min_frames=1)) as page:
        await seek(page, 1.0)
        count = "document.getElementById('boxes').dataset.count"
        assert await page.evaluate(count) == "2"  # begins with those that are shown elsewhere
        await page.get_by_label("only those in the summary (2)").uncheck()
        assert await page.evaluate(count) == "3"
        await page.locator("#confidence").fill("60")
        assert await page.evaluate(count) == "2"
        await page.get_by_label("person (2)").uncheck()
        assert await page.evaluate(count) == "1"
        assert await page.locator("#shown").inner_text() == "1 of 3 objects"
        # A row of labels has room, so there is nothing to scroll.
        assert await page.locator("#labels").evaluate("(each) => each.scrollHeight <= each.clientHeight")


async def test_corrections_are_kept_and_saved_as_a_file(browser: Any, tmp_path: Path) -> None:
    clip = plain(tmp_path)
    track = clip.track("walker")
    tracks = tuple(Track(10 + n, "person", 0.9, track.times, track.boxes) for n in range(3))
    async with shown(browser, clip.path, Annotations(tracks)) as page:
        for number in range(3):
            await page.keyboard.press("ArrowDown")
            if number == 0:
                await page.locator("#relabel").fill(HOSTILE[:60])
                await page.locator("#relabel").press("Enter")
                await page.locator("#stage").focus()
            elif number == 1:
                await page.locator("#same").fill("1")
                await page.locator("#same").press("Enter")
                await page.locator("#stage").focus()
            else:
                await page.locator("#nothing").click()
        await page.reload()
        await until(page, "document.getElementById('video').readyState >= 2")
        assert await page.locator("#corrected").inner_text() == "3 objects corrected"
        async with page.expect_download() as download:
            await page.locator("#save").click()
        made = await download.value
        assert made.suggested_filename == "plain.mp4.corrections.json"
        saved = json.loads(await asyncio.to_thread(Path(await made.path()).read_text))
        kinds = {each["kind"]: each for each in saved["corrections"]}
        assert set(kinds) == {"label", "same-as", "not-an-object"}
        assert kinds["label"]["label"] == HOSTILE[:60]
        assert {each["track_id"] for each in saved["corrections"]} == {10, 11, 12}


async def test_names_and_labels_are_text(browser: Any, tmp_path: Path) -> None:
    clip = plain(tmp_path)
    track = clip.track("walker")
    path = clip.path.rename(tmp_path / "a&b @script@ <b>.mp4")
    async with shown(browser, path, Annotations((Track(0, HOSTILE, 0.9, track.times, track.boxes),))) as page:
        assert await page.locator("h1").inner_text() == path.name
        assert HOSTILE in await page.locator("#labels").inner_text()
        assert await page.locator("img").count() == 0


async def test_two_files_lie_over_each_other(browser: Any, tmp_path: Path) -> None:
    clip = plain(tmp_path)
    async with shown(browser, clip.path, clip.annotations(), clip.annotations()) as page:
        await seek(page, 1.0)
        assert await page.evaluate("document.getElementById('boxes').dataset.count") == "2"
        await page.get_by_label("file 1 (dashed)").uncheck()
        assert await page.evaluate("document.getElementById('boxes').dataset.count") == "1"


async def test_five_thousand_objects_stay_fluent(browser: Any, tmp_path: Path) -> None:
    clip = plain(tmp_path)
    track = clip.track("walker")
    rng = np.random.default_rng(1)
    many = []
    for number in range(5000):
        start = int(rng.integers(0, 30))
        kept = slice(start, start + 10)
        many.append(Track(number, f"kind {number % 9}", 0.9, track.times[kept], track.boxes[kept]))
    async with shown(browser, clip.path, Annotations(tuple(many))) as page:
        await page.get_by_label("only those in the summary (1000)").uncheck()
        await seek(page, 2.0)
        rows = await page.evaluate("document.getElementById('height').style.height")
        assert rows == f"{22 + 24 * 5000}px"
        await page.evaluate("document.getElementById('lanes').scrollTop = 60000")
        await seek(page, 2.5)
        assert int(await page.evaluate("document.getElementById('boxes').dataset.count")) > 1000


@pytest_asyncio.fixture(loop_scope="module")
async def from_disk(browser: Any) -> AsyncIterator[Any]:
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


async def test_from_disk_it_finds_the_video_beside_it_or_asks_for_it(from_disk: Any, tmp_path: Path) -> None:
    clip = plain(tmp_path)
    beside, alone = tmp_path / "plain.mp4.viewer.html", tmp_path / "alone.html"
    for path, src in ((beside, "plain.mp4"), (alone, "nowhere/plain.mp4")):
        path.write_bytes(view_of(clip.path, "plain.mp4", src, [("a", clip.annotations())], ALL))
    await from_disk.goto(beside.as_uri())
    await until(from_disk, "document.getElementById('video').readyState >= 2")
    await from_disk.goto(alone.as_uri())
    await until(from_disk, "!document.getElementById('missing').hidden")
    assert "not beside this page" in await from_disk.locator("#why").inner_text()
    await from_disk.locator("#file").set_input_files(clip.path)
    await until(from_disk, "document.getElementById('video').readyState >= 2 && document.getElementById('missing').hidden")
