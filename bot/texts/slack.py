"""
The sentences that only Slack shows: functions of their facts.

Those about errors, engines and videos, which the command line says too, are in `bot/texts.py`; `sentence` makes them inert for
mrkdwn. Names and labels come in escaped (`mrkdwn.escape`); a user is a mention, which Slack turns into a name.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bot.jobs.error_codec import Unforeseen
from bot.jobs.facts import Summary, ToldObject
from bot.jobs.model import JobState, Options
from bot.jobs.operator_faults import needs_operator
from bot.jobs.processes import ChildCrashed
from bot.jobs.told import most_at_once
from bot.requests.errors import CommandError, ParseErrorKind
from bot.requests.grammar import TO_THE_END_S
from bot.slack.errors import FileNotShared, MessageNotShown, SlackError, SlackRefused
from bot.texts import errors, limits, wording
from bot.texts.engine import engine_name
from bot.texts.google import CLOUD_STORAGE, why_no_access
from bot.texts.mrkdwn import escape, inert
from bot.texts.plurals import counted, counted_labels
from bot.texts.wording import clock, count, percent, span
from rendering.kinds.base import KINDS
from tracking.errors import (
    EngineAbsence,
    EngineUnavailable,
    GoogleFault,
    ProcessDied,
    SourceRefusal,
    SourceRefused,
    StorageError,
    StorageFault,
    TrackletError,
)

Json = dict[str, Any]

ALT_LETTERS = 1000  # Slack's limit of `alt_txt`
LABELS_NAMED = 12
KINDS_AT_ONCE = 6

STAGES: Mapping[JobState, str] = {
    JobState.RECEIVED: "Starting in a moment",
    JobState.FETCHING: "Fetching the video",
    JobState.TRACKING: "Following every object",
    JobState.RENDERING: "Drawing the pictures",
    JobState.POSTING: "Posting the pictures",
}


# -- the progress message ---------------------------------------------------------------------------------------------------


def asked(user: str, name: str, options: str) -> str:
    """Return who asked for what, at the head of a thread of its own."""
    return f"<@{user}> asked me to track *{name}*{f' ({options})' if options else ''}"


def about(name: str, options: str) -> str:
    """Return what is being tracked, below the message that shared it."""
    return f"*{name}*{f' ({options})' if options else ''}"


def appeared(uri: str) -> str:
    """Return which object a watching channel is shown, at the head of its thread."""
    return f"New in a bucket that this channel watches: {_address(uri)}"


def annotations_taken() -> str:
    """Return what is said where no engine ran."""
    return "The annotation file came from elsewhere; I drew what it says."


def options_in_words(options: Options) -> str:
    """Return what differs from the defaults, as a person would type it; "" when nothing does."""
    default = Options()
    words = []
    if options.segment is not None:
        start, end = (clock(each, tenths=each % 1 > 0) for each in options.segment)
        words.append(f"from {start}" if options.segment.end_s >= TO_THE_END_S else f"from {start} to {end}")
    if options.labels:
        words.append(f"only {', '.join(options.labels)}")
    if options.min_confidence != default.min_confidence:
        words.append(f"above {percent(options.min_confidence)}")
    if options.min_frames != default.min_frames:
        words.append(f"at least {count(options.min_frames, 'frame')}")
    if options.make:
        words.append(f"make {', '.join(options.make)}")
    if options.engine is not None:
        words.append(f"with {options.engine.value}")
    return ", ".join(words)


def waiting(before: int) -> str:
    """Others have their turn first; `before` counts them."""
    return f"Waiting: {count(before, 'video')} first" if before else "Waiting for its turn: it is next"


def queued(before: int, seconds: float | None) -> str:
    """Return the answer to who asks while others wait: how many come first, and how long that takes, None if unknown."""
    about = "" if seconds is None else f", about {wording.duration(_rounded(seconds))}"
    return f"{count(before, 'video')} {'is' if before == 1 else 'are'} before yours{about}."


def _rounded(seconds: float) -> float:
    """Return an estimate no more exact than it is: in tens of seconds, then in minutes."""
    step_s = 60.0 if seconds >= 95.0 else 10.0
    return max(round(seconds / step_s) * step_s, 10.0)


def time_left(seconds: float) -> str:
    """Return an estimate, said as one."""
    return f"about {wording.duration(max(10.0, round(seconds)))} left"


def found(name: str, labels: Sequence[str], options: str = "") -> str:
    """Return what there is to see, with the options as they were asked for ("" for none)."""
    where = f"in *{name}*{limits.in_brackets(options)}"
    if len(set(labels)) == 1:
        return f"I found {counted(len(labels), labels[0])} {where}."
    return f"I found {count(len(labels), 'object')} {where}: {counted_labels(labels)}."


def took(seconds: float) -> str:
    """Return the time from the question to the last picture, without that in which it waited for others."""
    return wording.duration(seconds)


def seen_before(link: str, *, has_pictures: bool = True) -> str:
    """Return that the same bytes were tracked the same way; `link` leads to that thread, "" where the asker cannot see it."""
    before = f"<{link}|before>" if link else "before"
    pictures = ", so these are the same pictures" if has_pictures else ""
    return f"Same video, same settings as {before}{pictures}."


def nothing_found(name: str, asked: Options, options: str, summary: Summary) -> str:
    """Return an answer too: that there is nothing, or what nearly passed. `summary` has its labels escaped."""
    where = f"in *{name}*"
    missing = labels_missing(asked.labels, summary.labels)
    if asked.labels and len(missing) == len(asked.labels) and summary.labels:
        return f"{no_such_labels(missing, where)} {labels_there(summary.labels)}"
    if not summary.near_miss_count:
        return f"No objects found {where}{limits.in_brackets(options)}."
    named = any(kind.is_named for kind in summary.near_kinds)
    wanted = limits.in_brackets(limits.limits(asked.min_confidence, _least(asked, summary), summary.step_s, named=named))
    what = " or ".join(map(escape, asked.labels)) or "object"
    close = limits.close(summary.near_kinds, summary.near_miss_count, summary.step_s)
    return f"No {what} {where} passed the limits{wanted}.{f' Close: {close}.' if summary.near_kinds else ''}"


def _least(options: Options, summary: Summary) -> int:
    """Return how many boxes were wanted: of short and slow clips fewer than was asked for."""
    return summary.least_frames or options.min_frames


def labels_missing(asked: Sequence[str], there: Sequence[str]) -> list[str]:
    """Return the labels that were asked for and that no object of the video has."""
    known = {label.casefold() for label in there}
    return [label for label in asked if label.casefold() not in known]


def labels_not_written(labels: Sequence[str]) -> str:
    """Tell which labels stand in the pictures only in part, because no font of the bot's has their letters."""
    told = wording.listing(labels, limit=6)
    return f"I have no font for all of {told}; the pictures show … instead, and leave emoji out. Whoever runs me can add one."


