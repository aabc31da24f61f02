"""
The progress messages of all jobs, edited in place and seldom.

A message is edited when its job enters another stage, else at most every 4 s, and with many jobs each waits its turn, because
chat.update is limited for the whole workspace (about 50 a minute); where several processes post, `elsewhere` says how many
messages the others keep up to date, and each process makes its share of the edits. Nothing is sent when nothing changed, and
nothing goes back: what runs again after a crash shows no less than before it, for which `remember` keeps what was sent. The
last word is not said here but by `posting.py`, durably.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.jobs.facts import Pause
from bot.jobs.model import Job, JobId, JobState
from bot.slack.blocks import Message, progress
from bot.slack.errors import SlackError

logger = logging.getLogger(__name__)

EVERY_S = 4.0
EVERY_FOR_EACH_S = 1.5  # 40 edits a minute for all jobs together leave room for the rest
NEXT_STAGE_S = 1.0
EDITS_AT_ONCE = 10  # of one process, after a time without any; Slack minds bursts less than a steady excess
ESTIMATE_FROM = 0.05  # less than that of a stage says nothing about the rest
ESTIMATE_AFTER_S = 3.0

Edit = Callable[[Job, str, Message], Awaitable[None]]
Remember = Callable[[Job, JobState, float], Awaitable[None]]


@dataclass
class _Entry:
    job: Job
    ts: str
    state: JobState = JobState.RECEIVED
    fraction: float = 0.0
    left_s: float | None = None
    before: int | None = None  # how many jobs come first, while it waits for its turn
    pause: Pause | None = None
    since: float = 0.0
    began_at: float = 0.0
    sent_at: float = 0.0
    sent: Message | None = None
    sent_state: JobState | None = None
    sent_before: int | None = None
    sent_pause: Pause | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Budget:
    """How many edits may be made: one for each `every_s` seconds that pass, and some at once after a time without any."""

    def __init__(self) -> None:
        self._left = float(EDITS_AT_ONCE)
        self._at = 0.0

    def take(self, now: float, *, every_s: float) -> float:
        """Return 0 where an edit may be made now, and count it; else the seconds until the next may be."""
        self._left = min(self._left + (now - self._at) / every_s, EDITS_AT_ONCE)
        self._at = now
        if self._left < 1:
            return (1 - self._left) * every_s
        self._left -= 1
        return 0.0


class ProgressBoard:
    """What each running job shows; `edit` sends one edit, `remember` keeps the fraction of the stage that was shown."""

    def __init__(self, edit: Edit, remember: Remember, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._edit = edit
        self._remember = remember
        self._clock = clock
        self._budget = Budget()
        self._entries: dict[JobId, _Entry] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.elsewhere = 0
        """How many messages other processes keep up to date in the same workspace."""

    def __len__(self) -> int:
        """Return how many messages are kept up to date here."""
        return len(self._entries)

    def add(self, job: Job, ts: str, shown: Message | None, *, fraction: float = 0.0) -> None:
        """Follow a job whose progress message is `ts`; `shown` is what it says already, `fraction` what it said last."""
        now = self._clock()
        self._entries[job.id] = _Entry(
            job, ts, state=job.state, fraction=fraction, since=now, sent_at=now, sent=shown, sent_state=JobState.RECEIVED
        )
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def show(self, job: Job, state: JobState, fraction: float) -> None:
        """Note where a job is now; a job without a progress message is passed over."""
        entry = self._entries.get(job.id)
        if entry is None:
            return
        if state.rank < entry.state.rank:
            return
        if entry.state is not state:
            entry.state, entry.since, entry.fraction, entry.began_at = state, self._clock(), 0.0, fraction
        entry.began_at = min(entry.began_at, fraction)
        elapsed, done = self._clock() - entry.since, fraction - entry.began_at
        told = done >= ESTIMATE_FROM and elapsed >= ESTIMATE_AFTER_S
        entry.left_s = elapsed / done * (1 - fraction) if told else None
        entry.fraction = max(entry.fraction, fraction)
        self._changed.set()

    def waits(self, job: Job, before: int | None) -> None:
        """Note that the job waits until `before` others have had their turn; None when it goes on."""
        entry = self._entries.get(job.id)
        if entry is None:
            return
        if entry.before is not None and before is None:
            # The time left is told from the work's own pace.
            entry.since, entry.began_at = self._clock(), entry.fraction
        entry.before = before
        self._changed.set()

    def pauses(self, job: Job, why: Pause | None) -> None:
        """Note why the job does not get on; None when it does."""
        entry = self._entries.get(job.id)
        if entry is not None and entry.pause is not why:
            entry.pause = why
            self._changed.set()

    async def remove(self, job_id: JobId) -> None:
        """Make no further edit of that job's message, not even one that was on its way."""
        entry = self._entries.pop(job_id, None)
        if entry is not None:
            async with entry.lock:
                pass

    async def close(self) -> None:
        """Stop editing."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while (wait_s := await self._edit_what_is_due()) is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._changed.wait()
                self._changed.clear()

    async def _kept(self, entry: _Entry) -> None:
        try:
            await self._remember(entry.job, entry.state, entry.fraction)
        except Exception:
            logger.exception("job %d: its progress could not be kept", entry.job.number)

    async def _edit_what_is_due(self) -> float | None:
        """Edit the messages that may be; seconds until the next may be, None when there is nothing to say."""
        next_s: float | None = None
        # Who was shown longest ago comes first: there may not be an edit left for all.
        for entry in sorted(self._entries.values(), key=lambda each: each.sent_at):
            message = progress(
                entry.job,
                entry.state,
                fraction=entry.fraction,
                left_s=entry.left_s,
                before=entry.before,
                pause=entry.pause,
            )
            if message == entry.sent:
                continue
            is_news = entry.state is not entry.sent_state or (entry.before is None) is not (entry.sent_before is None)
            is_news = is_news or entry.pause is not entry.sent_pause
            spacing = NEXT_STAGE_S if is_news else max(EVERY_S, EVERY_FOR_EACH_S * (len(self) + self.elsewhere))
            now = self._clock()
            wait_s = entry.sent_at + spacing - now
            if wait_s <= 0:
                # This process's share of what all may do.
                wait_s = self._budget.take(now, every_s=EVERY_FOR_EACH_S * (1 + self.elsewhere / max(len(self), 1)))
            if wait_s > 0:
                next_s = wait_s if next_s is None else min(next_s, wait_s)
                continue
            before, pause = entry.before, entry.pause
            async with entry.lock:
                if entry.job.id not in self._entries:
                    continue
                try:
                    await self._edit(entry.job, entry.ts, message)
                except SlackError as error:
                    # The message or the channel is gone: the results still come, where they can.
                    logger.info("job %d: its progress is not shown any more: %s", entry.job.number, error)
                    self._entries.pop(entry.job.id, None)
                    continue
                except Exception:
                    logger.exception("job %d: a progress edit failed", entry.job.number)
                entry.sent, entry.sent_at, entry.sent_state = message, self._clock(), entry.state
                entry.sent_before, entry.sent_pause = before, pause
                await self._kept(entry)
        return next_s
