"""
Everything that can go wrong between a video and its annotations.

Errors carry facts, never wording: the sentence of each class is in `bot/texts.py`. A link in a fact is without its query
(signed links are secrets). A foreign error is translated where the
foreign library is called, with the cause kept.

    TrackletError
      InputError                    what was given is at fault; the same input will fail again
        VideoError
          NotAVideo                 no picture stream, or not a media file at all
          VideoTooLong
          VideoTooLarge             bytes
          VideoDamaged              a video, but nothing of it decodes
          SegmentOutside            the stretch that was asked for lies outside of the video
        AnnotationError             an annotation file that is not what it should be; names the place
          AnnotationRunFailed       it holds the errors of a run that failed
        SourceError
          SourceRefused             a link or path that must not be followed
          SourceNotFound
          SourceNotAVideo           a web page, a playlist, a login form ...
          SourceUnreachable
        ModelError                  a detector file that cannot be used, or a name that is none
        OptionError                 an option outside of what it allows
        TooCostly                   memory, computing time or a file beyond what one video may take
      EngineError
        EngineUnavailable           cannot run here (no model, no network, no credentials)
        EngineRefused               the engine will not do this video (a moving camera for motion, a quota, a permission)
      StorageError                  a folder or bucket that cannot be read or written
      ResultsRemoved                what earlier work left is not kept any more
      TooManyJobs                   more work than one person, or everybody together, may have at a time
      ProcessDied                   work that ended the process in which it ran, again and again
      Cancelled                     somebody stopped it
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class MediaKind(StrEnum):
    """What a file is that has no picture stream."""

    UNKNOWN = ""
    AUDIO = "audio"
    EMPTY = "empty"
    MISSING = "missing"


class SourceRefusal(StrEnum):
    """Why a link or path must not be followed."""

    SCHEME = "scheme"
    ADDRESS = "address"
    BUCKET = "bucket"
    WILDCARD = "wildcard"
    VERSION = "version"  # the name of one version of an object
    NAME = "name"
    REDIRECT = "redirect"
    DOWNGRADE = "downgrade"  # from https to http


class SourceFailure(StrEnum):
    """How a place did not answer as it should."""

    UNKNOWN = ""
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    NAME = "name"
    CERTIFICATE = "certificate"
    SLOW = "slow"
    INCOMPLETE = "incomplete"
    ENCODED = "encoded"


class ModelFault(StrEnum):
    """What is wrong with a detector file."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    SHAPE = "shape"
    CHECKSUM = "checksum"
    SIZE = "size"
    NAME = "name"
    OTHER = "other"  # than the one that another process began the work with


class GoogleFault(StrEnum):
    """What hinders every use of a Google service, whatever was asked: the credentials, the project, or a rule about both."""

    CREDENTIALS = "credentials"  # refused, and not said why
    NO_CREDENTIALS = "no-credentials"
    KEY_FILE_MISSING = "key-file-missing"
    KEY_FILE_UNREADABLE = "key-file-unreadable"
    KEY_FILE_MALFORMED = "key-file-malformed"
    KEY_REVOKED = "key-revoked"  # the key was deleted, or its account is disabled or gone
    SIGN_IN_EXPIRED = "sign-in-expired"
    CLOCK = "clock"  # ours is wrong
    METADATA_SERVER = "metadata-server"  # which gives the credentials of a machine at Google
    SCOPE = "scope"
    API_DISABLED = "api-disabled"
    BILLING_DISABLED = "billing-disabled"
    PROJECT = "project"  # unknown, or deleted
    SUSPENDED = "suspended"
    QUOTA_PROJECT = "quota-project"  # may not be charged for what we ask
    NO_QUOTA_PROJECT = "no-quota-project"
    PERIMETER = "perimeter"  # VPC Service Controls
    ORG_POLICY = "org-policy"
    RIGHT = "right"  # the account lacks one in the project; not one on a bucket
    REQUEST = "request"  # the service does not take requests as we send them


