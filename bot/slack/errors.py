"""
What can go wrong between us and Slack, as a branch of the tree in `tracking/errors.py`.

    TrackletError
      SlackError
        SlackRefused            Slack understood and said no; trying again gives the same answer
        SlackUnreachable        no answer for a long time
      InputError
        FileNotShared           a Slack file that is not in this channel, or not any more
        MessageNotShown         a message that is named by its link, and leads to no video here
"""

from __future__ import annotations

from dataclasses import dataclass

from tracking.errors import InputError, TrackletError


class SlackError(TrackletError):
    """Slack did not do what was asked of it."""


@dataclass(eq=False)
class SlackRefused(SlackError):
    """`reason` is Slack's own word, such as "channel_not_found"; `needed` the scopes that it misses at "missing_scope"."""

    method: str
    reason: str
    needed: str = ""


@dataclass(eq=False)
class SlackUnreachable(SlackError):
    """No answer, or only errors of Slack's own."""

    method: str


@dataclass(eq=False)
class FileNotShared(InputError):
    """
    `reason` is "gone", "elsewhere", "external", "hidden", "not-a-video" or "unknown".

    Where it is "unknown", `file_id` is the name by which somebody asked.
    """

    file_id: str
    reason: str


@dataclass(eq=False)
class MessageNotShown(InputError):
    """`reason` is "elsewhere", "gone" or "no-video"."""

    reason: str
