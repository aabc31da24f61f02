"""
The sentence of each error: what happened, why, and what to do next.

No class names. Text that came from outside (labels, file names, what a service said) is shortened and made plain here; making
it harmless for Slack is left to `bot/texts/mrkdwn.py`.
"""

from __future__ import annotations

from functools import singledispatch
from typing import assert_never

from bot.texts.engine import engine_name
from bot.texts.google import CLOUD_STORAGE, no_access
from bot.texts.stopped import STOPPED
from bot.texts.wording import clock, count, duration, quoted, quoted_sentence, size
from tracking import errors

# What `tracking` and `rendering` call an option, and the name under which a person sets it.
SET_AS = {
    "about": "--about",
    "font": "TRACKLET_FONT",
    "google-endpoint": "TRACKLET_VIDEO_INTELLIGENCE_ENDPOINT",
    "google-location": "TRACKLET_LOCATION",
    "google-model": "TRACKLET_GOOGLE_MODEL",
}

UNFORESEEN = "Something went wrong on our side. The log has the details; trying again may help."


@singledispatch
def sentence(error: BaseException) -> str:
    """What happened, why, and what to do, for any error; one that is not ours gets a calm sentence without its own text."""
    return UNFORESEEN


@sentence.register
def not_a_video(error: errors.NotAVideo) -> str:
    name = quoted(error.name)
    match error.media:
        case errors.MediaKind.MISSING:
            return f"There is no file {name} that I can read. Check the name and the permissions."
        case errors.MediaKind.EMPTY:
            return f"{name} is empty, so there is no video in it. Copy or record it again."
        case errors.MediaKind.AUDIO:
            return f"{name} has sound but no picture. I need a video: MP4, MOV, WebM, MKV or AVI work."
        case errors.MediaKind.UNKNOWN if error.lacks_index:
            return (
                f"{name} is an unfinished recording: its index, which is written at the end, is missing. "
                "Copy it again, or let the recorder repair it."
            )
        case errors.MediaKind.UNKNOWN:
            return f"{name} is not a video that I can open: it is damaged or something else. MP4, MOV, WebM, MKV and AVI work."
    assert_never(error.media)


@sentence.register
def video_too_long(error: errors.VideoTooLong) -> str:
    return (
        f"This video lasts {duration(error.duration_s)}; I can track up to {duration(error.limit_s)}. "
        "Trim it, or give me a start and an end."
    )


@sentence.register
def video_too_large(error: errors.VideoTooLarge) -> str:
    if error.unit == "pixels":
        return f"This video's picture has {error.size:,} pixels; I can take up to {error.limit:,}. Scale it down first."
    if error.unit == "samples":
        return f"This file says that it has {error.size:,} pictures and sounds; I can take up to {error.limit:,}. Trim it."
    return f"This video has {size(error.size)}; I can take up to {size(error.limit)}. Trim it or compress it."


@sentence.register
def video_damaged(error: errors.VideoDamaged) -> str:
    return f"{quoted(error.name)} is a video, but none of its pictures can be decoded. Export or record it again."


@sentence.register
def segment_outside(error: errors.SegmentOutside) -> str:
    lasts = f" The video lasts {duration(error.duration_s)}." if error.duration_s else ""
    return f"There is no picture between {clock(error.start_s)} and {clock(error.end_s)}.{lasts} Choose a part inside it."


