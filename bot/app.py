"""
The composition root: reads the settings, builds the parts, joins them, and ends them in order.

Everything that lives as long as the bot is made here and nowhere else, by one builder for each part: `build_storage`,
`build_slack`, `build_jobs`, and `build_listeners` for what answers people. Each puts what must end on the stack that it is
given. `Bot` joins all of them, for the command line and for tests, and `serve` runs it until the system asks it to end; a
worker joins the first three.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.database import Database, held_alone, make_private
from bot.jobs.leases import DEFAULT_LEASE_TIMES, Leases, LeaseTimes, new_executor_id
from bot.jobs.model import Job, Json
from bot.jobs.paths import JobPaths
from bot.jobs.ports import JobReporter, NullReporter
from bot.jobs.processes import ProcessPool, TaskRunner, unless_cancelled
from bot.jobs.remote import RemoteTracking
from bot.jobs.reserve import LEAST_FREE_BYTES, free_bytes
from bot.jobs.retention import Retention, remove_leftovers
from bot.jobs.runtime import Runtime, forget_workflows
from bot.jobs.service import JobService
from bot.jobs.shared_storage import differing, marked, seen_by
from bot.jobs.steps import FILE_PAUSES_S
from bot.jobs.store import Store, Total
from bot.jobs.workflow import Workflow
from bot.knowledge_graph import KNOWLEDGE_GRAPH, EntityDirectory
from bot.process.calls import CALLS
from bot.process.watchdog import Watchdog
from bot.settings import SLACK_API_URL, Settings
from bot.slack.actions import Actions
from bot.slack.answers import Answers
from bot.slack.api import RateLimitHandler
from bot.slack.commands import CommandRunner, Commands
from bot.slack.errors import SlackRefused
from bot.slack.identity import TOKEN_S, Identity, TokenCheck, check_tokens, identify, socket_address, token_refusal
from bot.slack.inbox import Inbox, Taken
from bot.slack.listeners import Handlers, listen
from bot.slack.lookups import SlackLookups
from bot.slack.modal import Modal, start_submitted
from bot.slack.named_videos import NamedVideos
from bot.slack.payloads import asker_of
from bot.slack.posting import SHARE_S, ThreadPoster
from bot.slack.progress import ProgressBoard
from bot.slack.respond import Responder
from bot.slack.shares import GRACE_S, Shares
from bot.slack.withdrawals import WITHDRAWAL, Withdrawals
from bot.texts import start
from bot.texts.doctor import storage_differs
from bot.texts.slack import given_up, refused
from bot.web import health, metrics
from bot.web.objects import ObjectEvents
from bot.web.oidc import OidcVerifier
from bot.web.server import HttpLimits, HttpServer
from bot.web.slack_requests import slack_route
from bot.web.trigger_auth import TriggerAuth, is_for_this_machine_alone
from bot.web.triggers import trigger_routes
from tracking.engines.base import RemoteEngine
from tracking.engines.remote import PATIENCE, Patience
from tracking.errors import Cancelled, OptionError
from tracking.sources.addresses import AddressPolicy
from tracking.sources.download import Fetcher, FetchLimits
from tracking.storage.access import BucketAccess
from tracking.storage.base import Root, Storage
from tracking.storage.bucket import Bucket, GoogleStorage
from tracking.storage.passing import keep_removing_forgotten
from tracking.storage.roots import open_root

logger = logging.getLogger(__name__)

SLACK_TIMEOUT_S = 30.0
RATE_LIMIT_TRIES = 8  # each waits as long as Slack says
SOCKET_CHECK_S = 10.0
SOCKET_PING_S = 10.0  # one that stays without an answer ends a connection that has become deaf
SOCKET_CONNECT_S = 15.0  # after that, another address is asked for
SOCKET_REFUSALS = 3  # one after the other; a single one may be a fault of Slack's that passes
CLOSE_S = 2.0
DAY_S = 86_400.0
STORED_AGAIN_S = 60.0  # between two looks at all files of the data folder
OTHERS_WRITE_S = 7200.0  # what another process may be at one file


@dataclass(frozen=True, slots=True)
class Timeouts:
    """
    How long to wait for others, in seconds.

    `token_s` from one look at the token to the next, `file_event_s` for the message of a shared file, `share_s` for a file of
    ours to be shared, `file_pauses_s` from one look at a file that is not ready to the next; `remote` is for a remote engine.
    """

    token_s: float = TOKEN_S
    file_event_s: float = GRACE_S
    share_s: float = SHARE_S
    file_pauses_s: tuple[float, ...] = FILE_PAUSES_S
    remote: Patience = PATIENCE


DEFAULT_TIMEOUTS = Timeouts()
DEFAULT_HTTP_LIMITS = HttpLimits()


@dataclass(frozen=True, slots=True)
class StorageParts:
    """What outlives a process: the database, the job's own files, and the three roots."""

    database: Database
    store: Store
    paths: JobPaths
    storage: Storage
    access: BucketAccess
    seen: str
    """What the other processes on the database should see as well (`shared_storage.py`); "" where there are none."""

    def retention(self, settings: Settings) -> Retention:
        """Return what removes what is too old."""
        results_kept_s = settings.results_kept_days * DAY_S or None
        cache_kept_s = settings.cache_kept_days * DAY_S
        return Retention(
            store=self.store,
            places=self.paths,
            forget_workflows=forget_workflows,
            reserve=self.database.reserve,
            kept_s=cache_kept_s,
            kept_bytes=settings.cache_bytes,
            results_kept_s=results_kept_s,
            annotations_kept_s=cache_kept_s if isinstance(self.storage.annotations, Bucket) else results_kept_s,
            folder=marked(self.paths.data) if self.seen else "",
        )


