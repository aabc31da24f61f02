"""
DBOS under our own small port: submit, cancel, start, stop.

Workflows live in our database and run on the event loop that calls `Runtime.start`. On SQLite there is one process, called
"local", so a restart goes on at once with what it left; on Postgres there are any number, each with a name of its own and a
lease (`leases.py`). The application version is pinned: DBOS
would otherwise leave every job behind that an older source had begun. Bump `APPLICATION_VERSION` when the steps of
`workflow.py` change their order or meaning.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID
from dbos import error as dbos_error

from bot.jobs.database import IDLE_TRANSACTION_S, Database
from bot.jobs.model import JobId
from bot.settings import Settings

logger = logging.getLogger(__name__)

APPLICATION_NAME = "tracklet"
APPLICATION_VERSION = "1"
QUEUE = "people"  # a part for each person, so that nobody's jobs take all places
QUEUE_BEFORE = "jobs"  # rows of version 0.1.0 lie here, without a person: what is left of them is still taken
JOBS_AT_ONCE = 200  # a job waits for most of its life; fetching and CPU have bounds of their own
POLL_S = 0.2  # how long a job may lie before somebody takes it
RECOVERIES = 1000  # each restart counts as one; a job must not die of many
DRAIN_S = 5  # each job at work notes that its step ended; ten seconds are all that a container gets
FORGOTTEN_AT_ONCE = 500

Body = Callable[[JobId], Awaitable[str]]


class Runtime:
    """One process's share of the work."""

    def __init__(
        self, settings: Settings, database: Database, body: Body, *, executor_id: str = "local", takes_work: bool = True
    ) -> None:
        self._executor_id = executor_id
        self._takes_work = takes_work
        self._settings = settings
        self._engine = database.engine_for_dbos()
        self._body = body
        self._tasks: set[asyncio.Task[object]] = set()
        self._stopping = False
        self._launched = False

    async def start(self) -> None:
        """Open the database, go on with what was left, and take new work."""
        config: DBOSConfig = {
            "name": APPLICATION_NAME,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._executor_id,
            "system_database_url": self._settings.database,
            "system_database_engine": self._engine,
            "sys_db_idle_transaction_timeout_sec": IDLE_TRANSACTION_S,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
        }
        DBOS.destroy(destroy_registry=True)
        DBOS(config=config)

        @DBOS.workflow(name="job", max_recovery_attempts=RECOVERIES)
        async def job(job_id: str) -> str:
            return await self._run(JobId(job_id))

        self._workflow = job
        if not self._takes_work:
            DBOS.listen_queues([])
        DBOS.launch()
        self._launched = True
        await DBOS.register_queue_async(
            QUEUE,
            worker_concurrency=JOBS_AT_ONCE,
            partition_worker_concurrency=self._settings.jobs_at_once_per_person,
            polling_interval_sec=POLL_S,
        )
        await DBOS.register_queue_async(QUEUE_BEFORE, worker_concurrency=self._settings.jobs_at_once_per_person)

    async def submit(self, job_id: JobId, *, person: str) -> None:
        """Durably ask for the job to be done, among those of `person`; asking again changes nothing."""
        with SetWorkflowID(job_id), SetEnqueueOptions(queue_partition_key=person):
            await DBOS.enqueue_workflow_async(QUEUE, self._workflow, job_id)

    async def recover(self, executor_id: str) -> bool:
        """Put the jobs of a process that is gone back into the queue; True when it has none left."""

        def work() -> bool:
            # Private, and alone in seeing to it that the jobs are still that process's (docs/jobs.md, "Several processes").
            DBOS._recover_pending_workflows([executor_id])
            return not DBOS.list_workflows(executor_id=executor_id, status="PENDING", load_input=False, load_output=False)

        return await asyncio.to_thread(work)

    async def wake(self, job_id: JobId, topic: str) -> None:
        """End a job's wait early; a job that does not wait, or is over, does not mind."""
        try:
            await DBOS.send_async(job_id, {}, topic)
        except dbos_error.DBOSNonExistentWorkflowError:
            logger.info("a job was to be woken that is not there")

    async def has_ended(self, job_id: JobId) -> bool:
        """Return whether the job's workflow is there and over: done, failed, or given up."""
        status = await DBOS.get_workflow_status_async(job_id)
        return status is not None and status.status not in {"PENDING", "ENQUEUED", "DELAYED"}

    async def stop(self) -> None:
        """
        Leave the work that is under way as it is recorded, for the next start.

        What a step had not finished runs again then; its children are killed with it.
        """
        if not self._launched or self._stopping:
            return
        self._stopping = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await asyncio.gather(*tasks, return_exceptions=True)
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def destroy() -> None:
            try:
                DBOS.destroy(destroy_registry=True)
            except Exception:
                logger.exception("the job engine did not end cleanly")
            finally:
                loop.call_soon_threadsafe(done.set_result, None)

        # Not on the loop's default executor: that is DBOS's own by now, and ends here.
        threading.Thread(target=destroy, name="end of jobs").start()
        await done
        if self._engine is not None:
            self._engine.dispose()
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="after jobs"))

    async def _run(self, job_id: JobId) -> str:
        task = asyncio.current_task()
        assert task is not None
        if self._stopping:
            raise asyncio.CancelledError
        self._tasks.add(task)
        try:
            return await self._body(job_id)
        finally:
            self._tasks.discard(task)


async def forget_workflows(before: float) -> int:
    """Remove workflows that ended before then, with their steps; how many, `FORGOTTEN_AT_ONCE` at most."""
    at = datetime.fromtimestamp(before, UTC).isoformat()
    found = await DBOS.list_workflows_async(completed_before=at, limit=FORGOTTEN_AT_ONCE, load_input=False, load_output=False)
    if found:
        await DBOS.delete_workflows_async([workflow.workflow_id for workflow in found])
    return len(found)
