"""What is taken out of names and labels, and what stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts.mrkdwn import escape
from bot.texts.wording import quoted
from rendering.fonts import line_of
from rendering.naming import safe_label, safe_video_name
from tracking.plain_text import JOINERS, MAX_LETTERS, plain
from tracking.storage.names import safe_file_name


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("gpj.\u202eexe", "gpj. exe"),
        ("\u2066a\u2069 \u200fb\u061c", "a b"),
        ("one\ntwo\r\n\tthree\u2028four", "one two three four"),
        ("a\x00b\x1b[31m\x9b", "a b [31m"),
        ("\ufeffzero\u200bwidth\u00ad", "zerowidth"),
        ("tag\U000e0041\U000e007f", "tag"),
        ("\ud800half", "half"),
        ("private\ue000", "private"),
        ("\u3164\u115f", ""),
        ("\ufe0fcat", "cat"),
        ("z" + "\u0301" * 40, "z" + "\u0301" * 8),
        ("  many   blanks  ", "many blanks"),
    ],
)
def test_what_is_not_seen_or_turns_the_line_around_goes(given_text: str, shown: str) -> None:
    assert plain(given_text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f680",  # woman astronaut
        "\u2764\ufe0f\u200d\U0001f525",  # heart on fire
        "1\ufe0f\u20e3",  # keycap
        "\U0001f44d\U0001f3fd",  # thumbs up, medium skin
        "\U0001f1e9\U0001f1ea",  # flag
        "می\u200cخواهم",  # Persian, with a non-joiner
        "क्\u200dष",  # Devanagari, with a joiner
        "شخص",
        "כלב",
        "รถยนต์",
        "自転車",
        "자동차",
        "Straße · naïve",
    ],
)
def test_scripts_and_emoji_stay_whole(text: str) -> None:
    assert plain(text) == text


@given(st.text(max_size=300))
def test_nothing_invisible_is_left_and_doing_it_twice_changes_nothing(text: str) -> None:
    shown = plain(text)
    assert plain(shown) == shown
    assert len(shown) <= MAX_LETTERS
    assert not any(unicodedata.bidirectional(letter) in _DIRECTIONS for letter in shown)
    assert not any(unicodedata.category(letter) in {"Cc", "Cs", "Co", "Zl", "Zp"} for letter in shown)


_DIRECTIONS = {"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN"} - {
    unicodedata.bidirectional(c) for c in JOINERS
}


@pytest.mark.parametrize("show", [quoted, escape, line_of, safe_label, safe_video_name, safe_file_name])
def test_no_way_of_showing_a_name_lets_a_turned_line_through(show: object) -> None:
    assert callable(show)
    assert not set("\u202e\u2066\u2069\u200f\x1b") & set(show("a\u202eb\u2066c\u2069\u200f\x1bd"))
