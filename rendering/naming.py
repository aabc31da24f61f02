"""
The names of the pictures: `clip.mp4.summary_pct70_fr10.jpeg`, `clip.mp4.000_person_pct96_fr11.gif`.

The form is that of the pipeline that Tracklet grew out of, so that old and new objects lie side by side in a bucket. Labels
and video names come from outside: whatever they hold, the name is one path component that file systems, buckets and links
accept.
"""

from __future__ import annotations

import unicodedata

from rendering.selection import Selection, ShownObject, whole_percent
from tracking.plain_text import plain

# A path component may have 255 bytes on every common file system; what we add to the video's name stays below 110.
MAX_VIDEO_NAME_BYTES = 140
MAX_LABEL_BYTES = 60

VARIATIONS = "\ufe00", "\ufe0f"  # how the letter before is shown: invisible by themselves


def summary_name(name: str, selection: Selection, *, page: int = 1) -> str:
    """Return the name of one page of the summary, counted from 1; `name` is the video's file name."""
    suffix = f"_p{page}" if page > 1 else ""
    thresholds = f"pct{whole_percent(selection.min_confidence)}_fr{selection.min_frames}"
    return f"{safe_video_name(name)}.summary_{thresholds}{suffix}.jpeg"


def comparison_name(name: str, *, page: int = 1) -> str:
    """Return the name of one page of the picture that compares two engines, counted from 1."""
    return f"{safe_video_name(name)}.compare{f'_p{page}' if page > 1 else ''}.jpeg"


def animation_name(name: str, shown: ShownObject) -> str:
    """Return the name of one object's GIF: its place from 0, its label, its own confidence and number of boxes."""
    track = shown.track
    what = f"{shown.number - 1:03}_{safe_label(track.label)}_pct{whole_percent(track.confidence)}_fr{len(track)}"
    return f"{safe_video_name(name)}.{what}.gif"


def crop_name(name: str, shown: ShownObject) -> str:
    """Return the name of one object's cut-out, which is that of its GIF but for the suffix."""
    return f"{animation_name(name, shown).removesuffix('.gif')}.jpeg"


VIDEO_ENDINGS = ANNOTATED, BLURRED = ("annotated.mp4", "blurred.mp4")


def annotated_video_name(name: str, *, is_blurred: bool = False) -> str:
    """Return the name of the video with boxes, another one where objects are blurred; `name` is that of the video."""
    return f"{safe_video_name(name)}.{BLURRED if is_blurred else ANNOTATED}"


def chart_name(name: str, what: str, *, page: int = 1) -> str:
    """Return the name of one page, counted from 1, of a picture such as "timeline"."""
    return f"{safe_video_name(name)}.{what}{f'_p{page}' if page > 1 else ''}.png"


def is_chart(rest: str, what: str) -> bool:
    """Return whether a file is a page of the picture `what`, by the rest of its name behind the video's and a dot."""
    page = rest.removeprefix(what).removesuffix(".png")
    return rest.startswith(what) and rest.endswith(".png") and (not page or (page.startswith("_p") and page[2:].isdecimal()))


def viewer_name(name: str) -> str:
    """Return the name of the page that plays the video with its tracks; `name` is that of the video."""
    return f"{safe_video_name(name)}.viewer.html"


def is_numbered(rest: str) -> bool:
    """Return whether a file is of one object, by the rest of its name behind the video's and a dot."""
    number, mark, _ = rest.partition("_")
    return bool(mark) and len(number) >= 3 and number.isascii() and number.isdecimal()


def object_number(file_name: str) -> int | None:
    """Return the number of the object that a picture is of, as people see it, by the picture's name; None for all others."""
    what = file_name.rsplit(".", 2)[-2:]
    return int(what[0].partition("_")[0]) + 1 if len(what) == 2 and is_numbered(what[0]) else None


def safe_label(label: str) -> str:
    """Return letters, digits and their marks of any script, all else as a single "-"; "object" where nothing is left."""
    kept: list[str] = []
    for c in unicodedata.normalize("NFC", plain(label)):
        is_mark = unicodedata.category(c)[0] == "M"
        belongs = kept and kept[-1] != " " if is_mark else unicodedata.category(c)[0] in "LN"
        if not VARIATIONS[0] <= c <= VARIATIONS[1]:
            kept.append(c if belongs else " ")
    return _cut("-".join("".join(kept).split()), MAX_LABEL_BYTES).strip("-") or "object"


def safe_video_name(name: str) -> str:
    """Return the last component of `name` without control characters, short enough to be added to."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join("_" if c in '<>:"|?*' else c for c in plain(last))
    if len(kept.encode()) > MAX_VIDEO_NAME_BYTES:
        stem, dot, suffix = kept.rpartition(".")
        suffix = dot + suffix if dot and len(suffix.encode()) <= 10 else ""
        kept = _cut(stem or kept, MAX_VIDEO_NAME_BYTES - len(suffix.encode())) + suffix
    return kept if kept.strip(". ") else "video"


def _cut(text: str, size_bytes: int) -> str:
    return text.encode()[:size_bytes].decode(errors="ignore")
