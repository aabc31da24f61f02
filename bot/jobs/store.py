"""
Our own tables: jobs and their history, what was received, posted and stored, and what a channel wants.

SQLAlchemy Core, the same statements on SQLite and Postgres. Every call runs on a few threads of its own, because the event
loop must not wait for a disk and DBOS takes the loop's default executor with it when it ends. A call waits for a database that
is locked, full or away (`database.py`) until it answers; who cannot wait so long sets a limit of its own. Times are seconds
since 1970. DBOS keeps its own tables in the same database; nothing here reads them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.jobs.database import POOL_SIZE, Database, is_passing
from bot.jobs.facts import JobFacts
from bot.jobs.model import OVER, Job, JobId, JobState, Json, Request
from bot.jobs.schema.migrate import migrate

T = TypeVar("T")

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0  # between two tries of a call that the database does not take
INBOX_KEPT_S = 24 * 3600.0  # Slack repeats a delivery within minutes; a day leaves room for an outage

metadata = sa.MetaData()

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("asker", sa.Text, nullable=False),
    sa.Column("thread_ts", sa.Text, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("tracks_key", sa.Text),
    sa.Column("result_key", sa.Text),
    sa.Column("cancelled_by", sa.Text, nullable=False, default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Index("jobs_by_state", "state"),
    sa.Index("jobs_by_asker", "team", "asker", "number"),
    sa.Index("jobs_by_tracks", "tracks_key"),
    sa.Index("jobs_by_result", "result_key"),
    sa.Index("jobs_by_thread", "team", "channel", "thread_ts"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("handled_at", sa.Float),
)

posts = sa.Table(
    "posts",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("part", sa.Text, primary_key=True),
    sa.Column("file_ids", sa.JSON, nullable=False),
    sa.Column("ts", sa.Text, nullable=False, default=""),
)

own_files = sa.Table("own_files", metadata, sa.Column("file_id", sa.Text, primary_key=True), sa.Column("job_id", sa.Text))

own_objects = sa.Table("own_objects", metadata, sa.Column("uri", sa.Text, primary_key=True), sa.Column("job_id", sa.Text))

watches = sa.Table(
    "watches",
    metadata,
    sa.Column("team", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("prefix", sa.Text, primary_key=True),
    sa.Column("asker", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("work_id", sa.Text, primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("begun", sa.Integer, nullable=False),
)

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("team", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("auto", sa.Boolean, nullable=False),
)


executors = sa.Table(
    "executors",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("renewed_at", sa.Float, nullable=False),
    sa.Column("storage", sa.Text, nullable=False, server_default=""),
    sa.Column("shown", sa.Integer, nullable=False, server_default="0"),
)

threads = sa.Table(
    "threads",
    metadata,
    sa.Column("team", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("thread_ts", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, nullable=False),
)

duties = sa.Table(
    "duties", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("done_at", sa.Float, nullable=False)
)

totals = sa.Table(
    "totals",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
)

DATABASE_CLOCK = sa.extract("epoch", sa.func.clock_timestamp())  # Postgres: machines' clocks differ, its own is one


@dataclass(frozen=True, slots=True)
class Post:
    """A message that was to be posted: `ts` is "" while nobody knows whether it arrived."""

    file_ids: tuple[str, ...]
    ts: str


@dataclass(frozen=True, slots=True)
class Total:
    """How often something happened, and how many seconds that took together; `kind` and `label` are words of ours."""

    kind: str
    label: str
    count: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Queue:
    """How many jobs wait for their turn, and for how many seconds the oldest has."""

    length: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Watch:
    """A channel that is shown what appears in `bucket` under `prefix`, which "" leaves open."""

    team: str
    channel: str
    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        return f"gs://{self.bucket}/{self.prefix}"


class Store:
    """All reads and writes; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine = database.engine()
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="store")

    async def create_tables(self) -> None:
        """
        Bring the tables to the version that this program knows.

        Raises `OptionError` where the database cannot be used (`Database.prepare`) or is newer (`migrate`).
        """
        await asyncio.get_running_loop().run_in_executor(self._threads, self._database.prepare)
        await self._run(lambda connection: migrate(connection, name=self._database.name))

    def close(self) -> None:
        """Wait for the calls under way, then let the connections go."""
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    async def renew_lease(self, executor_id: str) -> None:
        """Note by the database's clock that a process is at work (Postgres)."""

        def work(connection: sa.Connection) -> None:
            changed = connection.execute(
                sa.update(executors).where(executors.c.id == executor_id).values(renewed_at=DATABASE_CLOCK)
            )
            if not changed.rowcount:
                connection.execute(sa.insert(executors).values(id=executor_id, renewed_at=DATABASE_CLOCK))

        await self._run(work)

    async def end_lease(self, executor_id: str) -> None:
        """Note that a process is at work no longer; whoever looks next takes over what it had."""
        query = sa.update(executors).where(executors.c.id == executor_id).values(renewed_at=0.0)
        await self._run(lambda connection: connection.execute(query))

    async def dead_executors(self, ttl_s: float) -> list[str]:
        """Return the processes whose lease was not renewed for `ttl_s` seconds of the database's clock."""
        query = sa.select(executors.c.id).where(executors.c.renewed_at < DATABASE_CLOCK - ttl_s)
        return await self._run(lambda connection: list(connection.scalars(query)))

    async def forget_executor(self, executor_id: str) -> None:
        """Remove the lease of a process that has left nothing behind; one that was renewed meanwhile stays."""
        query = sa.delete(executors).where(executors.c.id == executor_id)
        await self._run(lambda connection: connection.execute(query))

    async def lease_ages(self) -> dict[str, float]:
        """Return the processes that have a lease, and how many seconds ago each renewed it; on SQLite none has one."""
        if self._database.is_sqlite:
            return {}
        query = sa.select(executors.c.id, DATABASE_CLOCK - executors.c.renewed_at).where(executors.c.renewed_at > 0)
        return await self._run(lambda connection: {row[0]: float(row[1]) for row in connection.execute(query)})

    async def tell_storage(self, executor_id: str, storage: str) -> None:
        """Note which storage a process with a lease sees (`shared_storage.py`)."""
        query = sa.update(executors).where(executors.c.id == executor_id).values(storage=storage)
        await self._run(lambda connection: connection.execute(query))

    async def storages(self, ttl_s: float) -> list[str]:
        """Return what each process sees whose lease is younger than `ttl_s` seconds, and that has told it."""
        query = sa.select(executors.c.storage).where(executors.c.renewed_at >= DATABASE_CLOCK - ttl_s)
        return await self._run(lambda connection: list(connection.scalars(query.where(executors.c.storage != ""))))

    async def share_progress(self, executor_id: str, shown: int, ttl_s: float) -> int:
        """Note how many progress messages a process keeps up to date; return how many all others do together."""
        mine = executors.c.id == executor_id
        changed = sa.update(executors).where(mine, executors.c.shown != shown).values(shown=shown)
        others = sa.select(sa.func.coalesce(sa.func.sum(executors.c.shown), 0)).where(
            ~mine, executors.c.renewed_at >= DATABASE_CLOCK - ttl_s
        )

        def work(connection: sa.Connection) -> int:
            connection.execute(changed)
            return int(connection.execute(others).scalar_one())

        return await self._run(work)

    async def claim_thread(self, thread: tuple[str, str, str], job_id: JobId) -> bool:
        """Give a thread to a job; False while another one has it that is not over."""
        team, channel, thread_ts = thread
        row = {"team": team, "channel": channel, "thread_ts": thread_ts, "job_id": job_id}
        where = (threads.c.team == team, threads.c.channel == channel, threads.c.thread_ts == thread_ts)
        over = sa.exists().where(jobs.c.id == threads.c.job_id, jobs.c.state.in_(OVER))
        taken = sa.update(threads).where(*where, sa.or_(threads.c.job_id == job_id, over)).values(job_id=job_id)
        return await self._run(
            lambda connection: _insert_new(connection, threads, row) or connection.execute(taken).rowcount == 1
        )

    async def forget_threads(self) -> None:
        """Forget who had a thread and is over."""
        over = sa.exists().where(jobs.c.id == threads.c.job_id, jobs.c.state.in_(OVER))
        await self._run(lambda connection: connection.execute(sa.delete(threads).where(over)))

    async def take_duty(self, name: str, every_s: float) -> bool:
        """Return whether this process does now what one of all does every `every_s` seconds (Postgres)."""

        def work(connection: sa.Connection) -> bool:
            if _insert_new(connection, duties, {"name": name, "done_at": DATABASE_CLOCK}):
                return True
            due = sa.update(duties).where(duties.c.name == name, duties.c.done_at < DATABASE_CLOCK - every_s)
            return connection.execute(due.values(done_at=DATABASE_CLOCK)).rowcount == 1

        return await self._run(work)

    async def cancelled_among(self, job_ids: Sequence[JobId]) -> list[JobId]:
        """Return those of some jobs that somebody wants to be stopped."""
        query = sa.select(jobs.c.id).where(jobs.c.id.in_(job_ids), jobs.c.cancelled_by != "")
        return await self._run(lambda connection: [JobId(found) for found in connection.scalars(query)])

    async def add_job(self, job_id: JobId, request: Request, *, attempt: int = 1, now: float | None = None) -> tuple[Job, bool]:
        """Return the job of that id, made from `request` if there was none; True when it is new."""
        at = time.time() if now is None else now
        row = {
            "id": job_id,
            "team": request.team,
            "channel": request.channel,
            "asker": request.user,
            "thread_ts": request.thread_ts,
            "request": request.to_json(),
            "state": JobState.RECEIVED,
            "attempt": attempt,
            "facts": {},
            "cancelled_by": "",
            "created_at": at,
            "updated_at": at,
        }

        def work(connection: sa.Connection) -> tuple[Job, bool]:
            added = _insert_new(connection, jobs, row)
            found = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()
            return _job(found), added

        return await self._run(work)

    async def job(self, job_id: JobId) -> Job | None:
        """Return the job of that id."""
        return await self._run(lambda connection: _first(connection, sa.select(jobs).where(jobs.c.id == job_id)))

    async def job_of_number(self, team: str, number: int) -> Job | None:
        """Return the job that people of `team` call by that number."""
        query = sa.select(jobs).where(jobs.c.number == number, jobs.c.team == team)
        return await self._run(lambda connection: _first(connection, query))

    async def update(
        self, job_id: JobId, *, state: JobState | None = None, facts: JobFacts | None = None, **values: Any
    ) -> None:
        """Change some columns; `facts` are added to those that are there. A state never goes back: what is over stays over."""

        def work(connection: sa.Connection) -> None:
            changes: dict[str, Any] = dict(values, updated_at=time.time())
            # A write first: it takes the lock that what is read below needs to stay true.
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(updated_at=changes["updated_at"]))
            row = connection.execute(sa.select(jobs.c.facts, jobs.c.state).where(jobs.c.id == job_id)).one()
            if facts is not None:
                changes["facts"] = {**row.facts, **facts.to_json()}
            if state is not None and JobState(row.state) not in OVER and state.rank >= JobState(row.state).rank:
                changes["state"] = state
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**changes))

        await self._run(work)

    async def offer(self, job_id: JobId, **places: int) -> Job:
        """
        Note which pictures may be asked for next, by the name of the fact; return the job as it is then.

        A place never goes back, and 0, after which there is nothing more, stays: what is asked for twice, or in another order,
        changes nothing.
        """

        def work(connection: sa.Connection) -> Job:
            # A write first, as in `update`.
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(updated_at=time.time()))
            query = sa.select(jobs).where(jobs.c.id == job_id)
            known = connection.execute(query).one().facts
            ahead = {name: place for name, place in places.items() if _is_ahead(place, known.get(name))}
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(facts={**known, **ahead}))
            return _job(connection.execute(query).one())

        return await self._run(work)

    async def request_cancel(self, job_id: JobId, user: str) -> bool:
        """Note who wants the job stopped; False when it is over already."""
        query = (
            sa.update(jobs)
            .where(jobs.c.id == job_id, jobs.c.state.not_in(OVER))
            .values(cancelled_by=sa.case((jobs.c.cancelled_by == "", user), else_=jobs.c.cancelled_by))
        )
        return await self._run(lambda connection: connection.execute(query).rowcount == 1)

    async def unfinished(self) -> list[Job]:
        """Return every job that is not over, oldest first."""
        query = sa.select(jobs).where(jobs.c.state.not_in(OVER)).order_by(jobs.c.number)
        return await self._run(lambda connection: _all(connection, query))

    async def unfinished_of(self, team: str, user: str | None = None) -> int:
        """Return how many jobs of a workspace, or of one person in it, are not over."""
        query = sa.select(sa.func.count()).where(jobs.c.team == team, jobs.c.state.not_in(OVER))
        if user is not None:
            query = query.where(jobs.c.asker == user)
        return await self._run(lambda connection: int(connection.execute(query).scalar_one()))

    async def unfinished_before(self, job: Job) -> int:
        """Return how many older jobs of the same person are not over."""
        query = sa.select(sa.func.count()).where(
            jobs.c.team == job.request.team,
            jobs.c.asker == job.request.user,
            jobs.c.number < job.number,
            jobs.c.state.not_in(OVER),
        )
        return await self._run(lambda connection: int(connection.execute(query).scalar_one()))

    async def unfinished_by_person(self) -> dict[str, int]:
        """Return how many jobs are not over, by `Request.person`."""
        query = (
            sa.select(jobs.c.team, jobs.c.asker, sa.func.count())
            .where(jobs.c.state.not_in(OVER))
            .group_by(jobs.c.team, jobs.c.asker)
        )
        return await self._run(lambda connection: {f"{team}:{asker}": n for team, asker, n in connection.execute(query)})

    async def last_times(self, limit: int) -> list[float]:
        """Return how many seconds the last jobs that were done worked, without their waiting."""
        query = (
            sa.select(jobs.c.facts["took_s"].as_float())
            .where(jobs.c.state == JobState.DONE)
            .order_by(jobs.c.number.desc())
            .limit(limit)
        )
        return await self._run(lambda connection: [float(each) for each in connection.scalars(query) if each])

    async def oldest_unfinished(self) -> float | None:
        """When the oldest job that is not over was asked for, None where all are."""
        query = sa.select(sa.func.min(jobs.c.created_at)).where(jobs.c.state.not_in(OVER))
        return await self._run(lambda connection: connection.execute(query).scalar())

    async def latest(self, *, team: str, user: str = "", channel: str = "", limit: int = 10) -> list[Job]:
        """Return the newest jobs of one person, or of one channel, newest first."""
        query = sa.select(jobs).where(jobs.c.team == team)
        if user:
            query = query.where(jobs.c.asker == user)
        if channel:
            query = query.where(jobs.c.channel == channel)
        query = query.order_by(jobs.c.number.desc()).limit(limit)
        return await self._run(lambda connection: _all(connection, query))

    async def jobs_of_message(self, team: str, channel: str, ts: str) -> list[Job]:
        """Return the jobs that a message asked for, and those that were asked for below them; oldest first."""
        query = (
            sa.select(jobs)
            .where(jobs.c.team == team, jobs.c.channel == channel, jobs.c.request["message_ts"].as_string() == ts)
            .order_by(jobs.c.number)
        )
        return await self._run(lambda connection: _all(connection, query))

    async def begin(self, work_id: str, step: str) -> int:
        """
        Note that a step of some work begins; how often it began before without an end.

        Each such time the process died in it: an end that is an error, or a stop, is an end (`end`).
        """

        def work(connection: sa.Connection) -> int:
            where = (attempts.c.work_id == work_id, attempts.c.step == step)
            if _insert_new(connection, attempts, {"work_id": work_id, "step": step, "begun": 1}):
                return 0
            connection.execute(sa.update(attempts).where(*where).values(begun=attempts.c.begun + 1))
            return int(connection.execute(sa.select(attempts.c.begun).where(*where)).scalar_one()) - 1

        return await self._run(work)

    async def begun(self, work_id: str, step: str) -> int:
        """Return how often a step began without an end."""
        query = sa.select(attempts.c.begun).where(attempts.c.work_id == work_id, attempts.c.step == step)
        return await self._run(lambda connection: int(connection.execute(query).scalar() or 0))

    async def end(self, work_id: str, step: str) -> None:
        """Note that a step ended, whatever its result."""
        query = sa.delete(attempts).where(attempts.c.work_id == work_id, attempts.c.step == step)
        await self._run(lambda connection: connection.execute(query))

    async def with_same(self, *, tracks_key: str = "", result_key: str = "", but: JobId) -> Job | None:
        """Return the first finished job with the same tracks, or the same result, other than `but`."""
        column, key = (jobs.c.result_key, result_key) if result_key else (jobs.c.tracks_key, tracks_key)
        query = (
            sa.select(jobs)
            .where(column == key, jobs.c.id != but, jobs.c.state == JobState.DONE)
            .order_by(jobs.c.number)
            .limit(1)
        )
        return await self._run(lambda connection: _first(connection, query))

    async def failed_before(self, job_id: JobId) -> Job | None:
        """Return the last job with the same tracks that is over, if it failed; None where it was done or stopped."""
        same = sa.select(jobs.c.tracks_key).where(jobs.c.id == job_id).scalar_subquery()
        query = sa.select(jobs).where(jobs.c.tracks_key == same, jobs.c.id != job_id, jobs.c.state.in_(OVER))
        query = query.order_by(jobs.c.number.desc()).limit(1)
        found = await self._run(lambda connection: _first(connection, query))
        return found if found is not None and found.state is JobState.FAILED else None

    async def changed_since(self, at: float, *, but: JobId) -> list[Job]:
        """Return the jobs other than `but` whose rows were changed at that time or later."""
        query = sa.select(jobs).where(jobs.c.updated_at >= at, jobs.c.id != but)
        return await self._run(lambda connection: _all(connection, query))

    async def jobs_of_thread(self, team: str, channel: str, thread_ts: str) -> list[Job]:
        """Return the jobs that answer in a thread, newest first."""
        query = sa.select(jobs).where(jobs.c.team == team, jobs.c.channel == channel, jobs.c.thread_ts == thread_ts)
        query = query.order_by(jobs.c.number.desc())
        return await self._run(lambda connection: _all(connection, query))

    async def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        query = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        return await self._run(lambda connection: {row[0]: row[1] for row in connection.execute(query)})

    async def queue(self) -> Queue:
        """Return the queue of jobs that nobody has begun."""
        query = sa.select(sa.func.count(), sa.func.min(jobs.c.created_at)).where(jobs.c.state == JobState.RECEIVED)

        def work(connection: sa.Connection) -> Queue:
            length, oldest = connection.execute(query).one()
            return Queue(length, max(time.time() - oldest, 0.0) if length else 0.0)

        return await self._run(work)

    async def add_totals(self, found: Iterable[Total]) -> None:
        """Add numbers to those that all processes have added before."""
        # In one order everywhere: two processes that wait for each other's rows would never end.
        rows = [asdict(each) for each in sorted(found, key=lambda each: (each.kind, each.label))]

        def work(connection: sa.Connection) -> None:
            insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
            for row in rows:
                statement = insert(totals).values(row)
                sums = {name: totals.c[name] + row[name] for name in ("count", "seconds")}
                connection.execute(statement.on_conflict_do_update(index_elements=["kind", "label"], set_=sums))

        if rows:
            await self._run(work)

    async def totals(self) -> list[Total]:
        """Return all that was added up."""
        query = sa.select(totals).order_by(totals.c.kind, totals.c.label)
        return await self._run(lambda connection: [Total(*row) for row in connection.execute(query)])

    async def time_spent(self) -> tuple[int, float]:
        """Return how many jobs were done, and how many seconds that took from question to answer, added up."""
        query = sa.select(sa.func.count(), sa.func.sum(jobs.c.updated_at - jobs.c.created_at)).where(
            jobs.c.state == JobState.DONE
        )

        def work(connection: sa.Connection) -> tuple[int, float]:
            row = connection.execute(query).one()
            return int(row[0]), float(row[1] or 0.0)

        return await self._run(work)

    async def post_count(self) -> int:
        """Return how many messages were posted."""
        query = sa.select(sa.func.count()).select_from(posts).where(posts.c.ts != "")
        return await self._run(lambda connection: int(connection.execute(query).scalar_one()))

    async def receive(self, key: str, payload: Json) -> bool:
        """Keep what came in, durably; False when it had come before."""
        row = {"key": key, "payload": payload, "received_at": time.time()}
        return await self._run(lambda connection: _insert_new(connection, inbox, row))

    async def was_received(self, key: str) -> bool:
        """Return whether something came in under `key`, and is not forgotten yet."""
        query = sa.select(inbox.c.key).where(inbox.c.key == key)
        return await self._run(lambda connection: connection.execute(query).first() is not None)

    async def handled(self, key: str) -> None:
        """What came in under `key` needs no further work."""
        query = sa.update(inbox).where(inbox.c.key == key).values(handled_at=time.time(), payload={})
        await self._run(lambda connection: connection.execute(query))

    async def unhandled(self) -> list[tuple[str, Json]]:
        """Return what came in and was not worked off, oldest first."""
        query = sa.select(inbox.c.key, inbox.c.payload).where(inbox.c.handled_at.is_(None)).order_by(inbox.c.received_at)
        return await self._run(lambda connection: [(row.key, row.payload) for row in connection.execute(query)])

    async def forget_handled(self) -> None:
        """Forget what came in and was worked off longer ago than `INBOX_KEPT_S`."""
        query = sa.delete(inbox).where(inbox.c.handled_at < time.time() - INBOX_KEPT_S)
        await self._run(lambda connection: connection.execute(query))

    async def intend(self, job_id: str, part: str, *, file_ids: Iterable[str] = ()) -> Post | None:
        """
        Say that `part` of a job's thread is about to be posted; what was said before, or None when this is the first time.

        The ids of files are ours from then on, whatever becomes of them.
        """
        ids = list(file_ids)

        def work(connection: sa.Connection) -> Post | None:
            for file_id in ids:
                _insert_new(connection, own_files, {"file_id": file_id, "job_id": job_id})
            if _insert_new(connection, posts, {"job_id": job_id, "part": part, "file_ids": ids, "ts": ""}):
                return None
            return _post(connection, job_id, part)

        return await self._run(work)

    async def post(self, job_id: str, part: str) -> Post | None:
        """Return what is known of one part of a job's thread."""
        return await self._run(lambda connection: _post(connection, job_id, part))

    async def posts_of(self, job_id: str) -> list[Post]:
        """Return what was posted for a job, or is about to be."""
        query = sa.select(posts).where(posts.c.job_id == job_id)
        return await self._run(lambda connection: [Post(tuple(row.file_ids), row.ts) for row in connection.execute(query)])

    async def posted_below(self, prefix: str) -> list[str]:
        """Return the keys of what was posted that begin so."""
        query = sa.select(posts.c.job_id).distinct().where(posts.c.job_id.startswith(prefix, autoescape=True))
        return await self._run(lambda connection: [str(row.job_id) for row in connection.execute(query)])

    async def posted(self, job_id: str, part: str, ts: str) -> None:
        """The part is there, as message `ts`."""
        query = sa.update(posts).where(posts.c.job_id == job_id, posts.c.part == part).values(ts=ts)
        await self._run(lambda connection: connection.execute(query))

    async def withdraw(self, job_id: str, part: str) -> None:
        """Forget an intent that certainly failed, so that it can be tried anew."""
        query = sa.delete(posts).where(posts.c.job_id == job_id, posts.c.part == part, posts.c.ts == "")
        await self._run(lambda connection: connection.execute(query))

    async def is_own_file(self, file_id: str) -> bool:
        """Return whether Tracklet uploaded that file."""
        query = sa.select(own_files.c.file_id).where(own_files.c.file_id == file_id)
        return await self._run(lambda connection: connection.execute(query).first() is not None)

    async def own_files_of(self, job_id: str) -> list[str]:
        """Return the ids of all files that Tracklet uploaded for a job."""
        query = sa.select(own_files.c.file_id).where(own_files.c.job_id == job_id)
        return await self._run(lambda connection: [str(row.file_id) for row in connection.execute(query)])

    async def own(self, job_id: str, uris: Iterable[str]) -> None:
        """Say that these objects are about to be written for a job: no event of theirs starts anything from then on."""
        rows = [{"uri": uri, "job_id": job_id} for uri in uris]

        def work(connection: sa.Connection) -> None:
            for row in rows:
                _insert_new(connection, own_objects, row)

        await self._run(work)

    async def is_own(self, uri: str) -> bool:
        """Return whether an object of that name was ever written for a job."""
        query = sa.select(own_objects.c.uri).where(own_objects.c.uri == uri)
        return await self._run(lambda connection: connection.execute(query).first() is not None)

    async def own_among(self, uris: Sequence[str]) -> set[str]:
        """Return those of `uris` that were ever written for a job."""
        query = sa.select(own_objects.c.uri).where(own_objects.c.uri.in_(uris))
        return await self._run(lambda connection: set(connection.execute(query).scalars()))

    async def watch(self, watch: Watch, user: str) -> bool:
        """Note what a channel watches; False when it did before."""
        row = {**asdict(watch), "asker": user, "created_at": time.time()}
        return await self._run(lambda connection: _insert_new(connection, watches, row))

    async def unwatch(self, team: str, channel: str, *, bucket: str = "", prefix: str = "") -> int:
        """Forget one watch of a channel, or all where no `bucket` is given; how many there were."""
        query = sa.delete(watches).where(watches.c.team == team, watches.c.channel == channel)
        if bucket:
            query = query.where(watches.c.bucket == bucket, watches.c.prefix == prefix)
        return await self._run(lambda connection: int(connection.execute(query).rowcount))

    async def watches_of(self, team: str, channel: str) -> list[Watch]:
        """Return what a channel watches, oldest first."""
        return await self._watches(watches.c.team == team, watches.c.channel == channel)

    async def watchers(self, bucket: str, name: str) -> list[Watch]:
        """Return who watches an object, each channel once."""
        found = [watch for watch in await self._watches(watches.c.bucket == bucket) if name.startswith(watch.prefix)]
        return list({(watch.team, watch.channel): watch for watch in found}.values())

    async def _watches(self, *where: sa.ColumnElement[bool]) -> list[Watch]:
        query = sa.select(watches).where(*where).order_by(watches.c.created_at)
        return await self._run(
            lambda connection: [Watch(row.team, row.channel, row.bucket, row.prefix) for row in connection.execute(query)]
        )

    async def set_auto(self, team: str, channel: str, auto: bool) -> None:
        """Whether videos shared in that channel are tracked unasked."""
        row = {"team": team, "channel": channel, "auto": auto}

        def work(connection: sa.Connection) -> None:
            if not _insert_new(connection, channels, row):
                where = (channels.c.team == team, channels.c.channel == channel)
                connection.execute(sa.update(channels).where(*where).values(auto=auto))

        await self._run(work)

    async def auto(self, team: str, channel: str) -> bool:
        """Inviting the bot is the opt-in: on until somebody says otherwise."""
        query = sa.select(channels.c.auto).where(channels.c.team == team, channels.c.channel == channel)
        found = await self._run(lambda connection: connection.execute(query).scalar())
        return True if found is None else bool(found)

    async def ping(self) -> None:
        """Raise where the database does not answer now."""
        await self._once(lambda connection: connection.execute(sa.select(1)))

    async def _run(self, work: Callable[[sa.Connection], T]) -> T:
        """Return the result of `work` in a transaction, once the database takes it. Raises what no waiting mends."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return await self._once(work)
            except sa.exc.SQLAlchemyError as fault:
                if not is_passing(fault):
                    raise
                self._database.make_room(fault)
                if pause_s == FIRST_PAUSE_S:
                    # The cause alone: the whole text would quote a row.
                    logger.warning("the database does not take a call (%s); trying again", getattr(fault, "orig", None))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _once(self, work: Callable[[sa.Connection], T]) -> T:
        def transaction() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, transaction)


def _is_ahead(place: int, known: int | None) -> bool:
    """Return whether a place comes after the `known` one, None where none is; 0 comes after all."""
    return known is None or (known != 0 and (place == 0 or place > known))


def _insert_new(connection: sa.Connection, table: sa.Table, row: Json) -> bool:
    """Insert a row unless its key is taken; True when it was inserted."""
    if connection.dialect.name == "sqlite":
        statement: sa.Insert = sqlite.insert(table).values(row).on_conflict_do_nothing()
    else:
        statement = postgresql.insert(table).values(row).on_conflict_do_nothing()
    # SQLAlchemy asks psycopg for the count of an INSERT only when told to.
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def _post(connection: sa.Connection, job_id: str, part: str) -> Post | None:
    row = connection.execute(sa.select(posts).where(posts.c.job_id == job_id, posts.c.part == part)).first()
    return Post(tuple(row.file_ids), row.ts) if row else None


def _first(connection: sa.Connection, query: sa.Select[Any]) -> Job | None:
    row = connection.execute(query).first()
    return _job(row) if row else None


def _all(connection: sa.Connection, query: sa.Select[Any]) -> list[Job]:
    return [_job(row) for row in connection.execute(query)]


def _job(row: sa.Row[Any]) -> Job:
    return Job(
        id=JobId(row.id),
        number=row.number,
        request=Request.from_json(row.request),
        state=JobState(row.state),
        attempt=row.attempt,
        thread_ts=row.thread_ts,
        facts=JobFacts.from_json(row.facts),
        error=row.error,
        cancelled_by=row.cancelled_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
