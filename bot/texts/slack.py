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
from bot.jobs.facts import ToldObject
from bot.jobs.model import Job, JobState, Options
from bot.jobs.processes import ChildCrashed
from bot.requests.errors import CommandError, ParseErrorKind
from bot.slack.errors import FileNotShared, SlackError, SlackRefused
from bot.texts import errors, wording
from bot.texts.mrkdwn import escape, inert
from bot.texts.wording import clock, count, percent, span
from tracking.errors import ProcessDied, SourceRefusal, SourceRefused, TrackletError

Json = dict[str, Any]

ALT_LETTERS = 1000  # Slack's limit of `alt_txt`

STAGES: Mapping[JobState, str] = {
    JobState.RECEIVED: "Starting in a moment",
    JobState.FETCHING: "Fetching the video",
    JobState.TRACKING: "Following every object",
    JobState.RENDERING: "Drawing the pictures",
    JobState.POSTING: "Posting the pictures",
}


# -- the progress message ---------------------------------------------------------------------------------------------------


def asked(user: str, name: str, options: str) -> str:
    """Who asked for what, at the head of a thread of its own."""
    return f"<@{user}> asked me to track *{name}*{f' ({options})' if options else ''}"


def about(name: str, options: str) -> str:
    """What is being tracked, below the message that shared it."""
    return f"*{name}*{f' ({options})' if options else ''}"


def appeared(uri: str) -> str:
    """Which object a watching channel is shown, at the head of its thread."""
    return f"New in a bucket that this channel watches: {_address(uri)}"


def annotations_taken() -> str:
    """Where no engine ran."""
    return "The annotation file came from elsewhere; I drew what it says."


def options_in_words(options: Options) -> str:
    """What differs from the defaults, as a person would type it; "" when nothing does."""
    default = Options()
    words = []
    if options.segment is not None:
        words.append(f"from {clock(options.segment.start_s)} to {clock(options.segment.end_s)}")
    if options.labels:
        words.append(f"only {', '.join(options.labels)}")
    if options.min_confidence != default.min_confidence:
        words.append(f"above {percent(options.min_confidence)}")
    if options.min_frames != default.min_frames:
        words.append(f"at least {count(options.min_frames, 'frame')}")
    if options.engine is not None:
        words.append(f"with {options.engine.value}")
    return ", ".join(words)


def time_left(seconds: float) -> str:
    """An estimate, said as one."""
    return f"about {wording.duration(max(10.0, round(seconds)))} left"


def found(name: str, labels: Sequence[str]) -> str:
    """What there is to see."""
    return f"I found {count(len(labels), 'object')} in *{name}*: {labels_counted(labels)}."


def labels_counted(labels: Sequence[str], *, most: int = 6) -> str:
    """How many of which class: "7 × person, 3 × car and 2 more classes"."""
    counts = Counter(labels).most_common()
    told = ", ".join(f"{number} × {label}" for label, number in counts[:most])
    rest = len(counts) - most
    return f"{told} and {count(rest, 'more class', 'more classes')}" if rest > 0 else told


def took(seconds: float) -> str:
    """From the question to the last picture."""
    return f"It took {wording.duration(seconds)}."


def seen_before(link: str) -> str:
    """The same bytes with the same options; `link` leads to the first thread, "" where the asker cannot see it."""
    where = f" <{link}|in this thread>" if link else ""
    return f"I tracked this very video before{where}, so these are the same pictures."


def nothing_found(name: str, options: Options, *, near_misses: int) -> str:
    """An answer too, with what would give another."""
    what = f"no {' or '.join(options.labels)}" if options.labels else "nothing"
    asked_for = f"{percent(options.min_confidence)} confidence and {count(options.min_frames, 'frame')}"
    said = f"I watched *{name}*, and {what} is sure and long enough to show: that takes {asked_for}."
    if near_misses:
        return f"{said} {count(near_misses, 'object')} came near:"
    return f"{said} Nothing came near it either; another stretch, other classes or another engine may find more."


def near_misses_told(rows: Sequence[ToldObject], number: int) -> str:
    """What the thresholds kept out, in words; `number` counts those that are not among `rows` too."""
    told = [f"{row.label} {percent(row.confidence)} in {count(row.frames, 'frame')}" for row in rows[:5]]
    rest = number - len(told)
    return f"{', '.join(told)}{f' and {rest} more' if rest > 0 else ''}"


def near_misses_besides(rows: Sequence[ToldObject], number: int) -> str:
    """The same, where other objects did pass."""
    return f"Left out, because they are less sure or seen for less long: {near_misses_told(rows, number)}."


