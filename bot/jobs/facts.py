"""
What the steps of a job give: frozen, and to and from JSON in this one place.

A step's result is plain JSON in the job engine's tables, and a job's facts are a column of its row; both outlive the program
that wrote them. So names stay as they are, a name that is unknown is passed over, and one that came later has a default. Times
are seconds, sizes bytes or pixels, paths below the data folder of whichever machine reads them (`local_files.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from tracking.model import MOVING_OBJECT

Json = dict[str, Any]


class Pause(StrEnum):
    """Why a job does not get on just now, although nothing is wrong with what was asked."""

    STARTING = "starting"  # the remote engine is asked to start
    QUOTA = "quota"  # the remote engine takes no more requests for a while
    OFFLINE = "offline"  # it does not answer
    UNANSWERED = "unanswered"  # it was asked to start and did not answer: it may be running


class Fact(BaseModel):
    """Something that is known of a job."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Return what `to_json` wrote, in this version or one before. Raises `ValueError` for anything else."""
        return cls.model_validate(data)

    def to_json(self) -> Json:
        """Return plain data; what was never set is left out."""
        return self.model_dump(mode="json", exclude_unset=True)


class VideoFile(Fact):
    """A video that was fetched: where it lies, and its name in its root; `uri` is "" but for a stored object."""

    path: str
    root: str
    video_name: str
    uri: str = ""
    name: str
    size_bytes: int
    sha256: str


class Probe(Fact):
    """
    What kind of video it is, and which engine looks at it; `engine` is "" where somebody else's annotations are drawn.

    `detector` is what people call the family of the model, "" where none is used.
    """

    width: int
    height: int
    duration_s: float
    is_drawn: bool = False
    engine: str = ""
    why: str = ""
    model: str = ""
    detector: str = ""
    run_key: str = ""


class ToldObject(Fact):
    """
    One object as a list tells it; `number` is 0 for a near miss, `frames` how many boxes it has.

    `track_id` is the object's in its annotation file, -1 in rows from before it was kept.
    """

    number: int
    label: str
    confidence: float
    start_s: float
    end_s: float
    frames: int
    entity_id: str = ""
    track_id: int = -1

    @property
    def is_named(self) -> bool:
        """Whether an engine said what it is; only then does the confidence tell a person something."""
        return self.label != MOVING_OBJECT


class SummaryPage(Fact):
    """One page of the object summary, with the numbers of its objects."""

    path: str
    objects: tuple[int, ...]
    width: int = 0
    height: int = 0


class NearMisses(Fact):
    """
    The near misses of one label: how many, the most confident one's confidence, and how many boxes the longest has.

    `brief` of them have too few boxes, `unsure` too little confidence; some are both.
    """

    label: str
    count: int
    brief: int
    unsure: int
    confidence: float
    frames: int

    @property
    def is_named(self) -> bool:
        """Whether an engine said what they are."""
        return self.label != MOVING_OBJECT


class Problem(Fact):
    """
    What went wrong with a part of the video; `fault` is a `ProblemKind`, with its facts.

    `code` is a google.rpc.Code number, `message` a service's own words.
    """

    code: int
    message: str
    fault: str = "REPORTED"
    start_s: float = 0.0
    end_s: float = 0.0
    pictures: int = 0


class Thresholds(Fact):
    """The thresholds that just let some tracks pass."""

    min_confidence: float = 0.0
    min_frames: int = 0


class Summary(Fact):
    """
    The pages that were drawn, and all that is said of the objects in words.

    `left_out` objects passed the thresholds and are not shown; `near_misses` are some of the `near_miss_count` that nearly
    passed, `near_kinds` all of them by label, and `lowest` lets all of them pass. `problems` counts what went wrong with
    parts of the video, and `reported` says some. `labels` are those that the video has at all, most frequent first. `step_s`
    is the time between two pictures that the engine looked at, 0 where that is not known, and `annotated_s` how far the
    annotations reach; `least_frames` how many boxes were
    wanted, 0 where it is as many as the request says. `unwritten` are labels that the
    pictures show only in part, since no font has their letters.
    """

    pages: tuple[SummaryPage, ...] = ()
    objects: tuple[ToldObject, ...] = ()
    left_out: int = 0
    near_misses: tuple[ToldObject, ...] = ()
    near_miss_count: int = 0
    lowest: Thresholds = Thresholds()
    problems: int = 0
    near_kinds: tuple[NearMisses, ...] = ()
    reported: tuple[Problem, ...] = ()
    labels: tuple[str, ...] = ()
    step_s: float = 0.0
    annotated_s: float = 0.0
    least_frames: int = 0
    unwritten: tuple[str, ...] = ()

    @property
    def shown(self) -> int:
        """How many objects are on the pages."""
        return sum(len(page.objects) for page in self.pages)

    @property
    def numbers(self) -> list[int]:
        """The number of each object, in the order of the list."""
        return [each.number for each in self.objects]


