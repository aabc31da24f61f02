"""
Who may do what: the rules that are held against Slack before anything is done for somebody.

A job belongs to its asker and to the people of its channel; a file may be used where it is shared and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bot.jobs.model import Job
from bot.slack.errors import FileNotShared
from bot.slack.lookups import LOOK_PAUSES_S, SlackLookups, shares_of


async def may_act(directory: SlackLookups, job: Job, *, team: str, channel: str, user: str) -> bool:
    """Return whether a person may stop, repeat or extend a job: its asker, and those who are in its channel."""
    if job.request.team != team or job.request.channel != channel:
        return False
    return job.request.user == user or await directory.is_member(channel, user)


async def file_shared_here(
    directory: SlackLookups, file_id: str, channel: str, *, pauses_s: Sequence[float] = LOOK_PAUSES_S
) -> None:
    """
    Check that a file is a video that is shared in a channel; a new one, which Slack may not know yet, after each of the pauses.

    Raises `FileNotShared`, `SlackRefused`.
    """
    for pause_s in (*pauses_s, None):
        try:
            file = await directory.file(file_id)
        except FileNotShared as error:
            if pause_s is None or not error.may_pass:
                raise
        else:
            if _is_shared_in(file, channel):
                return
            if pause_s is None or _is_shared(file):
                raise FileNotShared(file_id, "elsewhere")
        await asyncio.sleep(pause_s)


def _is_shared(file: Mapping[str, Any]) -> bool:
    return any(file.get(name) for name in ("channels", "groups", "ims", "shares"))


def _is_shared_in(file: Mapping[str, Any], channel: str) -> bool:
    listed = [*file.get("channels", []), *file.get("groups", []), *file.get("ims", [])]
    return channel in listed or bool(shares_of(file, channel))
