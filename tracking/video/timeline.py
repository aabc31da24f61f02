"""
When each picture of a video is shown, from the times that its packets bear.

A packet has a time of showing (pts) and one of decoding (dts), in ticks of the stream's clock; both may be missing, and the
clock may start again (recordings joined end to end) or jump. The rules are those of FFmpeg's command line, but for the whole
file at once: known times hold, missing ones lie evenly between their neighbours, and a clock that jumps is closed up. Times
that come out are seconds from the first shown picture, and rise strictly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Ticks = NDArray[np.int64]

NO_TIME = int(np.iinfo(np.int64).min)
LARGEST_TIME = 1 << 56  # ticks: farther from 0 no clock of a recording is, and sums stay within 64 bits

# FFmpeg's `dts_delta_threshold`: where clocks may jump, so long a step between two packets is a jump and no pause.
JUMP_S = 10.0
# Elsewhere a picture may stand for long (a camera that records when something moves), but not for longer than this.
LONGEST_PAUSE_S = 3600.0
# A time-lapse in such a container has long steps as a rule.
JUMP_STEPS = 10
# Decoding times never go back; so little does where a muxer rounds, and where only the times of showing are known.
BACK_S, BACK_STEPS = 0.1, 2
BACK_REORDERED_S, BACK_REORDERED_STEPS = 1.0, 20

# Of so many times of showing at most one is wild; with more there is another reason.
WILD_SHARE = 10

LOWEST_RATE, HIGHEST_RATE = Fraction(1, 3600), Fraction(480)  # beyond, a file's rate is its clock's: 1000 is milliseconds
ASSUMED_RATE = Fraction(25)

NO_JUMPS = np.zeros(0, np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class PacketTimes:
    """
    The times of N packets in decoding order: `pts`, `dts` in ticks or `NO_TIME`, `tick_s` the length of a tick in seconds.

    `is_shown` (N,) is False for what is decoded and never shown. `last_duration` is how long the last packet's picture stands,
    in ticks, 0 where that is unknown.
    """

    pts: Ticks
    dts: Ticks
    is_shown: NDArray[np.bool_]
    tick_s: Fraction
    last_duration: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """
    M shown pictures in the order of showing: `times` (M,) in seconds, and `order` (M,), the packet of each.

    `is_ordered` is False where only decoding tells in which order the pictures are shown; `order` is then that of decoding.
    `jumps` are the packets at which the clock jumped, or began again, and was closed up.
    """

    order: NDArray[np.intp]
    times: NDArray[np.float64]
    duration_s: float
    is_ordered: bool
    jumps: NDArray[np.intp]

    def __len__(self) -> int:
        return int(self.order.size)

    def starting_with(self, packet: int) -> Timeline:
        """Return the same from the picture of `packet` on: what is shown before it does not decode."""
        found = np.flatnonzero(self.order == packet) if self.is_ordered else np.zeros(0, np.intp)
        if not found.size or not found[0]:
            return self
        first = int(found[0])
        start_s = float(self.times[first])
        return replace(self, order=self.order[first:], times=self.times[first:] - start_s, duration_s=self.duration_s - start_s)

    def in_order_of_decoding(self) -> Timeline:
        """Return the same for pictures that turned out to be shown in another order than their times say."""
        return replace(self, order=np.sort(self.order), is_ordered=False)


def counted(is_shown: NDArray[np.bool_], rate: Fraction, *, reorders: bool) -> Timeline:
    """Return the timeline of a stream without a clock: pictures come evenly, `rate` a second."""
    order = np.flatnonzero(is_shown)
    return Timeline(order, np.arange(order.size) / float(rate), float(order.size / rate), not reorders, NO_JUMPS)


def timeline(packets: PacketTimes, *, clock_jumps: bool, reorders: bool) -> Timeline | None:
    """
    Return when each picture is shown, or None where no packet bears a time.

    `clock_jumps` says that clocks of this container are known to jump; `reorders` that the decoder may show pictures in another
    order than that of decoding. With it, times of showing that only ever rise are times of decoding in truth.
    """
    pts, dts = _bounded(packets.pts), _bounded(packets.dts)
    clock = _filled(dts)
    has_dts = clock is not None
    if clock is None:
        clock = _filled(pts)
    if clock is None:
        return None
    step = _usual_step(clock)
    if has_dts:
        pts = _without_wild(pts, clock, step, packets.tick_s)
    has_pts = bool((pts[packets.is_shown] != NO_TIME).all())
    shown = pts if has_pts else clock
    starts = _run_starts(clock, step, packets.tick_s, clock_jumps=clock_jumps, reordered=not has_dts)
    shown = _closed_up(shown, packets.is_shown, starts, step)
    visible = np.flatnonzero(packets.is_shown)
    if not visible.size:
        return Timeline(visible, np.zeros(0), 0.0, is_ordered=True, jumps=NO_JUMPS)
    ticks = shown[visible]
    rising = bool((np.diff(ticks) > 0).all())
    is_ordered = has_pts and not (rising and reorders)
    sequence = np.argsort(ticks, kind="stable")
    order = visible[sequence] if is_ordered else visible
    spread = _spread(ticks[sequence], step)
    last = max(packets.last_duration, step)
    if last * packets.tick_s > LONGEST_PAUSE_S:
        last = step
    times = np.asarray((spread - spread[0]) * float(packets.tick_s), np.float64)
    return Timeline(order, times, float(times[-1]) + float(last * packets.tick_s), is_ordered, starts[1:])


def plausible_rate(rate: Fraction | None) -> Fraction | None:
    """Return a file's claim of pictures a second, None where it is no rate."""
    return rate if rate and LOWEST_RATE <= rate <= HIGHEST_RATE else None