class Animation(Fact):
    """The GIF of the object with the number `object`."""

    path: str
    object: int
    size_bytes: int = 0


class Animations(Fact):
    """GIFs in the order in which they are shown."""

    animations: tuple[Animation, ...] = ()


class Pictures(Fact):
    """Files of a kind of picture of which nothing else is to be said."""

    paths: tuple[str, ...] = ()


class Found(Fact):
    """What an earlier job has left of the same work; `earlier` is its id where its pictures serve as well."""

    annotations: str = ""
    summary: Summary | None = None
    animations: tuple[Animation, ...] = ()
    earlier: str = ""


class Placement(Fact):
    """
    Where a remote engine reads a video and writes its annotations.

    `uri` is "" where the bytes of `file` go along; the annotations' names are "" where the answer brings them. `since` is the
    generation that lay there before.
    """

    uri: str = ""
    file: str
    annotations_uri: str = ""
    annotations_name: str = ""
    since: int = 0


class Started(Fact):
    """
    What came of a question to start: the handle of the run, or why there is none yet.

    Without either its annotations are there. After "unanswered" it is not known whether there is a run, so nothing is started;
    after any other pause nothing was started, and may be.
    """

    handle: str = ""
    pause: Pause | None = None


class RemoteState(Fact):
    """
    How far a remote run is; with a `pause` that is not known.

    One `is_out_of_quota` has ended without a result, and may be started again. Where the service `refuses` to say how far it
    is, somebody may have to mend something.
    """

    percent: float = 0
    done: bool = False
    pause: Pause | None = None
    is_out_of_quota: bool = False
    refuses: bool = False


class Collected(Fact):
    """What was in a remote run's annotation file: a run that `is_out_of_quota` found nothing, and may be started again."""

    is_out_of_quota: bool = False


class StepTimes(Fact):
    """When a step ran, and when it only waited for its turn meanwhile; seconds since 1970."""

    name: str
    began: float
    ended: float
    waits: tuple[tuple[float, float], ...] = ()


class JobFacts(Fact):
    """
    All that is known of a job; each part is there once its step has ended.

    `next_first` and `next_page` are what further pictures may be asked for (0: none); `handle` names a remote run; `start_sent`
    says that its start was sent and not refused, at `sent_at` (seconds since 1970), and `waits_for` which file it will write,
    whose generation was `waits_since` before; `pause` is why there is no run yet. `shown` is the stage and the share of it that
    the progress message said last.
    `took_s` is the time that the job took, without its waiting for others.
    """

    thread_ts: str = ""
    video: VideoFile | None = None
    probed: Probe | None = None
    annotations: str = ""
    summary: Summary | None = None
    animations: tuple[Animation, ...] | None = None
    earlier: str = ""
    next_first: int = 0
    next_page: int = 0
    handle: str = ""
    start_sent: bool = False
    sent_at: float = 0.0
    waits_for: str = ""
    waits_since: int = 0
    pause: Pause | None = None
    shown: tuple[str, float] = ("", 0.0)
    took_s: float = 0.0

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Return what `to_json` wrote; a part that cannot be read counts as not there, so that no row hinders the others."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            unreadable = {fault["loc"][0] for fault in error.errors(include_url=False) if fault["loc"]}
            return cls.model_validate({name: part for name, part in data.items() if name not in unreadable})


class Drawable(Fact):
    """What pictures are drawn from: a fetched video, what kind it is, its annotation file, and what is told of its objects."""

    thread_ts: str = ""
    video: VideoFile
    probed: Probe
    annotations: str
    summary: Summary
    earlier: str = ""
    animations: tuple[Animation, ...] = ()

    @classmethod
    def of(cls, facts: JobFacts) -> Self:
        """Return the same of a job that has come so far. Raises `ValueError` for one that has not."""
        return cls.from_json(facts.to_json())


class Opened(Fact):
    """The message that the rest is posted below, "" where nobody is told."""

    thread_ts: str


class Tracked(Fact):
    """How many tracks an engine wrote."""

    tracks: int = 0


class Drawn(Fact):
    """How many objects are on the page that was drawn and stored."""

    objects: int = 0


class ParentSeen(Fact):
    """What another job has come to: its facts once they hold what was waited for, or the error that ended it."""

    facts: JobFacts | None = None
    error: Json | None = None


class Nothing(Fact):
    """A step that is only done."""