@sentence.register
def annotation_fault(error: errors.AnnotationError) -> str:
    too_much = {
        "too large": f"is larger than {size(error.limit)}",
        "too many objects": f"holds more than {count(error.limit, 'object')}",
        "too many boxes": f"holds more than {count(error.limit, 'box', 'boxes')}",
        "too many values": f"has more than {count(error.limit, 'value')} in one object, or beside its objects",
    }.get(error.problem)
    if too_much:
        return (
            f"The annotation file {too_much}, which is more than I read at once. "
            "Have a shorter part of the video annotated, or fewer pictures a second, or split the file."
        )
    if error.form:
        return _foreign_fault(error)
    if error.problem.startswith("holds "):
        return (
            f"The annotation file {quoted(error.problem)}, and no tracked objects. "
            "Have the video annotated with OBJECT_TRACKING, or give me the video alone."
        )
    if error.problem == "pixels":
        return (
            f"The annotation file can't be used: at {quoted(error.place)} the box looks like one in pixels. "
            "I read fractions of the picture's width and height, from 0 to 1: divide by them."
        )
    if error.problem == "no file":
        return f"There is no file {quoted(error.place)}. Check the name."
    problem = {
        "empty": "there is nothing in it",
        "compressed": "it is compressed, and has to be unpacked first",
        "pointer": "this is a pointer of Git LFS, in place of the file that it stands for",
        "markup": "this is a web page or XML, not JSON",
        "missing": "it is missing",
        "encoding": "its text is damaged, or in another encoding than UTF-8 and UTF-16",
        "no JSON": "this is not JSON",
        "no object": "an object was expected",
        "no list": "a list was expected",
        "no number": "a number was expected",
        "no time": 'a time such as {"seconds": 1, "nanos": 500000000} or "1.5s" was expected',
        "out of range": "the number is out of range",
        "unreadable": "it can't be read",
        "unfinished": "the operation was not finished when it was saved",
    }.get(error.problem, quoted(error.problem))
    return (
        f"The annotation file can't be used: at {quoted(error.place)}, {problem}. "
        "I read what the Video Intelligence API writes, and what I write myself."
    )


def _foreign_fault(error: errors.AnnotationError) -> str:
    """What is wrong with a file of another tool."""
    frames = count(error.limit, "frame")
    problem = {
        "no file": "there is no such file",
        "unreadable": "it can't be read",
        "missing": "something is missing",
        "encoding": "its text is damaged, or in another encoding than UTF-8",
        "no JSON": "this is not JSON",
        "no XML": "this is not XML",
        "document type": "it has a document type, which could hide anything, so I don't read it",
        "too deep": "elements are nested too deeply",
        "long line": "the line is too long",
        "no annotations": "this is not the XML that CVAT writes for a video: it begins with <annotations>",
        "no object": "an object was expected",
        "no list": "a list was expected",
        "no number": "a number was expected",
        "no box": "a box was expected",
        "no track": "it does not say which object this is, and I need boxes that were followed",
        "no frame": f"there is no such frame: the video has {frames}. Is the file of another video, or of another rate?",
        "other videos": "it is of several videos, and none is called as this one",
        "out of range": "the number is out of range",
    }.get(error.problem, quoted(error.problem))
    return f"This {error.form} file can't be used: at {quoted(error.place)}, {quoted_sentence(problem, limit=300)}"


@sentence.register
def annotation_run_failed(error: errors.AnnotationRunFailed) -> str:
    said = f" It said: {quoted_sentence(error.problem)}" if error.problem else f" Its code is {error.code}."
    return f"The run that wrote this annotation file failed, so there is nothing to draw.{said} Have the video annotated again."


@sentence.register
def source_refused(error: errors.SourceRefused) -> str:
    shown = quoted(error.source)
    match error.reason:
        case errors.SourceRefusal.SCHEME:
            return f"I can fetch http://, https:// and gs:// links, not {shown}. Or share the video itself."
        case errors.SourceRefusal.ADDRESS:
            return f"{shown} leads into a private network, where I don't go. Share the video itself, or ask who runs me."
        case errors.SourceRefusal.BUCKET:
            return f"{shown} is in a bucket that is neither mine nor public. Make it readable, or ask who runs me to allow it."
        case errors.SourceRefusal.WILDCARD:
            return f"{shown} has a * or ? in its name, which would stand for many files. Rename the file, or share it here."
        case errors.SourceRefusal.VERSION:
            return f"{shown} names one version of a file, and I read the current one. Leave out the # and what follows."
        case errors.SourceRefusal.NAME:
            return f"{shown} is a name that I can't use for a file. Rename it and try again."
        case errors.SourceRefusal.REDIRECT:
            return f"{shown} leads from one address to the next without end. Give me the address of the video itself."
        case errors.SourceRefusal.DOWNGRADE:
            return f"{shown} leads from https to http, where others could exchange the file. Give me an https address."
    assert_never(error.reason)


@sentence.register
def source_not_found(error: errors.SourceNotFound) -> str:
    return f"There is nothing at {quoted(error.source)}. Check the link, and that it still exists."