@dataclass(frozen=True, slots=True)
class SlackParts:
    """One workspace as the jobs need it: who the bot is there, what can be asked, and where is posted."""

    session: aiohttp.ClientSession
    client: AsyncWebClient
    identity: Identity
    lookups: SlackLookups
    responder: Responder
    poster: ThreadPoster


@dataclass(frozen=True, slots=True)
class JobParts:
    """What does the work."""

    workflow: Workflow
    runtime: Runtime
    service: JobService
    leases: Leases | None
    """None where this process has the database for itself."""

    async def start(self, ending: AsyncExitStack) -> None:
        """Go on with what was left, and take work."""
        if self.leases is None:
            await self.workflow.prepare()
            await self.runtime.start()
            return
        # The lease first, for nobody would find the jobs of a process that dies without one.
        await self.leases.start()
        await self.runtime.start()
        ending.push_async_callback(_ended, asyncio.create_task(self.workflow.keep_looking_for_cancels()))


@dataclass(frozen=True, slots=True)
class ListenerParts:
    """What answers people; `removed` is set when the workspace has removed the app."""

    app: AsyncApp
    inbox: Inbox
    removed: asyncio.Event


class Bot:
    """The running bot. `start`, then `stop`; not to be started twice."""

    def __init__(
        self,
        settings: Settings,
        *,
        children: TaskRunner | None = None,
        patience: Timeouts = DEFAULT_TIMEOUTS,
        knowledge_graph: str = KNOWLEDGE_GRAPH,
        http_limits: HttpLimits = DEFAULT_HTTP_LIMITS,
        watchdog: Watchdog | None = None,
        takes_work: bool = True,
        lease_times: LeaseTimes = DEFAULT_LEASE_TIMES,
    ) -> None:
        self._takes_work = takes_work
        self._lease_times = lease_times
        self.settings = settings
        self._http_limits = http_limits
        self._children = children or ProcessPool(settings.child_slots)
        self._patience = patience
        self._knowledge_graph = knowledge_graph
        self._watchdog = watchdog
        self._ending = AsyncExitStack()
        self._socket: AsyncSocketModeHandler | None = None
        self._refused = asyncio.Event()
        self._refusal = ""
        self.port = 0

    @property
    def url(self) -> str:
        """Return where the bot listens."""
        host = self.settings.http_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> None:
        """Build all parts, go on with what was left, and take requests. Raises `OptionError`, `SlackError`."""
        try:
            await self._start()
        except BaseException:
            await self._ending.aclose()
            raise

    async def stop(self) -> None:
        """Take nothing new, leave running jobs as they are recorded, and let everything go."""
        await self._ending.aclose()

    async def wait_until_refused(self) -> None:
        """Wait for as long as the bot can hear Slack. Raises `OptionError` once Slack has taken back the app token."""
        await self._refused.wait()
        raise OptionError("SLACK_APP_TOKEN", "", start.app_token_refused(self._refusal))

    async def _start(self) -> None:
        settings, ending = self.settings, self._ending
        check(settings)
        # Whatever hinders the start is found before anything is changed or any job goes on.
        server = await self._bound()

        # What is made last ends first: requests stop before jobs, jobs before the database.
        storage = await build_storage(settings, ending)
        slack = await build_slack(
            settings, ending, store=storage.store, knowledge_graph=self._knowledge_graph, share_s=self._patience.share_s
        )
        app_token = settings.slack_app_token.get_secret_value()
        socket = await socket_address(slack.client, app_token) if app_token else None
        jobs = build_jobs(
            settings,
            ending,
            storage=storage,
            slack=slack,
            children=self._children,
            file_pauses_s=self._patience.file_pauses_s,
            patience=self._patience.remote,
            takes_work=self._takes_work,
            lease_times=self._lease_times,
        )
        listeners = build_listeners(settings, ending, storage=storage, slack=slack, jobs=jobs, timeouts=self._patience)
        triggers = _triggers(settings, storage=storage, slack=slack, jobs=jobs)

        await jobs.start(ending)
        if self._watchdog is not None:
            # Before anything of an earlier start goes on: that may be what the program stood still at.
            ending.push_async_callback(self._watchdog.stop)
            await self._watchdog.start()
        await jobs.service.tend()
        await listeners.inbox.resume()
        ending.push_async_callback(_ended, asyncio.create_task(storage.retention(settings).run()))
        if isinstance(videos := storage.storage.videos, Bucket):
            ending.push_async_callback(_ended, asyncio.create_task(keep_removing_forgotten(videos)))
        ending.push_async_callback(_ended, asyncio.create_task(jobs.service.keep_tending()))
        token = TokenCheck(slack.client, again_s=self._patience.token_s)
        await self._listen(server, listeners, storage, triggers, token)
        if settings.uses_socket_mode:
            self._connect(listeners.app, slack.client, socket)

    async def _bound(self) -> HttpServer:
        """Return a server that has its port. Raises `OptionError`."""
        server = HttpServer(self._http_limits)
        self._ending.push_async_callback(server.close)
        try:
            await server.bind(self.settings.http_host, self.settings.http_port)
        except (OSError, UnicodeError) as error:
            raise _not_listening(self.settings, error) from error
        self.port = server.port
        return server

    async def _listen(
        self,
        server: HttpServer,
        listeners: ListenerParts,
        storage: StorageParts,
        triggers: list[web.AbstractRouteDef],
        token: TokenCheck,
    ) -> None:
        store = storage.store

        async def database() -> bool:
            await store.ping()
            return True

        async def disk() -> bool:
            return await asyncio.to_thread(free_bytes, self.settings.data_dir) >= LEAST_FREE_BYTES

        async def slack() -> bool:
            if listeners.removed.is_set() or not await token.is_good():
                return False
            return self._socket is None or await self._socket.client.is_connected()

        stored = health.Look(partial(metrics.stored_in, storage.paths), again_s=STORED_AGAIN_S)
        server.app.on_cleanup.append(stored.close)

        async def figures() -> bytes:
            await add_up_calls(store)
            found = await metrics.look(store)
            return await metrics.exposition(found, self._children, stored=await stored.get(), data_dir=self.settings.data_dir)

        if secret := self.settings.slack_signing_secret.get_secret_value():
            server.app.router.add_routes([slack_route(listeners.app, signing_secret=secret)])
        server.app.router.add_routes(triggers)
        health.add_to(
            server.app,
            figures=figures,
            checks={"database": database, "disk": disk, "slack": slack},
            again_s=self._http_limits.look_s,
        )
        self._ending.push_async_callback(server.close)
        try:
            await server.start()
        except OSError as error:
            raise _not_listening(self.settings, error) from error

    def _connect(self, app: AsyncApp, client: AsyncWebClient, address: str | None) -> None:
        """
        Open Socket Mode at `address` beside the rest, and open it again whenever it is gone.

        The client tries one address again and again, although each works once: after an outage it stays deaf (bolt-python issue
        1529). So the address is forgotten at each look, and no attempt lasts for ever. A token that Slack has refused
        `SOCKET_REFUSALS` times ends it: no waiting mends that.
        """
        token = self.settings.slack_app_token.get_secret_value()
        log = logging.getLogger("slack_sdk.socket_mode")
        handler = AsyncSocketModeHandler(app, token, web_client=client, logger=log, ping_interval=SOCKET_PING_S)
        handler.client.wss_uri = address
        self._socket = handler

        async def close() -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt types few of its methods

        self._ending.push_async_callback(close)

        async def stay_connected() -> None:
            first, refusals = address is not None, 0
            while refusals < SOCKET_REFUSALS:
                if not await handler.client.is_connected():
                    logger.info("opening a connection to Slack")
                    has_address, first = first, False
                    try:
                        async with asyncio.timeout(SOCKET_CONNECT_S):
                            if has_address:
                                await handler.client.connect()  # type: ignore[no-untyped-call]  # as above
                            else:
                                handler.client.wss_uri = None
                                await handler.client.connect_to_new_endpoint()
                        refusals = 0
                    except Exception as error:
                        reason = token_refusal(error)
                        refusals = refusals + 1 if reason else 0
                        self._refusal = reason
                        # Not its text: it may hold the address, which is a secret while it works.
                        logger.warning("no connection to Slack (%s); trying again", type(error).__name__)
                await asyncio.sleep(SOCKET_CHECK_S)
            self._refused.set()

        self._ending.push_async_callback(_ended, asyncio.create_task(stay_connected()))


