"""
What the command line shows: progress while it works, and at the end what was found and where it is.

On a terminal progress is a bar; elsewhere it is a plain line per stage and quarter. All of it goes to stderr, the result to
stdout, so that `--json` can be piped. What is said is in `bot/texts.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bot.texts import cli, comparison
from rendering.naming import safe_video_name

if TYPE_CHECKING:
    from rich.console import JustifyMethod

    from bot.cli.comparison_result import ComparisonResult
    from bot.cli.result import Result
    from bot.doctor.local import Check

REDRAW_EVERY_S = 0.1

Fraction = Callable[[float], None]


class _Out(Console):
    """Stdout that hands a closed pipe to the command instead of ending the process with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Terminal:
    """Where a command speaks."""

    def __init__(self) -> None:
        self._aside = Console(stderr=True, highlight=False, soft_wrap=True)
        self._out = _Out(highlight=False, soft_wrap=True)

    def say(self, sentence: str) -> None:
        """One line about what goes on."""
        self._aside.print(Text(sentence))

    @contextmanager
    def stage(self, name: str) -> Iterator[Fraction]:
        """Shows how far a stage is; the function that it gives takes 0..1."""
        if not self._aside.is_terminal:
            yield self._lines(name)
            return
        columns = (TextColumn("{task.description:<10}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._aside, transient=True) as bars:
            task = bars.add_task(name, total=1.0)
            last_s = 0.0

            def show(fraction: float) -> None:
                nonlocal last_s
                now_s = time.monotonic()
                if now_s - last_s >= REDRAW_EVERY_S or fraction >= 1:
                    last_s = now_s
                    bars.update(task, completed=fraction)

            yield show

    @contextmanager
    def videos(self, total: int) -> Iterator[VideoProgress]:
        """Shows how far many videos are, all together and the one at work."""
        if not self._aside.is_terminal:
            yield VideoProgress(self, total, None)
            return
        columns = (
            TextColumn("{task.description:<28.28}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._aside, transient=True) as bars:
            yield VideoProgress(self, total, bars)

    def result(self, result: Result) -> None:
        """A table of the objects, the near misses, and where the files are."""
        for line in cli.result_lines(result.summary_facts()):
            self._out.print(Text(line))
        if result.rendered.selected.shown:
            self._out.print(_table(result))
        where = cli.where_lines(
            [[picture.path.name for picture in pictures] for pictures in result.rendered.pictures.values()],
            annotations=result.annotation_file.name if result.annotation_file else "",
            folder=str(result.folder),
        )
        for line in where:
            self._out.print(Text(line))
        usual = f"{safe_video_name(result.video.name)}.json"
        if result.annotation_file and result.annotation_file.name != usual:
            self.say(cli.annotations_stayed(usual, result.annotation_file.name))

    def comparison(self, result: ComparisonResult) -> None:
        """A table of the objects that two engines found, and where the files are."""
        for line in comparison.comparison_lines(result.facts()):
            self._out.print(Text(line))
        if result.pairs:
            self._out.print(_comparison_table(result))
        made = [side.file.name for side in (result.a, result.b) if side.engine]
        for line in cli.where_lines(
            [[page.path.name] for page in result.pages] + [[name] for name in made], annotations="", folder=str(result.folder)
        ):
            self._out.print(Text(line))

    def check(self, check: Check) -> Check:
        """Show a row of `doctor`, as soon as it is known, and return it."""
        mark = Text("no  ", "bold red")
        if check.is_well:
            mark = Text("ok  ", "green") if check.is_there else Text("--  ", "dim")
        self._out.print(mark + Text(f"{check.name:<14}", "bold") + Text(check.sentence))
        return check

    def data(self, value: Any) -> None:
        """A result as JSON on stdout."""
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())

    def _lines(self, name: str) -> Fraction:
        told = -1

        def show(fraction: float) -> None:
            nonlocal told
            quarter = int(fraction * 4)
            if quarter > told:
                told = quarter
                self._aside.print(Text(cli.stage_line(name, fraction)))

        return show


class VideoProgress:
    """The progress of `total` videos on a terminal; elsewhere a line for each."""

    def __init__(self, terminal: Terminal, total: int, bars: Progress | None) -> None:
        self._terminal = terminal
        self._total = total
        self._bars = bars
        self._all = bars.add_task(cli.videos_progress(0, total), total=total) if bars else TaskID(0)
        self._one = bars.add_task("", total=1.0) if bars else TaskID(0)

    def of(self, number: int, name: str) -> Terminal:
        """Return what the video of that number, counted from 1, shows its stages on; all else that it says is left out."""
        return _OneOfMany(self._bars, self._one, name)

    def passed(self, number: int) -> None:
        """Go past a video about which there is nothing to say."""
        if self._bars:
            self._bars.update(self._all, completed=number, description=cli.videos_progress(number, self._total))

    def done(self, number: int, line: str) -> None:
        """Say what became of a video."""
        self._terminal.say(f"{cli.videos_progress(number, self._total)}: {line}")
        self.passed(number)


class _OneOfMany(Terminal):
    """Shows stages on a bar that is there already."""

    def __init__(self, bars: Progress | None, task: TaskID, name: str) -> None:
        super().__init__()
        self._bars = bars
        self._task = task
        self._name = name

    def say(self, sentence: str) -> None:
        """Nothing: of many videos each has one line."""

    @contextmanager
    def stage(self, name: str) -> Iterator[Fraction]:
        last_s = 0.0

        def show(fraction: float) -> None:
            nonlocal last_s
            now_s = time.monotonic()
            if self._bars and (now_s - last_s >= REDRAW_EVERY_S or fraction >= 1):
                last_s = now_s
                self._bars.update(self._task, completed=fraction, description=f"{name}: {self._name}")

        yield show


def _comparison_table(result: ComparisonResult) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    sides: tuple[JustifyMethod, ...] = ("right", "left", "left", "right")
    for heading, justify in zip(comparison.comparison_headings(result.a.title, result.b.title), sides, strict=True):
        table.add_column(Text(heading), justify=justify)
    for one in result.pairs:
        cells = comparison.comparison_row(one.number, one.a, one.b, one.overlap)
        table.add_row(*(Text(cell, "dim" if cell == comparison.ABSENT else "") for cell in cells))
    return table


def _table(result: Result) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in cli.OBJECT_HEADINGS:
        table.add_column(heading, justify="left" if heading in cli.WORD_HEADINGS else "right")
    for shown in result.rendered.selected.shown:
        table.add_row(*(Text(cell) for cell in cli.object_row(shown.number, shown.track)))
    return table
