"""
The sentence of each error: what happened, why, and what to do next.

No class names. Text that came from outside (labels, file names, what a service said) is shortened and made plain here; making
it harmless for Slack is left to `bot/slack/mrkdwn.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bot.texts.engine import engine_name
from bot.texts.wording import clock, duration, quoted, size
from tracking import errors

ErrorT = TypeVar("ErrorT", bound=errors.TrackletError)

# What `tracking` and `rendering` call an option, and the name under which a person sets it.
SET_AS = {
    "folder": "--out",
    "font": "TRACKLET_FONT",
    "google-endpoint": "TRACKLET_VIDEO_INTELLIGENCE_ENDPOINT",
    "google-location": "TRACKLET_LOCATION",
    "google-model": "TRACKLET_GOOGLE_MODEL",
}

UNFORESEEN = "Something went wrong on our side. The log has the details; trying again may help."


def sentence(error: BaseException) -> str:
    """What happened, why, and what to do, for any error; one that is not ours gets a calm sentence without its own text."""
    for kind in type(error).__mro__:
        say = _SENTENCES.get(kind)
        if say:
            return say(error)
    return UNFORESEEN


def not_a_video(error: errors.NotAVideo) -> str:
    name = quoted(error.name)
    match error.media:
        case "missing":
            return f"There is no file {name} that I can read. Check the name and the permissions."
        case "empty":
            return f"{name} is empty, so there is no video in it. Copy or record it again."
        case "audio":
            return f"{name} has sound but no picture. I need a video: MP4, MOV, WebM, MKV or AVI work."
    return f"{name} is not a video that I can open: it is damaged or something else. MP4, MOV, WebM, MKV and AVI work."


def video_too_long(error: errors.VideoTooLong) -> str:
    return (
        f"This video lasts {duration(error.duration_s)}; I can track up to {duration(error.limit_s)}. "
        "Trim it, or give me a start and an end."
    )


def video_too_large(error: errors.VideoTooLarge) -> str:
    if error.unit == "pixels":
        return f"This video's picture has {error.size:,} pixels; I can take up to {error.limit:,}. Scale it down first."
    return f"This video has {size(error.size)}; I can take up to {size(error.limit)}. Trim it or compress it."


def video_damaged(error: errors.VideoDamaged) -> str:
    return f"{quoted(error.name)} is a video, but none of its pictures can be decoded. Export or record it again."


def segment_outside(error: errors.SegmentOutside) -> str:
    lasts = f" The video lasts {duration(error.duration_s)}." if error.duration_s else ""
    return f"There is no picture between {clock(error.start_s)} and {clock(error.end_s)}.{lasts} Choose a stretch inside of it."


def annotation_fault(error: errors.AnnotationError) -> str:
    problem = {
        "missing": "it is missing",
        "no JSON": "this is not JSON",
        "no object": "an object was expected",
        "no list": "a list was expected",
        "no number": "a number was expected",
        "no time": 'a time such as {"seconds": 1, "nanos": 500000000} or "1.5s" was expected',
        "out of range": "the number is out of range",
        "too large": "the file is too large",
        "unreadable": "it can't be read",
        "unfinished": "the operation was not finished when it was saved",
    }.get(error.problem, quoted(error.problem))
    return (
        f"The annotation file can't be used: at {quoted(error.place)}, {problem}. "
        "I read what the Video Intelligence API writes, and what I write myself."
    )


def source_refused(error: errors.SourceRefused) -> str:
    shown = quoted(error.source)
    match error.reason:
        case "scheme":
            return f"I can fetch http://, https:// and gs:// links, not {shown}. Or share the video itself."
        case "address":
            return f"{shown} leads into a private network, where I don't go. Share the video itself, or ask who runs me."
        case "bucket":
            return f"{shown} is in a bucket that is neither mine nor public. Make it readable, or ask who runs me to allow it."
        case "wildcard":
            return f"{shown} has a * or ? in its name, which would stand for many files. Rename the file, or share it here."
        case "name":
            return f"{shown} is a name that I can't use for a file. Rename it and try again."
        case "redirect":
            return f"{shown} leads from one address to the next without end. Give me the address of the video itself."
        case "downgrade":
            return f"{shown} leads from https to http, where others could exchange the file. Give me an https address."
    return f"I can't follow {shown}. Share the video itself."


def source_not_found(error: errors.SourceNotFound) -> str:
    return f"There is nothing at {quoted(error.source)}. Check the link, and that it still exists."


def source_not_a_video(error: errors.SourceNotAVideo) -> str:
    shown = quoted(error.source)
    match error.found:
        case "page":
            return f"{shown} is a web page, not a video file. Open it, and give me the address of the video itself."
        case "login":
            return f"{shown} asks for a login, so I see a form and no video. Share the video itself, or a public link."
        case "playlist":
            return f"{shown} is a playlist that points to many pieces. Download it as one file and share that."
        case "image":
            return f"{shown} is a picture that does not move. I need a video."
        case "archive":
            return f"{shown} is an archive. Unpack it and share the video itself."
    return f"{shown} is no video but {quoted(error.found, limit=40)}. MP4, MOV, WebM, MKV and AVI work."


def source_unreachable(error: errors.SourceUnreachable) -> str:
    shown = quoted(error.source)
    match error.reason:
        case "slow":
            return f"{shown} sends so slowly that I gave up. Try again later, or share the video itself."
        case "incomplete":
            return f"{shown} gave me only a part of the file. Try again later, or share the video itself."
        case "encoded":
            return f"{shown} comes in a compressed form, which is not the file itself. Share the video, or another link."
        case "name":
            return f"There is no server of the name in {shown}. Check how the link is spelt."
        case "certificate":
            return f"{shown} cannot prove whose server it is: its certificate is not valid. Share the video itself."
    if 200 <= error.status < 300:
        return f"{shown} answers without a file (status {error.status}). Check the link, or share the video itself."
    if error.reason == "timeout":
        return f"{shown} does not answer in time. Try again later, or share the video itself."
    why = f" (status {error.status})" if error.status else ""
    return f"{shown} does not answer{why}. Try again later, or share the video itself."


def model_fault(error: errors.ModelError) -> str:
    model = quoted(error.model)
    match error.problem:
        case "missing":
            return f"There is no model file {model}. Check the path, or say nano, tiny or s."
        case "name":
            return f"I know no model called {model}: say nano, tiny or s, or give the path of a YOLOX file."
        case "checksum" | "size":
            return (
                f"The download of the model {model} is not what was published, so I threw it away. Try again, or give a file."
            )
        case "shape":
            return f"{model} is a network, but not a YOLOX export: its input or output has another shape. Give me a YOLOX file."
    return f"{model} is not a model that I can load. Give me a YOLOX export in ONNX form."


def option_fault(error: errors.OptionError) -> str:
    option = SET_AS.get(error.option, error.option)
    given = quoted(error.value) or "used"  # a secret is not shown
    return f"{quoted(option)} can't be {given}: {error.allowed}."


def engine_unavailable(error: errors.EngineUnavailable) -> str:
    engine = engine_name(error.engine)
    detail = f" ({quoted(error.detail)})" if error.detail else ""
    match error.reason:
        case "offline":
            return f"{engine} is not here and can't be reached{detail}. Try again later, or use another engine."
        case "credentials":
            return f"{engine} has no valid credentials{detail}. Set the application default credentials, or use another engine."
        case "configuration":
            return f"{engine} is not set up{detail}. Run `tracklet doctor`, or use another engine."
        case "retired":
            return f"{engine} was shut down by Google on 2027-09-14. The engines yolox and motion need no service."
        case "quota":
            return f"{engine} is busy: its quota is used up for now{detail}. It goes on as soon as there is room."
        case "timeout" | "unanswered":
            return f"{engine} did not answer in time{detail}. Try again, or use another engine."
    return f"{engine} can't run here{detail}. Run `tracklet doctor`, or use another engine."


def engine_refused(error: errors.EngineRefused) -> str:
    engine = engine_name(error.engine)
    detail = f" It said: {quoted(error.detail, limit=200)}" if error.detail else ""
    match error.reason:
        case "moving-camera":
            return (
                "The camera moves in this video, and following whatever moves only works with a fixed one. "
                "Use the yolox engine, which recognises objects."
            )
        case "permission":
            where = quoted(error.place, limit=200) if error.place else "what it needs"
            account = quoted(error.account) if error.account else "its account"
            role = f"the role {quoted(error.role)}" if error.role else "access"
            return f"{engine} may not use {where}.{detail} Give {account} {role} on that bucket."
        case "quota":
            return f"{engine}'s quota is used up.{detail} Try again later, or use another engine."
        case "unsupported":
            return f"{engine} can't take this video.{detail} Convert it to MP4, or use another engine."
        case "lost":
            return f"{engine} no longer knows this run.{detail} Start it again."
        case "region":
            return f"{engine} does not run in that region.{detail} Set TRACKLET_LOCATION to one that it knows."
    return f"{engine} failed.{detail} Try again, or use another engine."


def storage_fault(error: errors.StorageError) -> str:
    if error.reason == "full":
        return "The disk is full, so I could not go on. Make room, or ask who runs me to, then try again."
    verb = {"read": "read", "write": "write to", "list": "list"}.get(error.action, "use")
    why = f": {quoted(error.reason)}" if error.reason else ""
    return f"I can't {verb} {quoted(error.place)}{why}. Check that it exists, has room, and that I may use it."


def process_died(error: errors.ProcessDied) -> str:
    return (
        f"Working on this video ended my program {error.deaths} times, so I stopped trying. It may be damaged, or too much for "
        "the memory here. Convert it to MP4 (H.264), make it shorter or smaller, and give me that."
    )


def cancelled(_: errors.Cancelled) -> str:
    return "Cancelled. Nothing more will be done, and nothing half-made is left."


def unforeseen(_: errors.TrackletError) -> str:
    return UNFORESEEN


def _says(kind: type[ErrorT], say: Callable[[ErrorT], str]) -> tuple[type[BaseException], Callable[..., str]]:
    return kind, say


_SENTENCES: dict[type[BaseException], Callable[..., str]] = dict(
    [
        _says(errors.NotAVideo, not_a_video),
        _says(errors.VideoTooLong, video_too_long),
        _says(errors.VideoTooLarge, video_too_large),
        _says(errors.VideoDamaged, video_damaged),
        _says(errors.SegmentOutside, segment_outside),
        _says(errors.AnnotationError, annotation_fault),
        _says(errors.SourceRefused, source_refused),
        _says(errors.SourceNotFound, source_not_found),
        _says(errors.SourceNotAVideo, source_not_a_video),
        _says(errors.SourceUnreachable, source_unreachable),
        _says(errors.ModelError, model_fault),
        _says(errors.OptionError, option_fault),
        _says(errors.EngineUnavailable, engine_unavailable),
        _says(errors.EngineRefused, engine_refused),
        _says(errors.StorageError, storage_fault),
        _says(errors.ProcessDied, process_died),
        _says(errors.Cancelled, cancelled),
        _says(errors.TrackletError, unforeseen),
    ]
)