async def build_storage(settings: Settings, ending: AsyncExitStack) -> StorageParts:
    """Open the database and the roots, and remove what a killed process left. Raises `OptionError`."""
    await asyncio.to_thread(make_private, settings.data_dir)
    if settings.uses_sqlite:
        ending.enter_context(held_alone(settings.data_dir))
    given = bool(settings.database_url.get_secret_value())
    database = Database(settings.database, setting="TRACKLET_DATABASE_URL" if given else "TRACKLET_DATA_DIR")
    store = Store(database)
    ending.callback(store.close)
    await store.create_tables()
    paths = JobPaths(settings.data_dir)
    older_than_s = 0.0 if settings.uses_sqlite else OTHERS_WRITE_S
    await asyncio.to_thread(partial(remove_leftovers, paths, older_than_s=older_than_s))
    google = GoogleStorage(called=partial(CALLS.add, "storage"))
    ending.push_async_callback(google.close)
    storage = open_storage(settings, google)
    own_buckets = [root.name for root in (storage.videos, storage.annotations, storage.objects) if isinstance(root, Bucket)]
    access = BucketAccess(google, allowed=settings.allowed_buckets or own_buckets)
    seen = "" if settings.uses_sqlite else await asyncio.to_thread(seen_by, storage, data_dir=settings.data_dir)
    return StorageParts(database=database, store=store, paths=paths, storage=storage, access=access, seen=seen)


