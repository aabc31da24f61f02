"""
Trigger ids, which open one view within seconds, and `response_url`s: what an interaction gives to the app for its answer.

And the open modals, since a trigger opens them. Durations are seconds.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from playground.payloads import ApiError, Json
from playground.workspace import Change, Ephemeral, Message, View, Workspace


@dataclass
class Trigger:
    """The person who did something, and the view and conversation in which it was done, if any."""

    user: str
    given_at: float
    view_id: str = ""
    channel_id: str = ""
    used: bool = False


@dataclass
class ResponseUrl:
    """The target of answers to one interaction: the channel, the person, and what was interacted with."""

    channel_id: str
    user: str
    given_at: float
    thread_ts: str | None = None
    origin: Message | Ephemeral | None = None
    uses: int = 0


class Triggers:
    """The trigger ids, response addresses and open modals."""

    def __init__(
        self, workspace: Workspace, *, trigger_s: float = 3.0, response_url_s: float = 1800.0, response_url_uses: int = 5
    ) -> None:
        self.workspace = workspace
        self.trigger_s = trigger_s
        self.response_url_s = response_url_s
        self.response_url_uses = response_url_uses
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}

    def give(self, user: str, *, view_id: str = "", channel_id: str = "") -> str:
        """Return a new trigger id."""
        now = self.workspace.clock()
        trigger_id = f"{int(now * 1000)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, now, view_id, channel_id)
        return trigger_id

    def take(self, trigger_id: str) -> Trigger:
        """Use a trigger id, once and in time."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.used:
            raise ApiError("exchanged_trigger_id")
        if self.workspace.clock() - trigger.given_at > self.trigger_s:
            raise ApiError("expired_trigger_id")
        trigger.used = True
        return trigger

    def response_url(
        self, channel_id: str, user: str, *, thread_ts: str | None = None, origin: Message | Ephemeral | None = None
    ) -> str:
        """Return a new address for answers."""
        secret = secrets.token_urlsafe(24)
        self._responses[secret] = ResponseUrl(channel_id, user, self.workspace.clock(), thread_ts, origin)
        return f"{self.workspace.url}/commands/{self.workspace.url.rpartition(':')[2]}/{secret}"

    def use_response(self, secret: str) -> ResponseUrl:
        """Count one use of a response address; `ApiError` as Slack names it when it is unknown, too old or used up."""
        response = self._responses.get(secret)
        if response is None:
            raise ApiError("no_service")
        if self.workspace.clock() - response.given_at > self.response_url_s:
            raise ApiError("expired_url")
        if response.uses >= self.response_url_uses:
            raise ApiError("used_url")
        response.uses += 1
        return response

    # Modals

    def open_view(self, view: Json, user: str, *, on: View | None = None, channel_id: str = "") -> View:
        """Show a modal, on top of another one or alone; `channel_id` is where it was asked for."""
        view_id = f"V0{secrets.token_hex(5).upper()[:9]}"
        root_id = on.root_id if on else view_id
        shown = View(
            view_id, user, view, secrets.token_hex(8), root_id, on.id if on else None, on.channel_id if on else channel_id
        )
        if on is None:
            for other in [each for each in self.workspace.views.values() if each.user == user]:
                self.close_view(other)
        self.workspace.views[view_id] = shown
        self.workspace.announce(Change("view", view=shown, user=user))
        return shown

    def close_view(self, view: View) -> None:
        """Close a modal."""
        if self.workspace.views.pop(view.id, None):
            self.workspace.announce(Change("view_closed", view=view, user=view.user))
