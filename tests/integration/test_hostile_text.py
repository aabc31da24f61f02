"""
No expression of the product, and nothing that uses one, takes more than linear time over what somebody sends.

The expressions are found in the code, so a new one is tested without being named here.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from re import _constants as kinds  # type: ignore[attr-defined]  # where Python keeps the parser's words
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from bot.requests.errors import CommandError
from bot.requests.grammar import hear, is_about_us, is_polite, parse_command, parse_options
from bot.requests.links import split_links
from bot.slack.messages import read_message
from bot.texts import wording
from bot.texts.mrkdwn import escape
from rendering.naming import safe_label, safe_video_name
from tracking.errors import TrackletError
from tracking.plain_text import plain
from tracking.sources.links import http_url, link_name, without_query
from tracking.sources.sniffing import first_tag, refuse_other_media
from tracking.storage.names import is_object_name, safe_file_name

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "playground", "rendering", "sample", "tracking")
FUNCTIONS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
SHORT, LONG = 2_000, 16_000
# Eight times the length: linear takes eight times as long, quadratic 64 times. Below the least time a clock tells nothing.
MOST_GROWTH, LEAST_S = 24.0, 0.0005


def expressions() -> dict[str, re.Pattern[Any]]:
    """Every expression in the code: those that a module keeps, and those that are written where they are used."""
    found: dict[str, re.Pattern[Any]] = {}
    for path in sorted(
        path for package in ("bot", "playground", "rendering", "sample", "tracking") for path in (ROOT / package).rglob("*.py")
    ):
        tree = ast.parse(path.read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_expression(node)]
        if not calls:
            continue
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, value in vars(module).items():
            each = {name: value, **({f"{name}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {})}
            found |= {f"{path.stem}:{key}": part for key, part in each.items() if isinstance(part, re.Pattern)}
        for call in calls:
            written = call.args[0]
            with suppress(Exception):  # made of names that only the module or a function knows
                code = compile(ast.Expression(written), str(path), "eval")
                text = eval(code, dict(vars(module)))
                flags = re.IGNORECASE if "IGNORECASE" in ast.dump(call) else 0
                found[f"{path.stem}:{call.lineno}"] = re.compile(text, flags)
    return found


ANYWHERE = {"search", "sub", "subn", "split", "findall", "finditer"}


def is_looked_for_anywhere(name: str) -> bool:
    """Whether the code looks for an expression at each place of a text, not only at its beginning."""
    module, _, own = name.partition(":")
    calls = [
        node
        for path in ROOT.glob(f"[bprst]*/**/{module}.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ANYWHERE
    ]
    if own.isdecimal():
        return any(is_expression(call) and call.lineno == int(own) for call in calls)
    return any(isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == own for call in calls)


def is_expression(node: ast.Call) -> bool:
    return (
        isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in FUNCTIONS
    )


EXPRESSIONS = expressions()


def test_the_expressions_are_found() -> None:
    assert len(EXPRESSIONS) > 30
    assert {"links:_LINK", "grammar:_OPTIONS.labels", "video_intelligence:DURATION", "sniffing:_LOGIN"} <= set(EXPRESSIONS)


def unbounded(tree: Any, *, is_last: bool = True) -> Iterator[str]:
    """Repetitions without a bound that may be gone through again when what follows does not fit."""
    items = list(tree)
    for place, (kind, value) in enumerate(items):
        ends = is_last and place == len(items) - 1
        if kind in {kinds.MAX_REPEAT, kinds.MIN_REPEAT}:
            _, high, inner = value
            if high is kinds.MAXREPEAT and not ends:
                yield f"{kind} of {inner}"
            yield from unbounded(inner, is_last=high is not kinds.MAXREPEAT and ends)
        elif kind is kinds.POSSESSIVE_REPEAT:
            yield from unbounded(value[2], is_last=False)
        elif kind is kinds.SUBPATTERN:
            yield from unbounded(value[3], is_last=ends)
        elif kind is kinds.ATOMIC_GROUP:
            yield from unbounded(value, is_last=False)
        elif kind is kinds.BRANCH:
            for branch in value[1]:
                yield from unbounded(branch, is_last=ends)
        elif kind in {kinds.ASSERT, kinds.ASSERT_NOT}:
            yield from unbounded(value[1], is_last=False)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_what_an_expression_repeats_without_a_bound_it_goes_through_once(name: str) -> None:
    pattern = EXPRESSIONS[name]
    assert list(unbounded(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))) == []


@pytest.mark.parametrize(
    ("pattern", "is_safe"),
    [
        (r"(?:<!--.*?-->\s*)*<html", False),
        (r"a*b", False),
        (r"(?:a|a)*b", False),
        (r"a*+b", True),
        (r"(?:[ab]++c)*+d", True),
        (r"a{1,4}b", True),
        (r"x[^x]+", True),
    ],
)
def test_the_check_of_expressions_tells_those_that_backtrack(pattern: str, is_safe: bool) -> None:
    assert (list(unbounded(parser.parse(pattern))) == []) is is_safe


def pieces(tree: Any) -> Iterator[str]:
    """Short texts that fit parts of an expression: what an attack repeats."""
    literal = ""
    for kind, value in tree:
        if kind is kinds.LITERAL:
            literal += chr(value)
            continue
        if literal:
            yield literal
            literal = ""
        if kind is kinds.IN:
            yield from (chr(part[1] if part[0] is kinds.LITERAL else part[1][0]) for part in value if part[0] in _CHARACTERS)
            yield from ("a", "1", " ")
        elif kind in {kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT}:
            yield from pieces(value[2])
        elif kind is kinds.SUBPATTERN:
            yield from pieces(value[3])
        elif kind is kinds.ATOMIC_GROUP:
            yield from pieces(value)
        elif kind is kinds.BRANCH:
            for branch in value[1]:
                yield from pieces(branch)
        elif kind in {kinds.ASSERT, kinds.ASSERT_NOT}:
            yield from pieces(value[1])
    if literal:
        yield literal


_CHARACTERS = {kinds.LITERAL, kinds.RANGE}


def attacks_on(pattern: re.Pattern[Any]) -> list[str]:
    found = list(dict.fromkeys(pieces(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))))[:12]
    return found + ["".join(pair) for pair in itertools.permutations(found[:7], 2)]


def growth(work: Callable[[str], object], attack: str) -> float:
    """How many times longer eight times the text takes, end of the text not fitting."""

    def took(length: int, *, tries: int = 3) -> float:
        text = attack * (length // len(attack) + 1) + "\0"
        best = float("inf")
        for _ in range(tries):
            begun = time.process_time()
            with suppress(CommandError, TrackletError, ValueError):
                work(text)
            best = min(best, time.process_time() - begun)
        return best

    # Nearly all are so quick that one look is enough.
    if took(LONG, tries=1) < LEAST_S * MOST_GROWTH:
        return 0.0
    return took(LONG) / max(took(SHORT), LEAST_S)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_takes_linear_time(name: str) -> None:
    pattern = EXPRESSIONS[name]
    for attack in attacks_on(pattern):
        for use in (pattern.match, pattern.fullmatch, *([pattern.search] if is_looked_for_anywhere(name) else [])):

            def work(text: str, use: Callable[[Any], object] = use) -> object:
                return use(text.encode() if isinstance(pattern.pattern, bytes) else text)

            assert growth(work, attack) < MOST_GROWTH, attack


ATTACKS = (
    *("<!-- -->", "<!--", "<?xml >", "<a:", "<a:b|", "<@U1|", "*a", "_", "`", "&", "&amp;", "&#9", " ", "\n", "a ", "only a,"),
    *("over ", "from 1 ", "0:1", "1.", ":", "gs://a", "https://a", "/", "../", "%2", "é\u0301", "\u202e", "\u200d", "a.b."),
)


def read(text: str) -> object:
    event: dict[str, Any] = {"type": "message", "user": "U2", "channel": "C1", "ts": "1.1", "text": f"<@U1> {text}"}
    event["blocks"] = [{"type": "rich_text", "elements": [{"type": "mrkdwn", "text": text}] * 3}]
    return read_message({"team_id": "T1", "event": event}, bot_user="U1")


USERS: dict[str, Callable[[str], object]] = {
    "links": split_links,
    "command": parse_command,
    "options": parse_options,
    "mention": hear,
    "words before the name": is_polite,
    "words behind the name": is_about_us,
    "message": read,
    "sniffing": lambda text: refuse_other_media(text.encode("utf-8", "replace"), "x", content_type="text/html"),
    "tag": lambda text: first_tag(text.encode("utf-8", "replace")),
    "quoted": wording.quoted,
    "escape": escape,
    "plain": plain,
    "label": safe_label,
    "video name": safe_video_name,
    "file name": safe_file_name,
    "object name": is_object_name,
    "url": http_url,
    "link name": link_name,
    "without query": without_query,
}


@pytest.mark.parametrize("name", USERS)
def test_what_reads_foreign_text_takes_linear_time(name: str) -> None:
    for attack in ATTACKS:
        assert growth(USERS[name], attack) < MOST_GROWTH, attack
