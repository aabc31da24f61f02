"""Sentences: every error has one, facts are in words that people use, and foreign text can't break out of its place."""

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engines import Why
from bot.jobs import error_codec
from bot.jobs.facts import NearMisses
from bot.settings import Settings
from bot.texts import cli, limits, plurals, wording
from bot.texts import engine as engine_texts
from bot.texts import errors as sentences
from tests.every_error import an_error, every_kind
from tracking import errors
from tracking.engines.base import EngineName
from tracking.errors import TrackletError
from tracking.local.coco import LABELS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", [k for k in every_kind() if k.__module__ == errors.__name__], ids=lambda k: k.__name__)
def test_every_error_has_a_sentence_without_its_class_name(kind: type[TrackletError]) -> None:
    said = sentences.sentence(an_error(kind))
    assert said.endswith(".")
    assert said[0].isupper() or said.startswith(("clip.mp4", "yolox"))
    assert kind.__name__ not in said.removeprefix("Cancelled.")  # the one class that is a plain word


def reasons() -> Iterator[tuple[type[TrackletError], str, list[str]]]:
    """Every class with a fact that is one of a few, with that fact's name and its values."""
    for kind in every_kind():
        for name, hint in get_type_hints(kind).items():
            for choice in (hint, *get_args(hint)):
                if isinstance(choice, type) and issubclass(choice, Enum):
                    yield kind, name, list(choice)


@pytest.mark.parametrize(
    ("kind", "fact", "values"),
    [
        *reasons(),
        (errors.VideoTooLarge, "unit", ["bytes", "pixels"]),
        (errors.SourceNotAVideo, "found", ["page", "login", "playlist", "image", "archive", "text/csv"]),
        (errors.StorageError, "action", ["read", "write"]),
        (
            errors.AnnotationError,
            "problem",
            ["missing", "no JSON", "too large", "too many objects", "too many boxes", "too many values"],
        ),
    ],
)
def test_each_reason_has_a_sentence_of_its_own(kind: type[TrackletError], fact: str, values: list[str]) -> None:
    said = [sentences.sentence(an_error(kind, **{fact: value})) for value in values]
    assert len(set(said)) == len(values)
    assert sentences.UNFORESEEN not in said


@pytest.mark.parametrize(("kind", "fact", "values"), list(reasons()))
def test_a_reason_comes_back_from_the_database_as_itself(kind: type[TrackletError], fact: str, values: list[str]) -> None:
    """Rows of earlier versions hold plain text, and so do ours."""
    for value in values:
        row = json.loads(json.dumps(error_codec.to_json(an_error(kind, **{fact: value}))))
        assert type(row["facts"][fact]) is str
        assert getattr(error_codec.from_json(row), fact) is value


def test_a_reason_that_this_version_does_not_know_is_calmly_told() -> None:
    found = error_codec.from_json({"kind": "SourceRefused", "facts": {"source": "x", "reason": "of tomorrow"}})
    assert sentences.sentence(found) == sentences.UNFORESEEN
    found = error_codec.from_json({"kind": "StorageError", "facts": {"place": "x", "action": "read", "reason": "Bad file"}})
    assert "Bad file" in sentences.sentence(found)


def test_an_option_is_told_under_the_name_that_a_person_sets() -> None:
    """Below the floor of `bot` an option has a plain name; what only `bot` knows is translated."""
    lower = [path for package in ("tracking", "rendering") for path in (ROOT / package).rglob("*.py")]
    named = {name for path in lower for name in re.findall(r'OptionError\("([^"]+)"', path.read_text())}
    assert named == set(sentences.SET_AS)
    variables = {name for name in sentences.SET_AS.values() if name.startswith("TRACKLET_")}
    assert {name.removeprefix("TRACKLET_").lower() for name in variables} <= set(Settings.model_fields)
    said = sentences.sentence(errors.OptionError("google-model", "newest", "stable, latest"))
    assert said == "TRACKLET_GOOGLE_MODEL can't be newest: stable, latest."


def test_an_unforeseen_error_keeps_its_own_text_to_the_log() -> None:
    assert "secret" not in sentences.sentence(RuntimeError("secret detail"))


