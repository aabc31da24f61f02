"""
Who may do what: the rules that are held against Slack before anything is done for somebody.

A job belongs to its asker and to the people of its channel; a file may be used where it is shared and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.jobs.model import Job
from bot.slack.errors import FileNotShared
from bot.slack.lookups import SlackLookups, shares_of


async def may_act(directory: SlackLookups, job: Job, *, team: str, channel: str, user: str) -> bool:
    """Return whether a person may stop, repeat or extend a job: its asker, and those who are in its channel."""
    if job.request.team != team or job.request.channel != channel:
        return False
    return job.request.user == user or await directory.is_member(channel, user)


async def file_shared_here(directory: SlackLookups, file_id: str, channel: str) -> None:
    """Check that a file is a video that is shared in a channel. Raises `FileNotShared`, `SlackRefused`."""
    if not _is_shared_in(await directory.file(file_id), channel):
        raise FileNotShared(file_id, "elsewhere")


def _is_shared_in(file: Mapping[str, Any], channel: str) -> bool:
    listed = [*file.get("channels", []), *file.get("groups", []), *file.get("ims", [])]
    return channel in listed or bool(shares_of(file, channel))