async def add_up_calls(store: Store) -> None:
    """Add what this process has called to the figures of all."""
    taken = CALLS.take()
    try:
        await store.add_totals(Total(metrics.CALLS_TOTAL, " ".join(labels), count) for labels, count in taken.items())
    except BaseException:
        CALLS.put_back(taken)
        raise


async def build_slack(
    settings: Settings, ending: AsyncExitStack, *, store: Store, knowledge_graph: str, share_s: float
) -> SlackParts:
    """Connect to the workspace and see who the bot is there. Raises `SlackError`."""
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SLACK_TIMEOUT_S))
    ending.push_async_callback(session.close)
    client = AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        session=session,
        retry_handlers=[RateLimitHandler(max_retry_count=RATE_LIMIT_TRIES)],
    )
    identity = await identify(client)
    # Files come from Slack itself; a workspace on this machine is excepted because it was configured.
    own = (urlsplit(settings.slack_api_url).hostname or "",) if settings.slack_api_url != SLACK_API_URL else ()
    files = Fetcher(policy=AddressPolicy(own), limits=FetchLimits(max_bytes=settings.max_video_bytes))
    ending.push_async_callback(files.close)
    lookups = SlackLookups(client, fetcher=files, api_url=settings.slack_api_url)
    entities = EntityDirectory(session, key=settings.knowledge_graph_key.get_secret_value(), url=knowledge_graph)
    responder = Responder(session, client)
    poster = ThreadPoster(
        store=store,
        client=client,
        session=session,
        responder=responder,
        describe=entities.descriptions,
        share_s=share_s,
    )
    ending.push_async_callback(poster.board.close)
    return SlackParts(session=session, client=client, identity=identity, lookups=lookups, responder=responder, poster=poster)