def _bounded(ticks: Ticks) -> Ticks:
    return np.where(np.abs(ticks) > LARGEST_TIME, NO_TIME, ticks)  # also NO_TIME itself, which has no absolute value


def _filled(ticks: Ticks) -> Ticks | None:
    """Times with the missing ones evenly between their neighbours; None where none is known."""
    # Of two that follow each other with one time the second bears it: a time that stands before two pictures of which the first
    # has begun earlier (MPEG-PS) is given to both.
    is_known = (ticks != NO_TIME) & np.append(np.diff(ticks) != 0, True)
    # A clock that stands to the end was right when it stopped.
    stands_from = int(np.flatnonzero(np.append(True, np.diff(ticks) != 0))[-1])
    if ticks.size - stands_from > 2:
        is_known[-1], is_known[stands_from] = False, ticks[-1] != NO_TIME
    known = np.flatnonzero(is_known)
    if not known.size:
        return None
    if known.size == ticks.size:
        return ticks
    places = np.arange(ticks.size)
    filled = np.interp(places, known, ticks[known].astype(np.float64))
    ways, counts = np.diff(ticks[known]), np.diff(known)
    forward = ways > 0
    # At the ends as many steps away as there are packets.
    step = float(np.median(ways[forward] / counts[forward])) if forward.any() else 1.0
    filled -= step * np.maximum(known[0] - places, 0)
    filled += step * np.maximum(places - known[-1], 0)
    result = np.rint(filled).astype(np.int64)
    result[known] = ticks[known]
    return result


def _without_wild(pts: Ticks, clock: Ticks, step: int, tick_s: Fraction) -> Ticks:
    """Times of showing, in which those that are far from the time of decoding, against all others, are as far as usual."""
    known = pts != NO_TIME
    if not known.any():
        return pts
    usual = int(np.median(pts[known] - clock[known]))
    wild = known & (np.abs(pts - clock - usual) > max(int(BACK_REORDERED_S / tick_s), BACK_REORDERED_STEPS * step))
    return np.where(wild, clock + usual, pts) if int(wild.sum()) * WILD_SHARE < pts.size else pts


def _usual_step(ticks: Ticks) -> int:
    """Return the middle one of the steps forward, at least 1."""
    steps = np.diff(ticks)
    forward = steps[steps > 0]
    return int(np.median(forward)) if forward.size else 1


def _run_starts(clock: Ticks, step: int, tick_s: Fraction, *, clock_jumps: bool, reordered: bool) -> NDArray[np.intp]:
    """Return the packets at which a run of one clock begins; 0 is the first."""
    back_s, back_steps = (BACK_REORDERED_S, BACK_REORDERED_STEPS) if reordered else (BACK_S, BACK_STEPS)
    back = max(int(back_s / tick_s), back_steps * step)
    forward = max(int((JUMP_S if clock_jumps else LONGEST_PAUSE_S) / tick_s), JUMP_STEPS * step)
    steps = np.diff(clock)
    is_start = (steps < -back) | (steps > forward)
    # A jump that is taken back was no pause, whatever the container.
    long_steps = np.flatnonzero(steps > max(int(JUMP_S / tick_s), JUMP_STEPS * step))
    for returned in np.flatnonzero(steps < -back):
        before = long_steps[: np.searchsorted(long_steps, returned)][-1:]
        if before.size and abs(int(clock[returned + 1] - clock[before[0]])) <= (returned - before[0] + JUMP_STEPS) * step:
            is_start[before] = True
    return np.concatenate([[0], np.flatnonzero(is_start) + 1])


def _closed_up(shown: Ticks, is_shown: NDArray[np.bool_], starts: NDArray[np.intp], step: int) -> Ticks:
    """Times of showing, in which each run begins one step after the run before has ended."""
    if starts.size == 1:
        return shown
    first = np.minimum.reduceat(np.where(is_shown, shown, LARGEST_TIME), starts)
    last = np.maximum.reduceat(np.where(is_shown, shown, -LARGEST_TIME), starts)
    runs = np.flatnonzero(first <= last)  # those that show anything
    shifts = np.zeros(starts.size, np.int64)
    shifts[runs[1:]] = np.cumsum(last[runs[:-1]] + step - first[runs[1:]])
    lengths = np.diff(np.concatenate([starts, [shown.size]]))
    return shown + np.repeat(shifts, lengths)


def _spread(ticks: Ticks, step: int) -> NDArray[np.float64]:
    """
    Rising times without equals: pictures of one time share the way to the next evenly.

    The last ones go on with a step each: where recordings are joined, some clocks (MXF) stand from there on.
    """
    firsts = np.flatnonzero(np.concatenate([[True], np.diff(ticks) > 0]))
    if firsts.size == ticks.size:
        return ticks.astype(np.float64)
    group = np.repeat(np.arange(firsts.size), np.diff(np.concatenate([firsts, [ticks.size]])))
    sizes = np.bincount(group)
    ways = np.diff(np.concatenate([ticks[firsts], [ticks[firsts[-1]] + step * sizes[-1]]]))
    within = np.arange(ticks.size) - firsts[group]
    return np.asarray(ticks[firsts][group] + ways[group] * within / sizes[group], np.float64)
