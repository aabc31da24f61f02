"""When pictures are shown, from the times of their packets: laws of all timelines, and the odd clocks one by one."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tracking.video.timeline import (
    ASSUMED_RATE,
    LARGEST_TIME,
    NO_TIME,
    PacketTimes,
    Timeline,
    counted,
    plausible_rate,
    timeline,
)

MS = Fraction(1, 1000)
Times = Sequence[int | None] | NDArray[np.int64]


def made(pts: Times, dts: Times | None = None, *, jumps: bool = True, reorders: bool = False, last: int = 40) -> Timeline:
    """The timeline of packets with these times in milliseconds; None is none."""
    shown = np.array([NO_TIME if time is None else time for time in np.asarray(pts, object)], np.int64)
    decoded = (
        shown if dts is None else np.array([NO_TIME if time is None else time for time in np.asarray(dts, object)], np.int64)
    )
    packets = PacketTimes(shown, decoded, np.ones(shown.size, np.bool_), MS, last)
    found = timeline(packets, clock_jumps=jumps, reorders=reorders)
    assert found
    return found


ticks = st.one_of(st.just(NO_TIME), st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-5000, 5000))


@given(
    packets=st.lists(st.tuples(ticks, ticks, st.booleans()), min_size=1, max_size=40),
    jumps=st.booleans(),
    reorders=st.booleans(),
)
def test_whatever_packets_say_times_rise_from_zero_and_each_shown_packet_has_one(
    packets: list[tuple[int, int, bool]], jumps: bool, reorders: bool
) -> None:
    pts, dts, shown = (np.array(column) for column in zip(*packets, strict=True))
    found = timeline(
        PacketTimes(pts.astype(np.int64), dts.astype(np.int64), shown.astype(np.bool_), MS),
        clock_jumps=jumps,
        reorders=reorders,
    )
    if found is None:
        return
    assert sorted(found.order.tolist()) == np.flatnonzero(shown).tolist()
    assert found.times.size == found.order.size
    if found.times.size:
        assert found.times[0] == 0
        assert (np.diff(found.times) >= 0).all()
        assert found.duration_s > found.times[-1]


@given(
    lengths=st.lists(st.integers(2, 30), min_size=1, max_size=4),
    starts=st.lists(st.integers(-(10**9), 10**9), min_size=4, max_size=4),
    step=st.integers(1, 500),
)
def test_recordings_that_follow_each_other_last_as_long_as_all_of_them(
    lengths: list[int], starts: list[int], step: int
) -> None:
    clocks = [start + step * np.arange(length) for start, length in zip(starts, lengths, strict=False)]
    for before, after in itertools.pairwise(clocks):
        if abs(after[0] - before[-1]) <= 10 * max(step, 2000):
            return  # the one goes on where the other ended, as far as anyone can tell
    found = made(np.concatenate(clocks), last=step)
    assert found.times == pytest.approx(np.arange(sum(lengths)) * step / 1000)
    assert found.jumps.size == len(lengths) - 1


def test_pictures_are_shown_in_the_order_of_their_times_whatever_the_order_of_packets() -> None:
    found = made([0, 120, 40, 80], [-40, 0, 40, 80], reorders=True)
    assert found.order.tolist() == [0, 2, 3, 1]
    assert found.times == pytest.approx([0, 0.04, 0.08, 0.12])
    assert found.is_ordered


def test_times_that_only_rise_are_those_of_decoding_where_the_codec_reorders() -> None:
    found = made([40, 80, 120, 160], reorders=True)
    assert not found.is_ordered
    assert found.times == pytest.approx([0, 0.04, 0.08, 0.12])


def test_missing_times_lie_evenly_between_their_neighbours() -> None:
    found = made([0, 120, None, None, 240, None, None], [-40, 0, None, None, 120, None, None], reorders=True)
    assert not found.is_ordered
    assert found.times == pytest.approx(np.arange(7) * 0.04)


def test_a_picture_that_is_shown_again_is_a_longer_step() -> None:
    assert made([0, 40, 120, 160, 240]).times == pytest.approx([0, 0.04, 0.12, 0.16, 0.24])


def test_a_clock_that_begins_again_goes_on_where_it_was() -> None:
    assert made([0, 40, 80, 120, 160, 0, 40, 80]).times == pytest.approx(np.arange(8) * 0.04)


def test_a_clock_that_jumps_is_closed_up_and_a_pause_is_kept() -> None:
    assert made([0, 40, 80, 5_000_080, 5_000_120]).times == pytest.approx(np.arange(5) * 0.04)
    assert made([0, 40, 80, 8_080, 8_120]).times[-1] == pytest.approx(8.12)


def test_in_containers_of_one_clock_only_an_hour_without_a_picture_is_a_jump() -> None:
    assert made([0, 40, 80, 300_000], jumps=False).times[-1] == pytest.approx(300)
    assert made([0, 40, 80, 5_000_000], jumps=False).times[-1] == pytest.approx(0.12)


def test_a_time_lapse_has_long_steps_and_no_jumps() -> None:
    found = made(np.arange(6) * 20_000, last=20_000)
    assert (found.jumps.size, found.times[-1], found.duration_s) == (0, 100, 120)


def test_pictures_of_one_time_share_the_way_to_the_next() -> None:
    assert made([0, 40, 40, 80]).times == pytest.approx([0, 0.04, 0.06, 0.08])


def test_a_single_wild_time_moves_nothing_else() -> None:
    found = made([0, 40, 80, LARGEST_TIME // 2, 160, 200])
    assert found.times == pytest.approx(np.arange(6) * 0.04)


@pytest.mark.parametrize(
    ("rate", "is_one"), [(25, True), (Fraction(1, 10), True), (240, True), (1000, False), (90_000, False), (0, False)]
)
def test_a_clock_s_rate_is_no_rate_of_pictures(rate: int | Fraction, is_one: bool) -> None:
    assert (plausible_rate(Fraction(rate)) is not None) is is_one


def test_pictures_without_a_clock_come_evenly() -> None:
    found = counted(np.array([True, False, True, True]), ASSUMED_RATE, reorders=False)
    assert found.order.tolist() == [0, 2, 3]
    assert found.times == pytest.approx([0, 0.04, 0.08])


def test_where_a_clock_stands_to_the_end_pictures_go_on_evenly() -> None:
    """As that of MXF, behind which another recording was joined."""
    stands = [0, 40, 80, 120, *[160] * 20]
    assert made(stands).times == pytest.approx(np.arange(24) * 0.04)
    assert made(stands).duration_s == pytest.approx(0.96)


def test_a_few_times_of_showing_far_from_those_of_decoding_are_not_believed() -> None:
    """Reported of phone recordings: two pictures in the middle bear a time five minutes ahead."""
    decoded = np.arange(50) * 40
    shown = decoded + 80
    shown[[30, 31]] += 300_000
    for jumps in (True, False):
        found = made(shown, decoded, jumps=jumps)
        assert found.is_ordered
        assert found.times == pytest.approx(np.arange(50) * 0.04)


def test_a_jump_that_is_taken_back_is_no_pause() -> None:
    times = np.arange(50) * 40
    times[[30, 31]] += 300_000
    assert made(times, jumps=False).times == pytest.approx(np.arange(50) * 0.04)
    pause = np.arange(50) * 40
    pause[30:] += 300_000
    assert made(pause, jumps=False).times[-1] == pytest.approx(49 * 0.04 + 300)
