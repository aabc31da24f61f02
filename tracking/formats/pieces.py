"""
JSON documents of hundreds of megabytes, parsed without holding them in memory as Python objects.

A parsed document costs some five times its bytes, a hostile one thirty times. Here only what is small is parsed at once; of a
large document the lists under given keys are cut out first, by counting brackets outside of strings, and are parsed piece
by piece. What one piece may cost is bounded by its bytes, containers and values before it is parsed.
"""

from __future__ import annotations

import codecs
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Json = Any
_Part = tuple[int, bytes | memoryview]  # of a text that is parsed, and where in the data it begins

# Up to here a document is parsed whole. Cutting would take a third longer than parsing alone.
WHOLE_BYTES = 16 << 20
WHOLE_CONTAINERS = 400_000

# A piece of a list: large enough that cutting costs nothing, small enough that 30 times its bytes do no harm.
PIECE_BYTES = 1 << 20

# What is parsed at once and cannot be cut: one element of a list, or the document around its lists. An object with a box in
# each of an hour's pictures, 30 a second, has 330,000 containers and 650,000 commas in 21 MB.
MAX_PART_BYTES = 64 << 20
MAX_PART_CONTAINERS = 1_000_000
MAX_PART_COMMAS = 4_000_000

MAX_LISTS = 1_000
MAX_DOCUMENTS = 500_000  # ten hours of answers, fourteen a second

FIRST_BLOCK_BYTES = 1 << 16
BLOCK_BYTES = 1 << 20

QUOTE, BACKSLASH, COMMA = (ord(character) for character in '"\\,')
OPENING, CLOSING = ord("{"), ord("}")  # and, with the bit 0x20 set, the square brackets
BRACKET_BIT = 0x20


class NotJsonError(Exception):
    """The document is no JSON; `line` and `column` count from 1."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.line = line
        self.column = column


class TooManyValuesError(Exception):
    """Something that has to be parsed at once holds too much."""


class EncodingError(Exception):
    """The document is no text in the encoding that it begins with."""


@dataclass(frozen=True, slots=True)
class LongList:
    """A list that was left out of its document; `cuts` are the ends of its pieces, at commas or the closing bracket."""

    data: bytes
    start: int
    cuts: tuple[int, ...]

    def pieces(self) -> Iterator[list[Json]]:
        """Yield the list's elements in order, some at a time. Raises `NotJsonError`, `TooManyValuesError`."""
        start = self.start
        for cut in self.cuts:
            piece = memoryview(self.data)[start:cut]
            yield _bounded(self.data, [(start - 1, b"["), (start, piece), (cut, b"]")])
            start = cut + 1


def utf8(data: bytes) -> bytes:
    """
    Return a document's text in UTF-8, without a mark before it, of one that may be in UTF-16 as a shell on Windows writes it.

    Costs no more than the result beside `data`. Raises `EncodingError`.
    """
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.removeprefix(codecs.BOM_UTF8)
    decoder = codecs.getincrementaldecoder("utf-16")()
    text = bytearray()
    try:
        for start in range(0, len(data), BLOCK_BYTES):
            text += decoder.decode(data[start : start + BLOCK_BYTES]).encode()
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise EncodingError from error
    return bytes(text)


def is_list(data: bytes) -> bool:
    """Return whether a document is a list, as far as its first character says."""
    return data[:BLOCK_BYTES].lstrip(b" \t\r\n").startswith(b"[")


def elements(data: bytes) -> Iterator[Json]:
    """Return the elements of a document that is a list, one after the other. Raises `NotJsonError`, `TooManyValuesError`."""
    start = data.index(b"[") + 1
    cuts = _cuts(data, start)
    if data[cuts[-1] + 1 :].strip(b" \t\r\n"):
        raise _not_json(data, cuts[-1] + 1)
    for piece in LongList(data, start, cuts).pieces():
        yield from piece


def documents(data: bytes) -> Iterator[Json]:
    """Return objects that follow each other, one per line or not. Raises `NotJsonError`, `TooManyValuesError`."""
    start = number = 0
    for marks, kinds, depths in _brackets(data, 0):
        for end in marks[(depths == 0) & (kinds == CLOSING)].tolist():
            if number == MAX_DOCUMENTS:
                raise TooManyValuesError
            yield _bounded(data, [(start, memoryview(data)[start : end + 1])])
            start, number = end + 1, number + 1
    if data[start:].strip(b" \t\r\n"):
        raise _not_json(data, len(data))


