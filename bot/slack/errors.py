"""
What can go wrong between us and Slack, as a branch of the tree in `tracking/errors.py`.

    TrackletError
      SlackError
        SlackRefused            Slack understood and said no; trying again gives the same answer
        SlackUnreachable        no answer for a long time
      InputError
        FileNotShared           a Slack file that cannot be used, or not in this channel
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
    A Slack file that cannot be used.

    `reason` is "gone", "elsewhere", "external", "hidden", "not-a-video" or "unknown" (then `file_id` is the name by which
    somebody asked); or one of those that pass when the file is new: "missing" (Slack does not find it), "unready" (no link or
    no type yet), "sign-in" (its page came instead), "cut-short", "unreachable".
    """

    file_id: str
    reason: str

    @property
    def may_pass(self) -> bool:
        """Return whether it may be otherwise in a moment: Slack tells of a file before it is on all its servers."""
        return self.reason in {"missing", "unready", "sign-in", "cut-short", "unreachable"}


@dataclass(eq=False)
class MessageNotShown(InputError):
    """`reason` is "elsewhere", "gone" or "no-video"."""

    reason: str