def no_such_labels(labels: Sequence[str], where: str) -> str:
    """Return that nothing in a video has one of these labels; `where` is "here", or names the video."""
    quoted = [f"“{escape(wording.quoted(label, limit=40))}”" for label in labels]
    return f"There is no {' or '.join([', '.join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)} {where}."


def labels_there(labels: Sequence[str]) -> str:
    """Return which labels the objects of a video have."""
    rest = f" and {len(labels) - LABELS_NAMED} more" if len(labels) > LABELS_NAMED else ""
    return f"There {'is' if len(labels) == 1 else 'are'}: {', '.join(labels[:LABELS_NAMED])}{rest}."


def list_limits(options: Options, summary: Summary) -> str:
    """Return the thresholds that a list was made with, and what they keep out; "" for no thresholds."""
    named = any(row.is_named for row in summary.objects)
    wanted = limits.limits(options.min_confidence, _least(options, summary), summary.step_s, named=named)
    said = [f"Limits: {wanted}."] if wanted else []
    if summary.near_miss_count:
        thresholds = options.min_confidence, _least(options, summary), summary.step_s
        said.append(limits.not_shown(summary.near_kinds, summary.near_miss_count, *thresholds))
    return " ".join(said)


def stopped(user: str) -> str:
    """Return that somebody pressed Cancel."""
    return f"Stopped by <@{user}>. Nothing more will be posted." if user else "Stopped. Nothing more will be posted."