def build_jobs(
    settings: Settings,
    ending: AsyncExitStack,
    *,
    storage: StorageParts,
    slack: SlackParts,
    children: TaskRunner,
    file_pauses_s: Sequence[float] = FILE_PAUSES_S,
    patience: Patience = PATIENCE,
    takes_work: bool = True,
    lease_times: LeaseTimes = DEFAULT_LEASE_TIMES,
) -> JobParts:
    """Join the workflow, its runtime and the service that is asked; the runtime is not started. Raises `OptionError`."""
    if settings.uses_sqlite and not takes_work:
        raise OptionError("TRACKLET_DATABASE_URL", "SQLite", start.several_processes_need_postgres())
    links = Fetcher(policy=AddressPolicy(settings.allowed_hosts), limits=FetchLimits(max_bytes=settings.max_video_bytes))
    ending.push_async_callback(links.close)
    silent = NullReporter()

    def reporter(job: Job) -> JobReporter:
        return slack.poster if job.request.channel else silent

    remote = RemoteTracking(storage=storage.storage, store=storage.store, open_engine=partial(_open_engine, settings))
    ending.push_async_callback(remote.close)
    workflow = Workflow(
        storage=storage.storage,
        access=storage.access,
        remote=remote,
        settings=settings,
        store=storage.store,
        children=children,
        fetcher=links,
        shared=slack.lookups,
        reporter=reporter,
        file_pauses_s=file_pauses_s,
        patience=patience,
    )
    executor_id = "local" if settings.uses_sqlite else new_executor_id()
    runtime = Runtime(settings, storage.database, workflow.run, executor_id=executor_id, takes_work=takes_work)
    beaten = _beaten(storage, slack.poster.board, lease_times)
    leases = None
    if not settings.uses_sqlite:
        leases = Leases(storage.store, executor_id, runtime.recover, beaten=beaten, times=lease_times)
        ending.push_async_callback(leases.stop)  # after the runtime: what this process has begun is never without a lease
    ending.push_async_callback(runtime.stop)
    service = JobService(
        store=storage.store,
        runtime=runtime,
        pipeline=workflow,
        settings=settings,
        slots=children.slots,
        takes_work=takes_work,
    )
    ending.push_async_callback(service.close)
    return JobParts(workflow=workflow, runtime=runtime, service=service, leases=leases)