@sentence.register
def results_removed(error: errors.ResultsRemoved) -> str:
    return f"What I found in {quoted(error.name)} is not kept any more. Ask me to track it again."


@sentence.register
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
    return f"{shown} isn't a video, but {quoted(error.found, limit=40)}. MP4, MOV, WebM, MKV and AVI work."


@sentence.register
def source_unreachable(error: errors.SourceUnreachable) -> str:
    shown = quoted(error.source)
    match error.reason:
        case errors.SourceFailure.SLOW:
            return f"{shown} sends so slowly that I gave up. Try again later, or share the video itself."
        case errors.SourceFailure.INCOMPLETE:
            return f"{shown} gave me only a part of the file. Try again later, or share the video itself."
        case errors.SourceFailure.ENCODED:
            return f"{shown} comes in a compressed form, which is not the file itself. Share the video, or another link."
        case errors.SourceFailure.NAME:
            return f"There is no server of the name in {shown}. Check how the link is spelt."
        case errors.SourceFailure.CERTIFICATE:
            return f"{shown} cannot prove whose server it is: its certificate is not valid. Share the video itself."
        case errors.SourceFailure.TIMEOUT:
            return f"{shown} does not answer in time. Try again later, or share the video itself."
        case errors.SourceFailure.CONNECTION:
            return f"The connection to {shown} can't be made, or breaks off. Try again later, or share the video itself."
        case errors.SourceFailure.UNKNOWN:
            if 200 <= error.status < 300:
                return f"{shown} answers without a file (status {error.status}). Check the link, or share the video itself."
            why = f" (status {error.status})" if error.status else ""
            return f"{shown} does not answer{why}. Try again later, or share the video itself."
    assert_never(error.reason)


@sentence.register
def model_fault(error: errors.ModelError) -> str:
    model = quoted(error.model)
    match error.problem:
        case errors.ModelFault.MISSING:
            names = f", or say one of these: {error.known}" if error.known else ""
            return f"There is no model file {model}. Check the path{names}."
        case errors.ModelFault.NAME:
            return f"I know no model called {model}: say one of {error.known}, or give the path of a detector's file."
        case errors.ModelFault.CHECKSUM:
            return (
                f"The download of the model {model} is not what was published, so I threw it away. Try again, or give a file."
            )
        case errors.ModelFault.SIZE:
            return f"The download of the model {model} has another size than what was published, so I stopped. Try again later."
        case errors.ModelFault.SHAPE:
            return f"{model} is a network, but no detector that I know: what goes in or comes out has another shape. Try YOLOX."
        case errors.ModelFault.UNREADABLE:
            return f"{model} is not a model that I can load. Give me a YOLOX export in ONNX form."
        case errors.ModelFault.OTHER:
            return f"My processes have different models: one has {model}, another began with another one. Give all the same."
    assert_never(error.problem)


@sentence.register
def option_fault(error: errors.OptionError) -> str:
    option = SET_AS.get(error.option, error.option)
    given = quoted(error.value) or "used"  # a secret is not shown
    return f"{quoted(option)} can't be {given}: {error.allowed}."


@sentence.register
def too_costly(error: errors.TooCostly) -> str:
    match error.resource:
        case "memory":
            what = f"more memory than the {size(error.limit)} that I may use for one video"
        case "file":
            what = f"a larger file than the {size(error.limit)} that I may write"
        case _:
            what = f"more computing than the {duration(error.limit)} that I may spend on it"
    return f"This takes {what}. Trim the video, scale it down, or give me a start and an end."