def stopped(user: str) -> str:
    """Somebody pressed Cancel."""
    return f"Stopped by <@{user}>. Nothing more will be posted." if user else "Stopped. Nothing more will be posted."


def sentence(error: TrackletError, *, number: int) -> str:
    """What went wrong with a job, and what to do; `number` is the job's."""
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
    if isinstance(error, SlackRefused) and error.reason == "missing_scope":
        return scope_missing(error.needed)
    if isinstance(error, SlackError):
        return (
            "Slack did not take all of what I made, so something is missing here. "
            f"Trying again may help; if it does not, tell whoever runs me that it was job {number}."
        )
    return inert(errors.sentence(error))


def file_not_shared(error: FileNotShared) -> str:
    """A Slack file that cannot be used."""
    match error.reason:
        case "elsewhere":
            return "That file is not shared in this channel, so I leave it alone. Share it here, and I track it."
        case "external":
            return "That file lies outside of Slack, where I have no access. Upload the video itself."
        case "hidden":
            return "Slack hides that file, because it is older than this workspace's plan shows. Upload the video again."
        case "not-a-video":
            return "That file is not a video. MP4, MOV, WebM, MKV and AVI work."
    return "That file is not there any more: somebody deleted it. Upload the video again."


def scope_missing(needed: str) -> str:
    """Slack refused for want of a permission; `needed` names it, "" where Slack did not."""
    wanted = f"the permission {inert(wording.quoted(needed))}" if needed else "a permission"
    return (
        f"I am missing {wanted} in this workspace. Whoever installed me can add it on the app's page, OAuth & Permissions, "
        "and install me again; then try once more."
    ).replace("OAuth & P", "OAuth &amp; P")


def no_access_to_files() -> str:
    """Slack answered with its sign-in page."""
    return f"Slack showed me its sign-in page instead of the file. {scope_missing('files:read')}"


# -- pictures ---------------------------------------------------------------------------------------------------------------


def object_row(row: ToldObject, *, link: str, description: str = "") -> str:
    """One line of the list below the summary; `link` and `description` explain the label, "" where nothing does."""
    label = f"<{link}|{row.label}>" if link else row.label
    said = f"`{row.number}` *{label}* {percent(row.confidence)} · {span(row.start_s, row.end_s)}"
    return f"{said} · {description}" if description else said


def summary_alt(name: str, rows: Sequence[ToldObject]) -> str:
    """The summary for somebody who does not see it."""
    told = "; ".join(f"{row.number} {row.label}, {percent(row.confidence)}" for row in rows)
    return wording.quoted(f"Object summary of {name}: {told}", limit=ALT_LETTERS)


def animation_alt(row: ToldObject) -> str:
    """One GIF for somebody who does not see it."""
    said = f"Moving picture of object {row.number}, {row.label}, {span(row.start_s, row.end_s)}"
    return wording.quoted(said, limit=ALT_LETTERS)


def pictures_comment(title: str, name: str) -> str:
    """Say what pictures follow; `title` is what people call their kind."""
    return f"{title[:1].upper()}{title[1:]} of {escape(wording.quoted(name))}"


def picture_alt(title: str, file_name: str) -> str:
    """Describe a picture for those who don't see it."""
    return wording.quoted(f"{title}: {file_name}", limit=ALT_LETTERS)


def animations_comment(rows: Sequence[ToldObject]) -> str:
    """Which objects a message shows."""
    numbers = sorted(row.number for row in rows)
    if len(numbers) == 1:
        return f"Object {numbers[0]}"
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"Objects {numbers[0]} to {numbers[-1]}"
    return f"Objects {', '.join(map(str, numbers))}"


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


def more_gifs(first: int, last: int) -> str:
    """The button for the next GIFs."""
    return f"Show GIFs {first} to {last}" if last > first else f"Show GIF {first}"


def more_objects(page: int) -> str:
    """The button for the next page of the summary."""
    return f"Page {page} of the summary"


def offer(name: str) -> str:
    """In a channel where nothing starts unasked."""
    return f"Shall I track the objects in *{name}*?"


def list_title(job: Job, labels: Sequence[str]) -> str:
    """The list of objects, for notifications."""
    return f"Job {job.number}: {count(len(labels), 'object')}: {labels_counted(labels)}"


# -- answers to one person --------------------------------------------------------------------------------------------------

HELP_TITLE = "What I can do"
HELP_SMALL = "I follow every object in a video and answer in the thread: one picture of all of them, and a moving one of each."
STATUS_TITLE = "Your jobs"


