"""
Failures between the app and Slack, on request (refusals, lost answers, slowness), and the rate limits, which always hold.

A fault is named for a method of the Web API, or for "upload" (the bytes of a new file) and "download" (the bytes of a shared
one); "*" is any. Faults wait in the order in which they were asked for and are used up one call at a time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from playground.payloads import Json


class FaultKind(StrEnum):
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    DELAYED = "delayed"
    LOST_RESPONSE = "lost_response"
    LOST_REQUEST = "lost_request"
    REFUSED = "refused"
    OTHER_ANSWER = "other_answer"
    ALTERED = "altered"


@dataclass(frozen=True)
class OtherAnswer:
    """What comes instead of the answer; `is_done` where the call was carried out all the same."""

    status: int
    body: bytes
    content_type: str
    is_done: bool


@dataclass
class Fault:
    """
    A failure. `amount` is seconds (Retry-After, or the delay), `error` Slack's error code; `skip` calls pass first.

    `other` comes instead of an answer, and `changes` are made in one.
    """

    kind: FaultKind
    method: str
    times: int
    skip: int = 0
    amount: float = 0.0
    error: str = ""
    other: OtherAnswer | None = None
    changes: Json = field(default_factory=dict)


@dataclass
class Faults:
    """The failures that are to come. Tests add them; `take` is for the server."""

    waiting: list[Fault] = field(default_factory=list)
    lose_shares: int = 0
    """Number of coming uploads that are never shared, although the answer is ok (seen with alternative texts)."""

    def rate_limit(self, method: str, *, times: int = 1, retry_after: int = 1, skip: int = 0) -> None:
        """Answer with HTTP 429 and Retry-After, in seconds."""
        self.waiting.append(Fault(FaultKind.RATE_LIMITED, method, times, skip, retry_after))

    def server_error(self, method: str, *, times: int = 1, skip: int = 0) -> None:
        """Answer with HTTP 500 and do nothing."""
        self.waiting.append(Fault(FaultKind.SERVER_ERROR, method, times, skip))

    def delay(self, method: str, seconds: float, *, times: int = 1, skip: int = 0) -> None:
        """Answer late."""
        self.waiting.append(Fault(FaultKind.DELAYED, method, times, skip, seconds))

    def lose_response(self, method: str, *, times: int = 1, skip: int = 0) -> None:
        """Carry the call out, but break the connection before its answer."""
        self.waiting.append(Fault(FaultKind.LOST_RESPONSE, method, times, skip))

    def lose_request(self, method: str, *, times: int = 1, skip: int = 0) -> None:
        """Break the connection and do nothing."""
        self.waiting.append(Fault(FaultKind.LOST_REQUEST, method, times, skip))

    def refuse(self, method: str, error: str, *, times: int = 1, skip: int = 0) -> None:
        """Answer `ok: false` with this error; for uploads and downloads a status, such as "403"."""
        self.waiting.append(Fault(FaultKind.REFUSED, method, times, skip, error=error))

    def answer(
        self,
        method: str,
        body: bytes | str = "",
        *,
        status: int = 200,
        content_type: str = "text/plain",
        is_done: bool = False,
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Let something else answer, such as Slack's edge or its sign-in page."""
        raw = body.encode() if isinstance(body, str) else body
        other = OtherAnswer(status, raw, content_type, is_done)
        self.waiting.append(Fault(FaultKind.OTHER_ANSWER, method, times, skip, other=other))

    def alter(self, method: str, changes: Json, *, times: int = 1, skip: int = 0) -> None:
        """Change the answer: objects in `changes` are merged into it, {} and other values replace what is there."""
        self.waiting.append(Fault(FaultKind.ALTERED, method, times, skip, changes=changes))

    def clear(self) -> None:
        """Remove all failures that are to come."""
        self.waiting.clear()
        self.lose_shares = 0

    def take(self, method: str) -> Fault | None:
        """Return the fault that this call meets, if any, and count it; a delay and another fault take two calls."""
        for fault in self.waiting:
            if fault.method not in (method, "*"):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
            return fault
        return None


def merged(answer: Json, changes: Json) -> Json:
    """Return `answer` with `changes` made in it."""
    altered = dict(answer)
    for name, value in changes.items():
        there = answer.get(name)
        altered[name] = merged(there, value) if isinstance(value, dict) and value and isinstance(there, dict) else value
    return altered


@dataclass(frozen=True)
class RateLimits:
    """
    Rate limits of the workspace: Slack's documented tiers, and for posts one a second per channel with a short burst.

    How long a burst Slack tolerates is not documented; `post_burst` is our guess. `history_per_minute` is 1 for new distributed
    apps outside of the Marketplace. Source: docs.slack.dev/apis/web-api/rate-limits.
    """

    post_per_s: float = 1.0
    post_burst: int = 10
    tier_per_minute: tuple[int, int, int, int] = (1, 20, 50, 100)
    history_per_minute: int = 50


class RateLimiter:
    """Token buckets for `limits`, one per method (posts: per channel); `clock` gives seconds that never go back."""

    def __init__(self, limits: RateLimits | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_for(self, method: str, tier: int, channel_id: str) -> int:
        """Return whole seconds after which this call may be made; 0 is now, and then it counts."""
        if self.limits is None:
            return 0
        if tier == 0:
            return self._take(f"post {channel_id}", self.limits.post_burst, self.limits.post_per_s)
        if method in ("conversations.history", "conversations.replies"):
            per_minute = self.limits.history_per_minute
        else:
            per_minute = self.limits.tier_per_minute[tier - 1]
        return self._take(method, per_minute, per_minute / 60)

    def _take(self, bucket: str, capacity: float, per_s: float) -> int:
        now = self._clock()
        level, since = self._buckets.get(bucket, (float(capacity), now))
        level = min(float(capacity), level + (now - since) * per_s)
        if level < 1:
            self._buckets[bucket] = (level, now)
            return max(1, math.ceil((1 - level) / per_s))
        self._buckets[bucket] = (level - 1, now)
        return 0