def test_a_long_video_is_told_in_words_of_time() -> None:
    assert sentences.sentence(errors.VideoTooLong(duration_s=5400, limit_s=3600)) == (
        "This video lasts 1 h 30 min; I can track up to 1 h. Trim it, or give me a start and an end."
    )


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00"), (9.99, "0:09"), (59.9999999, "1:00"), (61, "1:01"), (3723, "1:02:03"), (-1, "0:00")]
)
def test_a_place_in_a_video_reads_like_a_player_s_clock(seconds: float, said: str) -> None:
    assert wording.clock(seconds) == said


@pytest.mark.parametrize(
    ("start_s", "end_s", "said"),
    [
        (5.24, 7.1, "0:05.2–0:07.1"),
        (5.2, 5.21, "0:05.2"),
        (0.0, 9.94, "0:00.0–0:09.9"),
        (0.0, 10.0, "0:00–0:10"),
        (3.2, 70.9, "0:03–1:10"),
        (3599.95, 3600.0, "59:59.9–1:00:00.0"),
    ],
)
def test_a_short_stretch_is_told_to_a_tenth_and_a_long_one_to_the_second(start_s: float, end_s: float, said: str) -> None:
    assert wording.exact_span(start_s, end_s) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-2, "just now"), (59, "just now"), (61, "1 min ago"), (3600, "1 h ago"), (100_000, "27 h ago"), (200_000, "2 days ago")],
)
def test_how_long_ago_something_was_is_told_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert wording.ago(seconds) == said


@pytest.mark.parametrize(
    ("numbers", "said"),
    [([3], "3"), ([1, 2], "1, 2"), ([2, 3, 1], "1 to 3"), ([8, 1, 2, 3, 10, 11, 12], "1 to 3, 8, 10 to 12"), ([], "")],
)
def test_numbers_in_a_row_are_told_by_the_first_and_the_last(numbers: list[int], said: str) -> None:
    assert wording.ranges(numbers) == said


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "person", "1 person"),
        (2, "person", "2 people"),
        (2, "bicycle", "2 bicycles"),
        (12, "moving object", "12 moving objects"),
        (3, "bus", "3 buses"),
        (3, "sheep", "3 sheep"),
        (2, "wine glass", "2 wine glasses"),
        (2, "tv", "2 TVs"),
        (1, "skis", "1 pair of skis"),
        (2, "scissors", "2 pairs of scissors"),
        (2, "Person", "2 People"),
        (2, "furniture", "2 furniture"),
        (2, "lady", "2 ladies"),
        (2, "toy", "2 toys"),
        (2, "human", "2 humans"),
        (2, "cars", "2 cars"),
        (1200, "car", "1,200 cars"),
        (2, "自転車", "2 自転車"),
        (2, "a&amp;b", "2 a&amp;b"),
        (2, "", "2 "),
    ],
)
def test_plurals_are_those_that_people_say(number: int, noun: str, said: str) -> None:
    assert plurals.counted(number, noun) == said


def test_every_class_of_the_detectors_has_a_plural_of_its_own() -> None:
    many = {plurals.plural(label) for label in LABELS}
    assert len(many) == len(LABELS)
    assert {label for label in LABELS if plurals.plural(label) == label} == {"sheep", "broccoli"}


@given(st.text(max_size=60))
def test_any_label_can_be_counted(label: str) -> None:
    assert plurals.counted(1, label).endswith(label)
    assert plurals.counted(2, label).startswith("2 ")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["person", "bicycle", "person", "bicycle"], "2 people, 2 bicycles"),
        (list("abcdefg"), "1 a, 1 b, 1 c, 1 d, 1 e, 1 f, 1 g"),  # the last one is named, not "1 more class"
        (list("abcdefghh"), "2 h, 1 a, 1 b, 1 c, 1 d, 1 e and 2 others"),
    ],
)
def test_kinds_are_counted_and_the_last_one_is_named(labels: list[str], said: str) -> None:
    assert plurals.counted_labels(labels).replace("hs", "h") == said


def near(label: str, count: int, *, brief: int = 0, unsure: int = 0, confidence: float = 0.76, frames: int = 9) -> NearMisses:
    return NearMisses(label=label, count=count, brief=brief, unsure=unsure, confidence=confidence, frames=frames)


