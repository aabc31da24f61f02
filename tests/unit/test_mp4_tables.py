"""What an MP4's tables claim is weighed before a demuxer makes memory of it."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import draw_clip
from tests.shared_data import SHARED_DATA, shared_data
from tracking.errors import NotAVideo, VideoTooLarge
from tracking.mp4_tables import Claims, TooManyBoxesError, read_claims
from tracking.video.file import probe


def box(kind: str, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind.encode()) + content


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def table(kind: str, *values: int) -> bytes:
    """A box with its version and flags, and 32-bit numbers."""
    return box(kind, numbers(0, *values))


def handler(kind: bytes) -> bytes:
    return box("hdlr", numbers(0, 0), kind, bytes(13))


def track(*tables: bytes, kind: bytes = b"vide", edits: bytes = b"") -> bytes:
    return box("trak", edits, box("mdia", handler(kind), box("minf", handler(b"alis"), box("stbl", *tables))))


def claims_of(folder: Path, *boxes: bytes) -> Claims:
    path = folder / "made.mp4"
    path.write_bytes(b"".join([box("ftyp", b"isom"), *boxes]))
    return read_claims(path)


def test_a_good_file_claims_what_it_has(tmp_path: Path) -> None:
    assert read_claims(draw_clip(tmp_path / "clip.mp4").path) == Claims(samples=20)


def test_samples_that_the_file_could_not_hold_are_unbacked(tmp_path: Path) -> None:
    claims = claims_of(tmp_path, box("moov", track(table("stsz", 1, 10_000_000))))
    assert (claims.samples, claims.unbacked) == (10_000_000, 10_000_000)


def test_of_two_tables_the_one_that_claims_more_counts(tmp_path: Path) -> None:
    for tables in ((table("stsz", 1, 10_000_000), table("stsz", 1, 1)), (table("stsz", 1, 1), table("stsz", 1, 10_000_000))):
        assert claims_of(tmp_path, box("moov", track(*tables))).unbacked == 10_000_000


def test_a_size_for_each_sample_has_to_be_there(tmp_path: Path) -> None:
    assert claims_of(tmp_path, box("moov", track(table("stsz", 0, 10_000_000, 5, 5, 5)))).samples <= 6


@pytest.mark.parametrize(("flags", "samples"), [(0, 10_000_000), (0x200, 2)])
def test_a_run_of_a_fragment_claims_what_it_does_not_list(flags: int, samples: int, tmp_path: Path) -> None:
    run = box("trun", numbers(flags, 10_000_000))
    assert claims_of(tmp_path, box("moof", box("traf", run))).samples == samples


def test_each_edit_may_show_every_sample_once_more(tmp_path: Path) -> None:
    edits = box("edts", table("elst", 300, *([0] * 900)))
    sizes = table("stsz", 0, 300, *([1] * 300))
    assert claims_of(tmp_path, box("moov", track(sizes, edits=edits))).samples == 300 * 300


def test_an_hour_of_uncompressed_sound_is_taken_in_pieces(tmp_path: Path) -> None:
    tables = (
        table("stts", 1, 172_800_000, 1),
        table("stsc", 1, 1, 48_000, 1),
        table("stsz", 4, 172_800_000),
        table("stco", 3600, *range(3600)),
    )
    claims = claims_of(tmp_path, box("moov", track(*tables, kind=b"soun")))
    assert claims.samples == 3600 * 301
    assert claims_of(tmp_path, box("moov", track(*tables))).unbacked == 172_800_000, "pictures are taken one by one"


def test_boxes_without_end_are_refused_and_odd_ones_end_the_walk(tmp_path: Path) -> None:
    (tmp_path / "boxes.mp4").write_bytes(box("free") * 2_000_001)
    with pytest.raises(TooManyBoxesError):
        read_claims(tmp_path / "boxes.mp4")
    deep = b""
    for _ in range(5000):
        deep = box("moov", deep)
    for odd in (b"", b"\0" * 7, numbers(1), b"\0\0\0\1moov\0\0", b"\0\0\0\4moovmoov", b"\0\0\0\0moov", deep, bytes(300)):
        assert claims_of(tmp_path, odd) == Claims()


def test_what_claims_too_much_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "hostile.mp4"
    path.write_bytes(box("ftyp", b"isom") + box("moov", track(table("stsz", 1, 10_000_000))))
    with pytest.raises(NotAVideo):
        probe(path)
    # Each alone could be, and all together are too many.
    path.write_bytes(box("ftyp", b"isom") + box("moov", *[track(table("stsz", 1, 100_000))] * 41))
    with pytest.raises(VideoTooLarge) as caught:
        probe(path)
    assert (caught.value.unit, caught.value.size) == ("samples", 4_100_000)


PROBE_IN_A_CHILD = """
import resource, sys
from contextlib import suppress
from pathlib import Path
from tracking.errors import TrackletError
from tracking.video.file import probe
with suppress(TrackletError):
    probe(Path(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def test_a_kilobyte_costs_no_more_than_a_good_clip(tmp_path: Path) -> None:
    def cost(path: Path) -> int:
        done = subprocess.run([sys.executable, "-c", PROBE_IN_A_CHILD, str(path)], capture_output=True, text=True, check=True)
        return int(done.stdout)

    good = draw_clip(tmp_path / "clip.mp4").path
    hostile = bytearray(good.read_bytes())
    at = hostile.index(b"stsz") + 8
    hostile[at : at + 8] = numbers(1, 10_000_000)
    (tmp_path / "hostile.mp4").write_bytes(hostile)
    assert cost(tmp_path / "hostile.mp4") < cost(good) + 30_000_000


@pytest.mark.parametrize("name", ["fuzz-7-121-FOREIGN.webm", "fuzz-7-34-FOREIGN.mov", "samples10000000.mp4", "redos.mp4"])
def test_a_hostile_file_is_no_video(name: str) -> None:
    path = SHARED_DATA.parent / "cases" / "hostile" / name
    if not path.exists():
        shared_data(f"../cases/hostile/{name}")
    with pytest.raises(NotAVideo):
        probe(path)


def test_a_stream_of_an_unknown_codec_is_no_video(tmp_path: Path) -> None:
    data = draw_clip(tmp_path / "clip.mkv").path.read_bytes()
    (tmp_path / "unknown.mkv").write_bytes(data.replace(b"V_MPEG4/ISO/AVC", b"V_WHATEVER/ISO/"))
    with pytest.raises(NotAVideo):
        probe(tmp_path / "unknown.mkv")
