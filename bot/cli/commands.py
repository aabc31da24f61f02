"""
The command line: `tracklet ...`, also `python -m bot`.

Each command reads its options, calls what does the work, and shows the result; what it says is in `bot/texts.py`. What does
the work is imported by the command that needs it, since the video and network libraries take seconds to load. Exit status
0 (nothing found included), 2 for input that is at fault, with one sentence on stderr, 1 for our own failure, 130 when stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import math
import os
import re
import signal
import stat
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bot.jobs.limits import bounded_memory, limits_of, out_of_memory
from bot.texts import cli, comparison, errors, wording
from tracking.engines.base import EngineName
from tracking.errors import Cancelled, GoogleFault, InputError, MediaKind, NotAVideo, file_name, service_words
from tracking.model import Segment

if TYPE_CHECKING:
    from bot.cli.result import Result
    from bot.cli.terminal import Terminal
    from bot.settings import Settings
    from rendering.kinds.base import RenderOptions
    from rendering.video.blur import Blur
    from tracking.storage.base import Storage

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

CLOCK = r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,9})?)"
SEGMENT = re.compile(rf"\s*+{CLOCK}\s*+(?:-|–|to)\s*+{CLOCK}\s*+")


def main() -> None:
    """Run a command and turn whatever happens into a sentence and an exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no en dash shows a question mark
    try:
        status = commands.main(prog_name="tracklet", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        status = 2
    except (Cancelled, click.Abort, KeyboardInterrupt):
        click.echo(errors.sentence(Cancelled()), err=True)
        status = 130
    except BrokenPipeError:
        # Whoever read has left: there is nobody to tell, and nothing must be told when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except MemoryError as error:
        click.echo(errors.sentence(out_of_memory(limits_of("", {}))), err=True)
        log.debug("out of memory", exc_info=error)
        status = 2
    except Exception as error:
        said = errors.sentence(error)
        if said == errors.UNFORESEEN:
            log.error("this was not foreseen", exc_info=error)
            said = cli.unforeseen_here()
        if isinstance(getattr(error, "reason", None), GoogleFault):
            # The sentence does without them, and the link that helps is among them.
            log.error("%s", service_words(error))
        click.echo(said, err=True)
        status = 2 if isinstance(error, InputError) else 1
    sys.exit(status if isinstance(status, int) else 0)


class SegmentOption(click.ParamType[Segment]):
    """A stretch of a video: 0:10-0:30, 10-30, 1:00:00-1:02:30.5."""

    name = "segment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Segment:
        if isinstance(value, Segment):
            return value
        parts = SEGMENT.fullmatch(value)
        if parts:
            numbers = [float(part or 0) for part in parts.groups()]
            start_s, end_s = (hours * 3600 + minutes * 60 + seconds for hours, minutes, seconds in (numbers[:3], numbers[3:]))
            if start_s < end_s:
                return Segment(start_s, end_s)
        return self.fail(cli.bad_segment(value), param, ctx)


class LocalFile(click.ParamType[Path]):
    """A file on this machine, read more than once: neither a pipe nor an address. Raises `NotAVideo` where there is none."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if isinstance(value, Path):
            return value
        if value in {"", "-"} or "://" in value:
            self.fail(cli.file_wanted(value), param, ctx)
        path = Path(value)
        try:
            mode = path.stat().st_mode
        except (OSError, ValueError) as error:
            raise NotAVideo(file_name(path), MediaKind.MISSING) from error
        if not stat.S_ISREG(mode):
            self.fail(cli.file_wanted(value, is_folder=stat.S_ISDIR(mode)), param, ctx)
        return path


class TracksFile(LocalFile):
    """A file of tracks; a folder as MOTChallenge has them stands for the `gt/gt.txt` in it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        inside = Path(value) / "gt" / "gt.txt"
        with contextlib.suppress(OSError):  # of a name that is too long
            if inside.is_file():
                return inside
        return super().convert(value, param, ctx)


class LocalVideos(click.ParamType[Path]):
    """A file on this machine, or a folder of videos; whether it is there is asked when its turn comes."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if not isinstance(value, Path) and (value in {"", "-"} or "://" in value):
            self.fail(cli.file_wanted(value), param, ctx)
        return Path(value)


class ShareOption(click.ParamType[float]):
    """A share: 0.7 or 70%."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            share = float(value[:-1]) / 100 if value.endswith("%") else float(value)
        except ValueError:
            share = math.nan
        if not 0 <= share <= 1:
            self.fail(cli.share_wanted(), param, ctx)
        return share


class EnginesOption(click.ParamType[tuple[EngineName, ...]]):
    """Names of engines between commas."""

    name = "engines"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[EngineName, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(EngineName(word.casefold()) for word in words(value))
        except ValueError:
            return self.fail(comparison.engines_wanted(2), param, ctx)


class ModelOption(click.ParamType[str]):
    """A detector's model: the path of a file, or the name of a published one."""

    name = "model"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        from tracking.local.detectors.base import published_models

        return "|".join(["PATH", *published_models()])


class KeysOption(click.ParamType[tuple[str, ...]]):
    """Keys of what a folder of modules offers, between commas; `offered` gives what there is, imported only when asked."""

    name = "keys"

    def __init__(self, offered: Callable[[], dict[str, str]]) -> None:
        self._offered = offered

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        asked, offered = tuple(dict.fromkeys(word.casefold() for word in words(value))), self._offered()
        if not asked or not set(asked) <= set(offered):
            self.fail(cli.keys_wanted(offered), param, ctx)
        return asked

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return ",".join(self._offered())


class BlurOption(click.ParamType["Blur"]):
    """Which objects are made unrecognisable: labels and numbers, "everything", or "everything-but" some."""

    name = "what"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Blur:
        from rendering.video.blur import Blur

        if isinstance(value, Blur):
            return value
        named = [word for part in words(value.replace(":", " ")) for word in [part.strip()] if word]
        first, _, rest = named[0].partition(" ") if named else ("", "", "")
        is_all_but = first.casefold() in {"everything-but", "all-but"}
        if is_all_but:
            named = [rest.strip(), *named[1:]] if rest.strip() else named[1:]
        elif named and named[0].casefold() in {"everything", "all"}:
            return Blur(is_all_but=True)
        if not named:
            self.fail(cli.blur_wanted(), param, ctx)
        numbers = tuple(int(word) for word in named if word.isascii() and word.isdecimal() and len(word) < 7)
        return Blur(tuple(word for word in named if not word.isdecimal()), numbers, is_all_but)


def kinds_offered() -> dict[str, str]:
    """Return the kinds of pictures by their keys, with what each shows, the usual ones first."""
    from rendering.kinds.base import KINDS

    ordered = sorted(KINDS.values(), key=lambda kind: (not kind.is_default, kind.cost))
    return {kind.key: kind.description for kind in ordered}


def formats_offered() -> dict[str, str]:
    """Return the export formats by their keys, with what each holds."""
    from tracking.formats.base import FORMATS

    return {key: found.description for key, found in FORMATS.items()}


def readable_formats() -> dict[str, str]:
    """Return the formats that can be read by their keys, with what each holds."""
    from tracking.formats.base import FORMATS

    return {key: found.description for key, found in FORMATS.items() if found.read is not None}


def make_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take the kinds of pictures, and what is blurred in the video."""
    for option in (
        click.option(
            "--blur",
            type=BlurOption(),
            metavar="WHAT",
            help='Make a video in which these are blurred, such as person, 3, or "everything-but 3".',
        ),
        click.option("--make", type=KeysOption(kinds_offered), help="Which pictures.  [default: summary,gifs]"),
    ):
        command = option(command)
    return command


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `track`, `render` and `compare` have in common."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as data."),
        click.option("--labels", default="", metavar="A,B", help="Only these labels, such as person,car."),
        click.option(
            "--min-frames",
            default=10,
            show_default=True,
            type=click.IntRange(1),
            help="Least number of boxes; of ten a short or slow clip wants fewer.",
        ),
        click.option("--min-confidence", default=0.70, show_default=True, type=ShareOption(), help="Least confidence."),
        click.option("--segment", type=SegmentOption(), metavar="FROM-TO", help="Only this stretch, such as 0:10-0:30."),
        click.option("--out", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where files go."),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tracklet")
@click.option("--verbose", is_flag=True, help="Log what happens, to stderr.")
def commands(verbose: bool) -> None:
    """Follow every object in a video; one picture of all of them, and a GIF of each."""
    logging.basicConfig(level=logging.DEBUG if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")


@commands.command()
@click.argument("videos", type=LocalVideos(), nargs=-1, required=True, metavar="VIDEO...")
@selection_options
@make_option
@click.option("--engine", type=click.Choice([name.value for name in EngineName]), help="Who tracks.  [default: auto]")
@click.option("--model", type=ModelOption(), help="The detector's model: a file, or one that is published.  [default: tiny]")
@click.option("--again", is_flag=True, help="Of many videos, do those anew that are done already.")
def track(
    videos: tuple[Path, ...],
    folder: Path,
    segment: Segment | None,
    as_json: bool,
    make: tuple[str, ...] | None,
    blur: Blur | None,
    engine: str | None,
    model: str | None,
    again: bool,
    **selection: Any,
) -> None:
    """
    Track the objects of each VIDEO, and draw them.

    A folder stands for all videos in it. Of several, what is done already is not done again, and a table and a page of all of
    them are written.
    """
    from bot.cli.terminal import Terminal
    from bot.cli.track import track_video

    settings, terminal = settings_of_environment(), Terminal()
    is_one = len(videos) == 1 and not videos[0].is_dir()
    kinds = made(make, blur)

    with bounded_memory(), interruptible() as cancelled:

        def one(video: Path, into: Path, shown_on: Terminal) -> Result:
            return track_video(
                video,
                into,
                # Who names a model wants it, not whatever else there is.
                engine=EngineName(engine) if engine else EngineName.YOLOX if model else settings.engine,
                model=model or settings.model,
                segment=segment,
                options=render_options(settings, blur=blur, **selection),
                make=kinds if is_one else with_viewer(kinds),
                settings=settings,
                terminal=shown_on,
                cancelled=cancelled,
            )

        if is_one:
            video = LocalFile().convert(str(videos[0]), None, None)
            tell(terminal, one(video, folder, terminal), as_json=as_json)
        else:
            run = f"{engine} {model} {segment} {kinds} {blur} {sorted(selection.items())}"
            track_all(videos, folder, run=run, again=again, track=one, terminal=terminal, cancelled=cancelled, as_json=as_json)


def track_all(
    given: Sequence[Path],
    folder: Path,
    *,
    run: str,
    again: bool,
    track: Callable[[Path, Path, Terminal], Result],
    terminal: Terminal,
    cancelled: Callable[[], bool],
    as_json: bool,
) -> None:
    """Track many videos, and end with status 1 where one could not be."""
    from dataclasses import asdict

    from bot.cli.many import track_many, videos_among
    from bot.cli.many_result import INDEX, TABLE
    from bot.cli.result import check_outputs

    videos = videos_among(given, folder)
    if not videos:
        raise click.UsageError(cli.no_videos([str(path) for path in given]))
    check_outputs(folder)
    outcome = track_many(videos, folder, run=run, again=again, track=track, terminal=terminal, cancelled=cancelled)
    if as_json:
        terminal.data([asdict(each) for each in outcome.results])
    else:
        for line in cli.videos_lines(
            len(videos), failed=outcome.failed, skipped=outcome.skipped, table=str(folder / TABLE), index=str(folder / INDEX)
        ):
            click.echo(line)
    if outcome.failed:
        raise click.exceptions.Exit(1)


def with_viewer(make: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the kinds of pictures that are made of each of many videos: with the viewer, to which their page links."""
    from rendering.kinds.base import default_kinds

    return (*(default_kinds() if make is None else make), "viewer")


@commands.command(name="render")
@click.argument("video", type=LocalFile())
@click.argument("annotations", type=LocalFile())
@selection_options
@make_option
def render_command(
    video: Path,
    annotations: Path,
    folder: Path,
    segment: Segment | None,
    as_json: bool,
    make: tuple[str, ...] | None,
    blur: Blur | None,
    **selection: Any,
) -> None:
    """Draw the objects of VIDEO from ANNOTATIONS, which may come from anywhere."""
    from bot.cli.terminal import Terminal
    from bot.cli.track import render_video

    settings, terminal = settings_of_environment(), Terminal()
    with bounded_memory(), interruptible() as cancelled:
        result = render_video(
            video,
            annotations,
            folder,
            segment=segment,
            options=render_options(settings, blur=blur, **selection),
            make=made(make, blur),
            settings=settings,
            terminal=terminal,
            cancelled=cancelled,
        )
    tell(terminal, result, as_json=as_json)


@commands.command()
@click.argument("video", type=LocalFile())
@selection_options
@click.option("--engines", type=EnginesOption(), default=(), metavar="A,B", help="Two of yolox, motion and google.")
@click.option("--model", type=ModelOption(), help="The detector's model: a file, or one that is published.  [default: tiny]")
@click.option(
    "--with",
    "files",
    multiple=True,
    type=LocalFile(),
    metavar="ANNOTATIONS",
    help="An annotation file in place of an engine; may be given twice.",
)
def compare(
    video: Path,
    folder: Path,
    segment: Segment | None,
    as_json: bool,
    engines: tuple[EngineName, ...],
    model: str | None,
    files: tuple[Path, ...],
    **selection: Any,
) -> None:
    """
    Show what two engines find in VIDEO, object by object.

    Without --engines: google and the local engine where Google's is set up, else yolox and motion.
    """
    from bot.cli.compare import compare_video
    from bot.cli.terminal import Terminal

    settings, terminal = settings_of_environment(), Terminal()
    with bounded_memory(), interruptible() as cancelled:
        result = compare_video(
            video,
            folder,
            engines=engines,
            files=files,
            model=model or settings.model,
            segment=segment,
            options=render_options(settings, **selection),
            settings=settings,
            terminal=terminal,
            cancelled=cancelled,
        )
    if as_json:
        terminal.data(result.as_json())
    else:
        terminal.comparison(result)


@commands.command()
@click.argument("video", type=LocalFile())
@click.argument("annotations", type=LocalFile())
@click.option("--format", "formats", required=True, type=KeysOption(formats_offered), help="For which tools.")
@click.option("--about", type=LocalFile(), metavar="TOML", help="What the video can't say: place and time for camtrap-dp.")
@click.option("--every-frame", is_flag=True, help="Boxes on every frame: on straight lines between those that were seen.")
@click.option("--images", is_flag=True, help="Write the pictures, too, where a format has a place for them: yolo.")
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where files go.")
def export(
    video: Path, annotations: Path, folder: Path, formats: tuple[str, ...], about: Path | None, images: bool, every_frame: bool
) -> None:
    """Write ANNOTATIONS of VIDEO in the format of another tool."""
    from bot.cli.export import export_video
    from bot.cli.terminal import Terminal
    from tracking.formats.base import FORMATS

    settings, wanted = settings_of_environment(), tuple(FORMATS[key] for key in formats)
    with bounded_memory(), interruptible() as cancelled:
        files = export_video(
            video,
            annotations,
            folder,
            formats=wanted,
            about=about,
            images=images,
            every_frame=every_frame,
            settings=settings,
            cancelled=cancelled,
        )
    for line in cli.where_lines([[path.name] for path in files], annotations="", folder=str(folder)):
        Terminal().say(line)


@commands.command(name="import")
@click.argument("file", type=TracksFile())
@click.option("--format", "formats", required=True, type=KeysOption(readable_formats), help="Of which tool FILE is.")
@click.option("--video", required=True, type=LocalFile(), metavar="VIDEO", help="The video that FILE is of.")
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where files go.")
def import_command(file: Path, video: Path, folder: Path, formats: tuple[str, ...]) -> None:
    """Make an annotation file of FILE, which holds tracks in the format of another tool; for mot also a sequence's folder."""
    from bot.cli.export import import_tracks
    from bot.cli.terminal import Terminal
    from tracking.formats.base import FORMATS

    if len(formats) != 1:
        raise click.UsageError(cli.keys_wanted(readable_formats()))
    settings, terminal = settings_of_environment(), Terminal()
    with bounded_memory():
        path, annotations = import_tracks(file, video, folder, form=FORMATS[formats[0]], settings=settings)
    terminal.say(cli.imported(len(annotations.tracks)))
    for line in cli.where_lines([], annotations=path.name, folder=str(folder)):
        terminal.say(line)


@commands.command()
@click.option("--work/--no-work", default=True, help="Do jobs too, or only answer, beside workers.  [default: --work]")
def serve(work: bool) -> None:
    """Run the bot, with the settings of the environment."""
    from bot.app import serve as run
    from bot.process.logs import log_for_operators

    settings = settings_of_environment()
    log_for_operators(verbose=logging.getLogger().level == logging.DEBUG)
    run_async(run(settings, takes_work=work))


@commands.command()
def worker() -> None:
    """Do jobs beside other workers and a `serve`, on one Postgres."""
    from bot.app import worker as run
    from bot.process.logs import log_for_operators

    settings = settings_of_environment()
    log_for_operators(verbose=logging.getLogger().level == logging.DEBUG)
    run_async(run(settings))


@commands.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Where the page is.  [default: 8321, or a free one]")
@click.option("--browser/--no-browser", default=True, help="Open the page in the browser.  [default: yes]")
def demo(port: int | None, browser: bool) -> None:
    """Try the bot in a small Slack workspace on this computer."""
    from bot.cli.demo import demo as run
    from bot.cli.demo import missing_model
    from bot.cli.terminal import Terminal

    settings, terminal = settings_of_environment(), Terminal()
    terminal.say(cli.demo_starts())
    if model := missing_model(settings):
        terminal.say(cli.demo_without_model(model))
    run_async(run(settings, port=port, opens_browser=browser, ready=lambda url: terminal.say(cli.demo_ready(url))))


@commands.command()
@click.argument("video", type=LocalFile())
@click.argument("annotations", type=LocalFile(), nargs=-1)
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Where the page is.  [default: a free one]")
@click.option("--browser/--no-browser", default=True, help="Open the page in the browser.  [default: yes]")
def view(video: Path, annotations: tuple[Path, ...], port: int, browser: bool) -> None:
    """
    Play VIDEO with its tracks in the browser.

    Without ANNOTATIONS those in VIDEO.json are taken; of several files the tracks lie over each other, to compare.
    """
    from bot.cli.terminal import Terminal
    from bot.cli.view import page_of, serve_view

    beside = video.with_name(f"{video.name}.json")
    given = annotations or (LocalFile().convert(str(beside), None, None),)
    with bounded_memory():
        page = page_of(video, given)
    terminal = Terminal()
    run_async(serve_view(video, page, port=port, opens_browser=browser, ready=lambda url: terminal.say(cli.view_ready(url))))


@commands.command()
def doctor() -> None:
    """Check what the bot needs, and say what to do."""
    from bot.cli.terminal import Terminal
    from bot.doctor.cluster import cluster_checks
    from bot.doctor.local import local_checks
    from bot.doctor.slack import slack_checks
    from bot.doctor.storage import storage_checks
    from tracking.storage.bucket import GoogleStorage

    def storage() -> Storage:
        from bot.app import open_storage

        return open_storage(settings, GoogleStorage())

    terminal = Terminal()
    settings = settings_of_environment()
    checks = [terminal.check(check) for check in local_checks(settings)]
    checks += [terminal.check(check) for check in run_async(storage_checks(settings))]
    checks += [terminal.check(check) for check in run_async(cluster_checks(settings, storage))]
    checks += [terminal.check(check) for check in run_async(slack_checks(settings))]
    if not all(check.is_well for check in checks):
        raise click.exceptions.Exit(1)


def settings_of_environment() -> Settings:
    """Return the settings, after a line on stderr for each variable that looks like one and is none."""
    from bot.settings import misspelt, read_settings

    for variable, nearest in misspelt(os.environ):
        click.echo(cli.no_such_setting(variable, nearest), err=True)
    return read_settings()


def tell(terminal: Terminal, result: Result, *, as_json: bool) -> None:
    """Show a result, for people or for programs."""
    if as_json:
        terminal.data(result.as_json())
    else:
        terminal.result(result)


def made(make: tuple[str, ...] | None, blur: Blur | None) -> tuple[str, ...] | None:
    """Return the kinds of pictures that are made: where something is to be blurred the video alone, unless more is asked."""
    return make if blur is None else (*(make or ()), "video")


def render_options(
    settings: Settings, *, min_confidence: float, min_frames: int, labels: str, blur: Blur | None = None
) -> RenderOptions:
    """Return what is drawn, from the options and the environment."""
    from rendering.kinds.base import RenderOptions
    from rendering.selection import Selection

    selection = Selection(min_confidence, min_frames, words(labels))
    return RenderOptions(selection, settings.font, wording.STANDING_STILL, wording.CAMERA_MOVES, blur)


def words(text: str) -> tuple[str, ...]:
    """Words between commas, without the blanks around them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def run_async(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Return the result of `work`; Ctrl-C cancels it."""
    # With any other handler than Python's own, asyncio leaves Ctrl-C to that one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return asyncio.run(work)


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Turns Ctrl-C and a polite kill into a question that the work asks between two frames; a second one stops at once."""
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            raise KeyboardInterrupt
        stopped = True

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: stopped
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
