"""What a run of chaos is played on: a workspace, a database, a disk, buckets, and processes that are started again for ever."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiohttp import web

from bot.web.slack_requests import EVENTS_PATH
from playground import Playground, Timing
from tests.chaos.clock import Clock, compiled
from tests.chaos.disk import SmallDisk, small_disk
from tests.cluster.members import Member, Role
from tests.cluster.postgres import Postgres, started
from tests.google.storage_server import StorageServer

DatabaseKind = Literal["sqlite", "postgres"]

DISK_MEGABYTES = 256
AGAIN_S = 0.2  # after which a supervisor starts a process again
RETRIES_S = (0.0, 0.5, 1.0, 2.0, *(4.0,) * 30)  # Slack's own last for an hour and more


@dataclass
class Stage:
    """All of it; `clocks` and `disk` are missing where the system does not allow them."""

    kind: DatabaseKind
    slack: Playground
    folder: Path
    address: str
    members: list[Member]
    links: str
    clips: dict[str, bytes] = field(default_factory=dict)
    postgres: Postgres | None = None
    storage: StorageServer | None = None
    disk: SmallDisk | None = None
    clocks: dict[str, Clock] = field(default_factory=dict)
    lease_s: float = 0.0
    starts: int = 0

    @property
    def data(self) -> Path:
        """Return the data folder that all processes have."""
        return self.folder / "disk" / "data"

    async def supervise(self, member: Member) -> None:
        """Start a process, and another whenever it ends, as systemd or a container would."""
        while True:
            await member.launch()
            self.starts += 1
            await member.gone()
            await asyncio.sleep(AGAIN_S)

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Keep all processes running while the body runs; then end them."""
        tasks = [asyncio.create_task(self.supervise(member)) for member in self.members]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(member.end() for member in self.members))


@asynccontextmanager
async def staged(
    folder: Path,
    kind: DatabaseKind,
    *,
    lease: tuple[float, float],
    workers: int = 2,
    real_work: bool = False,
    disk_megabytes: int | None = DISK_MEGABYTES,
) -> AsyncIterator[Stage]:
    """
    Build a stage in `folder`: SQLite has one process and folders, Postgres a front, workers and buckets.

    Without `real_work` children pretend, and processes are forks: there is ten times as much to be broken in the same time.
    `disk_megabytes` None leaves the data folder where it is, on a disk that is nobody's to fill.
    """
    async with contextlib.AsyncExitStack() as stack:
        timing = Timing(retry_after_s=RETRIES_S)
        slack = await stack.enter_async_context(Playground(signing_secret="between-two", timing=timing, limits=None))
        disk = stack.enter_context(small_disk(folder / "disk", megabytes=disk_megabytes)) if disk_megabytes else None
        clips: dict[str, bytes] = {}
        links = await stack.enter_async_context(_links(clips))
        port = _free_port()
        environment = _environment(folder) | {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "TRACKLET_SLACK_API_URL": slack.api_url,
            "TRACKLET_DATA_DIR": str(folder / "disk" / "data"),
            "TRACKLET_HTTP_PORT": str(port),
            "TRACKLET_ENGINE": "motion",
            "TRACKLET_ALLOWED_HOSTS": "127.0.0.1",
            "CANNED_CHILDREN": "" if real_work else "1",
        }
        slack.bot_url = f"http://127.0.0.1:{port}{EVENTS_PATH}"
        postgres, storage = None, None
        address = f"sqlite:///{folder / 'disk' / 'data' / 'tracklet.sqlite'}"
        if kind == "postgres":
            postgres = stack.enter_context(started(folder / "postgres"))
            address = postgres.database("tracklet")
            storage = await stack.enter_async_context(StorageServer("annotations-bucket", "objects-bucket"))
            environment |= {
                "TRACKLET_DATABASE_URL": address,
                "STORAGE_EMULATOR_HOST": storage.address,
                "TRACKLET_ANNOTATION_BUCKET": "gs://annotations-bucket",
                "TRACKLET_OBJECT_BUCKET": "gs://objects-bucket",
            }
        library = await asyncio.to_thread(compiled, folder)
        roles = [Role.ALONE] if kind == "sqlite" else [Role.FRONT, *[Role.WORKER] * workers]
        members, clocks = [], {}
        for place, role in enumerate(roles):
            name = role.value if role is not Role.WORKER else f"worker-{place}"
            own = dict(environment)
            if library is not None:
                clocks[name] = Clock(folder / f"{name}.clock", library)
                own |= clocks[name].environment
            members.append(Member(name, role, folder / f"{name}.log", own, times=lease, forks=not real_work))
        stage = Stage(
            kind=kind,
            slack=slack,
            folder=folder,
            address=address,
            members=members,
            links=links,
            clips=clips,
            postgres=postgres,
            storage=storage,
            disk=disk,
            clocks=clocks,
            lease_s=lease[1] if kind == "postgres" else 0.0,
        )
        try:
            yield stage
        finally:
            if disk is not None:
                disk.empty()


def processes_of(stage: Stage) -> Iterator[tuple[int, str]]:
    """Yield each process of this machine that was started with the stage's data folder: its number and command."""
    mark = f"TRACKLET_DATA_DIR={stage.data}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (place / "environ").read_bytes():
                yield int(place.name), (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "TRACKLET_"))}
    if sys.dont_write_bytecode and kept.pop("PYTHONDONTWRITEBYTECODE", ""):
        # A process is started for each child: compiling all modules each time would be most of the work.
        kept["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    return kept


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def _links(clips: dict[str, bytes]) -> AsyncIterator[str]:
    """A web server that has `clips` by their names; its address."""

    async def serve(request: web.Request) -> web.Response:
        found = clips.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found, content_type="video/mp4")

    app = web.Application()
    app.router.add_get("/{name}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