class EngineAbsence(StrEnum):
    """Why an engine cannot run here or now."""

    OFFLINE = "offline"
    CONFIGURATION = "configuration"
    RETIRED = "retired"
    ENDPOINT = "endpoint"  # something answers that is not the service
    LIBRARY = "library"
    TIMEOUT = "timeout"
    QUOTA = "quota"  # too many requests just now
    UNANSWERED = "unanswered"  # it was asked to start, and no answer came: it may be running


class EngineRefusal(StrEnum):
    """Why an engine will not do a video."""

    MOVING_CAMERA = "moving-camera"
    PERMISSION = "permission"
    QUOTA = "quota"  # one that does not fill again soon
    UNSUPPORTED = "unsupported"
    SEGMENT = "segment"
    PRECONDITION = "precondition"
    REGION = "region"
    SLOW = "slow"
    LOST = "lost"  # a run that it no longer knows
    STOPPED = "stopped"  # a run that somebody stopped there
    INTERNAL = "internal"


class StorageFault(StrEnum):
    """What hinders the use of a folder or bucket, or of one object in it."""

    MISSING = "missing"
    BUCKET_MISSING = "bucket-missing"
    PERMISSION = "permission"
    CONFLICT = "conflict"  # someone else wrote it meanwhile
    NAME = "name"  # no object can be called that
    TOO_LARGE = "too-large"
    CHECKSUM = "checksum"
    FULL = "full"
    OFFLINE = "offline"
    BUSY = "busy"  # too many requests just now
    BROKEN_OFF = "broken-off"  # an upload that cannot be gone on with
    RETAINED = "retained"  # a retention policy keeps the object as it is
    HELD = "held"  # a hold keeps it
    REQUESTER_PAYS = "requester-pays"
    KEY = "key"  # the Cloud KMS key of the bucket may not be used
    KEY_DISABLED = "key-disabled"  # ... or is disabled or destroyed
    CUSTOMER_KEY = "customer-key"  # encrypted with a key that its owner keeps
    COUNTRY = "country"  # not to be used from where we are
    REFUSED = "refused"  # for a reason that only the service's own words tell


class TrackletError(Exception):
    """Base of every error of ours. Its facts survive pickling, so a child process can hand it to its parent."""

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), dict(self.__dict__))


def _rebuilt(kind: type[TrackletError], facts: dict[str, object]) -> TrackletError:
    error = kind.__new__(kind)
    error.__dict__.update(facts)
    return error


class InputError(TrackletError):
    """What was given is at fault: trying again with the same input fails again."""


class VideoError(InputError):
    """A video that cannot be used."""


@dataclass(eq=False)
class NotAVideo(VideoError):
    """
    No picture stream; `media` says what the file is instead, where that is known.

    `lacks_index` says that it is an MP4 or QuickTime file whose index was never written.
    """

    name: str
    media: MediaKind = MediaKind.UNKNOWN
    lacks_index: bool = False


@dataclass(eq=False)
class VideoTooLong(VideoError):
    """Longer than the limit; both in seconds."""

    duration_s: float
    limit_s: float


@dataclass(eq=False)
class VideoTooLarge(VideoError):
    """More bytes, pixels or samples (pictures, pieces of sound) than the limit; `unit` is "bytes", "pixels" or "samples"."""

    size: int
    limit: int
    unit: str = "bytes"


@dataclass(eq=False)
class VideoDamaged(VideoError):
    """A video stream from which no frame decodes."""

    name: str


@dataclass(eq=False)
class SegmentOutside(VideoError):
    """The segment asked for holds no frame of the video; seconds."""

    start_s: float
    end_s: float
    duration_s: float


@dataclass(eq=False)
class AnnotationError(InputError):
    """
    An annotation file that is not what it should be: `place` is a path such as `annotation_results[0].segment`.

    For a file that can't be opened, `place` is its name, and the problem "no file" or "unreadable". Where it holds more
    than may be read, `limit` is how much that would be. `form` is the format of another tool, as people call it, "" where the
    file should be one of ours.
    """

    place: str
    problem: str
    limit: int = 0
    form: str = ""


@dataclass(eq=False)
class AnnotationRunFailed(AnnotationError):
    """
    An annotation file of a run that failed: it holds errors, and not one result.

    `code` is a google.rpc.Code number, 2 when unknown, and `problem` what the service said.
    """

    code: int = 2