@sentence.register
def engine_unavailable(error: errors.EngineUnavailable) -> str:
    engine = engine_name(error.engine)
    if isinstance(error.reason, errors.GoogleFault):
        return no_access(error.reason, service=engine, subject=error.subject)
    said = _said(error.detail)
    match error.reason:
        case errors.EngineAbsence.OFFLINE if error.model:
            return (
                f"The model {quoted(error.model)} isn't here and can't be downloaded.{_reason(error.detail)} "
                "Try again later, or give a file with --model or TRACKLET_MODEL."
            )
        case errors.EngineAbsence.OFFLINE:
            return f"{engine} can't be reached.{said} Try again later, or use another engine."
        case errors.EngineAbsence.CONFIGURATION:
            return f"{engine} is not set up.{_reason(error.detail)} Run `tracklet doctor`, or use another engine."
        case errors.EngineAbsence.RETIRED:
            return f"{engine} was shut down by Google on 2027-09-14. The engines yolox and motion need no service."
        case errors.EngineAbsence.ENDPOINT:
            return f"What answers is not {engine}. Check TRACKLET_VIDEO_INTELLIGENCE_ENDPOINT, or leave it unset."
        case errors.EngineAbsence.QUOTA:
            return f"{engine} is busy: its quota is used up for now.{said} Try again in a few minutes, or use another engine."
        case errors.EngineAbsence.TIMEOUT:
            return f"{engine} did not answer in time.{said} Try again, or use another engine."
        case errors.EngineAbsence.UNANSWERED if error.subject:
            return (
                f"{engine} was asked to start and gave no answer, so it may be running and cost money.{said} "
                "Try again later: I look for its result before I start it again."
            )
        case errors.EngineAbsence.UNANSWERED:
            return (
                f"{engine} was asked to start and gave no answer, so it may be running and cost money.{said} "
                "I can't see whether it is: trying again may cost the same once more."
            )
        case errors.EngineAbsence.LIBRARY:
            return f"{engine} can't run here.{_reason(error.detail)} Run `tracklet doctor`, or use another engine."
    assert_never(error.reason)


def _said(detail: str) -> str:
    """Return a service's own words, as sentences that follow ours."""
    return f" It said: {quoted_sentence(detail)}" if detail else ""


def _reason(detail: str) -> str:
    return f" The reason: {quoted_sentence(detail)}" if detail else ""


@sentence.register
def engine_refused(error: errors.EngineRefused) -> str:
    engine = engine_name(error.engine)
    detail = _said(error.detail)
    match error.reason:
        case errors.EngineRefusal.MOVING_CAMERA:
            return (
                "The camera moves in this video, and following anything that moves only works with a fixed one. "
                "Use the yolox engine, which recognises objects."
            )
        case errors.EngineRefusal.PERMISSION:
            where = quoted(error.place, limit=200) if error.place else "what it needs"
            account = quoted(error.account) if error.account else "its account"
            role = f"the role {quoted(error.role)}" if error.role else "access"
            return f"{engine} may not use {where}.{detail} Give {account} {role} on that bucket."
        case errors.EngineRefusal.QUOTA:
            return f"The quota of {engine} is used up for long.{detail} Use another engine, or have the quota raised."
        case errors.EngineRefusal.SEGMENT:
            return f"{engine} finds no such stretch in this video.{detail} Choose one inside of it."
        case errors.EngineRefusal.PRECONDITION:
            return f"{engine} refuses to work.{detail} Whoever runs me has all of it in the log; use another engine meanwhile."
        case errors.EngineRefusal.SLOW:
            return (
                f"{engine} took too long for this video and gave up.{detail} Give me a shorter stretch, or use another engine."
            )
        case errors.EngineRefusal.UNSUPPORTED:
            return f"{engine} can't take this video.{detail} Convert it to MP4, or use another engine."
        case errors.EngineRefusal.LOST:
            return f"{engine} no longer knows this run.{detail} Start it again."
        case errors.EngineRefusal.STOPPED:
            return f"Somebody stopped this run at {engine}, not here. Start it again."
        case errors.EngineRefusal.REGION:
            return f"{engine} does not run in that region.{detail} Set TRACKLET_LOCATION to one that it knows."
        case errors.EngineRefusal.INTERNAL:
            return f"{engine} failed.{detail} Try again, or use another engine."
    assert_never(error.reason)


