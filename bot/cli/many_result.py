"""What became of many videos: the note of what is done, the table, and the page of their summaries."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from bot.cli.result import Result, readable
from bot.jobs.model import digest
from bot.texts import cli
from bot.texts.engine import problems
from rendering.naming import viewer_name
from rendering.presence import most_at_once, seconds_seen
from tracking.formats.tables import csv_bytes
from tracking.model import Track

TABLE, INDEX, NOTES = "objects.csv", "index.html", ".tracklet-done.jsonl"
HEADER = ("video", "label", "objects", "most_at_once", "seconds_seen", "first_s", "last_s", "note")

STYLE = """
body { margin: 0; padding: 16px; background: #121418; color: #fff; font: 15px/1.4 system-ui, sans-serif; }
h1 { font-size: 20px; margin: 0 0 12px; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 16px; }
ul { list-style: none; margin: 0; padding: 0; }
li { background: #1d2026; border-radius: 8px; overflow: hidden; }
img { display: block; width: 100%; height: auto; }
p { margin: 8px 12px; overflow-wrap: anywhere; }
a { color: #56b4e9; }
.problem { color: #e69f00; }
"""


@dataclass(frozen=True, slots=True)
class LabelResult:
    """The shown objects of one label: how many, at most at one time, and for how long any is seen; seconds."""

    label: str
    objects: int
    most_at_once: int
    seconds_seen: float
    first_s: float
    last_s: float


@dataclass(frozen=True, slots=True)
class VideoResult:
    """
    One video: its shown objects by label, and where its files are below the folder of all.

    `note` is what there is to say about the run; `problem` why there was none, else "".
    """

    video: str
    labels: tuple[LabelResult, ...] = ()
    summary: str = ""
    viewer: str = ""
    note: str = ""
    problem: str = ""

    @classmethod
    def of(cls, result: Result, out: Path) -> VideoResult:
        """Return the result of a video whose files lie somewhere below `out`."""
        by_label: dict[str, list[Track]] = {}
        for shown in result.rendered.selected.shown:
            by_label.setdefault(shown.track.label, []).append(shown.track)
        labels = tuple(_label(label, tracks) for label, tracks in sorted(by_label.items(), key=lambda pair: -len(pair[1])))
        pages = [page.path for page in result.rendered.pages]
        viewer = result.folder / viewer_name(result.video.name)
        return cls(
            readable(result.video),
            labels,
            _below(pages[0], out) if pages else "",
            _below(viewer, out) if viewer.is_file() else "",
            " ".join(problems(result.rendered.problems)),
        )

    @classmethod
    def failed(cls, video: Path, problem: str) -> VideoResult:
        """Return the result of a video that could not be done."""
        return cls(readable(video), problem=problem)


class Record:
    """Which videos are done by a run of one kind (`run`), a line for each in a hidden file of the folder `out`."""

    def __init__(self, out: Path, run: str) -> None:
        self._out = out
        self._path = out / NOTES
        self._run = digest(run)
        self._known = {note["key"]: note["result"] for note in _lines(self._path)}

    def known(self, video: Path) -> VideoResult | None:
        """Return what became of a video, where this very file was done by such a run and its pictures are still there."""
        try:
            found = self._known[self._key(video)]
            labels = tuple(LabelResult(**label) for label in found["labels"])
            result = VideoResult(**(found | {"labels": labels}))
        except (OSError, TypeError, KeyError):
            return None
        made = [name for name in (result.summary, result.viewer) if name]
        return result if all((self._out / name).is_file() for name in made) else None

    def note(self, video: Path, result: VideoResult) -> None:
        """Note that a video is done."""
        line = orjson.dumps({"key": self._key(video), "result": asdict(result)}) + b"\n"
        with self._path.open("ab") as file:
            file.write(line)

    def _key(self, video: Path) -> str:
        stat = video.stat()
        return digest(f"{self._run} {os.fsencode(video.resolve())!r} {stat.st_size} {stat.st_mtime_ns}")


def results_table(results: Sequence[VideoResult]) -> bytes:
    """Return a CSV with a row for each label of each video; one without objects, or that failed, has a row as well."""
    rows: list[Sequence[object]] = []
    for each in results:
        for label in each.labels:
            seen, first, last = (round(number, 3) for number in (label.seconds_seen, label.first_s, label.last_s))
            rows.append((each.video, label.label, label.objects, label.most_at_once, seen, first, last, each.note))
        if not each.labels:
            rows.append((each.video, "", 0, 0, 0, "", "", each.problem or each.note))
    return csv_bytes(HEADER, rows)


def index_page(results: Iterable[VideoResult]) -> bytes:
    """Return a page of all summaries, each with what was found and a link to its viewer; it needs no network."""
    items = "\n".join(_item(each) for each in results)
    title = html.escape(cli.index_title())
    policy = "default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title><style>{STYLE}</style></head>
<body><h1>{title}</h1><ul>
{items}
</ul></body></html>
""".encode()


def _item(each: VideoResult) -> str:
    name = html.escape(each.video)
    told = html.escape(cli.video_line("", each.labels, problem=each.problem, note=each.note))
    picture = f'<img loading="lazy" src="{_link(each.summary)}" alt="{told}">' if each.summary else ""
    viewer = f'<a href="{_link(each.viewer)}">{html.escape(cli.open_viewer())}</a>' if each.viewer else ""
    kind = ' class="problem"' if each.problem else ""
    return f"<li>{picture}<p>{name}</p><p{kind}>{told}</p><p>{viewer}</p></li>"


def _label(label: str, tracks: Sequence[Track]) -> LabelResult:
    first_s = min(track.times.item(0) for track in tracks)
    last_s = max(track.times.item(-1) for track in tracks)
    return LabelResult(label, len(tracks), most_at_once(tracks), seconds_seen(tracks), first_s, last_s)


def _below(path: Path, out: Path) -> str:
    return path.relative_to(out).as_posix()


def _link(name: str) -> str:
    return html.escape(quote(name))


def _lines(path: Path) -> Iterable[Mapping[str, Any]]:
    """The notes that are whole: the last one may be cut off."""
    try:
        content = path.read_bytes()
    except OSError:
        return
    for line in content.splitlines():
        try:
            note = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(note, dict) and {"key", "result"} <= note.keys():
            yield note