class SourceError(InputError):
    """A video that could not be fetched."""


@dataclass(eq=False)
class SourceRefused(SourceError):
    """A link or path not to be followed."""

    source: str
    reason: SourceRefusal


@dataclass(eq=False)
class SourceNotFound(SourceError):
    """Nothing is there."""

    source: str


@dataclass(eq=False)
class SourceNotAVideo(SourceError):
    """Something is there that is not a video; `found` is "page", "login", "playlist", "image", "archive" or a content type."""

    source: str
    found: str


@dataclass(eq=False)
class SourceUnreachable(SourceError):
    """The place did not answer, or not as it should; `status` is the HTTP status, 0 when there was none."""

    source: str
    status: int = 0
    reason: SourceFailure = SourceFailure.UNKNOWN


@dataclass(eq=False)
class ModelError(InputError):
    """A detector that cannot be used; `known` lists the models that there are by name, "a, b"."""

    model: str
    problem: ModelFault
    detail: str = ""
    known: str = ""


@dataclass(eq=False)
class OptionError(InputError):
    """
    An option outside of what it allows.

    `option` is the name that a person set, or a plain word ("font", "google-model") where it is not known under which name
    that was; `bot/texts/errors.py` has the name. `value` is "" for a secret.
    """

    option: str
    value: str
    allowed: str


@dataclass(eq=False)
class TooCostly(InputError):
    """
    The work took more than it may; `resource` is "memory" or "file" (`limit` in bytes) or "time" (`limit` in seconds).

    The same input would take as much again.
    """

    resource: str
    limit: int


class EngineError(TrackletError):
    """An engine could not give annotations."""


@dataclass(eq=False)
class EngineUnavailable(EngineError):
    """
    The engine cannot run here or now.

    `detail` is what it said; `subject` the project, key file or address that is at fault, "" where unknown; for a start without
    an answer, where the run would write what it finds. `model` is the one that could not be fetched, "" where it is not for
    that. One that `is_final` has ended a run: asking for the same run again gives the same.
    """

    engine: str
    reason: EngineAbsence | GoogleFault
    detail: str = ""
    subject: str = ""
    model: str = ""
    is_final: bool = False


@dataclass(eq=False)
class EngineRefused(EngineError):
    """
    The engine will not do this video.

    For a permission, `place` is what could not be used, `account` who was refused and `role` what would do, each "" where
    unknown.
    """

    engine: str
    reason: EngineRefusal
    detail: str = ""
    place: str = ""
    account: str = ""
    role: str = ""


@dataclass(eq=False)
class StorageError(TrackletError):
    """
    A folder or bucket, or one object in it, that cannot be used; `action` is "read", "write", "list" or "delete".

    `reason` is one of ours, or else what the system says. `detail` is what the service said; `subject` as in
    `EngineUnavailable`.
    """

    place: str
    action: str
    reason: StorageFault | GoogleFault | str = ""
    detail: str = ""
    subject: str = ""


@dataclass(eq=False)
class ResultsRemoved(TrackletError):
    """What earlier work left of the video `name` was removed after the time for which results are kept."""

    name: str


@dataclass(eq=False)
class TooManyJobs(TrackletError):
    """As many jobs as one person, or everybody together, may have at the same time are not over yet."""

    limit: int
    is_persons: bool


@dataclass(eq=False)
class ProcessDied(TrackletError):
    """Work that ended its process `deaths` times: killed by the system, hanging, or a fault in a codec; `task` says at what."""

    task: str
    deaths: int


class Cancelled(TrackletError):
    """Somebody stopped it."""


def service_words(error: BaseException) -> str:
    """Return what a service said of an error, for the log: its words, in which its links are; "" where none said anything."""
    if not isinstance(error, EngineUnavailable | EngineRefused | StorageError) or not error.detail:
        return ""
    return f"{error.reason}: {error.detail}"


def is_disk_full(error: OSError) -> bool:
    """Return whether a write failed because the disk, or the writer's part of it, is full."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def file_name(path: Path | str) -> str:
    """Return the last part of a path, which is all of it that a message may show."""
    return Path(path).name
