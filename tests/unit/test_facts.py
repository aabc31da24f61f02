"""Facts read what the version before wrote, and nobody takes them apart by string."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.jobs import facts as facts_module
from bot.jobs.facts import Drawable, Fact, Found, JobFacts, Placement, Probe, Summary, VideoFile

ROOT = Path(__file__).parents[2]

VIDEO = {
    "path": "/data/videos/tracklet/slack/T1/F1/fox.mp4",
    "root": "videos",
    "video_name": "tracklet/slack/T1/F1/fox.mp4",
    "uri": "",
    "name": "fox.mp4",
    "size_bytes": 6028,
    "sha256": "ab" * 32,
}
# As 0.1.0 wrote it at ca363e2: without `is_drawn` and `left_out`, which came later.
PROBED = {"width": 320, "height": 240, "duration_s": 12.0, "engine": "yolox", "why": "model", "model": "m.onnx", "run_key": "y"}
ROW = {"number": 1, "label": "person", "confidence": 0.9, "start_s": 0.0, "end_s": 2.5, "frames": 25, "entity_id": "/m/01g317"}
SUMMARY = {
    "pages": [{"path": "/data/work/a/fox.mp4.summary_pct70_fr10.jpeg", "objects": [1], "width": 40, "height": 30}],
    "objects": [ROW],
    "near_misses": [ROW | {"number": 0, "confidence": 0.5}],
    "near_miss_count": 1,
    "lowest": {"min_confidence": 0.5, "min_frames": 3},
    "problems": 0,
}
ROW_OF_BEFORE = {
    "thread_ts": "1.1",
    "video": VIDEO,
    "probed": PROBED,
    "annotations": "/data/annotations/videos/fox.mp4.json",
    "summary": SUMMARY,
    "earlier": "",
    "animations": [{"path": "/data/work/a/fox.mp4.000_person_pct90_fr25.gif", "object": 1, "size_bytes": 1}],
    "next_first": 0,
    "next_page": 0,
    "handle": "projects/1/operations/2",
    "start_sent": True,
    "waits_for": "gs://annotations/fox.mp4.json",
}


def test_a_finished_job_of_the_version_before_is_read_whole() -> None:
    facts = JobFacts.from_json(ROW_OF_BEFORE)
    assert facts.video is not None
    assert facts.video.name == "fox.mp4"
    assert facts.probed is not None
    assert not facts.probed.is_drawn
    assert facts.summary is not None
    assert facts.summary.left_out == 0
    assert facts.summary.shown == 1
    assert facts.summary.lowest.min_frames == 3
    assert facts.animations is not None
    assert [each.object for each in facts.animations] == [1]
    assert facts.handle == "projects/1/operations/2"
    assert Drawable.of(facts).summary.numbers == [1]


@pytest.mark.parametrize("facts", [{}, {"thread_ts": ""}, {"video": VIDEO, "probed": PROBED}, {"of": "a later version"}])
def test_a_job_that_has_not_come_far_is_read(facts: dict[str, object]) -> None:
    read = JobFacts.from_json(facts)
    assert read.summary is None
    assert read.animations is None
    with pytest.raises(ValidationError):
        Drawable.of(read)


def test_what_is_written_is_what_was_set_under_the_names_of_before() -> None:
    assert JobFacts.from_json(ROW_OF_BEFORE).to_json() == ROW_OF_BEFORE
    assert JobFacts(next_page=2).to_json() == {"next_page": 2}


@pytest.mark.parametrize(
    ("kind", "recorded"),
    [
        (VideoFile, VIDEO),
        (Probe, PROBED),
        (Summary, SUMMARY),
        (Found, {"annotations": "", "summary": None, "animations": [], "earlier": ""}),
        (Found, {"annotations": "/a.json", "summary": SUMMARY, "animations": [], "earlier": "link:1:1"}),
        (Placement, {"uri": "gs://v/a", "file": "/a", "annotations_uri": "gs://a/b", "annotations_name": "b", "since": 3}),
    ],
)
def test_a_step_that_the_version_before_recorded_is_replayed(kind: type[Fact], recorded: dict[str, object]) -> None:
    assert kind.from_json(recorded).to_json() == recorded


def test_a_part_that_cannot_be_read_leaves_the_others() -> None:
    read = JobFacts.from_json(ROW_OF_BEFORE | {"video": {"name": "fox.mp4"}, "next_page": "soon"})
    assert read.video is None
    assert read.next_page == 0
    assert read.summary == JobFacts.from_json(ROW_OF_BEFORE).summary


def test_a_fact_does_not_change() -> None:
    with pytest.raises(ValidationError):
        JobFacts(next_page=1).next_page = 2  # type: ignore[misc]  # which is what the test is about


NAMES = {
    name
    for kind in vars(facts_module).values()
    if isinstance(kind, type) and issubclass(kind, Fact)
    for name in kind.model_fields
}
# Where a subscript of such a name is something else: arguments of a task, options of a request, events and answers of Slack.
ELSEWHERE = {"arguments", "options", "selection", "data", "body", "event", "channel", "answer", "wanted", "message", "payload"}
COLUMN = "jobs.c.facts"  # for the database to look into
ELSEWHERE_NAMES = {"file"}  # Slack's answers hold one


def subscripts(path: Path) -> list[str]:
    """The places in a module that take a fact's name out of something by a string."""
    return [
        f"{path.name}:{node.lineno} {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value in NAMES - ELSEWHERE_NAMES
        and isinstance(node.ctx, ast.Load)
        and not (isinstance(node.value, ast.Name) and node.value.id in ELSEWHERE)
        and ast.unparse(node.value) != COLUMN
    ]


def test_no_result_of_a_step_is_taken_apart_by_string() -> None:
    looked = [path for folder in ("bot/jobs", "bot/slack", "bot/texts", "bot/web") for path in (ROOT / folder).glob("*.py")]
    assert [each for path in looked if path.name != "facts.py" for each in subscripts(path)] == []