def sentence(error: TrackletError, *, number: int) -> str:
    """Return what went wrong with a job, and what to do; `number` is the job's."""
    if isinstance(error, ProcessDied | ChildCrashed):
        return (
            "Something went wrong on my side: working on this video ended my program several times, so I stopped trying. It "
            "may be damaged, or too much for my memory. Convert it to MP4 (H.264), make it shorter or smaller, and share that. "
            f"If that does not help, tell whoever runs me that it was job {number}."
        )
    if isinstance(error, Unforeseen):
        return (
            "Something went wrong on my side, and not with what you asked for. "
            f"Trying again may help; if it does not, tell whoever runs me that it was job {number}."
        )
    if isinstance(error, FileNotShared):
        return file_not_shared(error)
    if isinstance(error, MessageNotShown):
        return message_not_shown(error)
    if isinstance(error, SlackRefused) and error.reason in {"missing_scope", *REFUSALS, *FILE_REFUSALS}:
        return refused(error)
    if isinstance(error, SlackError):
        return (
            "Slack did not take all of what I made, so something is missing here. "
            f"Trying again may help; if it does not, tell whoever runs me that it was job {number}."
        )
    if needs_operator(error):
        return f"{_out_of_order(error)}. Only whoever runs me can mend that; tell them that it was job {number}."
    return inert(errors.sentence(error))


def _out_of_order(error: TrackletError) -> str:
    match error:
        case StorageError(reason=StorageFault.FULL):
            return "The disk is full, so I could not go on"
        case StorageError(reason=GoogleFault() as fault):
            return inert(why_no_access(fault, service=CLOUD_STORAGE, subject=error.subject))
        case StorageError():
            return "I can't use the place where I keep my files"
        case EngineUnavailable(reason=GoogleFault() as fault):
            return inert(why_no_access(fault, service=engine_name(error.engine), subject=error.subject))
        case EngineUnavailable(reason=EngineAbsence.RETIRED):
            return f"{engine_name(error.engine)} was shut down by Google on 2027-09-14"
        case EngineUnavailable(reason=EngineAbsence.ENDPOINT):
            return f"What answers here is not {engine_name(error.engine)}"
        case EngineUnavailable():
            return f"{engine_name(error.engine)} is not set up here"
    return "My detector can't be used"


def file_not_shared(error: FileNotShared) -> str:
    """Return a Slack file that cannot be used."""
    match error.reason:
        case "elsewhere":
            return "That file is not shared in this channel, so I leave it alone. Share it here, and I track it."
        case "external":
            return "That file lies outside of Slack, where I have no access. Upload the video itself."
        case "hidden":
            return "Slack hides that file, because it is older than this workspace's plan shows. Upload the video again."
        case "not-a-video":
            return "That file is not a video. MP4, MOV, WebM, MKV and AVI work."
        case "missing":
            return "Slack does not find that file. It was deleted, or it is not shared where I am. Upload the video again."
        case "unready":
            return "Slack has not finished with that file yet. Try again in a few minutes."
        case "sign-in":
            return no_access_to_files()
        case "cut-short":
            return "Slack gave me only a part of that file, each time that I asked. Try again later, or upload the video again."
        case "unreachable":
            return "Slack does not give me that file at the moment. Try again in a few minutes."
        case "unknown":
            name = escape(wording.quoted(error.file_id))
            return f"I know no video called {name} in this channel. Share it here, or give me its link (Copy link to file)."
    return "That file is not there any more: somebody deleted it. Upload the video again."


def scope_missing(needed: str) -> str:
    """Slack refused for want of a permission; `needed` names it, "" where Slack did not."""
    wanted = f"the permission {inert(wording.quoted(needed))}" if needed else "a permission"
    return (
        f"I am missing {wanted} in this workspace. Whoever installed me can add it on the app's page, OAuth & Permissions, "
        "and install me again; then try once more."
    ).replace("OAuth & P", "OAuth &amp; P")


REFUSALS: Mapping[str, str] = {
    "restricted_action": "this workspace does not let me post there",
    "restricted_action_read_only_channel": "only some people may post there",
    "restricted_action_non_threadable_channel": "replies are not allowed there",
    "restricted_action_thread_only_channel": "only replies are allowed there",
    "restricted_action_thread_locked": "that thread is locked",
    "cannot_reply_to_message": "that message takes no replies",
    "is_archived": "the channel is archived",
    "not_in_channel": "I am not in that channel any more",
    "channel_not_found": "I am not in that channel any more",
    "ekm_access_denied": "your organisation has taken back the keys to its messages",
    "team_access_not_granted": "your organisation has not allowed me in that workspace",
    "enterprise_is_restricted": "your organisation does not allow that",
    "posting_to_channel_denied": "only some people may post there",
}
"""Why Slack does not let the bot post, by Slack's own word (docs.slack.dev/reference/methods/chat.postMessage)."""

