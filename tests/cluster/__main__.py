"""
Postgres, the playground, a front and two workers on this machine, to be tried and watched: `make cluster`.

    python -m tests.cluster [--port 8321] [--workers 2]

Everything lies in a temporary folder and ends with Ctrl-C. Settings of the environment (TRACKLET_ENGINE, TRACKLET_MODEL and so
on) hold, those of addresses and places are the cluster's own. A process that was killed is started again after
`RESTART_AFTER_S`, so that one sees the others go on first; the front at once, since the workspace needs it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import platformdirs

from bot.web.slack_requests import EVENTS_PATH
from playground import Playground
from sample import sample_clip
from tests.cluster import postgres
from tests.cluster.members import Member, Role, children_of, task_of

PORT = 8321
RESTART_AFTER_S = 30.0
LOOK_S = 0.25


def say(line: str = "") -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tell(name: str, what: str) -> None:
    """Write what happens, with the time."""
    say(f"{time.strftime('%H:%M:%S')}  {name:<9} {what}")


def heard(member: Member, line: str) -> None:
    """Tell what the log of a process says of jobs, leases and faults."""
    parts = line.split(" ", 3)
    if len(parts) == 4 and (parts[1] != "INFO" or parts[2].startswith("bot.jobs")):
        tell(member.name, parts[3])


async def watch(member: Member) -> None:
    """Tell what its children do, and start it again when it is gone."""
    seen: set[int] = set()
    while True:
        while member.runs:
            now = {pid: task for pid in children_of(member.pid) if (task := task_of(pid))}
            for pid in now.keys() - seen:
                tell(member.name, f"(pid {member.pid}) begins a {now[pid]}, in a child with pid {pid}")
            seen = set(now)
            await asyncio.sleep(LOOK_S)
        status = await member.gone()
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        pause_s = RESTART_AFTER_S if member.role is Role.WORKER else 0.0
        tell(member.name, f"(pid {member.pid}) {how}; another is started in {pause_s:.0f} s")
        await asyncio.sleep(pause_s)
        await member.start()
        tell(member.name, f"is there again, with pid {member.pid}")


async def run(*, port: int, workers: int) -> None:
    """Run it until a signal."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracklet-", ignore_cleanup_errors=True)))
        say("Starting Postgres, a playground for Slack, a front and its workers ...")
        server = stack.enter_context(postgres.started(folder / "postgres"))
        sample = await asyncio.to_thread(sample_clip, Path(platformdirs.user_cache_dir("tracklet")))
        slack = await stack.enter_async_context(Playground(port=port, samples=[sample]))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLACK_")},
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "TRACKLET_SLACK_API_URL": slack.api_url,
            "TRACKLET_DATA_DIR": str(folder / "data"),
            "TRACKLET_DATABASE_URL": server.address,
            "TRACKLET_HTTP_HOST": "127.0.0.1",
            "TRACKLET_HTTP_PORT": "0",
        }

        def member(name: str, role: Role) -> Member:
            return Member(name, role, folder / f"{name.replace(' ', '-')}.log", environment, on_line=heard)

        front = member("front", Role.FRONT)
        members = [front, *(member(f"worker {number}", Role.WORKER) for number in range(1, workers + 1))]
        for each in members:
            await each.launch()
            stack.push_async_callback(each.end)
        for each in members:
            await each.ready()
        # The front is found where it listens now, also after a restart.
        slack.bot_url = front.url + EVENTS_PATH
        front.environment = {**environment, "TRACKLET_HTTP_PORT": front.url.rpartition(":")[2]}
        say()
        say(f"  workspace  {slack.page_url}")
        say(f"  front      {front.url} (pid {front.pid}); {front.url}/metrics")
        for each in members[1:]:
            say(f"  {each.name:<9}  pid {each.pid}")
        say(f"  postgres   {server.address} (pid {server.pid})")
        say(f"  logs       {folder}/*.log")
        say()
        say("Open the workspace and share the sample in #wildlife. As soon as a worker begins, kill it and its children die")
        say("with it, and the thread is completed by the other one within 20 s:")
        say()
        say(f"  kill -9 {members[1].pid}")
        say()
        say(f"A killed worker is started again after {RESTART_AFTER_S:.0f} s. Ctrl-C ends everything.")
        say()
        watching = [asyncio.create_task(watch(each)) for each in members]
        await asyncio.wait({*watching, asyncio.create_task(ended.wait())}, return_when=asyncio.FIRST_COMPLETED)
        say("Ending ...")
        for task in watching:
            task.cancel()
        for result in await asyncio.gather(*watching, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        await asyncio.gather(*(each.end() for each in members))


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description="A front, workers, Postgres and a playground on this machine.")
    parser.add_argument("--port", type=int, default=PORT, help="where the workspace is; 0 takes a free port")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    asyncio.run(run(port=given.port, workers=given.workers))


if __name__ == "__main__":
    main()
