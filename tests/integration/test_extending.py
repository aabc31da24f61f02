"""One new module is all that a detector family, an export format, a kind of picture and a button need."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from bot.jobs.database import Database
from bot.jobs.model import JobId, JobState, Options, Request, Source, SourceKind
from bot.jobs.store import Store
from bot.jobs.testing import FakeTaskRunner
from bot.slack.buttons.base import BUTTONS
from playground import BOT_USER, TEAM_ID, WILDLIFE, YOU
from rendering.kinds.base import KINDS, PictureKind
from tests.clips import RED, Clip, Mover, Scene, draw_clip
from tests.integration.bot_workspace import workspace
from tests.integration.command import Run, files
from tests.integration.test_jobs import started, web_server
from tracking.formats import video_intelligence
from tracking.formats.base import FORMATS
from tracking.local.detectors.base import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ("detector", "export_format", "picture_kind", "button")
SCENE = Scene((Mover("red", RED, (0.2, 0.2), ((0.0, 0.5, 0.5), (2.0, 0.5, 0.5))),))


@pytest.fixture(scope="module", autouse=True)
def examples() -> Iterator[None]:
    """The modules of the page are there, as if each lay in its folder."""
    for name in EXAMPLES:
        importlib.import_module(f"tests.examples.{name}")
    yield
    for registry, key in ((FAMILIES, "blobs"), (FORMATS, "labels"), (KINDS, "heat"), (BUTTONS, "example_thanks")):
        registry.remove(key)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return draw_clip(tmp_path_factory.mktemp("c") / "one.mp4", SCENE, fps=15)


@pytest.fixture(scope="module", name="annotations")
def annotation_file(clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("a") / "one.json"
    path.write_bytes(video_intelligence.write(clip.annotations()))
    return path


def blob_network(path: Path, *, family: str = "blobs") -> Path:
    """A network that sees one box of class 1 in every picture."""
    rows = numpy_helper.from_array(np.array([[0.4, 0.4, 0.6, 0.6, 0.9, 1.0]], np.float32), "rows")
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["found"]),
    ]
    graph = helper.make_graph(
        nodes,
        "blobs",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 6])],
        [rows, numpy_helper.from_array(np.array(0.0, np.float32), "zero")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"family": family, "names": "['nothing', 'blob']"})
    path.write_bytes(model.SerializeToString())
    return path


def test_a_detector_family_recognises_its_networks_and_is_named_where_it_runs(run: Run, clip: Clip, tmp_path: Path) -> None:
    model = blob_network(tmp_path / "round.onnx")
    status, out, err = run("track", clip.path, "--out", tmp_path / "out", "--model", model)
    assert status == 0
    assert "Tracking with Blobs (round.onnx)" in err
    assert "blob" in out
    (track,) = video_intelligence.read(tmp_path / "out" / "one.mp4.json").tracks
    assert (track.label, round(track.confidence, 2)) == ("blob", 0.9)


def test_a_network_of_no_family_is_refused_before_anything_is_written(run: Run, clip: Clip, tmp_path: Path) -> None:
    model = blob_network(tmp_path / "round.onnx", family="others")
    status, _, err = run("track", clip.path, "--out", tmp_path / "out", "--model", model)
    assert status == 2
    assert "round.onnx is a network, but no detector that I know" in err
    assert files(tmp_path / "out") == []


def test_an_export_format_is_offered_and_written(run: Run, clip: Clip, annotations: Path, tmp_path: Path) -> None:
    status, _, err = run("export", clip.path, annotations, "--format", "labels", "--out", tmp_path / "out")
    assert status == 0
    assert "one.mp4.labels.txt" in err
    assert (tmp_path / "out" / "one.mp4.labels.txt").read_text() == "1 red\n"
    status, _, err = run("export", clip.path, annotations, "--format", "nothing", "--out", tmp_path / "none")
    assert status == 2
    assert "labels (how many objects of each label)" in err


def test_a_kind_of_picture_is_offered_and_drawn(run: Run, clip: Clip, annotations: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, told, _ = run("render", clip.path, annotations, "--out", out, "--make", "heat", "--min-frames", "1", "--json")
    assert status == 0
    assert files(out) == ["one.mp4.heat.png"]
    assert json.loads(told)["pictures"] == {"heat": [str(out / "one.mp4.heat.png")]}
    with Image.open(out / "one.mp4.heat.png") as picture:
        assert picture.getpixel((160, 90)) == 255
        assert picture.getpixel((5, 5)) == 0
    _, told, _ = run("render", clip.path, annotations, "--out", out, "--make", "summary", "--min-frames", "1")
    assert "1 older picture" in told  # of an earlier run: the kind knows its own
    status, _, err = run("render", clip.path, annotations, "--out", out, "--make", "nothing")
    assert status == 2
    assert "heat (where the objects were, the longer the brighter)" in err


async def test_a_job_makes_a_kind_of_picture_after_the_others_and_tells_it_once(tmp_path: Path) -> None:
    async with web_server() as url, started(tmp_path, url) as jobs:
        job_id, request = jobs.asked()
        await jobs.service.submit(job_id, request.with_options(make=("heat",)))
        await jobs.over(job_id)
        assert jobs.tasks() == ["probe", "choose", "track", "summary", "animations", "pictures"]
        assert [what for what, _ in jobs.reporter.told][-3:] == ["animations", "heat", "close"]
        assert jobs.reporter.said("heat") == [["clip.mp4.heat.png"]]
        assert jobs.reporter.said("close") == [JobState.DONE]
        ranks = [state.rank for state, _ in jobs.reporter.shown]
        assert ranks == sorted(ranks)  # what goes back is not shown
        assert jobs.reporter.shown[-2:] == [(JobState.POSTING, 0.5), (JobState.POSTING, 0.0)]
        stored = [path.name for path in (tmp_path / "objects").rglob("*.heat.png")]
        assert stored == ["clip.mp4.heat.png"]


def test_what_was_asked_for_before_there_were_kinds_of_pictures_is_still_read() -> None:
    assert Options().make == ()


async def test_a_kind_of_picture_comes_ten_to_a_message_whatever_its_key_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def eleven(runner: FakeTaskRunner, arguments: dict[str, Any]) -> dict[str, Any]:
        drawn = runner._animations(arguments | {"numbers": range(100, 111)})["animations"]
        return {"paths": [each["path"] for each in drawn]}

    monkeypatch.setattr(FakeTaskRunner, "_pictures", eleven)
    keys = ("animations", "list", "summary-2")  # the first two as other parts of the thread are called
    for key in keys:
        KINDS.register(PictureKind(key, f"{key} of a test", "", draw=lambda *_: [], owns=lambda _: False))
    try:
        async with web_server() as url:
            store = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
            await store.create_tables()
            source = Source(SourceKind.LINK, f"{url}/fox.mp4", "fox.mp4")
            request = Request(source, TEAM_ID, WILDLIFE, YOU, options=Options(make=keys))
            await store.add_job(JobId("link:T:C:1:1"), request)
            store.close()
            async with workspace(tmp_path) as there:
                await there.job_over()
                (root,) = (each for each in there.slack.messages("wildlife") if each.user == BOT_USER)
                posted = [len(each.files) for each in there.replies(root) if each.files]
                assert posted == [1, 3, *[10, 1] * len(keys)]
    finally:
        for key in keys:
            KINDS.remove(key)


async def test_a_kind_that_this_version_does_not_know_is_left_out_and_told(tmp_path: Path) -> None:
    async with web_server() as url:
        store = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
        await store.create_tables()
        for number, make in enumerate([("hologram", "heat"), ("hologram",)]):
            source = Source(SourceKind.LINK, f"{url}/fox.mp4", f"fox-{number}.mp4")
            await store.add_job(
                JobId(f"link:T:C:{number}:1"), Request(source, TEAM_ID, WILDLIFE, YOU, options=Options(make=make))
            )
        store.close()
        async with workspace(tmp_path) as there:
            await there.job_over()
            await there.slack.settled()
            roots = [each for each in there.slack.messages("wildlife") if each.user == BOT_USER]
            assert [root.text.startswith("<@") or "I found 3 objects" in root.text for root in roots] == [True, True]
            assert all("I can't make hologram any more, so that is left out." in root.text for root in roots)
            assert sorted(sum(len(each.files) for each in there.replies(root)) for root in roots) == [4, 5]


async def test_a_button_stands_until_it_is_pressed(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        there.children.objects = 30
        message = await there.clip()
        listed = await there.slack.until(
            lambda: next((each for each in there.replies(message) if "example_thanks" in json.dumps(each.blocks)), None)
        )
        assert listed is not None
        await there.slack.click(listed, "example_thanks")
        await there.slack.until(lambda: "example_thanks" not in json.dumps([each.blocks for each in there.replies(message)]))
        await there.slack.until(lambda: "Thank you." in [answer.text for answer in there.slack.ephemerals])


def test_the_page_shows_the_examples_as_they_are() -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    shown = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert shown == [(ROOT / "tests" / "examples" / f"{name}.py").read_text() for name in EXAMPLES]


def test_the_networks_are_such_as_onnx_itself_accepts(tmp_path: Path) -> None:
    onnx.checker.check_model(onnx.load(blob_network(tmp_path / "round.onnx")))