FILE_REFUSALS: Mapping[str, str] = {
    "file_uploads_disabled": "this workspace takes no files",
    "file_uploads_except_images_disabled": "this workspace takes pictures, but no other files",
    "file_type_not_allowed": "this workspace takes no files of that kind",
    "file_upload_size_restricted": "the file is larger than this workspace allows",
    "storage_limit_reached": "this workspace has no room for more files",
    "malware_detected": "Slack's scanner takes the file for harmful",
    "slack_connect_file_upload_sharing_blocked": "files are not allowed where another organisation reads along",
    "slack_connect_clip_sharing_blocked": "clips are not allowed where another organisation reads along",
    "slack_connect_blocked_file_type": "files of that kind are not allowed where another organisation reads along",
}
"""Why Slack does not take a file, by its own word (docs.slack.dev/reference/methods/files.completeUploadExternal)."""

TOKEN_REFUSED = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
"""Slack does not take the bot's token, which only who installed it can mend."""


def refused(error: SlackRefused, *, channel: str = "") -> str:
    """Return what Slack did not let the bot do, and who can change that; `channel` is where that was."""
    if error.reason == "missing_scope":
        return scope_missing(error.needed)
    if error.reason in TOKEN_REFUSED:
        return "I was removed from this workspace, or my access to it was. Ask whoever installed me to install me again."
    if error.reason in FILE_REFUSALS:
        return f"Slack does not take what I made: {FILE_REFUSALS[error.reason]}. Whoever runs the workspace can change that."
    why = REFUSALS.get(error.reason) or f"it says {inert(wording.quoted(error.reason))}"
    where = f" in <#{channel}>" if channel.startswith(("C", "G")) else ""
    return f"Slack does not let me answer{where}: {why}. Ask me in another channel, or in a message to me."


def form_too_late() -> str:
    """Return the form did not open."""
    return "That took too long, so the form did not open. Type `/track` once more, or `/track` and a link."


def no_access_to_files() -> str:
    """Slack answered with its sign-in page."""
    return f"Slack showed me its sign-in page instead of the file. {scope_missing('files:read')}"


# -- pictures ---------------------------------------------------------------------------------------------------------------


def object_row(row: ToldObject, *, link: str, description: str = "") -> str:
    """
    Return one line of the list below the summary.

    `description` says what the label means and leads to `link`, "" for none. The label itself is no link: some would be and
    some not, and whoever reads expects the object behind it.
    """
    sure = f" {percent(row.confidence)}" if row.is_named else ""
    said = f"`{row.number}` *{row.label}*{sure} · {wording.exact_span(row.start_s, row.end_s)}"
    if not description:
        return said
    return f"{said} · <{link}|{description}>" if link else f"{said} · {description}"


def summary_alt(name: str, rows: Sequence[ToldObject]) -> str:
    """Return the summary for somebody who does not see it."""
    told = "; ".join(f"{row.number} {row.label}{f', {percent(row.confidence)}' if row.is_named else ''}" for row in rows)
    return wording.quoted(f"Object summary of {name}: {told}", limit=ALT_LETTERS)


def animation_alt(row: ToldObject) -> str:
    """Return one GIF for somebody who does not see it."""
    said = f"Moving picture of object {row.number}, {row.label}, {span(row.start_s, row.end_s)}"
    return wording.quoted(said, limit=ALT_LETTERS)


def summary_title(name: str, page: int) -> str:
    """Return the title of the summary's file, or of one of its further pages."""
    return f"Objects in {wording.quoted(name)}{f', page {page}' if page > 1 else ''}"


def animation_title(row: ToldObject) -> str:
    """Return the title of a GIF's file: "1 person · 0:00–0:10"."""
    return f"{object_title(row)} · {span(row.start_s, row.end_s)}"


def pictures_comment(title: str, name: str, *, shown: int, total: int) -> str:
    """Say what pictures follow, and how many of them; `title` is what people call their kind."""
    if shown < total:
        return f"The first {shown} of {total:,} {title} of {escape(wording.quoted(name))}"
    return escape(picture_title(title, name))