@sentence.register
def storage_fault(error: errors.StorageError) -> str:
    verb = {"read": "read", "write": "write to", "list": "list"}.get(error.action, "use")
    place = quoted(error.place)
    if isinstance(error.reason, errors.GoogleFault):
        return f"I can't {verb} {place}. {no_access(error.reason, service=CLOUD_STORAGE, subject=error.subject)}"
    if not isinstance(error.reason, errors.StorageFault):
        why = f": {quoted(error.reason)}" if error.reason else ""
        return f"I can't {verb} {place}{why}.{_said(error.detail)} Check that it exists, has room, and that I may use it."
    match error.reason:
        case errors.StorageFault.FULL:
            return "The disk is full, so I could not go on. Make room, or ask who runs me to, then try again."
        case errors.StorageFault.MISSING:
            return f"I can't {verb} {place}: it is not there. Check the name."
        case errors.StorageFault.BUCKET_MISSING:
            return f"I can't {verb} {place}: there is no bucket of that name. Check how it is spelt, or make it."
        case errors.StorageFault.PERMISSION:
            return f"I can't {verb} {place}: I have no permission. Ask its owner to give me access."
        case errors.StorageFault.CONFLICT:
            return f"I can't {verb} {place}: somebody else changed it at the same time. Try again."
        case errors.StorageFault.NAME:
            return f"I can't {verb} {place}: that name can't be used there. Choose a shorter or simpler one."
        case errors.StorageFault.TOO_LARGE:
            return f"I can't {verb} {place}: it is larger than I take. Make it smaller."
        case errors.StorageFault.CHECKSUM:
            return f"I can't {verb} {place}: what arrived is not what is stored there. Try again."
        case errors.StorageFault.OFFLINE:
            return f"I can't {verb} {place}: the storage does not answer, or fails. Try again later."
        case errors.StorageFault.BUSY:
            return f"I can't {verb} {place}: the storage takes no more requests just now. Try again in a minute."
        case errors.StorageFault.BROKEN_OFF:
            return f"I can't {verb} {place}: the upload broke off again and again. Check the network, then try again."
        case errors.StorageFault.RETAINED:
            return f"I can't {verb} {place}: the bucket's retention policy keeps it as it is. Give me a bucket without one."
        case errors.StorageFault.HELD:
            return f"I can't {verb} {place}: a hold keeps it as it is. Ask its owner to release the hold."
        case errors.StorageFault.REQUESTER_PAYS:
            return (
                f"I can't {verb} {place}: whoever reads that bucket pays for it, and I do not. Copy the file to another bucket."
            )
        case errors.StorageFault.KEY:
            return (
                f"I can't {verb} {place}: Cloud Storage may not use the key (Cloud KMS) that encrypts it. Ask its owner to "
                "give the project's Cloud Storage service agent the role roles/cloudkms.cryptoKeyEncrypterDecrypter."
            )
        case errors.StorageFault.KEY_DISABLED:
            return (
                f"I can't {verb} {place}: the key (Cloud KMS) that encrypts it is disabled or gone. Ask its owner to enable it."
            )
        case errors.StorageFault.CUSTOMER_KEY:
            return f"I can't {verb} {place}: it is encrypted with a key that only its owner has. Ask for a copy without one."
        case errors.StorageFault.COUNTRY:
            return f"I can't {verb} {place}: Google does not give it to the country in which I run. Share the video itself."
        case errors.StorageFault.REFUSED:
            return (
                f"I can't {verb} {place}: the storage refuses that.{_said(error.detail)} Whoever runs me has more in the log."
            )
    assert_never(error.reason)


@sentence.register
def too_many_jobs(error: errors.TooManyJobs) -> str:
    videos = count(error.limit, "video")
    if error.is_persons:
        return f"I take {videos} of one person at a time, and yours are not done yet. Try again when some are."
    return f"I take {videos} of a workspace at a time, and those of this one are not done yet. Try again later."


@sentence.register
def process_died(error: errors.ProcessDied) -> str:
    return (
        f"Working on this video ended my program {error.deaths} times, so I stopped trying. It may be damaged, or too much for "
        "the memory here. Convert it to MP4 (H.264), make it shorter or smaller, and give me that."
    )


@sentence.register
def cancelled(_: errors.Cancelled) -> str:
    return STOPPED


def left_out(number: int) -> str:
    """Objects that pass the thresholds beyond the most that are shown."""
    return (
        f"{count(number, 'more object')} {'passes' if number == 1 else 'pass'}, but that is more than I show. "
        "Ask for fewer kinds, a higher percentage or a shorter part to see others."
    )
