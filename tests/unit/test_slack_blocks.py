"""Messages stay within Slack's limits, whatever is in them, and nothing from outside formats itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs import error_codec as failures
from bot.jobs.facts import JobFacts, Probe, Summary
from bot.jobs.model import Job, JobId, JobState, Options, Request, Source, SourceKind
from bot.jobs.processes import ChildCrashed
from bot.slack import blocks, errors
from bot.slack import views as home
from bot.slack.blocks import Message
from bot.texts import slack as texts
from bot.texts.mrkdwn import escape
from playground.blocks import check_blocks, check_view
from tracking.errors import SourceRefusal, SourceRefused, TrackletError
from tracking.model import Segment

Json = dict[str, Any]


def job(name: str = "clip.mp4", *, options: Options | None = None, thread_ts: str = "", facts: JobFacts | None = None) -> Job:
    source = Source(SourceKind.LINK, "https://example.org/clip.mp4?signature=secret", name)
    request = Request(source, "T1", "C1", "U1", thread_ts, options or Options())
    return Job(JobId("link:T1:C1:1.2:abc:1"), 7, request, JobState.TRACKING, 1, "1.2", facts or JobFacts(), None, "", 1.0, 2.0)


def summary(count: int, label: str = "person", *, near: int = 0, left_out: int = 0, entity_id: str = "/m/01g317") -> Summary:
    row = {"label": label, "confidence": 0.914, "start_s": 3.2, "end_s": 70.9, "frames": 12, "entity_id": entity_id}
    data = {
        "objects": [row | {"number": number + 1} for number in range(count)],
        "near_misses": [row | {"number": 0}] * min(near, 8),
        "near_miss_count": near,
        "pages": [],
        "left_out": left_out,
    }
    return Summary.from_json(data)


def checked(message: Message) -> str:
    """All of a message as text, once the playground's rules hold."""
    shown = json.loads(json.dumps(list(message.blocks)))
    assert check_blocks(shown, surface="message", picture_problem=lambda _: "") == []
    assert message.text
    return json.dumps(shown, ensure_ascii=False)


def test_what_a_failure_quotes_pings_nobody() -> None:
    refused = SourceRefused("http://10.0.0.7/<!channel>.mp4", SourceRefusal.ADDRESS)
    shown = checked(blocks.failed(job(), texts.sentence(refused, number=7), can_retry=True))
    assert "<!channel>" not in shown
    assert "&lt;!channel&gt;.mp4" in shown


def test_a_long_label_is_not_cut_within_an_entity_and_two_hundred_fit() -> None:
    found = summary(200, "a" + "&" * 300, near=8)
    listed = blocks.object_list(job(), found, next_first=11, next_page=2)
    said = blocks.finished(job(), JobFacts(summary=found, probed=PROBED, earlier=""), took_s=12, earlier_link="")
    for message in (listed, said):
        shown = checked(message)
        assert shown.count("&") == shown.count("&amp;")
        assert len(shown) < 13_200  # about where Slack answers msg_blocks_too_long


def test_objects_beyond_the_most_that_are_shown_are_told_below_the_list() -> None:
    shown = checked(blocks.object_list(job(), summary(30, left_out=59_000), next_first=11, next_page=2))
    assert "59,000 more objects pass" in shown


PROBED = Probe(width=64, height=48, duration_s=2.0, engine="yolox", why="model", model="yolox_tiny.onnx")


@given(name=st.text(max_size=300), label=st.text(min_size=1, max_size=300), count=st.integers(0, 60), near=st.integers(0, 12))
def test_every_message_keeps_to_slacks_limits(name: str, label: str, count: int, near: int) -> None:
    options = Options(segment=Segment(1, 2), labels=(label[:40],) * 20)
    found = summary(count, label, near=near)
    facts = JobFacts(summary=found, probed=PROBED, earlier="")
    for thread_ts in ("", "1.1"):
        one = job(name, options=options, thread_ts=thread_ts)
        checked(blocks.progress(one, JobState.TRACKING, fraction=0.4, left_s=75))
        checked(blocks.finished(one, facts, took_s=12, earlier_link=""))
        checked(blocks.failed(one, "It failed.", can_retry=True))
        checked(blocks.stopped(one))
        if count:
            checked(blocks.object_list(one, found, next_first=11, next_page=2))


def test_a_name_from_outside_is_neither_mention_nor_link_nor_formatting() -> None:
    shown = checked(
        blocks.progress(job("<!channel> *x* <https://evil.org|click>.mp4"), JobState.FETCHING, fraction=0, left_s=None)
    )
    assert "<!channel>" not in shown
    assert "<https" not in shown