def picture_title(title: str, name: str) -> str:
    """Return the title of a picture's file; `title` is what people call its kind, `name` the video's."""
    return f"{title[:1].upper()}{title[1:]} of {wording.quoted(name)}"


def object_title(row: ToldObject) -> str:
    """Return the title of the picture of one object: "1 person"."""
    return f"{row.number} {wording.quoted(row.label, limit=40) or 'object'}"


def object_alt(title: str, row: ToldObject) -> str:
    """Describe the picture of one object for those who don't see it."""
    return wording.quoted(f"{title}: object {row.number}, {row.label}", limit=ALT_LETTERS)


def picture_alt(title: str, file_name: str) -> str:
    """Describe a picture for those who don't see it."""
    return wording.quoted(f"{title}: {file_name}", limit=ALT_LETTERS)


def animations_comment(rows: Sequence[ToldObject], name: str) -> str:
    """Return which objects of which video a message shows."""
    return f"{'Object' if len(rows) == 1 else 'Objects'} {wording.ranges(row.number for row in rows)} in *{name}*"


def made(name: str, titles: Sequence[str], *, is_done: bool) -> str:
    """Return which further kinds of pictures were made of a video, by what people call them, or that none could be."""
    told = wording.listing(titles)
    return f"Made of *{name}*: {told}." if is_done else f"There is nothing in *{name}* to make {told} of."


def kinds_gone(keys: Sequence[str]) -> str:
    """Return that a version of the program made kinds of pictures that this one does not know."""
    return f"I can't make {wording.listing(keys)} any more, so that is left out."


# -- buttons ----------------------------------------------------------------------------------------------------------------

CANCEL = "Cancel"
TRY_AGAIN = "Try again"
START_AGAIN = "Start again"
INCLUDE = "Show these too"
TRACK = "Track objects"
CONFIRM_TITLE = "Stop tracking?"
CONFIRM_TEXT = "What is posted already stays."
CONFIRM_YES = "Stop"
CONFIRM_NO = "Go on"


def more_gifs(number: int) -> str:
    """Return the button for the next GIFs."""
    return f"Show {count(number, 'more GIF')}"


def more_objects(page: int) -> str:
    """Return the button for the next page of the summary."""
    return f"Page {page} of the summary"


def offer(name: str) -> str:
    """In a channel where nothing starts unasked."""
    return f"Shall I track the objects in *{name}*?"


def list_title(name: str, labels: Sequence[str]) -> str:
    """Return the list of objects, for notifications."""
    return f"{name}: {counted_labels(labels)}"


def list_heading(name: str, options: str) -> str:
    """Return what stands above the list of objects: whose they are, and what was asked for."""
    return f"*{name}*{limits.in_brackets(options)}"


def at_once(objects: Sequence[ToldObject]) -> str:
    """Return how many of a kind are seen at once, for the kinds of which that are fewer than there are in all; else ""."""
    counts = Counter(row.label for row in objects)
    fewer = {label: most for label, most in most_at_once(objects).items() if most < counts[label]}
    told = [counted(fewer[label], label) for label, _ in counts.most_common() if label in fewer]
    return f"Most at once: {wording.listing(told, limit=KINDS_AT_ONCE)}." if told else ""


def more_rows(number: int) -> str:
    """Return what stands below a list that holds one page."""
    return f"… and {number:,} more"


# -- answers to one person --------------------------------------------------------------------------------------------------

HELP_TITLE = "What I can do"
HELP_SMALL = "I follow every object in a video and answer in the thread: one picture of all of them, and a moving one of each."
STATUS_TITLE = "Your jobs"


def help_text() -> str:
    """Return how to use it, by examples."""
    return (
        "*Share a video* in a channel that I am in, or in a message to me, and I start by myself.\n"
        "*`/track <link>`* tracks a video from a link: https://…, gs://bucket/name, or a file of this channel by link or name. "
        "Say what you want in words:\n"
        "• `/track <link> from 0:10 to 0:30`\n"
        "• `/track <link> only person, car above 60%`\n"
        "• `/track <link> at least 5 frames with motion`\n"
        f"*`@Tracklet make video`* in a thread makes more of its videos: {_kinds()}.\n"
        "*`/track`* alone opens a form. *`/track status`* lists your jobs, *`/track cancel`* stops one.\n"
        "*`/track auto off`* keeps me from starting unasked in this channel; a button remains. `/track auto on` undoes that.\n"
        "*`/track watch gs://bucket/prefix`* shows here what appears there. `/track watches` lists, `/track unwatch` ends it.\n"
        "*Mention me* and say the same, with a video, a link or in a thread, where commands do not work: "
        "`@Tracklet only person`, `@Tracklet stop`, `@Tracklet status`. In a message to me the words alone will do."
    )


