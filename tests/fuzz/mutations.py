"""
Ways of making a good file bad: of any bytes, of the boxes and chunks of containers, of JSON, of text.

A mutation takes a random generator, so that a number makes the same file again.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Json = Any

NUMBERS = (0, 1, 2, 7, 8, 16, 255, 256, 65_535, 65_536, 10_000_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
MP4_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"mvex", b"dinf", b"udta", b"stsd"}
EBML_PARENTS = {
    *(b"\x18\x53\x80\x67", b"\x11\x4d\x9b\x74", b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75"),
    *(b"\xae", b"\xe0", b"\xa0", b"\x1c\x53\xbb\x6b", b"\xbb", b"\xb7"),
}
TS_PACKET = 188


@dataclass(frozen=True, slots=True)
class Unit:
    """One box, element, chunk or packet: its head from `start`, its content from `body`, both until `end`."""

    start: int
    body: int
    end: int


def mutated_video(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of `seeds` after one to four mutations."""
    data = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        data = _changed_units(chance, data, seeds) if chance.random() < 0.6 else _changed_bytes(chance, data, seeds)
    return data


def _changed_bytes(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    if not changed:
        return chance.choice(seeds)
    place = chance.randrange(len(changed))
    match chance.randrange(6):
        case 0:
            for _ in range(chance.choice((1, 2, 8, 64))):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
        case 1:
            return data[:place]
        case 2:
            other = chance.choice(seeds)
            return data[:place] + other[chance.randrange(len(other)) :]
        case 3:
            end = min(len(changed), place + chance.choice((1, 4, 100, 1000)))
            del changed[place:end]
        case 4:
            end = min(len(changed), place + chance.choice((1, 4, 100, 1000)))
            changed[place:place] = changed[place:end] * chance.choice((1, 1, 2, 50))
        case _:
            _put_number(chance, changed, place)
    return bytes(changed)


def _changed_units(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Something done to a box or chunk as such, or to a number in it."""
    found = units(data)
    if not found:
        return _changed_bytes(chance, data, seeds)
    unit = chance.choice(found)
    changed = bytearray(data)
    match chance.randrange(8):
        case 0:
            _put_number(chance, changed, chance.randrange(unit.start, max(unit.body, unit.start + 1)))
        case 1:
            del changed[unit.start : unit.end]
        case 2:
            changed[unit.end : unit.end] = data[unit.start : unit.end] * chance.choice((1, 1, 3, 100))
        case 3:
            other = chance.choice(found)
            changed[unit.start : unit.end] = data[other.start : other.end]
        case 4:
            changed[unit.body : unit.end] = data[unit.body : chance.randint(unit.body, unit.end)]
        case _:
            # Tables and settings are at the front of what a box holds.
            room = min(unit.end - unit.body, 96)
            for _ in range(chance.choice((1, 1, 2, 4))):
                _put_number(chance, changed, unit.body + 4 * chance.randrange(room // 4 + 1))
    return bytes(changed[: 4 << 20])


def _put_number(chance: random.Random, data: bytearray, place: int) -> None:
    size = chance.choice((1, 2, 4, 4, 4, 8))
    order = chance.choice(("big", "big", "little"))
    value = chance.choice((*NUMBERS, chance.getrandbits(32), len(data), (1 << 64) - 1)) & ((1 << 8 * size) - 1)
    end = min(place + size, len(data))
    data[place:end] = value.to_bytes(size, "big" if order == "big" else "little")[: end - place]


def units(data: bytes) -> list[Unit]:
    """The parts that a container of this kind has; none where it is not known."""
    found: list[Unit] = []
    if data[:4] == b"RIFF":
        _riff(data, 0, len(data), found)
    elif data[:4] == b"\x1a\x45\xdf\xa3":
        _ebml(data, 0, len(data), found)
    elif data[:1] == b"\x47" and data[TS_PACKET : TS_PACKET + 1] == b"\x47":
        found = [Unit(at, at + 4, min(at + TS_PACKET, len(data))) for at in range(0, len(data), TS_PACKET)]
    elif data[4:8] in {b"ftyp", b"moov", b"moof", b"mdat", b"free", b"styp"}:
        _mp4(data, 0, len(data), found)
    return found[:5000]


def _mp4(data: bytes, place: int, end: int, found: list[Unit], depth: int = 0) -> None:
    while place + 8 <= end and len(found) < 5000:
        size, kind = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        until = min(place + size, end) if size >= 8 else end
        found.append(Unit(place, place + 8, until))
        if kind in MP4_PARENTS and depth < 10:
            _mp4(data, place + (16 if kind == b"stsd" else 8), until, found, depth + 1)
        place = until


def _riff(data: bytes, place: int, end: int, found: list[Unit], depth: int = 0) -> None:
    while place + 8 <= end and len(found) < 5000:
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        until = min(place + 8 + size, end)
        found.append(Unit(place, place + 8, until))
        if data[place : place + 4] in {b"RIFF", b"LIST"} and depth < 10:
            _riff(data, place + 12, until, found, depth + 1)
        place = until + (until & 1)


def _ebml(data: bytes, place: int, end: int, found: list[Unit], depth: int = 0) -> None:
    while place < end and len(found) < 5000:
        id_length = 9 - data[place].bit_length()
        at = place + id_length
        if id_length > 4 or at >= end:
            return
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length]) & ((1 << 7 * length) - 1)
        body = at + length
        is_open = size == (1 << 7 * length) - 1
        until = end if is_open else min(body + size, end)
        if until <= place:
            return
        found.append(Unit(place, min(body, until), until))
        if data[place:at] in EBML_PARENTS and depth < 10:
            _ebml(data, body, until, found, depth + 1)
        place = until


STRANGE: tuple[Json, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1e308,
        -1e308,
        10**30,
        2**63,
        2**64,
        0.5,
        1.5,
        "",
        "x",
        "1s",
        "-1s",
        "9" * 40,
        "1.5s",
        "é\u202e\0",
    ),
    *([], {}, [[]], [{}], [None], {"": None}, {"seconds": "1"}, {"seconds": 2**62}, {"nanos": -5}, {"seconds": [1]}),
)


def changed_json(chance: random.Random, value: Json) -> Json:
    """`value` with one to four of its places made strange."""
    value = json.loads(json.dumps(value))
    for _ in range(chance.choice((1, 1, 2, 4))):
        value = _strange_place(chance, value)
    return value


def _strange_place(chance: random.Random, value: Json) -> Json:
    if isinstance(value, dict) and value and chance.random() < 0.93:
        key = chance.choice(list(value))
        match chance.randrange(12):
            case 0:
                del value[key]
            case 1:
                value[chance.choice(list(value))] = value[key]
            case 2:
                value[str(key).upper()] = value.pop(key)
            case _:
                value[key] = _strange_place(chance, value[key])
        return value
    if isinstance(value, list) and value and chance.random() < 0.93:
        place = chance.randrange(len(value))
        match chance.randrange(12):
            case 0:
                del value[place]
            case 1:
                return value * chance.choice((2, 3, 20)) if len(value) < 1000 else value
            case 2:
                chance.shuffle(value)
            case _:
                value[place] = _strange_place(chance, value[place])
        return value
    strange = chance.choice(STRANGE)
    return json.loads(json.dumps(strange))


STRANGE_NUMBERS = (b"", b"-1", b"0", b"1e999", b"nan", b"0.5", b"7", b"-0", b"9" * 25, b"1_0", b"\xd9\xa3", b"0x1f", b'"')


def mutated_annotations(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of `seeds` with strange values, changed bytes, or both."""
    data = chance.choice(seeds)
    if chance.random() < 0.7:
        data = json.dumps(changed_json(chance, json.loads(data)), ensure_ascii=chance.random() < 0.5).encode(errors="replace")
    if chance.random() < 0.45:
        data = _changed_bytes(chance, data, seeds)
    if chance.random() < 0.05:
        bracket = chance.choice((b"[", b'{"a":', b"{"))
        place = chance.randrange(len(data) + 1)
        data = data[:place] + bracket * chance.choice((10, 1000, 100_000)) + data[place:]
    return data


def mutated_tracks(chance: random.Random, seed: bytes) -> bytes:
    """A file of tracks of another tool with strange numbers, changed bytes, or both; strange values where it is JSON."""
    data = seed
    if data.startswith(b"{") and chance.random() < 0.5:
        data = json.dumps(changed_json(chance, json.loads(data))).encode(errors="replace")
    for _ in range(chance.choice((0, 1, 1, 2))):
        numbers = list(re.finditer(rb"[0-9.]{1,20}", data))
        if numbers:
            place = chance.choice(numbers)
            data = data[: place.start()] + chance.choice(STRANGE_NUMBERS) + data[place.end() :]
    if chance.random() < 0.3:
        data = _changed_bytes(chance, data, [seed])
    return data


def mutated_text(chance: random.Random, seeds: Sequence[str]) -> str:
    """Words put together, cut, repeated, and sprinkled with characters that mean something."""
    text = " ".join(chance.choice(seeds) for _ in range(chance.choice((1, 1, 1, 2))))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        place = chance.randrange(len(text) + 1)
        end = chance.randint(place, len(text))
        change: Callable[[], str] = chance.choice(
            (
                lambda: chance.choice("<>|&;#@:/%\\[]()\"'`~*_.,-+0123456789 \n\t\0\u202e\u2066é٣½🙂"),
                lambda: "",
                lambda: text[place:end] * chance.choice((2, 2, 30)),  # noqa: B023  # called at once
                lambda: chance.choice(seeds),
            )
        )
        text = (text[:place] + change() + text[end:])[:20_000]
    return text