@pytest.mark.parametrize(
    ("kinds", "number", "said"),
    [
        ([near("person", 2, brief=2)], 2, "Not shown: 2 people seen for less than a second."),
        ([near("moving object", 98, brief=98)], 98, "Not shown: 98 moving objects seen for less than a second."),
        ([near("car", 1, unsure=1)], 1, "Not shown: 1 car less than 70% sure."),
        (
            [near("car", 2, unsure=1, brief=1), near("bus", 1, brief=1)],
            3,
            "Not shown: 2 cars, 1 bus less than 70% sure or seen for less than a second.",
        ),
        ([near(label, 1, brief=1) for label in "abcd"], 4, "Not shown: 4 objects seen for less than a second."),
        ([near("moving object", 3, unsure=3)], 3, "Not shown: 3 moving objects followed too unsteadily."),
        ([], 3, "Not shown: 3 objects."),  # of a job from before kinds were kept
    ],
)
def test_what_is_not_shown_is_told_with_its_reason(kinds: list[NearMisses], number: int, said: str) -> None:
    assert limits.not_shown(kinds, number, 0.7, 10, 0.1) == said


def test_limits_are_told_in_seconds_where_the_pace_is_known_and_without_a_percentage_that_measures_nothing() -> None:
    assert limits.limits(0.7, 10, 0.1) == "70%, 1 s"
    assert limits.limits(0.3, 10, 0.04) == "30%, 0.4 s"
    assert limits.limits(0.7, 10, 0.0) == "70%, 10 frames"
    assert limits.limits(0.7, 10, 0.1, named=False) == "1 s"
    assert limits.limits(0.0, 1, 0.1) == ""


def test_what_nearly_passed_is_grouped_and_stays_below_the_limit() -> None:
    kinds = [near("horse", 3), near("bird", 1, confidence=0.4, frames=22), near("moving object", 2)]
    said = limits.close(kinds, 7, 0.1)
    assert said == "3 horses (up to 76%, 0.9 s), 1 bird (40%, 2.2 s), 2 moving objects (up to 0.9 s) and 1 more"
    assert limits.close([near("horse", 1, frames=9)], 1, 1 / 30) == "1 horse (76%, 0.3 s)"
    assert limits.limits(0.7, 10, 1 / 30) == "70%, 0.33 s"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (0.04, "0.04 s"),
        (0.34, "0.3 s"),
        (1.0, "1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (65, "1 min 5 s"),
        (1000, "17 min"),
        (5400, "1 h 30 min"),
    ],
)
def test_a_length_of_time_is_as_exact_as_a_person_wants_it(seconds: float, said: str) -> None:
    assert wording.duration(seconds) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "2 kB"), (1 << 30, "1.1 GB")])
def test_bytes_are_told_in_the_unit_that_fits(number: int, said: str) -> None:
    assert wording.size(number) == said


@pytest.mark.parametrize(("share", "said"), [(0.0, "0%"), (0.705, "70%"), (0.999, "99%"), (1.0, "100%")])
def test_a_share_is_rounded_as_in_the_pictures_and_their_names(share: float, said: str) -> None:
    assert wording.percent(share) == said


def test_a_list_in_a_sentence_ends_with_and() -> None:
    assert [wording.listing(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"], list("abcdef"))] == [
        "",
        "a",
        "a and b",
        "a, b and c",
        "a, b, c, d and 2 more",
    ]


@given(st.text(max_size=300), st.integers(10, 80))
def test_quoted_text_is_one_short_line_without_control_characters(text: str, limit: int) -> None:
    said = wording.quoted(text, limit=limit)
    assert len(said) <= limit
    assert said.isprintable() or any(c.isspace() for c in said)
    assert not any(c in said for c in "\n\r\t\x00\x1b\u202e")


def test_each_engine_and_reason_can_be_told() -> None:
    said = {engine_texts.engine_chosen(engine, why=why, model="nano") for engine in EngineName for why in Why}
    assert all(sentence.startswith("Tracking ") and sentence.endswith(".") for sentence in said)


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1 more object passes, but that is more"), (1200, "1,200 more objects pass, but that is more")]
)
def test_objects_beyond_the_most_that_are_shown_are_told(number: int, said: str) -> None:
    facts = cli.ResultFacts(1000, 1000 + number, (), (), 0.7, 10, left_out=number)
    lines = cli.result_lines(facts)
    assert lines[0] == f"{1000 + number:,} objects found."
    assert lines[1].startswith(said)


def test_an_annotation_file_that_holds_too_much_is_told_with_the_bound() -> None:
    said = sentences.sentence(errors.AnnotationError("file", "too many boxes", 2_500_000))
    assert "more than 2,500,000 boxes" in said
    assert "shorter part of the video" in said