def misunderstood(problem: CommandError, *, plain: bool = False) -> str:
    """Return what was not understood, and what would be; with `plain` for fields that show no formatting."""
    words = wording.quoted(problem.words)
    words = words if plain else escape(words)
    match problem.what:
        case ParseErrorKind.NO_LINK:
            return "I see no link to a video there. Try /track https://…, or gs://… or fox.mp4, or share the video itself."
        case ParseErrorKind.TWO_LINKS:
            return "I take one link at a time, and no file beside it. Send a command for each."
        case ParseErrorKind.BAD_LINK:
            return f"I can fetch http://, https:// and gs:// links, not {words}. Or share the video itself."
        case ParseErrorKind.WILDCARD:
            return f"{words} has a * or ? in its name, which would stand for many files. Name one video."
        case ParseErrorKind.UNKNOWN:
            return (
                f"I do not understand “{words}”.{_nearest(problem)} For a video I know: from 0:10 to 0:30; only person, car; "
                f"above 60%; at least 5 frames; with yolox, motion or google; make {_kinds()}. Besides: help, status, cancel."
            )
        case ParseErrorKind.TWICE:
            return f"“{words}” says something for the second time. Say each thing once."
        case ParseErrorKind.TIME_ORDER:
            return f"“{words}” ends before it begins. Try: from 0:10 to 0:30."
        case ParseErrorKind.PERCENT:
            return f"“{words}” isn't a percentage between 0% and 100%. Try: above 60%."
        case ParseErrorKind.FRAMES:
            return f"“{words}” isn't a number of frames between 1 and 10,000."
        case ParseErrorKind.ENGINE:
            return f"I know no engine called {words}.{_nearest(problem)} Say with yolox, with motion, with google or with auto."
        case ParseErrorKind.LABELS:
            return f"I can't read “{words}” as a list of objects. Try: only person, car."
        case ParseErrorKind.CANCEL:
            return f"I don't know job “{words}”. `/track status` lists yours. Say `cancel 12`, or `cancel all`."
        case ParseErrorKind.AUTO:
            return "Say `/track auto on` or `/track auto off`."
        case ParseErrorKind.WATCH:
            return "Say which bucket, and the beginning of the names if you like: `/track watch gs://bucket/prefix`."
        case ParseErrorKind.TOO_LONG:
            return "That is more text than I read. A link and a few words are enough."


def _kinds() -> str:
    """Return the further kinds of pictures, as they are asked for."""
    further = [kind.key for kind in KINDS.values() if kind.is_for_threads and not kind.is_default]
    return wording.listing(sorted(further), limit=len(further))


def _nearest(problem: CommandError) -> str:
    """Return what somebody may have meant; a word of ours, or a class of objects."""
    return f" Did you mean “{problem.nearest}”?" if problem.nearest else ""


def left_out(problem: CommandError) -> str:
    """Return a video is tracked although not all of what was said about it was understood."""
    return f"{misunderstood(problem)} I go on without that."


def same_as_above(link: str) -> str:
    """Return a video whose job in the same thread runs, or is done, with the same options; `link` leads to it, "" for none."""
    return f"Same video, same settings: {f'<{link}|see above>' if link else 'see above'}."


def too_many_videos(number: int, most: int) -> str:
    """Return a message with more videos than are taken of one."""
    return f"That message has {number} videos. I take the first {most} of one message; share the others in another."


def no_video_here() -> str:
    """Return a request for a video in a message that has none, outside of threads."""
    return "I see no video in that message. Share one with it, give me a link, or reply in the thread of a video."


def message_not_shown(error: MessageNotShown) -> str:
    """Return a message's link that leads to no video."""
    match error.reason:
        case "elsewhere":
            return "That message is not in this channel, so I leave its video alone. Share the video here."
        case "no-video":
            return no_video_in_message()
    return "Slack does not show me that message: it may be deleted, or a reply in a thread. Share the video itself."


