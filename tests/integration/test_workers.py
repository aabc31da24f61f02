"""A front that answers and workers that do the jobs, as processes on one Postgres: whoever dies, the jobs go on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa
from pydantic import SecretStr

from bot.app import open_storage
from bot.doctor.cluster import cluster_checks
from bot.jobs.database import Database
from bot.jobs.store import Store, attempts, executors, jobs
from bot.settings import Settings
from playground import KIM, Message, Playground, Timing
from tests.integration.bot_workspace import CLIP, SECRET, eventually
from tests.integration.test_bot_restarts import BotProcess, starter
from tracking.storage.bucket import GoogleStorage

__all__ = ["starter"]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="forks processes and looks at them in /proc"),
]


@dataclass
class Cluster:
    """One workspace, one database, and the processes on it."""

    slack: Playground
    folder: Path
    address: str
    begin: Callable[..., BotProcess]
    processes: list[BotProcess] = field(default_factory=list)

    async def start(self, role: str, **environment: str) -> BotProcess:
        process = self.begin(self.slack, self.folder, {"ROLE": role, "TRACKLET_DATABASE_URL": self.address, **environment})
        url = self.slack.bot_url
        await process.start()
        if role == "worker":
            self.slack.bot_url = url
        self.processes.append(process)
        return process

    async def clip(self, number: int, channel: str = "wildlife") -> Message:
        return await self.slack.upload_file(CLIP + number.to_bytes(4, "big"), channel, name=f"clip-{number}.mp4")

    def executors(self) -> list[str]:
        """The processes that have a lease."""
        engine = sa.create_engine(self.address)
        with engine.connect() as connection:
            found = list(connection.scalars(sa.select(executors.c.id).where(executors.c.renewed_at > 0)))
        engine.dispose()
        return found

    def steps_begun(self) -> list[str]:
        """Return the steps of jobs that are under way."""
        engine = sa.create_engine(self.address)
        with engine.connect() as connection:
            found = list(connection.scalars(sa.select(attempts.c.step)))
        engine.dispose()
        return found

    def states(self) -> list[str]:
        """Return the state of each job, in the order in which they were asked for."""
        engine = sa.create_engine(self.address)
        with engine.connect() as connection:
            found = list(connection.scalars(sa.select(jobs.c.state).order_by(jobs.c.number)))
        engine.dispose()
        return found

    async def answered(self, message: Message) -> None:
        process = self.processes[0]
        await eventually(lambda: process.is_answered(message))
        assert_each_part_once(process.replies(message))


def assert_each_part_once(replies: list[Message]) -> None:
    texts = Counter(reply.text for reply in replies if reply.text)
    pictures = Counter(file["name"] for reply in replies for file in reply.files)
    assert [text for text, times in (texts + pictures).items() if times > 1] == []
    assert any(name.endswith(".jpeg") for name in pictures)
    assert sum(name.endswith(".gif") for name in pictures) == 10


@pytest_asyncio.fixture(loop_scope="module")
async def cluster(starter: asyncio.subprocess.Process, postgres: str, tmp_path: Path) -> AsyncIterator[Cluster]:
    url = sa.make_url(postgres).set(drivername="postgresql+psycopg")
    name = f"cluster_{abs(hash(tmp_path))}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()

    def begin(slack: Playground, folder: Path, environment: dict[str, str]) -> BotProcess:
        return BotProcess(slack, folder, starter, False, environment)

    timing = Timing(retry_after_s=(0.0, 0.5, 0.5, 1.0, 1.0, 2.0))
    async with Playground(signing_secret=SECRET, timing=timing, limits=None) as slack:
        made = Cluster(slack, tmp_path / "data", url.set(database=name).render_as_string(hide_password=False), begin)
        yield made
        for process in made.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            await process.end(signal.SIGKILL)


async def test_a_front_alone_does_no_job_and_a_worker_that_comes_later_does_it(cluster: Cluster) -> None:
    front = await cluster.start("front")
    message = await cluster.clip(1)
    await cluster.slack.until(lambda: cluster.slack.calls_of("users.info"))
    assert front.replies(message) == []
    await cluster.start("worker")
    await cluster.answered(message)


async def test_a_killed_workers_jobs_go_on_at_another_and_nothing_is_posted_twice(cluster: Cluster) -> None:
    await cluster.start("front")
    stuck = await cluster.start("worker", WAITS_AT="track")
    messages = [await cluster.clip(number) for number in range(3)]
    await eventually(lambda: all(stuck.replies(message) for message in messages))
    await stuck.end(signal.SIGKILL)
    await cluster.start("worker")
    for message in messages:
        await cluster.answered(message)
    await eventually(lambda: len(cluster.executors()) == 2)


async def test_a_worker_that_ends_by_itself_hands_its_jobs_over_at_once(cluster: Cluster) -> None:
    await cluster.start("front")
    stuck = await cluster.start("worker", WAITS_AT="animations")
    await cluster.start("worker", WAITS_AT="animations")
    message = await cluster.clip(1)
    await eventually(lambda: any(reply.files for reply in stuck.replies(message)))
    for process in cluster.processes[1:]:
        await process.end(signal.SIGTERM)
        assert await process.line() == "ended"
    await cluster.start("worker")
    await cluster.answered(message)


async def test_a_worker_that_stood_still_shows_nothing_twice_when_it_comes_back(cluster: Cluster) -> None:
    await cluster.start("front")
    frozen = await cluster.start("worker")
    messages = [await cluster.clip(number) for number in range(4)]
    await eventually(lambda: any(frozen.replies(message) for message in messages))
    os.kill(frozen.pid, signal.SIGSTOP)
    await cluster.start("worker")
    for message in messages:
        await eventually(lambda message=message: frozen.is_answered(message))  # type: ignore[misc]  # mypy can't infer it
    os.kill(frozen.pid, signal.SIGCONT)
    await eventually(lambda: len(cluster.executors()) == 3)
    for message in messages:
        await cluster.answered(message)


@pytest.mark.parametrize("statement", ["INSERT INTO attempts", "UPDATE posts", "INSERT INTO dbos.operation_outputs"])
async def test_a_worker_that_stands_still_in_a_transaction_holds_nobody_up(cluster: Cluster, statement: str) -> None:
    await cluster.start("front")
    frozen = await cluster.start("worker", STANDS_STILL_AFTER=statement)
    message = await cluster.clip(1)
    await eventually(lambda: stands_still(frozen.pid))
    await cluster.start("worker")
    await eventually(lambda: frozen.is_answered(message))
    os.kill(frozen.pid, signal.SIGCONT)
    await eventually(lambda: len(cluster.executors()) == 3)
    await cluster.answered(message)


def stands_still(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0] == "T"


async def test_a_job_is_stopped_wherever_it_runs(cluster: Cluster) -> None:
    front = await cluster.start("front")
    await cluster.start("worker", WAITS_AT="track")
    message = await cluster.clip(1)
    progress = await eventually(lambda: next(iter(front.replies(message)), None))
    assert progress is not None
    await cluster.slack.click(progress, "tracklet_cancel")
    await eventually(lambda: any(reply.text.startswith("Stopped by") for reply in front.replies(message)))


async def test_one_persons_many_videos_hold_up_nobody_else_and_begin_in_order(cluster: Cluster) -> None:
    front = await cluster.start("front")
    for _ in range(2):
        await cluster.start("worker", WAITS_AT="track", TRACKLET_JOBS_AT_ONCE_PER_PERSON="2")
    many = [await cluster.clip(number) for number in range(8)]
    await eventually(lambda: cluster.states().count("tracking") == 4)
    other = await cluster.slack.upload_file(CLIP + b"other", "wildlife", name="clip-other.mp4", user=KIM)
    await eventually(lambda: cluster.states()[-1] == "tracking")
    assert cluster.states() == ["tracking"] * 4 + ["received"] * 4 + ["tracking"]
    for process in cluster.processes[1:]:
        await process.end(signal.SIGTERM)
        assert await process.line() == "ended"
    for _ in range(2):
        await cluster.start("worker", TRACKLET_JOBS_AT_ONCE_PER_PERSON="2")
    for message in (other, *many):
        await eventually(lambda message=message: front.is_answered(message))  # type: ignore[misc]  # mypy can't infer it
        await cluster.answered(message)


async def test_videos_of_one_thread_are_told_one_after_the_other_whichever_workers_have_them(cluster: Cluster) -> None:
    front = await cluster.start("front")
    alone = {"TRACKLET_JOBS_AT_ONCE_PER_PERSON": "1"}
    for _ in range(2):
        await cluster.start("worker", WAITS_AT="animations", **alone)
    message = await cluster.slack.upload_files([(f"clip-{n}.mp4", CLIP + bytes([n])) for n in range(2)], "wildlife")
    await eventually(lambda: cluster.states().count("received") == 0 and any(reply.files for reply in front.replies(message)))
    await eventually(lambda: cluster.steps_begun().count("post-summary") == 2)
    assert len([reply for reply in front.replies(message) if reply.files]) == 1
    for process in cluster.processes[1:]:
        await process.end(signal.SIGKILL)
    for _ in range(2):
        await cluster.start("worker", **alone)
    await eventually(lambda: cluster.states() == ["done", "done"])
    told = [reply.files[0]["name"][: len("clip-0")] for reply in front.replies(message) if reply.files]
    assert told in (["clip-0", "clip-0", "clip-1", "clip-1"], ["clip-1", "clip-1", "clip-0", "clip-0"])


@pytest.mark.parametrize("is_shared", [True, False])
async def test_processes_that_do_not_see_the_same_storage_are_told_so(cluster: Cluster, is_shared: bool) -> None:
    await cluster.start("front")
    other = cluster.folder if is_shared else cluster.folder.with_name("elsewhere")
    await cluster.start("worker", TRACKLET_DATA_DIR=str(other))
    settings = Settings(database_url=SecretStr(cluster.address), data_dir=cluster.folder)
    (check,) = await cluster_checks(settings, lambda: open_storage(settings, GoogleStorage()))
    assert check.is_well is is_shared
    assert ("2 processes work" if is_shared else "TRACKLET_ANNOTATION_BUCKET") in check.sentence


async def test_a_front_gives_the_figures_of_all_processes(cluster: Cluster) -> None:
    front = await cluster.start("front")
    await cluster.start("worker")
    await cluster.answered(await cluster.clip(1))
    await eventually(lambda: cluster.states() == ["done"])

    async def figures() -> str:
        async with aiohttp.ClientSession() as session, session.get(front.url + "/metrics") as answer:
            return await answer.text()

    async with asyncio.timeout(60):
        # The worker adds what it called at its next beat.
        while 'method="files.completeUploadExternal",result="ok"' not in (told := await figures()):  # noqa: ASYNC110  # as it says
            await asyncio.sleep(0.1)
    assert "tracklet_processes 2.0" in told
    assert told.count("tracklet_lease_age_seconds{") == 2
    assert 'tracklet_jobs{state="done"} 1.0' in told
    assert 'tracklet_job_outcomes_total{outcome="done"} 1.0' in told
    assert 'tracklet_stage_seconds_count{stage="post"} 1.0' in told


async def test_one_of_several_processes_does_what_one_must_do(cluster: Cluster) -> None:
    await cluster.start("front")
    store = Store(Database(cluster.address))
    try:
        took = await asyncio.gather(*(store.take_duty("sweep", 3600.0) for _ in range(8)))
        assert took.count(True) == 1
        assert not await store.take_duty("sweep", 3600.0)
        assert await store.take_duty("sweep", -1.0)
    finally:
        store.close()


async def test_progress_is_edited_as_seldom_as_all_processes_together_may(cluster: Cluster) -> None:
    await cluster.start("front")
    await cluster.start("worker", WAITS_AT="track")
    await cluster.clip(1)
    await eventually(lambda: cluster.states() == ["tracking"])
    store = Store(Database(cluster.address))
    try:
        async with asyncio.timeout(60):
            while await store.share_progress("somebody", 0, 60.0) != 1:  # noqa: ASYNC110  # another process changes it
                await asyncio.sleep(0.05)
    finally:
        store.close()


async def test_a_worker_on_sqlite_is_refused(cluster: Cluster) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "worker"),
        env={"PATH": os.environ["PATH"], "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"},
        cwd=cluster.folder.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"one Postgres database" in err
    assert list(cluster.folder.parent.iterdir()) == []
