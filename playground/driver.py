"""
The workspace as tests and the page use it: observe what happens, and act as people do.

The server, which also answers the app, is `server.py`.
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from playground.delivery import AppLink, Delivery
from playground.fault_injection import ApiCall, FaultInjector
from playground.files import Files, FileState, Share, StoredFile
from playground.payloads import ApiError, Json
from playground.people import People, Target
from playground.workspace import BOT_USER, DIRECT, YOU, Change, Ephemeral, Message, View, Workspace

T = TypeVar("T")


class Driver:
    """The part of the playground that observes and acts; `server.Playground` makes the parts that it names."""

    workspace: Workspace
    files: Files
    people: People
    link: AppLink
    samples: dict[str, Path]
    _injector: FaultInjector
    _changed: asyncio.Event

    # Observing

    @property
    def calls(self) -> list[ApiCall]:
        """Every call of the app, in the order in which they came."""
        return self._injector.calls

    def calls_of(self, method: str) -> list[ApiCall]:
        """Return the calls of one method."""
        return [call for call in self.calls if call.method == method]

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to tell the app something."""
        return self.link.deliveries

    @property
    def ephemerals(self) -> list[Ephemeral]:
        """Everything that is shown to one person alone."""
        return self.workspace.ephemerals

    @property
    def views(self) -> list[View]:
        """The modals that are open, the topmost last."""
        return list(self.workspace.views.values())

    def home(self, user: str = YOU) -> View | None:
        """Return the Home tab that the app has published for a person."""
        return self.workspace.homes.get(user)

    def messages(self, channel: str) -> list[Message]:
        """Return the messages that a channel itself shows, oldest first."""
        return self.workspace.roots(self.channel_id(channel))

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return a root and its replies, oldest first."""
        return self.workspace.thread(self.channel_id(channel), ts)

    def channel_id(self, channel: str) -> str:
        """Return the id of a channel given by name, "#name" or id; "dm" is the conversation with the app."""
        wanted = channel.removeprefix("#")
        if wanted == "dm":
            return DIRECT
        for each in self.workspace.channels.values():
            if wanted in (each.id, each.name):
                return each.id
        raise ApiError("channel_not_found")

    async def until(self, found: Callable[[], T], timeout_s: float = 120.0) -> T:
        """
        Wait until `found()` is true in the sense of `if`, and return it.

        It is asked again after each change of the workspace, each call of the app and each delivery.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not (value := found()):
                    await self._changed.wait()
                return value
        except TimeoutError:
            last = ", ".join(f"{call.method} {call.error or call.status}" for call in self.calls[-5:])
            raise TimeoutError(f"not within {timeout_s} s; the last calls were: {last or 'none'}") from None

    async def settled(self, timeout_s: float = 120.0) -> None:
        """Wait until nothing is on its way to the app."""
        await self.until(lambda: not self.link.busy, timeout_s)

    # Acting

    def post_message(
        self, channel: str, text: str, *, user: str = YOU, thread_ts: str | None = None, blocks: Sequence[Json] = ()
    ) -> Message:
        """Write a message; links, @names and #channels in `text` become what Slack makes of them. `OTHER_BOT_USER` is a bot."""
        bot_id = self.workspace.users[user].bot_id
        return self.workspace.post(
            Message(
                self.channel_id(channel),
                self.workspace.next_ts(),
                user,
                self.workspace.as_sent(text),
                list(blocks),
                thread_ts=thread_ts,
                bot_id=bot_id,
                subtype="bot_message" if bot_id else "",
                client_msg_id="" if bot_id else str(uuid.uuid4()),
            )
        )

    def edit_message(self, message: Message, text: str) -> None:
        """Edit a person's message."""
        edited = {"user": message.user, "ts": self.workspace.next_ts()}

        def change(message: Message) -> None:
            message.text, message.edited = self.workspace.as_sent(text), edited

        self.workspace.change(message, change)

    def delete_message(self, message: Message) -> None:
        """Delete a message."""
        self.workspace.delete(message, by=YOU)

    async def upload_file(
        self,
        source: Path | bytes,
        channel: str,
        *,
        name: str = "",
        thread_ts: str | None = None,
        text: str = "",
        user: str = YOU,
        connect_stub: bool = False,
    ) -> Message:
        """Share one file as a person does; see `upload_files`."""
        name = name or (source.name if isinstance(source, Path) else "file")
        return await self.upload_files(
            [(name, source)], channel, thread_ts=thread_ts, text=text, user=user, connect_stub=connect_stub
        )

    async def upload_files(
        self,
        sources: Sequence[tuple[str, Path | bytes]],
        channel: str,
        *,
        thread_ts: str | None = None,
        text: str = "",
        user: str = YOU,
        connect_stub: bool = False,
    ) -> Message:
        """
        Share files, each with its name, in one message as a person does.

        `connect_stub` shares them as from another workspace, where events hold their ids alone.
        """
        files = []
        for name, source in sources:
            size = len(source) if isinstance(source, bytes) else (await asyncio.to_thread(source.stat)).st_size
            file = self.files.expect(name=name, size_bytes=size, user=user)
            if isinstance(source, bytes):
                await asyncio.to_thread(file.path.write_bytes, source)
            else:
                await asyncio.to_thread(shutil.copyfile, source, file.path)
            file.state, file.is_stub = FileState.UPLOADED, connect_stub
            files.append(file)
        return await self.share_uploads(files, channel, thread_ts=thread_ts, text=text)

    async def share_uploads(
        self, files: Sequence[StoredFile], channel: str, *, thread_ts: str | None = None, text: str = ""
    ) -> Message:
        """Share files whose bytes are there, all of one person, in one message and in this order."""
        for file in files:
            file.state = FileState.PROCESSING
        for file in files:
            await self.files.detect_type(file)
        share = Share(list(files), self.channel_id(channel), files[0].user, thread_ts, self.workspace.as_sent(text))
        return self.files.share_now(files, share)

    def share_elsewhere(self, channel: str, url: str, *, name: str, mimetype: str = "video/mp4", user: str = YOU) -> Message:
        """Share a file that lies on another service (`mode: external`)."""
        file = self.files.expect(name=name, size_bytes=0, user=user)
        file.mode, file.external_url, file.mimetype = "external", url, mimetype
        return self.files.share_now([file], Share([file], self.channel_id(channel), user))

    def hide_file(self, file_id: str) -> None:
        """Hide a file as free workspaces hide old ones (`mode: hidden_by_limit`)."""
        self.files.hide(self.files.by_id[file_id])

    def delete_file(self, file_id: str) -> None:
        """Delete a file; its messages stay, with a tombstone."""
        self.files.delete(self.files.by_id[file_id])

    async def slash_command(self, channel: str, command: str, text: str = "", *, user: str = YOU) -> Delivery | None:
        """Type a slash command and wait for its acknowledgement; None where there is no such command."""
        return await self.people.slash_command(self.channel_id(channel), command, text, user)

    async def click(
        self,
        target: Target,
        action_id: str,
        *,
        value: object = None,
        block_id: str = "",
        user: str = YOU,
        values: Mapping[str, object] | None = None,
    ) -> Delivery:
        """Use a button, menu or input of a message, an ephemeral message or a view; see `People.click`."""
        return await self.people.click(target, action_id, user, value=value, block_id=block_id, values=values or {})

    async def open_shortcut(
        self, callback_id: str, message: Message | None = None, *, user: str = YOU, channel: str = ""
    ) -> Delivery:
        """Use a global shortcut (in `channel`, where one is open), or one at a message."""
        return await self.people.use_shortcut(callback_id, user, message, self.channel_id(channel) if channel else "")

    async def submit_view(self, view: View, values: Mapping[str, object] | None = None) -> Json:
        """Send a modal with `values` by action id; the result holds the `errors` that are then shown in it, by block id."""
        return await self.people.submit_view(view, values or {})

    async def close_view(self, view: View, *, clear: bool = False) -> None:
        """Dismiss a modal."""
        await self.people.close_view(view, clear=clear)

    def open_home(self, *, user: str = YOU, tab: str = "home") -> None:
        """Open the app's Home, or its tab "messages"."""
        self.workspace.announce(Change("home_opened", user=user, name=tab))

    def invite(self, channel: str, user: str = BOT_USER, *, by: str = YOU) -> None:
        """Add a user (by default the app) to a channel."""
        self.workspace.join(self.channel_id(channel), user, by=by)

    def kick(self, channel: str, user: str = BOT_USER, *, by: str = YOU) -> None:
        """Remove a user (by default the app) from a channel."""
        self.workspace.leave(self.channel_id(channel), user, by=by)

    def archive(self, channel: str) -> None:
        """Archive a channel: nothing can be posted there any more."""
        found = self.workspace.channel(self.channel_id(channel))
        found.archived = True
        self.workspace.announce(Change("channel", found.id))

    # Inside

    def _change(self) -> None:
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()