def not_here() -> str:
    """Return the bot cannot post where it was asked."""
    return "I am not in this channel, so I could not answer. Invite me first: type `/invite @Tracklet`, then ask again."


def no_video_in_message() -> str:
    """Return the message shortcut, on a message without a video."""
    return "There is no video in that message: neither a file nor a link to one."


def no_video_in_thread() -> str:
    """Return a mention in a thread without a video."""
    return "I see no video in this thread. Share one here, or give me a link to one."


def cannot_read_thread() -> str:
    """Slack refused to show the thread."""
    return "Slack does not let me read this thread right now. Mention me once more, together with a link to the video."


def auto_set(on: bool) -> str:
    """Return the channel's setting."""
    if on:
        return "I'll track videos here as soon as they are shared."
    return "I'll wait for a click before tracking videos here."


def watched(uri: str, *, is_new: bool) -> str:
    """Return that a channel watches a bucket."""
    if not is_new:
        return f"New videos from {_address(uri)} are posted here already."
    return (
        f"I'll post new videos from {_address(uri)} here, as far as the bucket's events reach me. `/track unwatch` stops that."
    )


def not_watched(error: TrackletError) -> str:
    """Return why a bucket cannot be watched."""
    if isinstance(error, SourceRefused) and error.reason is SourceRefusal.BUCKET:
        return (
            "That bucket is neither one of mine nor open to everybody, so I can't show it here. "
            "Whoever runs me can add it to TRACKLET_ALLOWED_BUCKETS."
        )
    return errors.sentence(error)


def too_many_watches(most: int) -> str:
    """Return that a channel watches as much as it may."""
    return f"This channel watches {most} places, the most that it may. Stop one first: `/track watches` lists them."


def unwatched(number: int) -> str:
    """Return that a channel watches less, or did not watch that."""
    if not number:
        return "This channel does not watch that. `/track watches` lists what it watches."
    return "Stopped watching." if number == 1 else f"Stopped watching {number} places."


def watches(uris: Sequence[str]) -> str:
    """Return what a channel watches."""
    if not uris:
        return "This channel watches nothing. `/track watch gs://bucket/prefix` posts new videos from a bucket here."
    return f"This channel watches {wording.listing([_address(uri) for uri in uris])}."


def _address(uri: str) -> str:
    """Return an address from outside as code, where only its own mark could end it."""
    return f"`{html.escape(uri[:200].replace('`', ''), quote=False)}`"


def which_to_cancel(numbers: Sequence[int]) -> str:
    """Return the answer to `/track cancel` without a number, where that is not clear; `numbers` are the running jobs'."""
    if not numbers:
        return "Nothing of yours is running."
    return (
        f"You have {count(len(numbers), 'job')} running: {wording.ranges(numbers)}. "
        f"Say `/track cancel {numbers[0]}` for one, or `/track cancel all`."
    )


def no_such_job(number: int) -> str:
    """Return the answer for a number that is no job of theirs."""
    return f"There is no job {number} that you could stop. `/track status` lists yours."


def cancelling(numbers: Sequence[int]) -> str:
    """Return which jobs were asked to stop."""
    if len(numbers) == 1:
        return f"Stopping job {numbers[0]}."
    return f"Stopping {count(len(numbers), 'job')}: {wording.ranges(numbers)}."


def nothing_runs_in_thread() -> str:
    """Return the answer to who wants to stop what is over already."""
    return "Nothing is running in this thread. `/track status` lists your jobs."


def over_already(number: int) -> str:
    """Return that it is too late."""
    return f"Job {number} is over already."


def not_allowed() -> str:
    """Return a click by somebody who may not."""
    return "Only people in the channel of that job can do this."


def slow_database() -> str:
    """Return what a command is answered while its answer waits for the database."""
    return "My database is slow to answer just now. I go on as soon as it does; there is no need to ask again."


def given_up() -> str:
    """Return what somebody is told of a request that could not be worked on, however often it was tried."""
    return "I could not do that: something went wrong on our side, several times. Ask who runs me to look into my log."


def not_yet() -> str:
    """Return a click on a button of a job that is not that far."""
    return "That is not possible for this job at the moment. Try again when it is done."


def nothing_asked_yet() -> str:
    """Return an empty list of jobs."""
    return "You have not asked me for anything yet. `/track help` shows how."


