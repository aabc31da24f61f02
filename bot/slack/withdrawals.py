"""
What people take back: a message that is deleted, or a file of it. Its jobs stop, and what was posted for them goes.

A message that has replies stays as a tombstone, so Slack tells of it as of a change (docs.slack.dev/reference/events/message).
Where the deletion comes before the job, `is_withdrawn` keeps the job from starting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.jobs.model import Job, JobState, Json, SourceKind
from bot.jobs.service import JobService
from bot.jobs.store import Store
from bot.slack.posting import ThreadPoster

WITHDRAWAL = "withdrawal"
STOPPED_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What was deleted of the message `ts`: these files, or the whole message where `file_ids` is ()."""

    channel: str
    ts: str
    file_ids: tuple[str, ...] = ()


def read_withdrawal(event: Json, *, bot_user: str) -> Withdrawal | None:
    """Return what a message event says is deleted of a person's message, None where it says no such thing."""
    if event.get("type") != "message":
        return None
    before, channel = _object(event, "previous_message"), event.get("channel")
    if not isinstance(channel, str) or before.get("user") == bot_user or before.get("bot_id"):
        return None
    if event.get("subtype") == "message_deleted" and isinstance(ts := event.get("deleted_ts"), str):
        return Withdrawal(channel, ts)
    if event.get("subtype") != "message_changed":
        return None
    after = _object(event, "message")
    if not isinstance(ts := after.get("ts"), str):
        return None
    if after.get("subtype") == "tombstone":
        return Withdrawal(channel, ts)
    gone = _files(after, is_gone=True) - _files(before, is_gone=True)
    return Withdrawal(channel, ts, tuple(sorted(gone))) if gone else None


def withdrawal_key(team: str, withdrawal: Withdrawal) -> str:
    """Return what all events of one deletion have in common."""
    return ":".join((team, withdrawal.channel, withdrawal.ts, *withdrawal.file_ids))


def offers_of(team: str, channel: str, ts: str) -> str:
    """Return how the keys of all offers of a message begin."""
    return f"offer:{team}:{channel}:{ts}:"


async def is_withdrawn(store: Store, *, team: str, channel: str, ts: str) -> bool:
    """Return whether a message was deleted, as far as Slack has told."""
    return await store.was_received(f"{WITHDRAWAL}:{withdrawal_key(team, Withdrawal(channel, ts))}")


class Withdrawals:
    """Takes back what was made of a message."""

    def __init__(self, *, store: Store, jobs: JobService, thread: ThreadPoster) -> None:
        self._store = store
        self._jobs = jobs
        self._thread = thread

    async def withdraw(self, payload: Json) -> None:
        """Stop the jobs of a message and delete what they posted. Raises `TimeoutError` where one does not stop: ask again."""
        withdrawal = Withdrawal(payload["channel"], payload["ts"], tuple(payload["file_ids"]))
        team = payload["team"]
        found = await self._with_those_below(await self._store.jobs_of_message(team, withdrawal.channel, withdrawal.ts))
        jobs = [job for job in found if not withdrawal.file_ids or _shows(job, withdrawal.file_ids)]
        for job in jobs:
            # Whoever runs it next must see that it is to stop, so somebody is named: who deleted it is not known.
            await self._jobs.cancel(job, job.request.user)
        for job in jobs:
            await self._jobs.stopped(job, within_s=STOPPED_WITHIN_S)
            await self._thread.take_back(job.id)
        if not withdrawal.file_ids:
            for key in await self._store.posted_below(offers_of(team, withdrawal.channel, withdrawal.ts)):
                await self._thread.take_back(key, channel=withdrawal.channel)

    async def _with_those_below(self, jobs: list[Job]) -> list[Job]:
        """Return jobs with all others of their videos in the same threads, which somebody else may have asked for later."""
        found = {job.id: job for job in jobs}
        for job in jobs:
            request = job.request
            thread_ts = job.thread_ts or request.thread_ts
            for other in await self._store.jobs_of_thread(request.team, request.channel, thread_ts) if thread_ts else []:
                if (other.request.source.kind, other.request.source.ref) == (request.source.kind, request.source.ref):
                    found.setdefault(other.id, other)
        return list(found.values())


def _shows(job: Job, file_ids: tuple[str, ...]) -> bool:
    """Return whether a job shows one of the files, or will; what it says of a failure may stay below the message."""
    source = job.request.source
    return source.kind is SourceKind.SLACK_FILE and source.ref in file_ids and job.state is not JobState.FAILED


def _files(message: Json, *, is_gone: bool) -> set[str]:
    files = message.get("files")
    return {
        str(file.get("id"))
        for file in (files if isinstance(files, list) else ())
        if isinstance(file, dict) and file.get("id") and (file.get("mode") == "tombstone") is is_gone
    }


def _object(parent: Json, name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}