def help_text() -> str:
    """How to use it, by examples."""
    return (
        "*Share a video* in a channel that I am in, or in a message to me, and I start by myself.\n"
        "*`/track <link>`* tracks a video from a link: https://…, gs://bucket/name, or a file that is shared in this channel. "
        "Say what you want in words:\n"
        "• `/track <link> from 0:10 to 0:30`\n"
        "• `/track <link> only person, car above 60%`\n"
        "• `/track <link> at least 5 frames with motion`\n"
        "*`/track`* alone opens a form. *`/track status`* lists your jobs, *`/track cancel`* stops one.\n"
        "*`/track auto off`* keeps me from starting unasked in this channel; a button remains. `/track auto on` undoes that.\n"
        "*`/track watch gs://bucket/prefix`* shows here what appears there. `/track watches` lists, `/track unwatch` ends it.\n"
        "*In a thread*, where commands do not work, mention me."
    )


def misunderstood(problem: CommandError, *, plain: bool = False) -> str:
    """What was not understood, and what would be; with `plain` for fields that show no formatting."""
    words = wording.quoted(problem.words)
    words = words if plain else escape(words)
    match problem.what:
        case ParseErrorKind.NO_LINK:
            return "I see no link to a video there. Try /track https://… or gs://bucket/name, or share the video itself."
        case ParseErrorKind.TWO_LINKS:
            return "I take one video at a time, and there is more than one link. Send a command for each."
        case ParseErrorKind.BAD_LINK:
            return f"I can fetch http://, https:// and gs:// links, not {words}. Or share the video itself."
        case ParseErrorKind.WILDCARD:
            return f"{words} has a * or ? in its name, which would stand for many files. Name one video."
        case ParseErrorKind.UNKNOWN:
            return (
                f"I do not understand “{words}”. After the link I know: from 0:10 to 0:30; only person, car; above 60%; "
                "at least 5 frames; with yolox, motion or google."
            )
        case ParseErrorKind.TWICE:
            return f"“{words}” says something for the second time. Say each thing once."
        case ParseErrorKind.TIME_ORDER:
            return f"“{words}” ends before it begins. Try: from 0:10 to 0:30."
        case ParseErrorKind.PERCENT:
            return f"“{words}” is no share: it must lie between 0% and 100%. Try: above 60%."
        case ParseErrorKind.FRAMES:
            return f"“{words}” is no number of frames that I can use: it must lie between 1 and 10,000."
        case ParseErrorKind.ENGINE:
            return f"I know no engine called {words}. Say with yolox, with motion, with google or with auto."
        case ParseErrorKind.LABELS:
            return f"I cannot read “{words}” as a list of classes. Try: only person, car."
        case ParseErrorKind.CANCEL:
            return f"{words} is no job. `/track status` lists yours with their numbers; then say `/track cancel 12`."
        case ParseErrorKind.AUTO:
            return "Say `/track auto on` or `/track auto off`."
        case ParseErrorKind.WATCH:
            return "Say which bucket, and the beginning of the names if you like: `/track watch gs://bucket/prefix`."
        case ParseErrorKind.TOO_LONG:
            return "That is more text than I read. A link and a few words are enough."


def not_here() -> str:
    """The bot cannot post where it was asked."""
    return "I am not in this channel, so I could not answer. Invite me first: type `/invite @Tracklet`, then ask again."


def no_video_in_message() -> str:
    """The message shortcut, on a message without a video."""
    return "There is no video in that message: neither a file nor a link to one."


def no_video_in_thread() -> str:
    """A mention in a thread without a video."""
    return "I see no video in this thread. Share one here, or give me a link to one."


def cannot_read_thread() -> str:
    """Slack refused to show the thread."""
    return "Slack does not let me read this thread right now. Mention me once more, together with a link to the video."


def auto_set(on: bool) -> str:
    """The channel's setting."""
    if on:
        return "From now on I track videos that are shared in this channel as soon as they are here."
    return "From now on I start nothing unasked in this channel. Below a shared video you will find a button."


def watched(uri: str, *, is_new: bool) -> str:
    """A channel watches a bucket."""
    if not is_new:
        return f"This channel watches {_address(uri)} already."
    return (
        f"From now on I show here what appears in {_address(uri)}, as far as the bucket's events reach me. "
        "`/track unwatch` ends that."
    )