def _beaten(storage: StorageParts, board: ProgressBoard, times: LeaseTimes) -> Callable[[str], Awaitable[None]]:
    """Return what a process does at each beat of its lease: tell the others of itself, and hear of them."""
    is_told = False

    async def beaten(executor_id: str) -> None:
        nonlocal is_told
        if not is_told:
            await storage.store.tell_storage(executor_id, storage.seen)
            if differ := differing(await storage.store.storages(times.ttl_s)):
                logger.error("%s", storage_differs(differ))
            is_told = True
        board.elsewhere = await storage.store.share_progress(executor_id, len(board), times.ttl_s)
        await add_up_calls(storage.store)

    return beaten


def build_listeners(
    settings: Settings,
    ending: AsyncExitStack,
    *,
    storage: StorageParts,
    slack: SlackParts,
    jobs: JobParts,
    timeouts: Timeouts,
) -> ListenerParts:
    """Join what answers people in Slack; a worker alone has none of it."""
    store, identity = storage.store, slack.identity
    responder = slack.responder
    answers = Answers(
        store=store, jobs=jobs.service, directory=slack.lookups, access=storage.access, workspace_url=identity.url
    )

    async def keep(kind: str, key: str, payload: Json) -> Taken:
        return await inbox.take(kind, key, payload)

    named = NamedVideos(store=store, client=slack.client, bot_user=identity.bot_user)
    shares = Shares(
        store=store,
        jobs=jobs.service,
        directory=slack.lookups,
        thread=slack.poster,
        client=slack.client,
        responder=responder,
        answers=answers,
        named=named,
        keep=keep,
        bot_user=identity.bot_user,
        slack_host=identity.host,
        grace_s=timeouts.file_event_s,
        file_pauses_s=timeouts.file_pauses_s,
    )
    actions = Actions(
        store=store,
        jobs=jobs.service,
        directory=slack.lookups,
        thread=slack.poster,
        shares=shares,
        responder=responder,
        client=slack.client,
    )
    runner = CommandRunner(
        store=store,
        jobs=jobs.service,
        directory=slack.lookups,
        answers=answers,
        shares=shares,
        named=named,
        responder=responder,
        slack_host=identity.host,
    )

    async def tell(payload: Json, text: str) -> None:
        if (asker := asker_of(payload, bot_user=identity.bot_user)) is not None:
            await responder.tell(
                asker.user, text, response_url=asker.response_url, channel=asker.channel, thread_ts=asker.thread_ts
            )

    async def apologise(payload: Json) -> None:
        await tell(payload, given_up())

    async def tell_refusal(payload: Json, refusal: SlackRefused) -> None:
        await tell(payload, refused(refusal))

    inbox = Inbox(
        store,
        {
            "message": shares.message,
            "mention": shares.mention,
            "file": shares.file,
            "shortcut": shares.shortcut,
            "click": actions.click,
            "command": runner.run,
            "form": partial(start_submitted, jobs.service),
            WITHDRAWAL: Withdrawals(store=store, jobs=jobs.service, thread=slack.poster).withdraw,
        },
        apologise=apologise,
        tell_refusal=tell_refusal,
    )
    ending.push_async_callback(inbox.close)
    commands = Commands(answers=answers, jobs=jobs.service, responder=responder, inbox=inbox, slack_host=identity.host)
    ending.push_async_callback(commands.close)
    removed = asyncio.Event()

    async def on_removed() -> None:
        removed.set()
        logger.error("the app was removed from its workspace, or its token revoked; its jobs are stopped")
        for job in await store.unfinished():
            await jobs.service.cancel(job, "")

    app = _bolt_app(settings, slack)
    handlers = Handlers(
        store=store,
        inbox=inbox,
        commands=commands,
        modal=Modal(directory=slack.lookups, responder=responder, inbox=inbox, slack_host=identity.host),
        team=identity.team,
        bot_user=identity.bot_user,
        workspace_url=identity.url,
        on_removed=on_removed,
    )
    listen(app, handlers)
    return ListenerParts(app=app, inbox=inbox, removed=removed)


