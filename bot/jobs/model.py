"""
What a job is: who asked for what, how far it is, and what came of it.

Plain frozen data that becomes JSON for the database and comes back. A job's id says what was asked, so that Slack's retries,
its several events for one upload, and a second click all find the same job. Links may be signed: `Source.ref` is a secret
that is never shown or logged; `Source.name` is what a person may see.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, NewType

from bot.jobs.facts import JobFacts
from tracking.engines.base import EngineName
from tracking.model import Segment

JobId = NewType("JobId", str)
Json = dict[str, Any]


class JobState(StrEnum):
    """received -> fetching -> tracking -> rendering -> posting -> done; any -> failed or cancelled."""

    RECEIVED = "received"
    FETCHING = "fetching"
    TRACKING = "tracking"
    RENDERING = "rendering"
    POSTING = "posting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in OVER

    @property
    def rank(self) -> int:
        """Its place in a job's life, which is never gone through backwards."""
        return list(JobState).index(self)


OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class SourceKind(StrEnum):
    """Where a video is taken from."""

    SLACK_FILE = "slack-file"
    LINK = "link"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Source:
    """One video: `ref` is a Slack file's id, a link, or a gs:// address; `name` is its file name as far as it is known."""

    kind: SourceKind
    ref: str
    name: str = "video"
    generation: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """
    What is wanted of the video: the engine and the stretch decide the tracks, the rest which of them are shown.

    `engine` None takes the configured one. `labels` () shows every class. `make` are the kinds of pictures that are made beside
    the summary and the GIFs (`rendering/kinds/`).
    """

    engine: EngineName | None = None
    segment: Segment | None = None
    min_confidence: float = 0.70
    min_frames: int = 10
    labels: tuple[str, ...] = ()
    make: tuple[str, ...] = ()


class Kind(StrEnum):
    """What a job is for."""

    TRACK = "track"
    """A video, from its source to its pictures."""
    MORE = "more"
    """Further pictures of an earlier job: `first` is the first object's number, or the page."""
    MAKE = "make"
    """Further kinds of pictures (`options.make`) of the job `parent`, in the same thread."""
    SHOW = "show"
    """The pictures of a job that nobody asked for, told to a channel that watches."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    What somebody asked for.

    `thread_ts` is the message to answer below, "" where the progress message opens a thread of its own. `user` is "" when
    no person asked, `channel` when there is nobody to tell. `annotations` is the name of a file in the annotations' root that
    is drawn instead of tracking, and `annotations_generation` which one of that name. `response_url` tells the asker alone, for
    half an hour, and is a secret for as long; `message_ts` is the message that asked, "" where there is none.
    """

    source: Source
    team: str = ""
    channel: str = ""
    user: str = ""
    thread_ts: str = ""
    options: Options = field(default_factory=Options)
    kind: Kind = Kind.TRACK
    parent: str = ""
    page: int = 0
    first: int = 0
    annotations: str = ""
    annotations_generation: str = ""
    response_url: str = field(default="", repr=False)
    message_ts: str = ""

    @property
    def person(self) -> str:
        """Who asked, for what each person has a share of; what nobody asked for counts as one person's."""
        return f"{self.team}:{self.user}"

    def to_json(self) -> Json:
        """Return plain data for the database; what the version before does not know is left out where it says nothing."""
        data = asdict(self)
        if not data["options"]["make"]:
            del data["options"]["make"]
        return data

    @classmethod
    def from_json(cls, data: Json) -> Request:
        """Return the request that `to_json` wrote."""
        options = dict(data["options"])
        segment = options.pop("segment")
        engine = options.pop("engine")
        labels, make = tuple(options.pop("labels")), tuple(options.pop("make", ()))
        return cls(
            source=Source(
                SourceKind(data["source"]["kind"]), *(data["source"][name] for name in ("ref", "name", "generation"))
            ),
            options=Options(
                engine=EngineName(engine) if engine else None,
                segment=Segment(*segment) if segment else None,
                labels=labels,
                make=make,
                **options,
            ),
            kind=Kind(data["kind"]),
            **{name: data[name] for name in ("team", "channel", "user", "thread_ts", "parent", "page", "first")},
            **{name: data.get(name, "") for name in ("annotations", "annotations_generation", "response_url", "message_ts")},
        )

    def with_options(self, **changes: Any) -> Request:
        """Return the same request with other options."""
        return replace(self, options=replace(self.options, **changes))


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the `jobs` table; `number` is what people call it."""

    id: JobId
    number: int
    request: Request
    state: JobState
    attempt: int
    thread_ts: str
    facts: JobFacts
    error: Json | None
    cancelled_by: str
    created_at: float
    updated_at: float

    @property
    def is_over(self) -> bool:
        return self.state.is_over


def upload_id(team: str, channel: str, asked_at: str, file_id: str, *, attempt: int = 1) -> JobId:
    """Return the id of a file's job: one for all events of the message, or of the edit, that asks for it."""
    return _job_id("upload", team, channel, asked_at, file_id, attempt=attempt)


def link_id(team: str, channel: str, asked_at: str, url: str, *, attempt: int = 1) -> JobId:
    """Return the id of the job of one link in one message; the link itself may be a secret, so the id holds its digest."""
    return _job_id("link", team, channel, asked_at, digest(url), attempt=attempt)


def command_id(team: str, trigger_id: str, *, attempt: int = 1) -> JobId:
    """Return the job of one command or modal."""
    return _job_id("command", team, trigger_id, attempt=attempt)


def object_id(bucket: str, name: str, generation: str, *, attempt: int = 1) -> JobId:
    """Return the job of one generation of a stored object."""
    return _job_id("object", bucket, digest(name), generation, attempt=attempt)


def show_id(job_id: JobId, team: str, channel: str, *, attempt: int = 1) -> JobId:
    """Return what one channel is shown of a job that nobody asked for."""
    return JobId(f"{job_id}:show:{team}:{channel}:{attempt}")


def attempt_id(job_id: JobId, attempt: int) -> JobId:
    """Return the same work asked for again."""
    return JobId(f"{job_id.rpartition(':')[0]}:{attempt}")


def follow_up_id(job_id: JobId, what: str, index: int, *, attempt: int = 1) -> JobId:
    """Further pictures of a job: one job however often the button is pressed."""
    return JobId(f"{job_id}:{what}:{index}:{attempt}")


def digest(text: str) -> str:
    """Twenty hexadecimal digits that stand for `text`."""
    # What cannot be written as UTF-8, half of an emoji, comes from outside as well.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def _job_id(*parts: str, attempt: int) -> JobId:
    return JobId(":".join([*parts, str(attempt)]))