def load(data: bytes, *, long_lists: Sequence[str]) -> tuple[Json, Mapping[str, LongList]]:
    """
    Return the document in `data`, and the lists that were left out of it.

    Where a document is large, each list that is the value of one of the keys `long_lists`, at whatever place, is a text in the
    document, under which the mapping has the list. Such texts are made by chance, so that no document can forge one. Raises
    `NotJsonError`, `TooManyValuesError`.
    """
    start = 0
    if len(data) <= WHOLE_BYTES and data.count(b"{") + data.count(b"[") <= WHOLE_CONTAINERS:
        return _loads(data, data, [(start, data)]), {}
    keys = "|".join(map(re.escape, long_lists))
    # A quote in JSON is the beginning or the end of a text unless a backslash stands before it.
    pattern = re.compile(rf'(?<!\\)"(?:{keys})"[ \t\r\n]{{0,64}}:[ \t\r\n]{{0,64}}\['.encode())
    found: dict[str, LongList] = {}
    parts: list[_Part] = []
    while (match := pattern.search(data, start)) is not None:
        if len(found) == MAX_LISTS:
            raise TooManyValuesError
        cuts = _cuts(data, match.end())
        name = secrets.token_hex(16)
        found[name] = LongList(data, match.end(), cuts)
        parts += [(start, memoryview(data)[start : match.end() - 1]), (match.end(), f'"{name}"'.encode())]
        start = cuts[-1] + 1
    parts.append((start, memoryview(data)[start:]))
    return _bounded(data, parts), found


def _bounded(data: bytes, parts: Sequence[_Part]) -> Json:
    """Parse `parts` as one document, if it is not too much."""
    if sum(len(part) for _, part in parts) > MAX_PART_BYTES:
        raise TooManyValuesError
    text = b"".join(part for _, part in parts)
    if text.count(b"{") + text.count(b"[") > MAX_PART_CONTAINERS or text.count(b",") > MAX_PART_COMMAS:
        raise TooManyValuesError
    return _loads(data, text, parts)


def _loads(data: bytes, text: bytes | memoryview, parts: Sequence[_Part]) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        place = len(error.doc[: error.pos].encode(errors="replace"))
        lengths = np.cumsum([len(part) for _, part in parts])
        number = int(np.searchsorted(lengths, place)) if place else 0
        at, part = parts[number]
        raise _not_json(data, min(at + place - int(lengths[number]) + len(part), len(data))) from error


def _not_json(data: bytes, place: int) -> NotJsonError:
    line_start = data.rfind(b"\n", 0, place) + 1
    return NotJsonError(data.count(b"\n", 0, place) + 1, place - line_start + 1)


def _cuts(data: bytes, start: int) -> tuple[int, ...]:
    """Return where the list that begins at `start`, after its bracket, is cut, and last its closing bracket."""
    cuts: list[int] = []
    piece_start, latest = start, -1
    for commas, end in _separators(data, start):
        while commas.size:
            # As many elements as fit, but one at least.
            fitting = int(np.searchsorted(commas, piece_start + PIECE_BYTES, side="right"))
            if fitting == commas.size:
                latest = int(commas[-1])
                break
            cut = int(commas[fitting - 1]) if fitting else latest if latest > piece_start else int(commas[0])
            cuts.append(cut)
            piece_start = cut + 1
            commas = commas[np.searchsorted(commas, piece_start) :]
        if end >= 0:
            if latest > piece_start and end > piece_start + PIECE_BYTES:
                cuts.append(latest)
            return (*cuts, end)
    raise _not_json(data, len(data))


def _separators(data: bytes, start: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Block by block the commas between the elements of the list that begins at `start`, and its end, -1 before that."""
    for marks, kinds, depths in _brackets(data, start):
        ends = np.flatnonzero(depths < 0)
        until = int(ends[0]) if ends.size else marks.size
        commas = marks[:until][(depths[:until] == 0) & (kinds[:until] == COMMA)]
        if ends.size:
            yield commas, int(marks[until])
            return
        yield commas, -1


def _brackets(data: bytes, start: int) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """
    Block by block the places of brackets and commas outside of texts, from `start` on.

    Beside each place, what is there (`OPENING`, `CLOSING`, `COMMA`), and how many brackets are open behind it.
    """
    depth, in_text, escapes = 0, 0, False
    size = FIRST_BLOCK_BYTES
    while start < len(data):
        block = np.frombuffer(data, np.uint8, min(size, len(data) - start), start)
        quotes = block == QUOTE
        escaped = block == BACKSLASH
        if escapes or escaped.any():
            places = np.flatnonzero(quotes)
            others = np.where(escaped, -1, np.arange(block.size))
            before = np.concatenate([[-1], np.maximum.accumulate(others)[:-1]])  # the last byte that is no backslash
            run = places - before[places] - 1
            run = run + (escapes & (before[places] < 0))
            quotes[places[run % 2 == 1]] = False
            last = int(np.maximum.accumulate(others)[-1])
            trailing = block.size - 1 - last + (escapes if last < 0 else 0)
            escapes = bool(trailing % 2)
        inside = np.bitwise_xor.accumulate(quotes.view(np.uint8)) ^ in_text
        in_text = int(inside[-1])
        bracket = block | BRACKET_BIT
        marks = np.flatnonzero(((bracket == OPENING) | (bracket == CLOSING) | (block == COMMA)) & (inside == 0))
        kinds = bracket[marks]
        # COMMA has the bit 0x20 set already, so it stays itself.
        depths = depth + np.cumsum((kinds == OPENING).astype(np.int64) - (kinds == CLOSING))
        yield marks + start, kinds, depths
        depth = int(depths[-1]) if depths.size else depth
        start += block.size
        size = min(2 * size, BLOCK_BYTES)