def not_watched(error: TrackletError) -> str:
    """A bucket that cannot be watched."""
    if isinstance(error, SourceRefused) and error.reason is SourceRefusal.BUCKET:
        return (
            "That bucket is neither one of mine nor open to everybody, so I cannot show it here. "
            "Whoever runs me can add it to TRACKLET_ALLOWED_BUCKETS."
        )
    return errors.sentence(error)


def too_many_watches(most: int) -> str:
    """A channel watches as much as it may."""
    return f"This channel watches {most} places already. End one first: `/track watches` lists them."


def unwatched(number: int) -> str:
    """A channel watches less, or did not watch that."""
    if not number:
        return "This channel does not watch that. `/track watches` lists what it does."
    return "This channel watches that no more." if number == 1 else f"This channel watches these {number} places no more."


def watches(uris: Sequence[str]) -> str:
    """What a channel watches."""
    if not uris:
        return "This channel watches nothing. `/track watch gs://bucket/prefix` shows new videos of a bucket here."
    return f"This channel watches {wording.listing([_address(uri) for uri in uris])}."


def _address(uri: str) -> str:
    """An address from outside as code, where only its own mark could end it."""
    return f"`{html.escape(uri[:200].replace('`', ''), quote=False)}`"


def which_to_cancel(numbers: Sequence[int]) -> str:
    """`/track cancel` without a number, where that is not clear."""
    if not numbers:
        return "Nothing of yours is running."
    return (
        f"{count(len(numbers), 'job')} of yours are running. Say which: {', '.join(f'`/track cancel {n}`' for n in numbers)}."
    )


def no_such_job(number: int) -> str:
    """A number that is no job of theirs."""
    return f"There is no job {number} that you could stop. `/track status` lists yours."


def cancelling(number: int) -> str:
    """It was asked to stop."""
    return f"Stopping job {number}."


def over_already(number: int) -> str:
    """Too late."""
    return f"Job {number} is over already."


def not_allowed() -> str:
    """A click by somebody who may not."""
    return "Only people in the channel of that job can do this."


def slow_database() -> str:
    """What a command is answered while its answer waits for the database."""
    return "My database is slow to answer just now. I go on as soon as it does; there is no need to ask again."


def given_up() -> str:
    """What somebody is told of a request that could not be worked on, however often it was tried."""
    return "I could not do that: something went wrong on our side, several times. Ask who runs me to look into my log."


def not_yet() -> str:
    """A click on a button of a job that is not that far."""
    return "That is not possible for this job at the moment. Try again when it is done."


def nothing_asked_yet() -> str:
    """An empty list of jobs."""
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


def job_line(number: int, name: str, state: JobState, *, channel: str, objects: int | None) -> str:
    """One job in a list."""
    said = f"`{number}` *{name}* · {STATES[state]}"
    if state is JobState.DONE and objects is not None:
        said += f", {count(objects, 'object')}"
    return f"{said} · <#{channel}>" if channel.startswith(("C", "G")) else said


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
DOCTOR_SOCKET_MODE = "Slack takes the app-level token, so events come by Socket Mode and no public address is needed."


def doctor_no_token() -> str:
    """There is nothing to ask Slack with."""
    return (
        "There is no SLACK_BOT_TOKEN. Make an app from app_manifest.yaml at api.slack.com/apps, install it, and set its token; "
        "`tracklet demo` needs none."
    )


def doctor_token(user: str, team: str) -> str:
    """The bot's token is good."""
    return f"Slack knows the token: it is {wording.quoted(user)} in {wording.quoted(team)}."


def doctor_token_refused(reason: str) -> str:
    """The bot's token is not."""
    return f"Slack refuses SLACK_BOT_TOKEN ({wording.quoted(reason)}). Copy it anew from the app's page, OAuth & Permissions."


def doctor_app_token_refused(reason: str) -> str:
    """The app-level token is not good."""
    return (
        f"Slack refuses SLACK_APP_TOKEN ({wording.quoted(reason)}). Make one on the app's page, Basic Information, with the "
        "scope connections:write, and turn Socket Mode on."
    )


def doctor_scopes(missing: Sequence[str], reasons: Mapping[str, str]) -> str:
    """Whether every scope of the manifest was granted."""
    if not missing:
        return "Every scope of the manifest is granted."
    told = "; ".join(f"{scope}, {reasons[scope]}" for scope in missing)
    return f"These scopes are missing: {told}. Add them on the app's page and install it again."


def doctor_channels(names: Sequence[str]) -> str:
    """Where the bot is."""
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
    return f"Events come over HTTP: the app's request URLs must be {wording.quoted(where)}/slack/events."
