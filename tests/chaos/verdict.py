"""What must hold when everything has calmed down: nothing lost, nothing twice, nothing left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from bot.jobs.model import Job, JobState, SourceKind, digest
from bot.jobs.paths import JobPaths
from bot.jobs.store import attempts, executors, inbox, own_objects, posts
from playground import BOT_USER, Message
from tests.chaos.people import CHANNEL, Asked
from tests.chaos.stage import Stage
from tracking.atomic import is_unfinished

GIFS = 10  # of so many objects the first message has pictures


@dataclass
class Verdict:
    """What became of what was asked for, and every fault that was found."""

    states: Counter[str] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    pictures: int = 0
    faults: list[str] = field(default_factory=list)


def of_threads(stage: Stage, asked: Iterable[Asked], jobs: Iterable[Job]) -> Verdict:
    """Hold what people see against what they asked for."""
    verdict = Verdict()
    by_name: dict[str, list[Job]] = {}
    for job in jobs:
        by_name.setdefault(_name_of(job), []).append(job)
    seen: set[str] = set()
    for each in asked:
        found = by_name.pop(each.name, [])
        if len(found) > 1 or (not found and each.must_be_done):
            verdict.faults.append(f"{each.name}: {len(found)} jobs")
        for job in found:
            seen.add(job.thread_ts)
            _judge(stage, job, verdict)
    verdict.faults += [f"a job that nobody asked for: {name}" for name in by_name]
    for message in stage.slack.workspace.channel(stage.slack.channel_id(CHANNEL)).messages:
        if message.user == BOT_USER and (message.thread_ts or message.ts) not in seen:
            verdict.faults.append(f"a message that belongs to nothing: {message.text[:80]!r}")
    return verdict


def _name_of(job: Job) -> str:
    source = job.request.source
    return source.ref.rpartition("/")[2] if source.kind is SourceKind.LINK else source.name


def _judge(stage: Stage, job: Job, verdict: Verdict) -> None:
    name = f"job {job.number} ({_name_of(job)})"
    verdict.states[job.state.value] += 1
    said = [each for each in stage.slack.thread(CHANNEL, job.thread_ts) if each.user == BOT_USER]
    verdict.messages += len(said)
    parts = Counter(map(_part, said))
    verdict.faults += [f"{name}: {times} times {part}" for part, times in parts.items() if times > 1]
    files = Counter(str(file["name"]) for each in said for file in each.files)
    verdict.pictures += files.total()
    verdict.faults += [f"{name}: {times} times {file}" for file, times in files.items() if times > 1]
    progress = next((each for each in said if _part(each) == "progress"), None)
    if not job.is_over:
        verdict.faults.append(f"{name}: it is {job.state}, not over")
    if progress is None:
        verdict.faults.append(f"{name}: nothing is said of it")
    elif "tracklet_cancel" in str(progress.blocks):
        verdict.faults.append(f"{name}: it is {job.state}, and its thread says {progress.text[:80]!r}")
    elif job.state is JobState.DONE:
        count = len(job.facts.summary.objects) if job.facts.summary else 0
        wanted = {"progress", "list", "jpeg", "gif"} if count else {"progress"}
        if set(parts) != wanted or sum(file.endswith(".gif") for file in files) != min(count, GIFS):
            verdict.faults.append(f"{name}: {count} objects, and the thread has {dict(parts)}")
    else:
        verdict.sentences[progress.text.partition("job")[0][:120]] += 1


def _part(message: Message) -> str:
    if message.files:
        return str(message.files[0]["name"]).rpartition(".")[2]
    return str(message.metadata["event_payload"]["part"]) if message.metadata else message.text[:40]


def of_rows(stage: Stage, *, leases: int) -> Iterator[str]:
    """Yield every row that should not be there any more."""
    engine = sa.create_engine(stage.address)
    workflows = "dbos.workflow_status" if stage.kind == "postgres" else "workflow_status"
    with engine.connect() as connection:
        counts: dict[str, sa.Executable] = {
            "steps that are noted as begun": sa.select(sa.func.count()).select_from(attempts),
            "rows of the inbox that nobody handled": sa.select(sa.func.count())
            .select_from(inbox)
            .where(inbox.c.handled_at.is_(None)),
            "workflows that are not over": sa.text(
                f"SELECT count(*) FROM {workflows} WHERE status IN ('PENDING', 'ENQUEUED', 'DELAYED')"
            ),
        }
        for what, query in counts.items():
            if number := int(connection.execute(query).scalar_one()):
                yield f"{number} {what}"
        if stage.kind == "postgres":
            found = int(connection.execute(sa.select(sa.func.count()).select_from(executors)).scalar_one())
            if found != leases:
                yield f"{found} leases of {leases} processes"
    engine.dispose()


def of_posts(stage: Stage, jobs: Iterable[Job]) -> Iterator[str]:
    """Yield every message of a job that is done of which nobody knows whether it was posted."""
    done = {job.id: job.number for job in jobs if job.state is JobState.DONE}
    engine = sa.create_engine(stage.address)
    with engine.connect() as connection:
        for row in connection.execute(sa.select(posts).where(posts.c.ts == "")):
            if row.job_id in done:
                yield f"job {done[row.job_id]}: nobody knows whether its {row.part} was posted"
    engine.dispose()


def of_files(stage: Stage, jobs: Iterable[Job]) -> Iterator[str]:
    """Yield every file in the data folder that belongs to no job, half-made ones among them."""
    jobs = list(jobs)
    engine = sa.create_engine(stage.address)
    with engine.connect() as connection:
        own = set(connection.execute(sa.select(own_objects.c.uri)).scalars())
    engine.dispose()
    folders = {digest(job.id) for job in jobs}
    paths = JobPaths(stage.data)
    known = {paths.video(job, job.request.source)[0] for job in jobs}
    named = tuple(path.relative_to(stage.data / "videos").as_posix() for path in known)
    for path in stage.data.rglob("*"):
        place = path.relative_to(stage.data).parts
        if is_unfinished(path):
            yield f"a half-made file: {'/'.join(place)}"
        elif path.is_dir() or len(place) == 1:
            continue  # the database's own are at the top
        elif place[0] == "work":
            if place[1] not in folders:
                yield f"a picture of no job: {'/'.join(place)}"
        elif place[0] == "annotations" and "/".join(place[2:]).startswith(named):
            continue
        elif path not in known and path.as_uri() not in own:
            yield f"a file of no job: {'/'.join(place)}"
