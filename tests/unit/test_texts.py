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
from bot.settings import Settings
from bot.texts import cli, wording
from bot.texts import engine as engine_texts
from bot.texts import errors as sentences
from tests.every_error import an_error, every_kind
from tracking import errors
from tracking.engines.base import EngineName
from tracking.errors import TrackletError

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
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
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


@pytest.mark.parametrize(("share", "said"), [(0.0, "0%"), (0.705, "70%"), (0.999, "100%"), (1.0, "100%")])
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
    ("number", "said"), [(1, "1 more object passes, but tells less"), (1200, "1,200 more objects pass, but")]
)
def test_objects_beyond_the_most_that_are_shown_are_told(number: int, said: str) -> None:
    facts = cli.ResultFacts(1000, 1000 + number, (), (), 0.7, 10, 1.0, left_out=number)
    lines = cli.result_lines(facts)
    assert lines[0] == f"{1000 + number:,} objects found."
    assert lines[1].startswith(said)


def test_an_annotation_file_that_holds_too_much_is_told_with_the_bound() -> None:
    said = sentences.sentence(errors.AnnotationError("file", "too many boxes", 2_500_000))
    assert "more than 2,500,000 boxes" in said
    assert "shorter stretch" in said