def _bolt_app(settings: Settings, slack: SlackParts) -> AsyncApp:
    identity = slack.identity

    async def authorize(**_: object) -> AuthorizeResult:
        # Known since the start: asking auth.test for each request would cost part of the three seconds.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team,
            bot_user_id=identity.bot_user,
            bot_id=identity.bot_id,
            bot_token=slack.client.token,
        )

    return AsyncApp(
        name="tracklet",
        logger=logging.getLogger("slack_bolt"),
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        # Without the token, which `authorize` gives.
        client=AsyncWebClient(
            base_url=settings.slack_api_url, session=slack.session, retry_handlers=list(slack.client.retry_handlers)
        ),
        authorize=authorize,
        # `slack_route` has done it, before anything was parsed.
        request_verification_enabled=False,
    )


def _triggers(settings: Settings, *, storage: StorageParts, slack: SlackParts, jobs: JobParts) -> list[web.AbstractRouteDef]:
    objects = ObjectEvents(store=storage.store, jobs=jobs.service, storage=storage.storage)
    auth = TriggerAuth(
        token=settings.trigger_token.get_secret_value(),
        oidc=OidcVerifier(slack.session, audience=settings.oidc_audience, service_account=settings.oidc_service_account)
        if settings.oidc_audience or settings.oidc_service_account
        else None,
        serves_this_machine=is_for_this_machine_alone(
            http_host=settings.http_host,
            public_url=settings.public_url,
            slack_comes_in=not settings.uses_socket_mode,
            slack_api_url=settings.slack_api_url,
        ),
    )
    return trigger_routes(objects.on_object, objects.on_request, auth=auth)


async def _open_engine(settings: Settings) -> RemoteEngine:
    from tracking.engines.video_intelligence import VideoIntelligenceEngine, VideoIntelligenceOptions

    return await VideoIntelligenceEngine.open(
        VideoIntelligenceOptions(
            location=settings.location, model=settings.google_model, endpoint=settings.video_intelligence_endpoint
        )
    )


def open_storage(settings: Settings, google: GoogleStorage) -> Storage:
    """Return the three roots: buckets where they are set, else folders in the data folder. Raises `OptionError`."""

    def root(setting: str, folder: str, option: str) -> Root:
        return open_root(setting or str(settings.data_dir.resolve() / folder), google=google, option=option)

    return Storage(
        videos=root(settings.video_bucket, "videos", "TRACKLET_VIDEO_BUCKET"),
        annotations=root(settings.annotation_bucket, "annotations", "TRACKLET_ANNOTATION_BUCKET"),
        objects=root(settings.object_bucket, "objects", "TRACKLET_OBJECT_BUCKET"),
    )


def check(settings: Settings) -> None:
    """Raise `OptionError` for what the bot cannot run without."""
    if not settings.slack_bot_token.get_secret_value():
        raise OptionError("SLACK_BOT_TOKEN", "empty", "it must be the token of your Slack app, which begins with xoxb-")
    if not settings.uses_socket_mode and not settings.slack_signing_secret.get_secret_value():
        raise OptionError(
            "SLACK_SIGNING_SECRET", "empty", "it must be your app's signing secret, unless SLACK_APP_TOKEN turns on Socket Mode"
        )
    check_tokens(settings.slack_bot_token.get_secret_value(), settings.slack_app_token.get_secret_value())