def test_a_signed_link_is_never_shown() -> None:
    for message in (
        blocks.progress(job(), JobState.FETCHING, fraction=0.1, left_s=None),
        blocks.failed(job(), "It failed.", can_retry=True),
        blocks.status([job()]),
    ):
        assert "signature" not in checked(message)


def test_each_object_has_its_number_label_confidence_time_and_link() -> None:
    shown = checked(blocks.object_list(job(), summary(1), next_first=0, next_page=0))
    assert "`1` *<https://www.google.com/search?kgmid=%2Fm%2F01g317|person>* 91% · 0:03–1:10" in shown


def test_what_is_known_of_an_entity_stands_behind_its_label_and_formats_nothing() -> None:
    known = {"/m/01g317": "<!channel> *Human*"}
    shown = checked(blocks.object_list(job(), summary(1), next_first=0, next_page=0, descriptions=known))
    assert "0:03–1:10 · &lt;!channel&gt;" in shown
    assert "<!channel>" not in shown


@pytest.mark.parametrize("entity_id", ["", "javascript:alert(1)", "/m/0|x>"])
def test_a_label_without_an_entity_has_no_link(entity_id: str) -> None:
    shown = checked(blocks.object_list(job(), summary(1, entity_id=entity_id), next_first=0, next_page=0))
    assert "`1` *person* 91% · 0:03–1:10" in shown


def test_the_progress_message_says_stage_percent_and_time_left() -> None:
    shown = checked(blocks.progress(job(), JobState.TRACKING, fraction=0.456, left_s=95))
    assert "<@U1> asked me to track *clip.mp4*" in shown
    assert "Following every object · 46%" in shown
    assert "about 1 min 35 s left" in shown
    assert "tracklet_cancel" in shown


@pytest.mark.parametrize(("fraction", "cells"), [(0, 0), (0.5, 8), (1, 16), (7, 16)])
def test_the_bar_is_as_full_as_the_work(fraction: float, cells: int) -> None:
    assert blocks.bar(fraction).count("▰") == cells


@given(st.text(max_size=200))
def test_escaped_text_holds_no_markup(text: str) -> None:
    shown = escape(text)
    assert "<" not in shown
    assert ">" not in shown


def test_home_and_form_are_what_slack_accepts() -> None:
    done = job(facts=JobFacts(summary=summary(3)))
    for view in (home.home([job(), done]), home.home([]), home.modal(), home.modal(channel="C0WILDLIFE1")):
        assert check_view(json.loads(json.dumps(view)), picture_problem=lambda _: "") == []


def all_errors(kind: type[TrackletError]) -> list[type[TrackletError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in all_errors(child))]


@pytest.mark.parametrize("kind", [each for each in all_errors(TrackletError) if each.__module__.startswith("bot.")])
def test_each_error_of_the_bot_has_a_sentence_without_its_class_name(kind: type[TrackletError]) -> None:
    error = failures.from_json({"kind": kind.__name__, "facts": dict.fromkeys(getattr(kind, "__annotations__", {}), "x")})
    said = texts.sentence(error, number=7)
    assert said.endswith(".")
    assert kind.__name__ not in said


@pytest.mark.parametrize("reason", ["gone", "elsewhere", "external", "hidden", "not-a-video"])
def test_each_reason_why_a_file_cannot_be_used_has_its_own_sentence(reason: str) -> None:
    said = {
        each: texts.file_not_shared(errors.FileNotShared("F1", each)) for each in ("gone", "elsewhere", "external", "hidden")
    }
    assert len(set(said.values())) == 4
    assert texts.file_not_shared(errors.FileNotShared("F1", reason)).endswith(".")


def test_errors_come_back_from_the_database_with_their_facts() -> None:
    error = failures.from_json(failures.to_json(errors.FileNotShared("F1", "gone")))
    assert isinstance(error, errors.FileNotShared)
    assert (error.file_id, error.reason) == ("F1", "gone")
    assert isinstance(failures.from_json({"kind": "os.system", "facts": {}}), failures.Unforeseen)
    assert failures.to_json(RuntimeError("a secret")) == failures.UNFORESEEN


def test_a_crash_names_the_job_and_nothing_else() -> None:
    said = texts.sentence(ChildCrashed("track", -9), number=7)
    assert "job 7" in said
    assert "-9" not in said