STATES: Mapping[JobState, str] = {
    JobState.RECEIVED: "waiting",
    JobState.FETCHING: "fetching",
    JobState.TRACKING: "tracking",
    JobState.RENDERING: "drawing",
    JobState.POSTING: "posting",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "stopped",
}


def job_line(
    number: int, name: str, options: str, state: JobState, *, channel: str, objects: int | None, ago_s: float, link: str
) -> str:
    """
    Return one job of a list: of which video, and what was asked of it.

    `link` leads to its thread, "" where there is none; `ago_s` is since it was asked for.
    """
    said = f"`{number}` {about(name, options)} · {STATES[state]}"
    if state is JobState.DONE and objects is not None:
        said += f", {count(objects, 'object') if objects else 'no objects'}"
    said += f" · {wording.ago(ago_s)}"
    if channel.startswith(("C", "G")):
        said += f" · <#{channel}>"
    return f"{said} · <{link}|thread>" if link else said


def more_jobs(number: int) -> str:
    """Return what stands below a list of jobs that does not hold all."""
    return f"… and {number:,} earlier"


# -- Home and modal ---------------------------------------------------------------------------------------------------------

HOME_RUNNING = "Running"
HOME_BEFORE = "Your last videos"
HOME_HELP = "How to use me"
NOTHING_RUNS = "Nothing of yours is running."
NOTHING_BEFORE = "Nothing yet."
MODAL_TITLE = "Track a video"
MODAL_SUBMIT = "Track"
MODAL_CLOSE = "Close"
MODAL_LINK = "Link to the video"
MODAL_LINK_HINT = "https://… or gs://bucket/name"
MODAL_WORDS = "Only some of it?"
MODAL_WORDS_HINT = "from 0:10 to 0:30, only person, above 60%"
MODAL_CHANNEL = "Where shall I answer?"
CHANNEL_MISSING = "I am not in that channel. Invite me there first, or choose another one."
CHANNEL_NOT_YOURS = "You are not in that channel yourself. Choose one that you are in."


# -- doctor -----------------------------------------------------------------------------------------------------------------

DOCTOR_NO_ANSWER = "Slack does not answer. Check the network, and TRACKLET_SLACK_API_URL where it is set."
DOCTOR_SCOPES_UNKNOWN = "Slack does not say which scopes are granted."
DOCTOR_SOCKET_MODE = "Slack takes the app-level token, so events come by Socket Mode and no public address is needed."


def doctor_no_token() -> str:
    """There is nothing to ask Slack with."""
    return (
        "There is no SLACK_BOT_TOKEN. Make an app from app_manifest.yaml at api.slack.com/apps, install it, and set its token. "
        "`tracklet demo` and `tracklet track` need none."
    )


def doctor_token(user: str, team: str) -> str:
    """Return the bot's token is good."""
    return f"Slack knows the token: it is {wording.quoted(user)} in {wording.quoted(team)}."


def doctor_scopes(missing: Sequence[str], reasons: Mapping[str, str]) -> str:
    """Return whether every scope of the manifest was granted."""
    if not missing:
        return "Every scope of the manifest is granted."
    told = "; ".join(f"{scope}, {reasons[scope]}" for scope in missing)
    return f"These scopes are missing: {told}. Add them on the app's page and install it again."


def doctor_channels(names: Sequence[str]) -> str:
    """Return where the bot is."""
    if not names:
        return "The bot is in no channel yet. Type /invite @Tracklet in one, or write to it directly."
    return f"The bot is in {wording.listing([f'#{wording.quoted(name)}' for name in names])}."


def doctor_channels_refused(reason: str) -> str:
    """Slack does not say where the bot is."""
    return f"Slack does not say where the bot is ({wording.quoted(reason)}). It needs the scopes channels:read and groups:read."


def doctor_http(has_secret: bool, public_url: str) -> str:
    """Events over HTTP."""
    if not has_secret:
        return "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set, so no event can come. Socket Mode is the easier way."
    where = public_url.rstrip("/") or "https://your.host"
    return (
        f"Events come over HTTP: the app's request URLs must be {wording.quoted(where)}/slack/events. From here I can't see "
        "whether SLACK_SIGNING_SECRET is right; where it is wrong, the log of `tracklet serve` says so at the first request."
    )