async def serve(
    settings: Settings,
    *,
    takes_work: bool = True,
    children: TaskRunner | None = None,
    lease_times: LeaseTimes = DEFAULT_LEASE_TIMES,
) -> None:
    """
    Run the bot until SIGTERM or SIGINT; without `takes_work` it only answers, and workers do the jobs.

    Raises `OptionError`, also where Slack takes back the app token later on, and `SlackError`.
    """
    ended = _ended_by_signal()
    bot = Bot(settings, children=children, watchdog=Watchdog(), takes_work=takes_work, lease_times=lease_times)
    try:
        try:
            # Slack may not answer for a while; whoever waits for that may lose patience.
            await unless_cancelled(bot.start(), ended)
        except Cancelled:
            logger.info("ended before Slack answered")
            return
        logger.info("listening on %s%s", bot.url, " and Socket Mode" if settings.uses_socket_mode else "")
        with contextlib.suppress(Cancelled):
            await unless_cancelled(bot.wait_until_refused(), ended)
    finally:
        await bot.stop()


class Worker:
    """A process that only does jobs, beside others on one Postgres. `start`, then `stop`; not to be started twice."""

    def __init__(
        self,
        settings: Settings,
        *,
        children: TaskRunner | None = None,
        patience: Timeouts = DEFAULT_TIMEOUTS,
        watchdog: Watchdog | None = None,
        lease_times: LeaseTimes = DEFAULT_LEASE_TIMES,
    ) -> None:
        self._settings = settings
        self._children = children or ProcessPool(settings.child_slots)
        self._patience = patience
        self._watchdog = watchdog
        self._lease_times = lease_times
        self._ending = AsyncExitStack()

    async def start(self) -> None:
        """Build what does the work, and take it. Raises `OptionError`, on SQLite as well, and `SlackError`."""
        settings, ending = self._settings, self._ending
        try:
            if settings.uses_sqlite:
                raise OptionError("TRACKLET_DATABASE_URL", "SQLite", start.several_processes_need_postgres())
            check(settings)
            storage = await build_storage(settings, ending)
            slack = await build_slack(
                settings, ending, store=storage.store, knowledge_graph=KNOWLEDGE_GRAPH, share_s=self._patience.share_s
            )
            jobs = build_jobs(
                settings,
                ending,
                storage=storage,
                slack=slack,
                children=self._children,
                patience=self._patience.remote,
                lease_times=self._lease_times,
            )
            await jobs.start(ending)
            if self._watchdog is not None:
                ending.push_async_callback(self._watchdog.stop)
                await self._watchdog.start()
            ending.push_async_callback(_ended, asyncio.create_task(storage.retention(settings).run()))
        except BaseException:
            await ending.aclose()
            raise

    async def stop(self) -> None:
        """Leave running jobs as they are recorded, for other workers to go on with."""
        await self._ending.aclose()


async def worker(
    settings: Settings, *, children: TaskRunner | None = None, lease_times: LeaseTimes = DEFAULT_LEASE_TIMES
) -> None:
    """Do jobs until SIGTERM or SIGINT. Raises `OptionError`, `SlackError`."""
    ended = _ended_by_signal()
    working = Worker(settings, children=children, watchdog=Watchdog(), lease_times=lease_times)
    try:
        await unless_cancelled(working.start(), ended)
        logger.info("working")
        await ended.wait()
    except Cancelled:
        logger.info("ended before the work began")
    finally:
        await working.stop()


def _ended_by_signal() -> asyncio.Event:
    """Return what is set by SIGTERM and SIGINT from now on."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, ended.set)
    return ended


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel a task, and wait until it has ended."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _not_listening(settings: Settings, error: OSError | UnicodeError) -> OptionError:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return OptionError("TRACKLET_HTTP_PORT", str(settings.http_port), start.port_taken())
    if code == errno.EACCES:
        return OptionError("TRACKLET_HTTP_PORT", str(settings.http_port), start.port_forbidden())
    why = error.strerror or "" if isinstance(error, OSError) else ""
    return OptionError("TRACKLET_HTTP_HOST", settings.http_host, start.host_not_ours(why))
